"""Whatever a transcript holds, the models lose nothing and do not fail; and it does not matter in how many loads it came."""

import uuid
from pathlib import Path
from typing import Any

import pytest

from tests.dbt.claude_lake import ClaudeLake, TranscriptFile

pytestmark = pytest.mark.slow

S1, S2, S3, S4, S5, S6 = (str(uuid.UUID(int=number)) for number in range(1, 7))


def record_id(name: str) -> str:
    """A record id that looks like one."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, name))


def said(
    kind: str, name: str | None, parent: str | None, content: Any, second: int, session: str = S1, **more: Any
) -> dict[str, Any]:
    """A user or assistant record."""
    message = {"role": kind, "content": content, **more.pop("message", {})}
    return {
        "type": kind,
        "uuid": record_id(name) if name else None,
        "parentUuid": record_id(parent) if parent else None,
        "sessionId": session,
        "cwd": "/town/rig",
        "version": "2.1.39",
        "timestamp": f"2026-03-01T10:{second // 60:02d}:{second % 60:02d}.000Z",
        "message": message,
        **more,
    }


def call(identity: str | None, name: str = "Bash", **arguments: Any) -> dict[str, Any]:
    """A tool_use block."""
    return {"type": "tool_use", "id": identity, "name": name, "input": arguments}


def result(identity: str | None, content: Any, *, is_error: Any = None) -> dict[str, Any]:
    """A tool_result block."""
    block = {"type": "tool_result", "tool_use_id": identity, "content": content}
    return block if is_error is None else {**block, "is_error": is_error}


def usage(output: Any, **more: Any) -> dict[str, Any]:
    """A message's usage."""
    return {"input_tokens": 3, "output_tokens": output, "cache_creation_input_tokens": 10, "cache_read_input_tokens": 20, **more}


STRANGE = [
    said("user", "s1", None, "do it", 1),
    {**said("user", "s2", "s1", None, 2), "message": "the message is a text"},
    {**said("user", "s3", "s2", None, 3), "message": [{"type": "text", "text": "the message is a list"}]},
    said("user", "s4", "s3", None, 4),
    said("user", "s5", "s4", ["a bare text", 7, None, {"text": "no type"}, [1], {"type": 5}], 5),
    said("assistant", "s6", "s5", [call(None, command="ls")], 6, message={"id": "m1", "usage": usage("12")}, requestId="r1"),
    said(
        "assistant",
        "s7",
        "s6",
        [call("t1", command="ls"), call("t1", command="ls again")],
        7,
        message={"id": "m2", "usage": usage(10**30, input_tokens="many", cache_read_input_tokens=-4)},
        requestId="r2",
    ),
    said("user", "s8", "s7", [result("t1", "Exit code 2\nbroken", is_error=True)], 8),
    said(
        "user", "s9", "s8", [result("t1", [{"type": "text", "text": "a"}, {"type": "image", "source": {}}]), result("gone", "x")], 9
    ),
    {**said("assistant", "s10", "s9", "a string where blocks should be", 10), "timestamp": "yesterday"},
    {**said("assistant", "s11", "s10", [{"type": "text", "text": "nul \u0000 and \u2028"}], 11), "timestamp": None},
    said("user", None, "s11", "no id", 12),
    said("user", None, "s11", "no id", 12),
    said("user", "s12", "s12", "its own parent", 13),
    said("user", "s13", "s14", "a circle", 14),
    said("user", "s14", "s13", "a circle", 15),
    said("assistant", "s15", "s14", [{"type": "text", "text": "end"}], 16, message={"id": "m3", "usage": 5, "model": {"a": 1}}),
    {"type": "system", "subtype": "informational", "content": {"x": [1]}, "uuid": record_id("s16"), "sessionId": S1},
    {"type": "attachment", "attachment": "text", "uuid": record_id("s17"), "sessionId": S1},
    {"type": "progress", "data": {"type": "agent_progress", "message": "text"}, "uuid": record_id("s18"), "sessionId": S1},
    {"type": "progress", "data": [], "uuid": record_id("s19"), "sessionId": S1},
    {"type": "a-type-of-tomorrow", "sessionId": S1, "payload": {"deep": [[[[]]]]}},
    {"type": 7},
    {"no": "type"},
]

BRANCHED = [
    said("user", "b1", None, "first try", 1, S2),
    said("assistant", "b2", "b1", [{"type": "text", "text": "old answer"}], 2, S2, message={"id": "bm1"}, requestId="br1"),
    said("user", "b3", "b1", "second try", 3, S2),
    # One response, two calls side by side: the chain of parents leads through one of them.
    said("assistant", "b4", "b3", [call("c1", command="a")], 4, S2, message={"id": "bm2", "usage": usage(2)}, requestId="br2"),
    said("assistant", "b5", "b4", [call("c2", command="b")], 5, S2, message={"id": "bm2", "usage": usage(90)}, requestId="br2"),
    said("user", "b6", "b4", [result("c1", "one")], 6, S2),
    said("user", "b7", "b5", [result("c2", "two")], 7, S2),
    said(
        "assistant",
        "b8",
        "b7",
        [{"type": "text", "text": "done"}],
        8,
        S2,
        message={"id": "bm3", "usage": usage(1)},
        requestId="br3",
    ),
]

GATEWAY = [
    said("user", "g1", None, "go", 1, S3),
    said("assistant", "g2", "g1", [{"type": "text", "text": "one"}], 2, S3, message={"id": "same", "usage": usage(40)}),
    said("assistant", "g3", "g2", [call("gc1")], 3, S3, message={"id": "same", "usage": usage(50)}),
    said("user", "g4", "g3", [result("gc1", "ok")], 4, S3),
    said(
        "assistant",
        "g5",
        "g4",
        [{"type": "text", "text": "two"}],
        5,
        S3,
        message={"id": "same", "usage": usage(60, input_tokens=9)},
    ),
]


def forked(session: str) -> list[dict[str, Any]]:
    """The first five records of the branched session, copied into another one, and what came after."""
    copies = [{**line, "sessionId": session} for line in BRANCHED[:5]]
    return [*copies, said("user", "f1", "b5", "elsewhere", 60, session)]


def agent_message(agent: str, kind: str, name: str, second: int, content: Any, started_by: str) -> dict[str, Any]:
    """A progress record that embeds a sub-agent's message."""
    inner: dict[str, Any] = {"type": kind, "uuid": record_id(name), "timestamp": f"2026-03-01T11:00:{second:02d}.000Z"}
    inner["message"] = {"role": kind, "id": f"id-{name}", "content": content, "usage": usage(30)}
    return {
        "type": "progress",
        "uuid": record_id(f"progress {name}"),
        "sessionId": S5,
        "timestamp": inner["timestamp"],
        "parentToolUseID": started_by,
        "data": {"type": "agent_progress", "agentId": agent, "message": inner},
    }


WITH_AGENTS = [
    said("user", "a1", None, "delegate", 1, S5),
    said("assistant", "a2", "a1", [call("task1", "Task", prompt="look"), call("task2", "Task", prompt="find")], 2, S5),
    agent_message("known", "user", "k1", 3, "look", "task1"),
    agent_message("known", "assistant", "k2", 4, [{"type": "text", "text": "looked"}], "task1"),
    agent_message("lost", "user", "l1", 5, "find", "task2"),
    agent_message("lost", "assistant", "l2", 6, [{"type": "text", "text": "found"}], "task2"),
]
AGENT_FILE = [
    {**said("user", "k1", None, "look", 3, S5), "agentId": "known", "isSidechain": True},
    {**said("assistant", "k2", "k1", [{"type": "text", "text": "looked"}], 4, S5), "agentId": "known", "isSidechain": True},
]


def files(*, late: bool) -> list[TranscriptFile]:
    """What a first load brings, or (`late`) what a second brings on top: growth, rewriting, forks, agents' files."""
    if not late:
        return [
            TranscriptFile(f"p/{S1}.jsonl", STRANGE[:9]),
            TranscriptFile(f"p/{S2}.jsonl", BRANCHED[:6]),
            TranscriptFile(f"p/{S3}.jsonl", GATEWAY),
            TranscriptFile(f"p/{S5}.jsonl", WITH_AGENTS),
            TranscriptFile(
                f"p/{S6}.jsonl", [said("user", f"r{number}", None, f"line {number}", number, S6) for number in range(9)]
            ),
        ]
    grown = sum(row["byte_length"] + 1 for row in TranscriptFile("x.jsonl", STRANGE[:9]).rows())
    branched = sum(row["byte_length"] + 1 for row in TranscriptFile("x.jsonl", BRANCHED[:6]).rows())
    return [
        TranscriptFile(f"p/{S1}.jsonl", STRANGE[9:], first_offset=grown),
        TranscriptFile(f"p/{S2}.jsonl", BRANCHED[6:], first_offset=branched),
        TranscriptFile(f"p/{S4}.jsonl", forked(S4)),
        TranscriptFile(f"p/{S5}/subagents/agent-known.jsonl", AGENT_FILE),
        # The file shrank: lines 0 and 1 are read again, the others are known from the older generation alone.
        TranscriptFile(
            f"p/{S6}.jsonl", [said("user", f"r{number}", None, f"line {number}", number, S6) for number in range(2)], generation=1
        ),
        # The same session id in another town is another session.
        TranscriptFile(f"q/{S6}.jsonl", [said("user", "other", None, "elsewhere", 1, S6)], town="town-b"),
        TranscriptFile(f"r/{S6}.jsonl", [said("user", "nobody", None, "whose?", 1, S6)], town=None),
        TranscriptFile("p/agent-old.jsonl", [said("user", "old", None, "no session anywhere", 1, session="")]),
        TranscriptFile("p/not-a-session.jsonl", [{"type": "file-history-snapshot", "snapshot": {"timestamp": "2026-03-01"}}]),
    ]


@pytest.fixture(scope="module")
def grown_lake(tmp_path_factory: pytest.TempPathFactory) -> ClaudeLake:
    """Built after each of two loads: the second build is incremental."""
    work = tmp_path_factory.mktemp("hostile")
    lake = ClaudeLake(work / "lake", work)
    lake.load(files(late=False))
    lake.dbt("build")
    lake.load(files(late=True))
    lake.dbt("build")
    return lake


@pytest.fixture(scope="module")
def whole_lake(tmp_path_factory: pytest.TempPathFactory, grown_lake: ClaudeLake) -> ClaudeLake:
    """The same two loads, built at once."""
    work: Path = tmp_path_factory.mktemp("hostile_whole")
    lake = ClaudeLake(work / "lake", work)
    lake.load(files(late=False))
    lake.load(files(late=True))
    lake.dbt("build")
    return lake


def test_incremental_builds_give_the_rows_of_a_full_build(grown_lake: ClaudeLake, whole_lake: ClaudeLake) -> None:
    # `placed_*` say where in a table a row lies, which is the one thing that may depend on when it came.
    for model in sorted(folder.name for folder in (grown_lake.root / "models").iterdir()):
        columns = [name for (name, *_) in grown_lake.query(f"describe {model}") if not name.startswith("placed_")]
        sql = f"select {', '.join(columns)} from {model} order by all"
        assert grown_lake.query(sql) == whole_lake.query(sql), model


def test_no_record_is_lost(grown_lake: ClaudeLake) -> None:
    missing = "select count(*) from {0} left join {1} using (record_key) where {1}.record_key is null"
    assert grown_lake.query("select count(*) from claude_records") == grown_lake.query("select count(*) from stg_claude__records")
    assert grown_lake.query(missing.format("stg_claude__records", "int_entries")) == [(0,)]
    kept = "select count(*) from int_entries where entry_kind = 'message' and dropped_reason is null"
    assert grown_lake.query(kept) == grown_lake.query("select count(*) from int_messages")


def test_strange_messages_keep_their_text(grown_lake: ClaudeLake) -> None:
    texts = {
        text
        for (text,) in grown_lake.query(
            f"select text from fct_turns join int_sessions using (session_key) where session_id = '{S1}'"
        )
    }
    for expected in ("the message is a text", "the message is a list", "a string where blocks should be", "nul \x00 and \u2028"):
        assert expected in texts
    assert any(text and text.startswith("a bare text") for text in texts)


def test_repeated_and_missing_tool_ids(grown_lake: ClaudeLake) -> None:
    rows = grown_lake.query(
        f"""select call_id, missing_result_reason, exit_code, is_error, result_text from fct_tool_calls
        join int_sessions using (session_key) where session_id = '{S1}' order by message_number, block_index"""
    )
    assert rows == [
        (None, "no_call_id", None, False, None),
        ("t1", None, 2, True, "Exit code 2\nbroken"),
        ("t1", None, None, False, "a"),
    ]


def test_unreadable_usage_is_null_and_flagged(grown_lake: ClaudeLake) -> None:
    rows = grown_lake.query(
        """select response_id, input_tokens, output_tokens, cache_creation_tokens, cache_read_tokens, is_usage_unreadable
        from int_api_responses where response_id in ('m1', 'm2', 'm3') order by response_id"""
    )
    assert rows == [("m1", 3, 12, 10, 20, False), ("m2", None, None, 10, None, True), ("m3", None, None, None, None, False)]


def test_circles_of_parents_are_named(grown_lake: ClaudeLake) -> None:
    circle = f"'{record_id('s13')}', '{record_id('s15')}'"
    rows = grown_lake.query(f"select entry_key from int_live_path where chain_state = 'circle' and entry_key in ({circle})")
    assert len(rows) == 2
    assert grown_lake.query("select count(*) from int_live_path where chain_state = 'unresolved'") == [(0,)]


def test_going_back_leaves_a_dead_branch_and_keeps_parallel_calls(grown_lake: ClaudeLake) -> None:
    names = {record_id(f"b{number}"): f"b{number}" for number in range(1, 9)}
    rows = grown_lake.query(
        f"""select entry_key from int_messages join int_sessions as sessions using (session_key)
        where sessions.session_id = '{S2}' and is_on_live_path"""
    )
    assert sorted(names[key] for (key,) in rows) == ["b1", "b3", "b4", "b5", "b6", "b7", "b8"]


def test_one_response_is_one_turn_and_its_greatest_count(grown_lake: ClaudeLake) -> None:
    rows = grown_lake.query(
        f"""select turns.message_count, turns.tool_call_count, turns.output_tokens, turns.is_output_placeholder
        from fct_turns as turns join int_sessions as sessions using (session_key)
        where sessions.session_id = '{S2}' and turns.role = 'assistant' order by turns.turn_number"""
    )
    assert rows == [(1, 0, None, False), (2, 2, 90, False), (1, 0, 1, False)]


def test_responses_behind_a_gateway_are_told_apart(grown_lake: ClaudeLake) -> None:
    rows = grown_lake.query("select message_count, output_tokens from int_api_responses where response_id = 'same' order by 2")
    assert rows == [(2, 50), (1, 60)]


def test_a_fork_copies_and_the_original_stays(grown_lake: ClaudeLake) -> None:
    rows = grown_lake.query(
        """select sessions.session_id, count(*) filter (is_fork_copy), count(*) from int_messages
        join int_sessions as sessions using (session_key) where fork_family_key is not null group by all order by all"""
    )
    assert rows == [(S2, 0, 8), (S4, 5, 6)]
    [(summed,)] = grown_lake.query(
        "select sum(response_count) from fct_session_usage join int_sessions using (session_key) where is_fork"
    )
    assert summed == 0


def test_embedded_messages_stay_only_where_no_file_has_them(grown_lake: ClaudeLake) -> None:
    rows = grown_lake.query(
        """select agent_key, source, message_count, link_evidence from int_subagents
        where agent_key in ('known', 'lost') order by 1"""
    )
    assert rows == [("known", "file", 2, "report"), ("lost", "embedded", 2, "report")]


def test_a_file_that_shrank_keeps_what_it_once_held(grown_lake: ClaudeLake) -> None:
    rows = grown_lake.query(
        f"""select generation, dropped_reason, count(*) from int_entries join int_sessions using (session_key)
        where session_id = '{S6}' and town_id = 'town-a' group by all order by all"""
    )
    assert rows == [(0, "superseded_generation", 2), (0, None, 7), (1, None, 2)]


def test_a_session_id_in_two_towns_is_two_sessions(grown_lake: ClaudeLake) -> None:
    rows = grown_lake.query(f"select town_id, message_count from int_sessions where session_id = '{S6}' order by 1")
    assert rows == [("town-a", 9), ("town-b", 1), (None, 1)]
