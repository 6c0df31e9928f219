"""`forge calibrate report`: how far the scores of a release agree with people, role by role, and where they do not."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import duckdb
from rich.console import Console
from rich.table import Table

from lake.duck import connect
from lake.show import plain
from lake.tell import say, width
from training.agreement import Figure, Figures
from training.calibrate import trained_roles
from training.calibration_gate import Gate, decide, measure, read_pairs
from training.calibration_rules import read_rules

EXAMPLES = 3
"""Episodes shown for each rule the scores and people disagree on."""
_JUDGES = """
select judge_kind, judge, role_family, pair_count, observed_agreement, kappa
from fct_judge_agreement
where judge_kind <> 'score' and role_family in (select unnest($1))
order by judge_kind, judge, role_family
"""
_CYCLE = "select coalesce(max(cycle), 1) from fct_labels where is_human and role_family = $1"
# A rule is what decided: the outcome that was found, in which tier of evidence, and the gate's reason.
_DISAGREEMENTS = """
select pairs.role_family, pairs.outcome, pairs.tier, pairs.gate_reason, pairs.is_accepted, pairs.episode_key, labels.reason
from fct_calibration_pairs as pairs
left join (
    select episode_key, max(reason) as reason
    from fct_labels
    where is_human and is_current
    group by episode_key
) as labels on pairs.episode_key = labels.episode_key
where pairs.is_good is not null and pairs.is_good <> pairs.is_accepted and pairs.role_family in (select unnest($1))
order by pairs.episode_key
"""


@dataclass
class RoleReport:
    """One trained role: its figures and what the gate says."""

    role: str
    verdict_count: int
    good_count: int
    figures: Figures
    gate: Gate


@dataclass
class Disagreement:
    """A rule by which scores and people come to different ends. `examples`: (episode key, somebody's reason)."""

    role: str
    outcome: str
    tier: str | None
    gate_reason: str | None
    is_accepted: bool
    episode_count: int
    examples: list[tuple[str, str | None]]


def print_report(lake: Path, *, role: str | None, as_json: bool) -> None:
    """Print the report of the release that the analysts' file shows. Errors: `Told`, `NoCatalogError`."""
    with connect(lake) as connection:
        roles = trained_roles(connection, role)
        reports = [role_report(connection, name) for name in roles]
        rules = disagreements(connection, roles)
        judges = connection.execute(_JUDGES, [roles]).fetchall()
    if as_json:
        names = ("judge_kind", "judge", "role", "pair_count", "observed_agreement", "kappa")
        answer: dict[str, Any] = {
            "roles": [asdict(report) for report in reports],
            "disagreements": [asdict(item) for item in rules],
            "judges": [dict(zip(names, row, strict=True)) for row in judges],
        }
        say(json.dumps(answer, ensure_ascii=False, indent=1))
        return
    console = Console(width=width(), highlight=False, soft_wrap=False)
    console.print(_roles_table(reports))
    for report in reports:
        console.print(f"{report.role}: {'open' if report.gate.is_open else 'shut'}: {report.gate.reason}", markup=False)
    for item in rules:
        console.print()
        said = "let in, people say bad" if item.is_accepted else "left out, people say good"
        head = (
            f"{item.role} {item.outcome} ({item.tier or 'no tier'}; {item.gate_reason or 'gate open'}): {item.episode_count} {said}"
        )
        console.print(plain(head), style="bold", markup=False)
        for key, reason in item.examples:
            console.print(plain(f"  {key}  {reason or ''}"), markup=False)
    for kind, judge, name, count, observed, kappa in judges:
        value = "not defined" if kappa is None else f"{kappa:.2f}"
        agreed = "-" if observed is None else f"{observed:.0%}"
        console.print(plain(f"{kind} {judge} as {name}: {count} episodes, {agreed} agreement, kappa {value}"), markup=False)


def role_report(connection: duckdb.DuckDBPyConnection, role: str) -> RoleReport:
    """The figures of one trained role, and the gate's answer in its newest cycle."""
    rules, pairs = read_rules(connection), read_pairs(connection, role)
    found = measure(pairs, rules)
    ((cycle,),) = connection.execute(_CYCLE, [role]).fetchall()
    gate = decide(role, cycle, len(pairs), found["kappa"], rules)
    return RoleReport(role, len(pairs), sum(pair.is_good for pair in pairs), found, gate)


def disagreements(connection: duckdb.DuckDBPyConnection, roles: list[str]) -> list[Disagreement]:
    """Where the scores and people disagree, by rule; the rule with the most episodes first."""
    found: dict[tuple[Any, ...], Disagreement] = {}
    for role, outcome, tier, gate_reason, is_accepted, key, reason in connection.execute(_DISAGREEMENTS, [roles]).fetchall():
        rule = (role, outcome, tier, gate_reason, is_accepted)
        item = found.setdefault(rule, Disagreement(role, outcome, tier, gate_reason, is_accepted, 0, []))
        item.episode_count += 1
        if len(item.examples) < EXAMPLES:
            item.examples.append((key, reason))
    return sorted(found.values(), key=lambda item: (-item.episode_count, item.role, item.outcome, item.tier or ""))


def _roles_table(reports: list[RoleReport]) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("role", "episodes", "good", "kappa", "auc", "calibration error", "gate"):
        table.add_column(name, justify="left" if name in ("role", "gate") else "right")
    for report in reports:
        cells = [_shown(report.figures[name]) for name in ("kappa", "auc", "calibration_error")]
        gate = "open" if report.gate.is_open else "shut"
        table.add_row(report.role, str(report.verdict_count), str(report.good_count), *cells, gate)
    return table


def _shown(figure: Figure) -> str:
    """A figure with its interval: `0.71 (0.52 to 0.86)`."""
    if figure.value is None:
        return "-"
    if figure.interval is None:
        return f"{figure.value:.2f}"
    return f"{figure.value:.2f} ({figure.interval.low:.2f} to {figure.interval.high:.2f})"
