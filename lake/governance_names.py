"""Names in governance.yaml that mean nothing: a rig that is misspelt is one that nobody named, and teaches itself."""

from collections.abc import Mapping
from pathlib import Path

from ingest.positioned_yaml import nearest
from lake.duck import CATALOG, connect
from lake.governance import Governance

_RIGS = "select towns.name, rigs.rig from dim_towns as towns left join dim_rigs as rigs on towns.town_id = rigs.town_id"


def unseen_names(governance: Governance, lake: Path) -> list[str]:
    """A sentence for each town and rig that the policy names and the analysts' file has never seen; none without such a file."""
    if not governance.startups or not (lake / CATALOG).is_file():
        return []
    known: dict[str, set[str]] = {}
    with connect(lake) as connection:
        for town, rig in connection.execute(_RIGS).fetchall():
            known.setdefault(town, set()).update({rig} - {None})
    found: dict[str, None] = {}
    for startup in governance.startups:
        is_hq = startup.name.endswith("/hq")
        places: tuple[tuple[str, str | None], ...] = ((startup.name.removesuffix("/hq"), None),) if is_hq else startup.rigs
        for town, rig in places:
            sentence = _unseen(town, rig, known)
            if sentence:
                found[sentence] = None
    return list(found)


def _unseen(town: str, rig: str | None, known: Mapping[str, set[str]]) -> str | None:
    if town not in known:
        return f"the lake has no town {town}{nearest(town, sorted(known))}"
    if rig is not None and rig not in known[town]:
        return f"{town} has no rig {rig}{nearest(rig, sorted(known[town]))}"
    return None
