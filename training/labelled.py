"""Who has judged which episodes already: in the lake, or confirmed and on its way there."""

from dataclasses import dataclass
from pathlib import Path

from ingest.label_journal import waiting_records
from lake.key_scan import scan_keys
from lake.tables import LABELS


@dataclass(frozen=True)
class Known:
    """One verdict that was given. `reason` is not compared: who repeats a verdict in other words has not changed their mind."""

    labeller: str
    labeller_kind: str
    cycle: int
    episode_key: str
    verdict: str


def known_verdicts(lake: Path) -> set[Known]:
    """Every verdict of the lake, read from the raw table: the newest release may be older than the last sitting."""
    columns = ["labeller", "labeller_kind", "cycle", "episode_key", "verdict"]
    stored = scan_keys(lake, LABELS.name, columns, {}).select(columns).to_pylist()
    return {Known(**{name: row[name] for name in columns}) for row in (*stored, *waiting_records(lake))}


def newest_cycle(known: set[Known], role_episodes: set[str]) -> int:
    """The newest cycle in which an episode of a role was judged, 1 when none was."""
    return max((item.cycle for item in known if item.episode_key in role_episodes), default=1)
