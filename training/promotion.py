"""The decision about one challenger: gathers what is known, judges, writes the decision down, and tells the registry.

A decision is a row of `train.decisions` with every number it rests on. The same evidence gives the same decision, once.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from lake.record_table import RecordTable
from lake.snapshot_tables import MEMBERS
from training.adapter_table import CANDIDATE, Adapter
from training.decision import Judgement, PromotionRules, Seen, judge
from training.evaluation_table import Evaluation, read_evaluations
from training.registry import Registry, RegistryError, promote, retire

_text, _number, _time, _real = pa.string(), pa.int64(), pa.timestamp("us", "UTC"), pa.float64()
_COMPARISON = pa.struct(
    [
        ("opponent", _text),
        ("group_count", _number),
        ("row_count", _number),
        ("target_tokens", _number),
        ("challenger_loss", _real),
        ("opponent_loss", _real),
        ("loss_difference", _real),
        ("low", _real),
        ("high", _real),
        ("accuracy_difference", _real),
        ("tool_format_difference", _real),
        ("verb_difference", _real),
        ("regressed", pa.list_(_text)),
    ]
)
DECISIONS = RecordTable(
    "train/decisions",
    "One row per decision about a challenger, with the numbers it rests on.",
    {
        "decision_id": (_text, "Hash of the challenger, its opponents, their evaluations and the rules."),
        "decided_at": (_time, "When (UTC)."),
        "adapter_id": (_text, "The challenger."),
        "target": (_text, "What it wants to serve: base/<role> or overlay/<startup>/<role>."),
        "outcome": (_text, "promote, keep (who serves stays) or not_enough_eval."),
        "reason": (_text, "Why, in a sentence."),
        "eval_group_count": (_number, "Groups it was judged on."),
        "excluded_group_count": (_number, "Groups left out because one of the compared, or a parent, had trained on them."),
        "comparisons": (pa.list_(_COMPARISON), "The challenger against each opponent; differences are its own minus theirs."),
        "rules": (_text, "The rules in force (JSON)."),
    },
    ("decision_id", "decided_at", "adapter_id"),
)


def model_subject(base_model: str) -> str:
    """How `train.evaluations` names the model without an adapter."""
    return f"model:{base_model}"


def opponents_of(registry: Registry, challenger: Adapter) -> dict[str, str]:
    """Whom the challenger must beat: name in the decision → subject of the evaluations."""
    opponents = {f"model {challenger.base_model}": model_subject(challenger.base_model)}
    if challenger.parent_adapter_id is not None:
        opponents[f"parent {challenger.parent_adapter_id}"] = challenger.parent_adapter_id
    champion = registry.champion(challenger.startup, challenger.role)
    if champion is not None and champion.adapter_id not in (challenger.adapter_id, challenger.parent_adapter_id):
        opponents[f"champion {champion.adapter_id}"] = champion.adapter_id
    return opponents


def decisions(lake: Path) -> list[dict[str, Any]]:
    """Every decision, oldest first, as rows of `train.decisions`."""
    return sorted(DECISIONS.rows(lake), key=lambda row: row["decided_at"])


def decide(lake: Path, adapter_id: str, rules: PromotionRules) -> dict[str, Any]:
    """Decide about a candidate and act on it; returns the row of `train.decisions`.

    promote: it serves from now on. keep: it lost and is retired. not_enough_eval: it stays a candidate. Asked again with the same
    evidence, the row that is there is returned. Errors: `RegistryError` when the adapter is no candidate, and none decided so.
    """
    registry = Registry.read(lake)
    challenger = registry.find(adapter_id)
    known = [row for row in decisions(lake) if row["adapter_id"] == challenger.adapter_id]
    if challenger.status != CANDIDATE:
        if known:
            return known[-1]
        raise RegistryError(f"{challenger.adapter_id} is {challenger.status}, not a candidate: there is nothing to decide")
    opponents = opponents_of(registry, challenger)
    subjects = {challenger.adapter_id, *opponents.values()}
    rows = [row for row in read_evaluations(lake, subjects) if _is_own(row, challenger)]
    by_subject = {subject: [row for row in rows if row.subject == subject] for subject in sorted(subjects)}
    decision_id = _decision_id(challenger, opponents, rows, rules)
    if made := next((row for row in known if row["decision_id"] == decision_id), None):
        _act(lake, challenger, made)
        return made
    compared = [registry.adapters[subject] for subject in sorted(subjects) if subject in registry.adapters]
    seen, unknown = _seen(lake, registry, compared)
    if unknown:
        reason = f"what {', '.join(unknown)} was trained on is not known here, so no row is surely unseen"
        judgement = Judgement("not_enough_eval", reason, 0, len({row.group_key for row in by_subject[challenger.adapter_id]}), ())
    else:
        judgement = judge(
            by_subject[challenger.adapter_id], {name: by_subject[subject] for name, subject in opponents.items()}, seen, rules
        )
    row = {
        "decision_id": decision_id,
        "decided_at": datetime.now(UTC),
        "adapter_id": challenger.adapter_id,
        "target": challenger.target,
        "outcome": judgement.outcome,
        "reason": judgement.reason,
        "eval_group_count": judgement.eval_group_count,
        "excluded_group_count": judgement.excluded_group_count,
        "comparisons": [{**asdict(each), "regressed": list(each.regressed)} for each in judgement.comparisons],
        "rules": json.dumps(asdict(rules), sort_keys=True),
    }
    # Written before it is acted on: a crash in between leaves a decision that the next call carries out.
    DECISIONS.append(lake, [row])
    _act(lake, challenger, row)
    return row


def _is_own(row: Evaluation, challenger: Adapter) -> bool:
    """Whether a row is of the evaluation set that decides: the target's own. How an overlay does on the base's set is only told."""
    if challenger.startup is None:
        return row.scope == "base"
    return (row.scope, row.startup) == ("overlay", challenger.startup)


def _act(lake: Path, challenger: Adapter, decision: dict[str, Any]) -> None:
    if decision["outcome"] == "promote":
        promote(lake, challenger.adapter_id, decision["reason"], decision["decision_id"])
    elif decision["outcome"] == "keep":
        retire(lake, challenger.adapter_id, f"lost: {decision['reason']}", decision["decision_id"])


def _decision_id(challenger: Adapter, opponents: dict[str, str], rows: Iterable[Evaluation], rules: PromotionRules) -> str:
    evidence = sorted(json.dumps(asdict(row), sort_keys=True) for row in rows)
    content = json.dumps([challenger.adapter_id, sorted(opponents.items()), evidence, asdict(rules)], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def _seen(lake: Path, registry: Registry, compared: Sequence[Adapter]) -> tuple[Seen, list[str]]:
    """What the adapters and their ancestors saw in training, and those of them of which that is not known."""
    line = {each.adapter_id: each for adapter in compared for each in registry.lineage(adapter)}
    snapshots = {each.snapshot_id for each in line.values() if each.snapshot_id is not None}
    members = _trained_members(lake, snapshots)
    recorded = set(members["snapshot_id"].to_pylist())
    unknown = [each.adapter_id for each in line.values() if each.snapshot_id not in recorded]
    unknown += [each.parent_adapter_id for each in line.values() if each.parent_adapter_id not in (None, *line)]  # type: ignore[misc]
    return (
        Seen(frozenset(members["episode_key"].to_pylist()), frozenset(filter(None, members["group_key"].to_pylist()))),
        sorted(unknown),
    )


def _trained_members(lake: Path, snapshots: set[str]) -> pa.Table:
    """Snapshot, episode and group of every row these snapshots train on."""
    columns = ["snapshot_id", "episode_key", "group_key"]
    if not MEMBERS.exists(lake) or not snapshots:
        return MEMBERS.schema.empty_table().select(columns)
    files = ds.dataset([str(path) for path in MEMBERS.files(lake)], schema=MEMBERS.schema)
    wanted = (pc.field("split") == "train") & pc.field("snapshot_id").isin(sorted(snapshots))
    return files.to_table(columns=columns, filter=wanted)
