"""The models say about real Claude Code transcripts what an independent count says about the same files."""

import json
from pathlib import Path
from typing import Any

import pytest

from ingest.run import run_ingest
from lake.key_scan import scan_keys
from tests.dbt.claude_lake import ClaudeLake

pytestmark = pytest.mark.slow

SETS = ("spotter", "viewer")


ROOTS = {"spotter": ["/home/user1/projects", "/home/USER/projects"], "viewer": ["/path/to"]}


@pytest.fixture(scope="module")
def real_lake(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> ClaudeLake:
    """A lake with both real sets, loaded and redacted as a user would, its models built and tested."""
    work = tmp_path_factory.mktemp("real_claude")
    entries: list[str] = []
    for name in SETS:
        first, *others = ROOTS[name]
        entries.append(
            f"  - name: {name}\n    id: {name}\n    root: {real_data / name}\n    recorded_root: {first}\n"
            f"    extra_roots: {json.dumps(others)}\n    homes:\n      claude: [{real_data / name / 'claude'}]\n"
        )
    (work / "towns.yaml").write_text("towns:\n" + "".join(entries))
    lake = ClaudeLake(work / "lake", work)
    report = run_ingest(work / "towns.yaml", work / "lake", only=["claude"], progress=False)
    assert report.exit_code == 0, report.lines()
    lake.dbt("build")
    return lake


@pytest.fixture(scope="module")
def file_names(real_data: Path, real_lake: ClaudeLake) -> dict[str, dict[str, str]]:
    """Per set: file id → the file's path as expected.json names it."""
    facts = json.loads((real_data / "expected.json").read_text())["claude"]
    names: dict[str, dict[str, str]] = {name: {} for name in SETS}
    for row in scan_keys(real_lake.root, "files", ["file_id", "file"], {}).to_pylist():
        for name in SETS:
            for label in facts[name]["per_file"]:
                if row["file"] == label or row["file"].endswith(f"/{label}"):
                    names[name][row["file_id"]] = label
    assert {name: len(known) for name, known in names.items()} == {name: facts[name]["files"] for name in SETS}
    return names


@pytest.fixture(scope="module")
def facts(real_data: Path) -> dict[str, Any]:
    """What expected.json says about Claude transcripts, by set."""
    found: dict[str, Any] = json.loads((real_data / "expected.json").read_text())["claude"]
    assert sorted(found) == sorted(SETS), "expected.json describes a set this test does not load"
    return found


def counts(rows: list[tuple[Any, ...]]) -> dict[str, int]:
    """(name, number) rows as a mapping."""
    return {str(name): int(number) for name, number in rows}


@pytest.mark.parametrize("town", SETS)
class TestRealSet:
    """One real set."""

    def test_files(self, real_lake: ClaudeLake, facts: dict[str, Any], town: str) -> None:
        kinds = counts(
            real_lake.query(
                f"select file_kind, count(distinct file_id) from stg_claude__records where town_id = '{town}' group by file_kind"
            )
        )
        assert kinds == {"main": facts[town]["files_main"], "subagent": facts[town]["files_subagent"]}
        assert sum(kinds.values()) == facts[town]["files"]
        assert facts[town]["lines_failing_json"] == 0

    def test_records_and_their_types(self, real_lake: ClaudeLake, facts: dict[str, Any], town: str) -> None:
        rows = real_lake.query(f"select record_type, count(*) from stg_claude__records where town_id = '{town}' group by all")
        assert counts(rows) == facts[town]["records_by_type"]
        assert sum(counts(rows).values()) == facts[town]["records"]

    def test_first_and_last_time(self, real_lake: ClaudeLake, facts: dict[str, Any], town: str) -> None:
        # Snapshots of tracked files have a time of their own that the independent count leaves out.
        [(first, last)] = real_lake.query(
            f"""select strftime(min(recorded_at), '%Y-%m-%dT%H:%M:%S.%g'), strftime(max(recorded_at), '%Y-%m-%dT%H:%M:%S.%g')
            from stg_claude__records where town_id = '{town}' and record_type <> 'file-history-snapshot'"""
        )
        assert (f"{first}Z", f"{last}Z") == (facts[town]["min_ts"], facts[town]["max_ts"])

    def test_content_blocks(self, real_lake: ClaudeLake, facts: dict[str, Any], town: str) -> None:
        rows = real_lake.query(
            f"""select case when records.content_kind = 'string' then '(string content)' else blocks.block_type end, count(*)
            from stg_claude__content_blocks as blocks
            inner join stg_claude__records as records using (record_key)
            where records.town_id = '{town}' and records.record_type in ('user', 'assistant') group by all"""
        )
        assert counts(rows) == facts[town]["content_blocks"]

    def test_versions_and_models(self, real_lake: ClaudeLake, facts: dict[str, Any], town: str) -> None:
        versions = real_lake.query(
            f"select version, count(*) from stg_claude__records where town_id = '{town}' and version is not null group by all"
        )
        assert counts(versions) == facts[town]["versions"]
        models = real_lake.query(
            f"""select model, count(*) from int_messages
            where town_id = '{town}' and source = 'file' and model is not null group by all"""
        )
        assert counts(models) == facts[town]["models"]

    def test_sessions(self, real_lake: ClaudeLake, facts: dict[str, Any], town: str) -> None:
        [(number,)] = real_lake.query(f"select count(*) from int_sessions where town_id = '{town}'")
        assert number == facts[town]["sessions_distinct_sessionId"]
        named = {name for file in facts[town]["per_file"].values() for name in file["sessionIds"]}
        assert {name for (name,) in real_lake.query(f"select session_id from int_sessions where town_id = '{town}'")} == named

    def test_sidechain_records(self, real_lake: ClaudeLake, facts: dict[str, Any], town: str) -> None:
        [(number,)] = real_lake.query(f"select count(*) from stg_claude__records where town_id = '{town}' and is_sidechain")
        assert number == facts[town]["sidechain_records"]

    def test_no_record_id_twice(self, real_lake: ClaudeLake, facts: dict[str, Any], town: str) -> None:
        [(number,)] = real_lake.query(
            f"select count(uuid) - count(distinct uuid) from stg_claude__records where town_id = '{town}'"
        )
        assert number == facts[town]["uuids_duplicated"]
        dropped = real_lake.query(
            f"""select dropped_reason, count(*) from int_entries inner join stg_claude__records using (record_key)
            where town_id = '{town}' and dropped_reason is not null group by all"""
        )
        # Snapshots without a session id, in files that are not named after a session.
        assert dropped == ([("no_session", 7)] if town == "spotter" else [])

    def test_tool_calls(self, real_lake: ClaudeLake, facts: dict[str, Any], town: str) -> None:
        own = f"""from fct_tool_calls inner join int_messages using (message_key)
            where town_id = '{town}' and source = 'file'"""
        assert counts(real_lake.query(f"select tool_name, count(*) {own} group by all")) == facts[town]["tool_use_by_name"]
        [(calls, results, errors)] = real_lake.query(
            f"select count(*), count(*) filter (has_result), count(*) filter (fct_tool_calls.is_error) {own}"
        )
        assert calls == facts[town]["tool_use_blocks"]
        assert results == facts[town]["tool_result_blocks"]
        assert calls - results == facts[town]["tool_use_without_result"]
        assert errors == facts[town]["tool_result_is_error_true"]

    def test_usage(self, real_lake: ClaudeLake, facts: dict[str, Any], town: str) -> None:
        own = f"where session_key in (select session_key from int_sessions where town_id = '{town}') and source = 'file'"
        [(responses, most, last, given, created, read)] = real_lake.query(
            f"""select count(distinct request_id), sum(output_tokens), sum(last_output_tokens), sum(input_tokens),
            sum(cache_creation_tokens), sum(cache_read_tokens) from int_api_responses {own}"""
        )
        assert responses == facts[town]["distinct_requestIds"]
        assert most == facts[town]["output_tokens_max_per_response"]
        assert given == facts[town]["input_tokens_dedup_last"]
        assert created == facts[town]["cache_creation_dedup_last"]
        assert read == facts[town]["cache_read_dedup_last"]
        assert last == sum(file["out_tokens_last"] for file in facts[town]["per_file"].values())
        [(naive,)] = real_lake.query(f"select sum(output_tokens) from int_messages where town_id = '{town}' and source = 'file'")
        assert naive == facts[town]["output_tokens_naive_sum"]

    def test_usage_of_sessions_sums_up(self, real_lake: ClaudeLake, facts: dict[str, Any], town: str) -> None:
        own = f"where session_key in (select session_key from int_sessions where town_id = '{town}')"
        summed = real_lake.query(f"select sum(output_tokens), sum(input_tokens), sum(response_count) from fct_session_usage {own}")
        single = real_lake.query(f"select sum(output_tokens), sum(input_tokens), count(*) from int_api_responses {own}")
        turns = real_lake.query(
            f"select sum(output_tokens), sum(input_tokens), count(*) from fct_turns {own} and role = 'assistant'"
        )
        assert summed == single == turns

    def test_every_file(
        self, real_lake: ClaudeLake, facts: dict[str, Any], file_names: dict[str, dict[str, str]], town: str
    ) -> None:
        known = facts[town]["per_file"]
        assert sorted(file_names[town].values()) == sorted(known)
        for file_id, label in file_names[town].items():
            expected = known[label]
            found: dict[str, Any] = {"bad": 0}
            mine = f"where file_id = '{file_id}'"
            types = counts(real_lake.query(f"select record_type, count(*) from stg_claude__records {mine} group by all"))
            found["types"], found["records"] = types, sum(types.values())
            [(first, last, sessions)] = real_lake.query(
                f"""select strftime(min(recorded_at), '%Y-%m-%dT%H:%M:%S.%g') || 'Z',
                strftime(max(recorded_at), '%Y-%m-%dT%H:%M:%S.%g') || 'Z',
                list_sort(list(distinct session_id) filter (not is_session_id_from_path))
                from stg_claude__records {mine} and record_type <> 'file-history-snapshot'"""
            )
            found["min_ts"], found["max_ts"], found["sessionIds"] = first, last, sessions
            messages = f"int_messages {mine} and source = 'file'"
            [(calls, errors)] = real_lake.query(f"select sum(tool_call_count), sum(tool_error_count) from {messages}")
            found["tool_use"], found["tool_result_errors"] = calls, errors
            [(requests, most, latest)] = real_lake.query(
                f"""select count(distinct request_id), coalesce(sum(output_tokens), 0), coalesce(sum(last_output_tokens), 0)
                from int_api_responses where response_key in (select response_key from {messages})"""
            )
            found["requestIds"], found["out_tokens_max"], found["out_tokens_last"] = requests, most, latest
            assert found == expected, label


def test_a_session_known_only_from_a_subagent_file_has_its_row(real_lake: ClaudeLake) -> None:
    """6c2214d7 has no file of its own, only agent-afc096d's."""
    rows = real_lake.query(
        """select main_file_count, subagent_file_count, message_count > 0, is_known_from_subagents_only
        from int_sessions where session_id like '6c2214d7%'"""
    )
    assert rows == [(0, 1, True, True)]


def test_messages_embedded_in_progress_count_once(real_lake: ClaudeLake) -> None:
    """Of 249 embedded messages 230 are in the sub-agents' files; the 19 of agent afb92ff are nowhere else and stay."""
    rows = real_lake.query(
        """select dropped_reason, count(*), count(distinct agent_id) from int_entries
        where source = 'embedded' group by all order by all"""
    )
    assert rows == [("embedded_copy", 230, 6), (None, 19, 1)]
    agents = real_lake.query("select agent_key, source, message_count from int_subagents where source = 'embedded'")
    assert agents == [("afb92ff", "embedded", 19)]


def test_subagents_know_the_call_that_started_them(real_lake: ClaudeLake) -> None:
    """Every Task call of the newer set leads to one agent; compaction helpers have no call."""
    rows = real_lake.query(
        """select agent_kind, link_evidence <> 'none', count(*) from int_subagents
        where session_key in (select session_key from int_sessions where town_id = 'spotter') group by all order by all"""
    )
    assert rows == [("compaction", False, 5), ("task", False, 1), ("task", True, 7)]


def test_compactions_do_not_end_the_live_path(real_lake: ClaudeLake) -> None:
    """In these sets nobody went back: all of a session's own messages lie on its live path."""
    rows = real_lake.query(
        """select count(*) from int_messages where agent_key = 'main' and not is_on_live_path and source = 'file'
        and role in ('user', 'assistant')"""
    )
    assert rows == [(0,)]
    assert real_lake.query("select count(*) from int_live_path where chain_state <> 'rooted'") == [(0,)]
    assert real_lake.query("select count(*) from int_compactions where summary_message_key is null") == [(0,)]


def test_injected_text_is_not_human(real_lake: ClaudeLake) -> None:
    """What people typed in these sets, counted by hand: 14 prompts."""
    rows = real_lake.query("select count(*) from int_messages where origin = 'human'")
    assert rows == [(14,)]


def test_placeholders_are_flagged(real_lake: ClaudeLake) -> None:
    """The newer set's sub-agents report 1 to 8 tokens a response, whatever they wrote."""
    [(responses, trusted)] = real_lake.query(
        """select count(*), count(*) filter (trusted_output_tokens is not null) from int_api_responses
        where is_subagent and session_key in (select session_key from int_sessions where town_id = 'spotter')"""
    )
    assert responses > 0
    assert trusted / responses < 0.1
