"""`forge show` prints a session as people read it: typed text plain, injected text dimmed, results folded, nothing executable."""

import json
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake.duck import CATALOG
from lake.show import fold, plain, render, show_session
from lake.tell import Told
from lake.transcript import Entry, SessionId, find_session, read_transcript

STARTED = datetime(2026, 2, 1, 8, tzinfo=UTC)
SCHEMA = """
create schema intermediate;
create table intermediate.int_sessions (session_key varchar, session_id varchar, town_id varchar, session_started_at timestamptz);
create table dim_sessions (session_key varchar, agent_address varchar);
create table dim_towns (town_id varchar, name varchar);
insert into dim_sessions values ('k1', 'rig/polecats/toast');
insert into dim_towns values ('t1', 'alpha');
create table intermediate.int_messages (
    message_key varchar, message_number bigint, session_key varchar, session_started_at timestamptz, agent_key varchar,
    origin varchar, injection_kind varchar, model varchar, is_compaction boolean, is_on_live_path boolean, recorded_at timestamptz
);
create table intermediate.int_content_blocks (
    message_key varchar, block_index bigint, session_key varchar, session_started_at timestamptz, message_number bigint,
    block_type varchar,
    injection_kind varchar, text varchar, call_id varchar, tool_name varchar, tool_input varchar, is_error boolean
);
"""


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """One session with every kind of entry (`aaaa-1`), one without a time that is a beginning of another (`bb`, `bbb`)."""
    with duckdb.connect(str(tmp_path / CATALOG)) as db:
        db.execute(SCHEMA)
        sessions = [("k1", "aaaa-1", "t1", STARTED), ("k2", "bb", None, None), ("k3", "bbb", "t1", STARTED)]
        db.executemany("insert into intermediate.int_sessions values (?, ?, ?, ?)", sessions)
        messages = [
            ("m1", 1, "main", "injected", "hook", None, False, True),
            ("m2", 2, "main", "human", None, None, False, True),
            ("m3", 3, "main", "assistant", None, "claude-x", False, True),
            ("m4", 4, "main", "tool_result", None, None, False, True),
            ("m5", 5, "main", "human", None, None, False, False),
            ("m6", 6, "helper", "assistant", None, "claude-x", False, True),
            ("m7", 7, "main", "system", None, None, True, True),
        ]
        for key, number, agent, origin, injection, model, compaction, live in messages:
            row = [key, number, "k1", STARTED, agent, origin, injection, model, compaction, live, STARTED]
            db.execute(f"insert into intermediate.int_messages values ({', '.join('?' * 11)})", row)
        blocks = [
            ("m1", 0, 1, "text", "hook", "You are toast.\nDo your work.", None, None, None, False),
            ("m2", 0, 2, "text", None, "please look\nat it", None, None, None, False),
            ("m2", 1, 2, "text", "reminder", "<system-reminder>be brief</system-reminder>", None, None, None, False),
            ("m3", 0, 3, "thinking", None, "hm", None, None, None, False),
            ("m3", 1, 3, "text", None, "I look.", None, None, None, False),
            ("m3", 2, 3, "tool_use", None, None, "c1", "Bash", '{"command": "ls\\nls -a", "n": 2}', False),
            ("m3", 3, 3, "tool_use", None, None, "c2", "Read", '{"file_path": "x"}', False),
            ("m4", 0, 4, "tool_result", None, "a\nb\n\x1b[31mred\x1b[0m", "c1", None, None, True),
            ("m4", 1, 4, "tool_result", None, "orphan", "c9", None, None, False),
            ("m5", 0, 5, "text", None, "abandoned branch", None, None, None, False),
            ("m6", 0, 6, "text", None, "found it", None, None, None, False),
        ]
        for key, index, number, kind, injection, text, call, tool, given_input, error in blocks:
            row = [key, index, "k1", STARTED, number, kind, injection, text, call, tool, given_input, error]
            db.execute(f"insert into intermediate.int_content_blocks values ({', '.join('?' * 12)})", row)
    return tmp_path


def read(lake: Path) -> list[Entry]:
    with duckdb.connect(str(lake / CATALOG), read_only=True) as connection:
        return read_transcript(connection, find_session(connection, "aaaa"))


def test_every_kind_of_entry_is_told_apart_and_results_stand_with_their_calls(lake: Path) -> None:
    assert [(e.kind, e.name, e.agent, e.result, e.is_error) for e in read(lake)] == [
        ("injected", "hook", "main", None, False),
        ("human", None, "main", None, False),
        ("injected", "reminder", "main", None, False),
        ("thinking", "claude-x", "main", None, False),
        ("assistant", "claude-x", "main", None, False),
        ("tool_call", "Bash", "main", "a\nb\n\x1b[31mred\x1b[0m", True),
        ("tool_call", "Read", "main", None, False),
        ("tool_result", None, "main", None, False),
        ("assistant", "claude-x", "helper", None, False),
        ("compaction", None, "main", None, False),
    ]


def shown(lake: Path, *, full: bool) -> str:
    session = SessionId("k1", "aaaa-1", "alpha", "rig/polecats/toast", STARTED)
    return "\n".join(text.plain for text in render(session, read(lake), full=full))


def test_folded_text_says_how_much_is_hidden(lake: Path) -> None:
    text = shown(lake, full=False)
    assert text.startswith("session aaaa-1  rig/polecats/toast of alpha  2026-02-01 08:00 UTC\n")
    assert "You are toast. … 14 more characters" in text
    assert "command: ls … 11 more characters" in text
    assert "-> error: a … 6 more characters" in text
    assert "-> no result" in text
    assert "please look\n  at it" in text


def test_full_shows_everything_but_what_would_steer_the_terminal(lake: Path) -> None:
    text = shown(lake, full=True)
    assert "Do your work." in text
    assert "n: 2" in text
    assert "-> error: a\n  b\n  red" in text
    assert "\x1b" not in text


def test_injected_text_is_dim_and_typed_text_is_not(lake: Path) -> None:
    styles = {
        text.plain.strip().split(" ")[0]: str(text.style)
        for text in render(SessionId("k1", "a", None, None, None), read(lake), full=False)
    }
    assert (styles["You"], styles["please"]) == ("dim", "bold green")


def test_json_is_one_object_an_entry(lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    show_session(lake, "aaaa", full=False, as_json=True)
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(rows) == 10
    assert rows[1] == {
        "number": 2,
        "at": "2026-02-01T08:00:00+00:00",
        "agent": "main",
        "kind": "human",
        "name": None,
        "text": "please look\nat it",
        "result": None,
        "is_error": False,
    }


def test_without_a_terminal_there_are_no_colours(lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    show_session(lake, "aaaa-1", full=True, as_json=False)
    assert "\x1b" not in capsys.readouterr().out


@pytest.mark.parametrize(("prefix", "key"), [("aaaa", "k1"), ("aaaa-1", "k1"), ("k3", "k3"), ("bb", "k2"), ("bbb", "k3")])
def test_a_session_is_found_by_the_beginning_of_its_id_or_its_key(prefix: str, key: str, lake: Path) -> None:
    with duckdb.connect(str(lake / CATALOG), read_only=True) as connection:
        assert find_session(connection, prefix).session_key == key


def test_a_session_is_found_with_its_town_and_agent(lake: Path) -> None:
    with duckdb.connect(str(lake / CATALOG), read_only=True) as connection:
        assert find_session(connection, "aaaa") == SessionId("k1", "aaaa-1", "alpha", "rig/polecats/toast", STARTED)


def test_a_prefix_of_several_sessions_lists_them(lake: Path) -> None:
    with (
        duckdb.connect(str(lake / CATALOG), read_only=True) as connection,
        pytest.raises(Told, match=r"several .*\n  bbb .* key k3\n  bb "),
    ):
        find_session(connection, "b")


def test_an_unknown_session_says_where_to_look(lake: Path) -> None:
    with pytest.raises(Told, match="no session with an id that begins with 'x'"):
        show_session(lake, "x", full=False, as_json=False)


@given(st.text(st.characters(categories=("Cc", "L", "P", "S", "Zs")) | st.sampled_from("\x1b[];0m\n\t")))
def test_no_control_character_survives(text: str) -> None:
    assert not [c for c in plain(text) if (ord(c) < 32 or 127 <= ord(c) < 160) and c not in "\n\t"]
    assert "\n" not in fold(text)
