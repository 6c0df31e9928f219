"""However long its units are: a conversation's windows fit, part no unit, and have each target once."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lake.recut import compiled_models

pytestmark = pytest.mark.slow

MESSAGE = 5
TURNS = (
    "conversation_key varchar, episode_key varchar, session_key varchar, session_started_on date, "
    "session_started_at timestamp with time zone, context_segment bigint, unit_number bigint, turn_key varchar, role varchar, "
    "origin varchar, dropped_reason varchar, is_target boolean, token_count bigint, result_token_count bigint, "
    "system_token_count bigint, prompt_token_count bigint, max_tokens bigint"
)


@dataclass(frozen=True)
class Unit:
    """Tokens of what was told before the turn, of the turn, and of its results."""

    told: int
    said: int
    results: int
    is_target: bool

    def tokens(self, number: int) -> int:
        """Its tokens in a window; what the first unit was told stands before every window."""
        return self.said + self.results + (self.told + MESSAGE if number > 1 and self.told else 0)


UNITS = st.lists(
    st.builds(Unit, st.integers(0, 40), st.integers(1, 60), st.integers(0, 90), st.booleans()), min_size=1, max_size=25
)


class Windows:
    """The model `int_example_units` over conversations of a test."""

    def __init__(self, sql: str) -> None:
        self.sql = sql
        self.connection = duckdb.connect()
        for schema in ("intermediate", "seeds"):
            self.connection.execute(f"create schema {schema}")
        self.connection.execute("create table seeds.example_rules (rule varchar, value double)")
        self.connection.execute(f"create table intermediate.int_conversation_turns ({TURNS})")
        self.connection.execute(
            "create table intermediate.int_episode_candidates as "
            "select 'e' as episode_key, 's' as session_key, true as is_candidate"
        )

    def cut(self, units: list[Unit], first: int, max_tokens: int, share: float) -> list[dict[str, Any]]:
        """The windows' units in order."""
        self.connection.execute("truncate seeds.example_rules; truncate intermediate.int_conversation_turns")
        rules = [("message_tokens", MESSAGE), ("block_share", share)]
        self.connection.executemany("insert into seeds.example_rules values (?, ?)", rules)
        for number, unit in enumerate(units, start=1):
            for role, tokens, results, is_target in (
                ("user", unit.told, 0, False),
                ("assistant", unit.said, unit.results, unit.is_target),
            ):
                self.connection.execute(
                    "insert into intermediate.int_conversation_turns values "
                    "('c', 'e', 's', null, null, 0, ?, ?, ?, 'human', null, ?, ?, ?, ?, 0, ?)",
                    [number, f"{role} {number}", role, is_target, tokens, results, first, max_tokens],
                )
        cursor = self.connection.execute(f"select * from ({self.sql}) order by example_number, unit_number")
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


@pytest.fixture(scope="module")
def windows(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Windows]:
    cutter = Windows(compiled_models(tmp_path_factory.mktemp("compiled"))["int_example_units"])
    yield cutter
    cutter.connection.close()


@given(units=UNITS, first=st.integers(0, 40), max_tokens=st.integers(50, 400), share=st.sampled_from([0.2, 0.5]))
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_windows_fit_and_have_each_target_once(
    windows: Windows, units: list[Unit], first: int, max_tokens: int, share: float
) -> None:
    rows = windows.cut(units, first, max_tokens, share)
    room = max(max_tokens - first, 0)
    examples: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        examples.setdefault(row["example_key"], []).append(row)
    learned = [row["unit_number"] for row in rows if row["is_target"] and row["unusable_reason"] is None]
    wanted = [n for n, unit in enumerate(units, start=1) if unit.is_target and unit.tokens(n) <= room]
    assert sorted(learned) == wanted
    for window in examples.values():
        numbers = [row["unit_number"] for row in window]
        assert numbers == list(range(numbers[0], numbers[-1] + 1))
        if window[0]["unusable_reason"] is not None:
            continue
        assert window[-1]["is_target"]
        assert [row["token_count"] for row in window] == [units[number - 1].tokens(number) for number in numbers]
        total = sum(row["token_count"] for row in window)
        assert total <= room
        # As much of what came before as fits, and no less.
        assert numbers[0] == 1 or total + units[numbers[0] - 2].tokens(numbers[0] - 1) > room


@given(units=UNITS, kept=st.integers(1, 25), max_tokens=st.integers(50, 400))
@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_examples_keep_their_keys_when_a_conversation_grows(
    windows: Windows, units: list[Unit], kept: int, max_tokens: int
) -> None:
    before = {row["example_key"] for row in windows.cut(units[:kept], 10, max_tokens, 0.5)}
    after = {row["example_key"] for row in windows.cut(units, 10, max_tokens, 0.5)}
    assert before <= after
