"""A dbt project that holds the scoring models alone: what they build on is written down row by row by the tests.

Each upstream model is a Delta table of the newest rows that a load brought for it, as lines of `raw.town_events` whose type is the
model's name. So a test says what an episode, an outcome or a message looks like, and when it became known.
"""

import json
import shutil
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from lake.tables import TOWN_EVENTS
from tests.dbt.growing_lake import Rows, raw_rows
from tests.dbt.projects import REAL

_TEXT, _COUNT, _NUMBER, _FLAG, _TIME = "varchar", "bigint", "double", "boolean", "timestamp with time zone"
_SESSION = {"session_key": _TEXT, "session_started_on": "date", "session_started_at": _TIME}
_SIGNALS = (
    "tool_call_count", "tool_failure_count", "new_failure_count", "loop_call_count", "self_correction_count", "edit_count",
    "reverted_edit_count",
)  # fmt: skip
_FLAGS = ("is_human_answered", "is_human_correction", "is_interrupted", "is_subagent", "is_on_live_path", "is_fork_copy")

UPSTREAM: dict[str, tuple[tuple[str, ...], dict[str, str]]] = {
    "int_fork_families": (("session_key",), {"session_key": _TEXT}),
    "stg_claude__entries": (("record_key",), {"session_key": _TEXT, "record_key": _TEXT}),
    "stg_claude__records": (("record_key",), {"session_key": _TEXT, "record_key": _TEXT}),
    "int_messages": (
        ("record_key",),
        {**_SESSION, "record_key": _TEXT, "message_number": _COUNT, "agent_key": _TEXT, "recorded_at": _TIME},
    ),
    "fct_turn_signals": (
        ("turn_key",),
        {**_SESSION, "turn_key": _TEXT, "first_message_number": _COUNT}
        | dict.fromkeys(_SIGNALS, _COUNT)
        | dict.fromkeys(_FLAGS, _FLAG),
    ),
    "fct_episodes": (
        ("episode_key",),
        {
            **_SESSION, "episode_key": _TEXT, "town_id": _TEXT, "role_family": _TEXT, "agent_address": _TEXT,
            "first_message_number": _COUNT, "last_message_number": _COUNT, "human_message_count": _COUNT, "started_at": _TIME,
            "ended_at": _TIME,
        },
    ),
    "fct_outcomes": (
        ("episode_key",),
        {
            **_SESSION, "episode_key": _TEXT, "outcome": _TEXT, "outcome_class": _TEXT, "is_admitting": _FLAG,
            "evidence_tier": _TEXT, "exit_type": _TEXT, "bead_id": _TEXT,
            "attempt_key": _TEXT, "merge_request_id": _TEXT, "attempt_count": _COUNT, "reopen_count": _COUNT,
            "conflict_count": _COUNT, "fix_needed_count": _COUNT, "has_autosaved_leftovers": _FLAG, "settled_at": _TIME,
        },
    ),
    "fct_outcome_evidence": (
        ("evidence_key",),
        {
            "episode_key": _TEXT, "session_key": _TEXT, "evidence_number": _COUNT, "kind": _TEXT, "source": _TEXT,
            "evidence_key": _TEXT,
            "occurred_at": _TIME, "says": _TEXT,
        },
    ),
    "fct_episode_links": (
        ("episode_key",),
        {
            "episode_key": _TEXT, "session_key": _TEXT, "primary_beads_project_id": _TEXT, "primary_bead_id": _TEXT,
            "confidence": _NUMBER,
        },
    ),
    "bridge_episode_bead": (
        ("episode_key", "bead_id"),
        {"episode_key": _TEXT, "session_key": _TEXT, "beads_project_id": _TEXT, "bead_id": _TEXT},
    ),
    "dim_beads": (
        ("bead_id",),
        {
            "beads_project_id": _TEXT, "bead_id": _TEXT, "is_closed": _FLAG, "is_merged": _FLAG, "merge_request_count": _COUNT,
        },
    ),
    "bridge_convoy_bead": (
        ("convoy_id", "tracked_bead_id"),
        {
            "beads_project_id": _TEXT, "convoy_id": _TEXT, "tracked_beads_project_id": _TEXT, "tracked_bead_id": _TEXT,
            "is_current": _FLAG,
        },
    ),
    "fct_escalations": (
        ("escalation_id",),
        {
            "beads_project_id": _TEXT, "escalation_id": _TEXT, "raised_by_address": _TEXT, "related_bead_id": _TEXT,
            "raised_at": _TIME,
        },
    ),
    "bridge_town_database": (("beads_project_id",), {"town_id": _TEXT, "beads_project_id": _TEXT}),
    "int_agent_deaths": (
        ("evidence_key",),
        {"town_id": _TEXT, "evidence_key": _TEXT, "source": _TEXT, "agent_address": _TEXT, "died_at": _TIME, "is_crash": _FLAG},
    ),
    "stg_beads__interactions": (
        ("interaction_id",),
        {
            "beads_project_id": _TEXT, "interaction_id": _TEXT, "kind": _TEXT, "actor": _TEXT, "bead_id": _TEXT, "label": _TEXT,
            "created_at_as_recorded": _TIME,
        },
    ),
    "stg_beads__completions": (("stamp_id",), {"stamp_id": _TEXT, "evidence": _TEXT, "is_withdrawn": _FLAG}),
    "stg_beads__stamps": (
        ("stamp_id",),
        {"stamp_id": _TEXT, "author": _TEXT, "mean_points": _NUMBER, "is_withdrawn": _FLAG, "created_at_as_recorded": _TIME},
    ),
    "fct_labels": (
        ("label_id",),
        {
            "label_id": _TEXT, "episode_key": _TEXT, "session_key": _TEXT, "labeller": _TEXT, "verdict": _TEXT, "is_human": _FLAG,
            "is_current": _FLAG, "labelled_at": _TIME,
        },
    ),
    "int_people_verdicts": (("episode_key",), {"episode_key": _TEXT, "is_good": _FLAG, "weight": _NUMBER}),
}  # fmt: skip
"""Model → its key, and the columns that the scoring models read with their types."""

SEEDS = ("score_rules.csv", "score_weights.csv", "exit_values.csv")
_TOUCHED_BY_SESSION = {"fct_episodes", "fct_outcomes", "fct_outcome_evidence", "fct_episode_links"}
_MODEL = """{{{{ config(materialized='delta', incremental=false, unique_key={key}, touched_key={touched}, tags=['scope:shard']) }}}}

with typed as (

    select
        {columns},
        load_seq,
        row_number() over (partition by {record_key} order by load_seq desc, occurrence desc) as newest_first
    from {{{{ source('raw', 'town_events') }}}}
    where event_type = '{name}'

)

select
    {names}{load_seq}
from typed
where newest_first = 1
"""


def score_project(folder: Path) -> Path:
    """A project in `folder` with the real scoring models, seeds, macros and tests, and an upstream that the tests write."""
    folder.mkdir(parents=True)
    shutil.copytree(REAL / "macros", folder / "macros")
    for name in ("dbt_project.yml", "profiles.yml", "models/staging/_raw__sources.yml"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(REAL / name, folder / name)
    for name in ("models/intermediate/scores", "models/marts/scores", "tests/scores", "tests/generic"):
        shutil.copytree(REAL / name, folder / name, ignore=shutil.ignore_patterns("fct_turn_signals.*"))
    for twin in folder.glob("models/*/scores/*.yml"):  # Unit tests look at columns of the real upstream.
        twin.write_text(twin.read_text(encoding="utf-8").split("\nunit_tests:")[0], encoding="utf-8")
    (folder / "seeds").mkdir()
    for seed in SEEDS:
        shutil.copy(REAL / "seeds" / seed, folder / "seeds" / seed)
    (folder / "models/upstream").mkdir()
    for name, (key, columns) in UPSTREAM.items():
        casts = [f"cast({{{{ json_text('record', '$.{column}') }}}} as {kind}) as {column}" for column, kind in columns.items()]
        text = _MODEL.format(
            name=name,
            key=list(key),
            touched=["session_key"] if name in _TOUCHED_BY_SESSION else list(key),
            columns=",\n        ".join(casts),
            names=",\n    ".join(columns),
            record_key=", ".join(f"{{{{ json_text('record', '$.{column}') }}}}" for column in key),
            load_seq=",\n    load_seq" if name.startswith("stg_claude__") else "",
        )
        (folder / f"models/upstream/{name}.sql").write_text(text, encoding="utf-8")
    return folder


def load_of(as_of: datetime, rows: Iterable[tuple[str, dict[str, Any]]]) -> Rows:
    """One load of rows (upstream model, row), read when `as_of` was the newest recorded time. Times are written as ISO texts."""
    lines = []
    for number, (model, row) in enumerate(rows):
        key, columns = UPSTREAM[model]
        assert set(row) <= set(columns), (model, set(row) - set(columns))
        lines.append(
            {
                "town_id": "t",
                "event_hash": "|".join([model, as_of.isoformat(), *(str(row[column]) for column in key)]),
                "occurrence": number,
                "event_type": model,
                "recorded_at": as_of,
                "record": json.dumps(row, default=lambda value: value.isoformat()),
            }
        )
    return {TOWN_EVENTS.name: raw_rows(TOWN_EVENTS.name, lines)}
