"""A dbt project that holds the models of duplicates, groups and splits alone: the tests write down what they build on.

Each upstream model is a Delta table of the newest rows that a load brought for it, as lines of `raw.town_events` whose type is the
model's name. What an agent wrote is words that mean nothing, so that texts are alike only where a test makes them so.
"""

import json
import random
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from lake.tables import TOWN_EVENTS
from tests.dbt.growing_lake import Rows, raw_rows
from tests.dbt.projects import REAL

_TEXT, _COUNT, _FLAG, _TIME = "varchar", "bigint", "boolean", "timestamp with time zone"
_SESSION = {"session_key": _TEXT, "session_started_on": "date", "session_started_at": _TIME}
_EPISODE = {"episode_key": _TEXT, **_SESSION, "town_id": _TEXT, "role_family": _TEXT, "started_at": _TIME, "ended_at": _TIME}

UPSTREAM: dict[str, tuple[tuple[str, ...], dict[str, str]]] = {
    "fct_episodes": (("episode_key",), {**_EPISODE, "episode_number": _COUNT}),
    "int_conversations": (
        ("conversation_key",),
        {
            **_EPISODE, "conversation_key": _TEXT, "agent_key": _TEXT, "first_message_number": _COUNT,
            "last_message_number": _COUNT,
        },
    ),
    "int_messages": (
        ("message_key",),
        {
            **_SESSION, "message_key": _TEXT, "record_key": _TEXT, "response_key": _TEXT, "message_number": _COUNT,
            "agent_key": _TEXT, "role": _TEXT, "origin": _TEXT, "injection_kind": _TEXT, "is_on_live_path": _FLAG,
            "is_fork_copy": _FLAG, "is_api_error": _FLAG,
        },
    ),
    "stg_claude__content_blocks": (
        ("record_key", "block_index"),
        {
            **_SESSION, "record_key": _TEXT, "block_index": _COUNT, "block_type": _TEXT, "text": _TEXT, "tool_name": _TEXT,
            "tool_input": _TEXT, "injection_kind": _TEXT,
        },
    ),
    "int_fork_families": (("session_key",), {"session_key": _TEXT, "family_key": _TEXT}),
    "bridge_episode_bead": (
        ("episode_key", "bead_id"),
        {**_SESSION, "episode_key": _TEXT, "beads_project_id": _TEXT, "bead_id": _TEXT, "link_kind": _TEXT},
    ),
    "dim_beads": (
        ("bead_id",),
        {"beads_project_id": _TEXT, "bead_id": _TEXT, "parent_bead_id": _TEXT, "superseded_by": _TEXT, "duplicate_of": _TEXT},
    ),
    "bridge_convoy_bead": (
        ("convoy_id", "tracked_bead_id"),
        {"beads_project_id": _TEXT, "convoy_id": _TEXT, "tracked_beads_project_id": _TEXT, "tracked_bead_id": _TEXT},
    ),
    "int_episode_candidates": (
        ("episode_key",),
        {
            **_EPISODE, "startup": _TEXT, "is_base_allowed": _FLAG, "can_train": _FLAG, "can_eval": _FLAG, "is_candidate": _FLAG,
        },
    ),
    "int_selection_caps": (("episode_key",), {**_EPISODE, "is_within_caps": _FLAG}),
}  # fmt: skip
"""Model → its key, and the columns that the models under test read with their types."""

SEEDS = ("duplicate_rules", "group_rules", "split_rules")
FOLDERS = (
    "intermediate/duplicates", "intermediate/groups", "intermediate/splits", "marts/duplicates", "marts/groups", "marts/splits",
)  # fmt: skip
_MODEL = """{{{{ config(materialized='delta', unique_key={key}, touched_key={touched}, tags=['scope:shard']) }}}}

with typed as (

    select
        {columns},
        row_number() over (partition by {record_key} order by load_seq desc, occurrence desc) as newest_first
    from {{{{ source('raw', 'town_events') }}}}
    where event_type = '{name}'

)

select
    {names}
from typed
where newest_first = 1
"""


def split_project(folder: Path) -> Path:
    """A project in `folder` with the real models, seeds, macros and tests, and an upstream that the tests write."""
    folder.mkdir(parents=True)
    shutil.copytree(REAL / "macros", folder / "macros")
    for name in ("dbt_project.yml", "profiles.yml", "models/staging/_raw__sources.yml", "models/staging/_ops__sources.yml"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(REAL / name, folder / name)
    for name in (*(f"models/{name}" for name in FOLDERS), "tests/groups", "tests/splits", "tests/generic"):
        shutil.copytree(REAL / name, folder / name)
    for twin in folder.glob("models/*/*/*.yml"):  # Unit tests look at columns of the real upstream.
        twin.write_text(twin.read_text(encoding="utf-8").split("\nunit_tests:")[0], encoding="utf-8")
    (folder / "seeds").mkdir()
    for seed in SEEDS:
        shutil.copy(REAL / f"seeds/{seed}.csv", folder / f"seeds/{seed}.csv")
    (folder / "models/upstream").mkdir()
    for name, (key, columns) in UPSTREAM.items():
        casts = [f"cast({{{{ json_text('record', '$.{column}') }}}} as {kind}) as {column}" for column, kind in columns.items()]
        text = _MODEL.format(
            name=name,
            key=list(key),
            touched=["session_key"] if "session_key" in columns else list(key),
            columns=",\n        ".join(casts),
            names=",\n    ".join(columns),
            record_key=", ".join(f"{{{{ json_text('record', '$.{column}') }}}}" for column in key),
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


def words(seed: int | str, count: int = 120) -> str:
    """So many words that no other seed gives in this order."""
    dice = random.Random(f"{seed}")
    return " ".join("".join(dice.choices("abcdefghijklmnop", k=dice.randint(3, 8))) for _ in range(count))


@dataclass(frozen=True)
class Work:
    """An episode: a session with one prompt and one answer per text of `answers`.

    `day`: of 2026-01, may be over 31. `bead`: what it was for. `session`: another name than the episode's, where several share one.
    """

    name: str
    day: int
    answers: tuple[str, ...]
    role_family: str = "polecat"
    bead: str | None = None
    session: str | None = None
    number: int = 1
    startup: str = "acme"
    is_admitted: bool = True

    @property
    def started_at(self) -> datetime:
        """When it began."""
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=self.day, minutes=self.number)

    def rows(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """The rows of all upstream models that speak of it."""
        session = {
            "session_key": f"town00{self.session or self.name}",
            "session_started_on": (datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=self.day)).date(),
            "session_started_at": datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=self.day),
        }
        episode = session | {
            "episode_key": self.name, "town_id": "t", "role_family": self.role_family, "started_at": self.started_at,
            "ended_at": self.started_at + timedelta(hours=1),
        }  # fmt: skip
        yield "fct_episodes", episode | {"episode_number": self.number}
        first = 100 * self.number
        yield "int_conversations", episode | {
            "conversation_key": f"{self.name}-main", "agent_key": "main", "first_message_number": first,
            "last_message_number": first + len(self.answers),
        }  # fmt: skip
        texts = [("user", "human", f"Please do {self.name}"), *(("assistant", "assistant", text) for text in self.answers)]
        for place, (role, origin, text) in enumerate(texts):
            key = {"record_key": f"{self.name}-{place}"}
            yield "int_messages", session | key | {
                "message_key": f"{self.name}-{place}", "message_number": first + place, "agent_key": "main", "role": role,
                "origin": origin, "is_on_live_path": True, "is_fork_copy": False, "is_api_error": False,
            }  # fmt: skip
            yield "stg_claude__content_blocks", session | key | {"block_index": 0, "block_type": "text", "text": text}
        if self.bead:
            yield "bridge_episode_bead", session | {
                "episode_key": self.name, "beads_project_id": "p", "bead_id": self.bead, "link_kind": "primary",
            }  # fmt: skip
        yield "int_episode_candidates", episode | {
            "startup": self.startup, "is_base_allowed": True, "can_train": True, "can_eval": True, "is_candidate": self.is_admitted,
        }  # fmt: skip
        yield "int_selection_caps", episode | {"is_within_caps": self.is_admitted}


def child(bead: str, parent: str) -> tuple[str, dict[str, Any]]:
    """The row of `dim_beads` of a bead with a parent."""
    return "dim_beads", {"beads_project_id": "p", "bead_id": bead, "parent_bead_id": parent}
