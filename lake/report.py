"""`forge report`: one HTML page about a release: what came in, what was kept, and why the rest was not.

The page stands alone: no script, no font, nothing is fetched. Numbers come from the queries in `report_queries.sql`, shapes from
`lake.report_charts`, words and order from the templates in `report_page/`. Everything that comes from data is escaped.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from lake.named_queries import Rows, read_answers
from lake.releases import Release, find_release
from lake.report_charts import score_histograms, stacked, stage, token_histograms
from lake.report_data import release_connection
from lake.report_text import FILTERS, words
from lake.tell import say

PAGE = "report.html"
QUERIES = Path(__file__).with_name("report_queries.sql")
TEMPLATES = Path(__file__).with_name("report_page")
EXCLUDING = ("consent", "gate", "maturity", "duplicate", "example", "cap", "split")
"""What can put an episode out, in the order in which it is asked (`fct_selection`)."""
MOST_ROWS = 60
"""Lines a table of towns or startups may have; the page says how many more there are."""
STAGES = (
    ("Transcript files", "funnel_files", "go on"),
    ("Records in them", "funnel_records", "go on"),
    ("Sessions they tell of", "funnel_sessions", "go on"),
    ("Episodes of work", "funnel_candidates", "go on"),
    ("Candidates", "funnel_kept", "kept"),
    ("Examples cut from those", "funnel_examples", "usable"),
    ("For the roles' shared bases", "funnel_bases", "in"),
    ("For the startups' overlays", "funnel_overlays", "in"),
)


def write_report(lake: Path, *, release: str | None = None, path: Path | None = None) -> Path:
    """Write the page about a release (default the newest) to `path` (default `<lake>/report.html`) and return the path.

    Raises `NoReleaseError`.
    """
    chosen = find_release(lake, release)
    with release_connection(lake, chosen) as connection:
        answers = read_answers(connection, QUERIES)
    target = path or lake / PAGE
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f".{target.name}.unfinished")
    unfinished.write_text(report_page(chosen, answers), encoding="utf-8")
    unfinished.replace(target)
    return target


def print_report(lake: Path, release: str | None, path: Path | None) -> None:
    """What the verb does: write the page and say where it is."""
    chosen = find_release(lake, release).release_id
    say(f"{write_report(lake, release=chosen, path=path)} shows release {chosen}")


def report_page(release: Release, answers: Mapping[str, Rows | None]) -> str:
    """The page's HTML. `answers`: what `read_answers` gave; a query without an answer leaves a sentence in its place."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= FILTERS
    stages = [(stage(title, answers[name]), word) for title, name, word in STAGES]
    return environment.get_template("page.html").render(
        release=release,
        answers=answers,
        stages=stages,
        exclusions=_stacked(answers["exclusions"], "role", "stage", ["kept", *EXCLUDING]),
        outcomes=_stacked(answers["outcomes"], "role", "class", ["accepted", "neutral", "rejected", "none"]),
        links=_stacked(_link_parts(answers["links"]), "role", "kind", ["surely linked", "linked"]),
        scores=score_histograms(answers["scores"] or []),
        tokens=token_histograms(answers["tokens"] or []),
        drift=_drift(answers["drift"] or []),
        splits=_splits(answers["splits"] or []),
        withdrawn=_withdrawn(answers["withdrawn"] or []),
        pulled={row["id"]: row["count"] for row in answers["pulls"] or []},
        most_rows=MOST_ROWS,
    )


def _stacked(rows: Rows | None, bar: str, part: str, order: Sequence[str]) -> dict[str, Any] | None:
    if not rows:
        return None
    names, bars = stacked(rows, bar=bar, part=part, order=order)
    return {"names": names, "bars": bars}


def _link_parts(rows: Rows | None) -> Rows | None:
    """Linked episodes in two parts, sure and not so sure; the others under the reason why they are not linked."""
    if rows is None:
        return None
    parts = []
    for row in rows:
        if row["kind"] != "linked":
            parts.append(row)
            continue
        parts.append(row | {"kind": "surely linked", "count": row["sure"]})
        parts.append(row | {"kind": "linked", "count": row["count"] - row["sure"]})
    return [part for part in parts if part["count"]]


def _drift(rows: Rows) -> dict[str, Any]:
    """The heat map: one line per town and role, those that differ most when there are too many."""
    lines: dict[tuple[str, str], dict[str, Any]] = {}
    for row in rows:
        lines.setdefault((row["town"], row["role"]), {})[row["measure"]] = row

    def unlike(key: tuple[str, str]) -> tuple[bool, float]:
        cells = lines[key].values()
        return any(cell["is_drifting"] for cell in cells), max(cell["divergence"] or 0 for cell in cells)

    shown = set(sorted(lines, key=unlike, reverse=True)[:MOST_ROWS])
    measures = [
        name for name in ("tool_mix", "command_mix", "length", "outcome_mix") if any(name in line for line in lines.values())
    ]
    return {
        "measures": measures,
        "lines": [(town, role, cells) for (town, role), cells in lines.items() if (town, role) in shown],
        "left_out": len(lines) - len(shown),
        "drifting": [row for row in rows if row["is_drifting"]],
        "unjudged": sum(1 for row in rows if row["unjudged"]),
    }


def _splits(rows: Rows) -> dict[str, Any]:
    """Examples by split: of the bases role by role, and of each startup's overlays, the largest startups first."""
    bases: dict[str, dict[str, int]] = {}
    startups: dict[str, dict[str, dict[str, int]]] = {}
    for row in rows:
        cells = bases if row["scope"] == "base" else startups.setdefault(row["startup"], {})
        inside = cells.setdefault(row["role"], {})
        inside[row["split"]] = inside.get(row["split"], 0) + row["examples"]
    sizes = {name: sum(sum(cells.values()) for cells in roles.values()) for name, roles in startups.items()}
    order = sorted(startups, key=lambda name: (-sizes[name], name))
    return {
        "roles": sorted({row["role"] for row in rows}),
        "bases": bases,
        "lines": [(name, startups[name]) for name in order[:MOST_ROWS]],
        "left_out": max(0, len(order) - MOST_ROWS),
    }


def _withdrawn(rows: Rows) -> dict[str, str]:
    """Snapshot id → how many of its rows may no longer be used, and why."""
    said: dict[str, list[str]] = {}
    for row in rows:
        said.setdefault(row["id"], []).append(f"{row['count']:,} {words(row['reason'])}")
    return {name: ", ".join(parts) for name, parts in said.items()}
