"""The transcripts agree with the ground truth, and hold what real ones hold."""

from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import orjson
import pytest

from simtown import Truth
from simtown.planted import SECRET_KINDS, json_paths

World = tuple[Path, Truth]
Records = list[dict[str, Any]]


@pytest.fixture(scope="module")
def transcripts(demo: World) -> dict[str, Records]:
    out = demo[0]
    paths = sorted(out.glob("*/home/**/*.jsonl"))
    return {
        path.relative_to(out).as_posix(): [orjson.loads(line) for line in path.read_bytes().split(b"\n") if line] for path in paths
    }


def test_every_file_and_its_records_are_in_the_ground_truth(demo: World, transcripts: dict[str, Records]) -> None:
    truth = {row["file"]: row for row in demo[1].rows("files")}
    assert set(truth) == set(transcripts)
    for file, records in transcripts.items():
        assert truth[file]["records"] == len(records), file
        assert truth[file]["types"] == Counter(record["type"] for record in records), file
        assert truth[file]["bytes"] == (demo[0] / file).stat().st_size, file


def test_usage_and_calls_of_sessions_can_be_recounted(demo: World, transcripts: dict[str, Records]) -> None:
    checked = 0
    for row in demo[1].rows("sessions"):
        if row.get("fork_of") or row.get("known_from"):
            continue  # a fork's counts are of its own records, a lost session has none
        best: dict[tuple[str, str], dict[str, int]] = defaultdict(lambda: defaultdict(int))
        calls = errors = 0
        for record in transcripts[row["file"]]:
            if record["type"] == "assistant" and record["message"]["model"] != "<synthetic>":
                message = record["message"]
                calls += sum(block["type"] == "tool_use" for block in message["content"])
                for field, count in message["usage"].items():
                    if isinstance(count, int):
                        found = best[message["id"], record.get("requestId", "")]
                        found[field] = max(found[field], count)
            errors += sum(bool(block.get("is_error")) for block in blocks(record))
        assert row["responses"] == len(best)
        assert (row["tool_calls"], row["tool_errors"]) == (calls, errors)
        for field in ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"):
            assert row[field] == sum(usage[field] for usage in best.values())
        checked += 1
    assert checked > 400


def blocks(record: dict[str, Any]) -> list[dict[str, Any]]:
    message = record.get("message")
    content = message.get("content") if isinstance(message, dict) else None
    return content if isinstance(content, list) and record["type"] == "user" else []


def test_episodes_are_contiguous_stretches_of_their_sessions(demo: World, transcripts: dict[str, Records]) -> None:
    files = {row["session_id"]: row["file"] for row in demo[1].rows("sessions")}
    ends: dict[str, int] = {}
    for episode in demo[1].rows("episodes"):
        places = {record.get("uuid"): number for number, record in enumerate(transcripts[files[episode["session_id"]]])}
        first, last = places[episode["start_uuid"]], places[episode["end_uuid"]]
        assert first <= last
        assert first > ends.get(episode["session_id"], -1)
        ends[episode["session_id"]] = last


def test_the_parent_of_every_record_was_written_before_it(transcripts: dict[str, Records]) -> None:
    for file, records in transcripts.items():
        if "/subagents/" in file or "agent-" in file:
            continue
        seen: set[str | None] = {None}
        for record in records:
            if "parentUuid" in record:
                assert record["parentUuid"] in seen, file
                seen.add(record["uuid"])


def test_forks_copy_uuids_and_rewrite_the_session_id(demo: World, transcripts: dict[str, Records]) -> None:
    files = {row["session_id"]: row["file"] for row in demo[1].rows("sessions")}
    forks = demo[1].all("forks")
    assert {fork["kind"] for fork in forks} == {"fork", "resume"}
    for fork in forks:
        copy, original = transcripts[files[fork["session_id"]]], transcripts[files[fork["fork_of"]]]
        shared = {record["uuid"] for record in copy if "uuid" in record} & {record.get("uuid") for record in original}
        assert len(shared) == fork["shared_uuids"]
        assert all(record["sessionId"] == fork["session_id"] for record in copy if "sessionId" in record)


def test_sub_agents_lie_in_both_places_and_are_embedded_in_progress(demo: World, transcripts: dict[str, Records]) -> None:
    rows = demo[1].all("subagents")
    assert {row["place"] for row in rows} == {"new", "old", "progress_only", "alone"}
    embedded: Counter[str] = Counter()
    for records in transcripts.values():
        for record in records:
            if record["type"] == "progress" and record["data"]["type"] == "agent_progress" and record.get("agentId") is None:
                embedded[record["sessionId"] + record["data"]["agentId"]] += 1
    for row in rows:
        assert embedded[row["session_id"] + row["agent_id"]] >= row["embedded"]
        if row["place"] == "alone":
            assert f"{Path(row['file']).parts[-3]}.jsonl" not in {Path(file).name for file in transcripts}


def test_planted_secrets_stand_where_the_ground_truth_says_and_nowhere_else(demo: World, transcripts: dict[str, Records]) -> None:
    rows = demo[1].all("secrets")
    listed = Counter((row["file"], row["line"], row["json_path"], row["value"]) for row in rows if row["line"] is not None)
    assert max(listed.values()) == 1
    values = {orjson.dumps(row["value"])[1:-1]: row["value"] for row in rows}
    found: Counter[tuple[str, int, str, str]] = Counter()
    for file, records in transcripts.items():
        content = (demo[0] / file).read_bytes()
        for escaped, value in values.items():
            if escaped in content:
                for number, record in enumerate(records):
                    found.update((file, number, path, value) for path in json_paths(value, record))
    assert found == listed
    assert {row["kind"] for row in rows} == set(SECRET_KINDS)
    assert {row["where"] for row in rows} == {"prompt", "tool_input", "tool_output", "bead_description", "event"}


def test_a_printed_secret_stands_in_the_result_and_in_the_structured_result(demo: World) -> None:
    places = {row["json_path"].split(".")[1] for row in demo[1].rows("secrets") if row["where"] == "tool_output"}
    assert {"message", "toolUseResult"} <= places


def test_the_traps_of_real_sets_are_there(demo: World, transcripts: dict[str, Records]) -> None:
    raw = b"".join((demo[0] / file).read_bytes() for file in transcripts)
    for needle in (rb"\u0000", rb"\u2028", "\u2028".encode(), b'"model":"<synthetic>"', b'"type":"image"', b"redacted_thinking"):
        assert needle in raw, needle
    assert any(
        record["type"] == "assistant" and "requestId" not in record and record["message"]["model"] != "<synthetic>"
        for records in transcripts.values()
        for record in records
    )
    assert any(records[0]["type"] == "summary" for records in transcripts.values())
    assert any(not (demo[0] / file).read_bytes().endswith(b"\n") for file in transcripts)
    types = {record["type"] for records in transcripts.values() for record in records}
    assert types >= {
        "user", "assistant", "system", "progress", "attachment", "summary", "queue-operation", "file-history-snapshot",
        "file-history-delta", "last-prompt", "ai-title", "mode", "permission-mode", "bridge-session", "pr-link", "hologram",
    }  # fmt: skip
    messages = {type(record["message"]) for records in transcripts.values() for record in records if "message" in record}
    assert {str, list, dict} <= messages
    silent = sum(not any(record["type"] == "assistant" for record in records) for records in transcripts.values())
    mains = sum("agent-" not in file for file in transcripts)
    assert 0.07 < silent / mains < 0.15


def test_ids_printed_by_gt_prime_in_bash_never_match(demo: World) -> None:
    printed = [row for row in demo[1].rows("sessions") if row.get("bash_prime_uuid")]
    assert len(printed) > 50
    assert not any(row["bash_prime_uuid"] == row["session_id"] for row in printed)


def test_foreign_sessions_are_outside_every_recorded_root(demo: World, transcripts: dict[str, Records]) -> None:
    roots = {row["town"]: row["recorded_roots"] for row in demo[1].rows("towns")}
    excluded = Counter(row["excluded"] for row in demo[1].rows("files"))
    assert excluded["foreign"] > 0
    assert excluded["undecided"] > 0
    for row in demo[1].rows("files"):
        folders = [record["cwd"] for record in transcripts[row["file"]] if "cwd" in record]
        inside = [any(f"{folder}/".startswith(f"{root}/") for root in roots[row["town"]]) for folder in folders]
        assert {"foreign": bool(folders) and not any(inside), "undecided": not folders, None: bool(folders) and inside[0]}[
            row["excluded"]
        ]
