"""Transcripts as they live on disk: they grow, shrink, are rewritten and torn; nothing is lost, nothing is loaded twice."""

import json
from pathlib import Path

import pytest

from ingest.run import IngestReport, run_ingest
from lake.tables import open_raw
from tests.ingest.lake_rows import line_numbers, rows
from tests.ingest.towns_on_disk import ROOT, TownOnDisk, line, make_town, record

SESSION = "5f0c1d2e-3b4a-4c5d-8e6f-7a8b9c0d1e2f"
NAME = f"-home-dev-gt/{SESSION}.jsonl"


@pytest.fixture
def town(tmp_path: Path) -> TownOnDisk:
    return make_town(tmp_path / "towns")


def load(town: TownOnDisk, lake: Path) -> IngestReport:
    report = run_ingest(town.towns_file, lake, only=["claude"], progress=False)
    assert report.exit_code == 0, report.lines()
    return report


def test_a_growing_file_is_followed_line_by_line(town: TownOnDisk, lake: Path) -> None:
    path = town.transcript(NAME)
    path.write_bytes(line(1) + line(2) + line(3)[:40])
    load(town, lake)
    assert line_numbers(lake) == [1, 2]
    path.write_bytes(line(1) + line(2) + line(3) + line(4).rstrip(b"\n"))
    load(town, lake)
    assert line_numbers(lake) == [1, 2, 3, 4]
    path.write_bytes(line(1) + line(2) + line(3) + line(4) + line(5))
    load(town, lake)
    assert line_numbers(lake) == [1, 2, 3, 4, 5]
    assert {row["generation"] for row in rows(lake, "claude_records")} == {0}


def test_nothing_new_commits_nothing(town: TownOnDisk, lake: Path) -> None:
    town.transcript(NAME).write_bytes(line(1))
    load(town, lake)
    before = {name: open_raw(lake, name).version() for name in ("claude_records", "files", "loads")}
    report = load(town, lake)
    assert [stream.status for stream in report.streams] == ["unchanged"]
    assert {name: open_raw(lake, name).version() for name in before} == before


def test_a_rewritten_file_keeps_its_generations(town: TownOnDisk, lake: Path) -> None:
    path = town.transcript(NAME)
    for count, first in ((74, 100), (6, 200), (9, 200)):
        path.write_bytes(b"".join(line(first + number) for number in range(count)))
        load(town, lake)
    generations = [(row["generation"], int(row["uuid"][-12:])) for row in rows(lake, "claude_records")]
    assert sorted(generations) == [(0, 100 + n) for n in range(74)] + [(1, 200 + n) for n in range(9)]


def test_a_change_in_the_middle_is_a_new_generation_though_the_size_is_the_same(town: TownOnDisk, lake: Path) -> None:
    path = town.transcript(NAME)
    path.write_bytes(line(1) + line(2) + line(3))
    load(town, lake)
    path.write_bytes(line(1) + line(7) + line(3))
    load(town, lake)
    assert [row["generation"] for row in rows(lake, "claude_records")] == [0, 0, 0, 1, 1, 1]


def test_bad_lines_go_to_quarantine_without_their_content(town: TownOnDisk, lake: Path) -> None:
    bad = b'{"type":"user","text":"torn in the mid\n'
    path = town.transcript(NAME)
    path.write_bytes(line(1) + bad + b"[1, 2]\n" + b"\n" + line(2))
    load(town, lake)
    assert line_numbers(lake) == [1, 2]
    found = rows(lake, "quarantine")
    assert [(row["byte_offset"], row["byte_length"], row["reason"]) for row in found] == [
        (len(line(1)), len(bad) - 1, "invalid_json"),
        (len(line(1) + bad), 6, "not_an_object"),
    ]
    assert {row["town_id"] for row in found} == {"alpha"}
    assert b"torn in the mid" not in b"".join(file.read_bytes() for file in lake.rglob("*") if file.is_file())


def test_damaged_lines_that_can_be_mended_are_kept(town: TownOnDisk, lake: Path) -> None:
    path = town.transcript(NAME)
    path.write_bytes(b"\0" * 64 + line(1) + line(2).replace(b"number", b"n\xffmber") + line(3).replace(b"number", b"\\ud83d"))
    load(town, lake)
    assert [row["repair"] for row in rows(lake, "claude_records")] == ["nul_bytes", "invalid_utf8", "lone_surrogate"]


def test_messages_of_any_shape_are_kept(town: TownOnDisk, lake: Path) -> None:
    odd = [record(1, message="text"), record(2, message=["a", {"b": 1}]), record(3, message=None), record(4, message={"id": 5})]
    odd += [record(5, timestamp="yesterday"), record(6, timestamp=17), record(7, type="brand-new", extra={"kept": True})]
    town.transcript(NAME).write_bytes(b"".join(json.dumps(value).encode() + b"\n" for value in odd))
    load(town, lake)
    assert [json.loads(row["record"]) for row in rows(lake, "claude_records")] == odd


def test_a_very_long_line_is_a_row_like_any_other(town: TownOnDisk, lake: Path) -> None:
    message = {"role": "user", "content": "word " * 10_000_000}
    town.transcript(NAME).write_bytes(json.dumps(record(1, message=message)).encode() + b"\n" + line(2))
    load(town, lake)
    assert line_numbers(lake) == [1, 2]


def test_other_projects_are_counted_and_never_read_past_their_first_cwd(town: TownOnDisk, lake: Path) -> None:
    town.transcript(NAME).write_bytes(line(1))
    foreign = town.transcript("-home-dev-diary/6e0c1d2e-3b4a-4c5d-8e6f-7a8b9c0d1e2f.jsonl")
    foreign.write_bytes(line(50, cwd="/home/dev/diary") + line(51))
    report = load(town, lake)
    assert report.streams[0].counts.files_foreign == 1
    foreign.write_bytes(foreign.read_bytes() + line(52))
    report = load(town, lake)
    assert report.streams[0].status == "unchanged"
    assert line_numbers(lake) == [1]


def test_a_file_without_a_cwd_waits_and_is_looked_at_again_when_it_grows(town: TownOnDisk, lake: Path) -> None:
    path = town.transcript(NAME)
    path.write_bytes(line(1, cwd=None))
    assert load(town, lake).streams[0].counts.files_undecided == 1
    assert line_numbers(lake) == []
    path.write_bytes(path.read_bytes() + line(2))
    load(town, lake)
    assert line_numbers(lake) == [1, 2]
    assert [(row["attribution"], row["root_path"]) for row in rows(lake, "claude_records")] == [("inherited", None), ("cwd", ".")]


def test_a_home_is_looked_at_again_when_the_towns_roots_change(town: TownOnDisk, lake: Path) -> None:
    town.transcript(NAME).write_bytes(line(1, cwd="/srv/other/place"))
    load(town, lake)
    assert line_numbers(lake) == []
    town.towns_file.write_text(town.towns_file.read_text() + "    extra_roots: [/srv/other]\n")
    load(town, lake)
    assert [row["root_path"] for row in rows(lake, "claude_records")] == ["place"]


def test_both_places_of_sub_agent_files_are_found(town: TownOnDisk, lake: Path) -> None:
    town.transcript(NAME).write_bytes(line(1))
    town.transcript(f"-home-dev-gt/{SESSION}/subagents/agent-a2898e3.jsonl").write_bytes(line(2, agentId="a2898e3"))
    town.transcript("-home-dev-gt/agent-old1.jsonl").write_bytes(line(3, agentId="old1"))
    load(town, lake)
    found = {
        int(row["uuid"][-12:]): (row["file_kind"], row["path_session_id"], row["path_agent_id"])
        for row in rows(lake, "claude_records")
    }
    assert found == {1: ("main", SESSION, None), 2: ("subagent", SESSION, "a2898e3"), 3: ("subagent", None, "old1")}


def test_a_shared_home_is_loaded_once_and_attributed_record_by_record(town: TownOnDisk, lake: Path) -> None:
    (town.folder / "beta").mkdir()
    town.towns_file.write_text(
        town.towns_file.read_text()
        + f"  - name: beta\n    id: beta\n    root: beta\n    recorded_root: {ROOT}/inner\n    homes:\n      claude: [home]\n"
    )
    town.transcript(NAME).write_bytes(
        line(1, cwd=f"{ROOT}/mayor") + line(2, cwd=f"{ROOT}/inner/deacon") + line(3, cwd=None) + line(4, cwd="/srv/aside")
    )
    load(town, lake)
    found = [(row["town_id"], row["attribution"], row["root_path"]) for row in rows(lake, "claude_records")]
    assert found == [
        ("alpha", "cwd", "mayor"),
        ("beta", "cwd", "deacon"),
        ("beta", "inherited", None),
        ("beta", "inherited", None),
    ]


def test_what_two_towns_claim_stays_unattributed_with_the_reason(town: TownOnDisk, lake: Path) -> None:
    (town.folder / "beta").mkdir()
    town.towns_file.write_text(
        town.towns_file.read_text()
        + f"  - name: beta\n    id: beta\n    root: beta\n    recorded_root: {ROOT}\n    homes:\n      claude: [home]\n"
    )
    town.transcript(NAME).write_bytes(line(1) + line(2, cwd=None))
    load(town, lake)
    found = [(row["town_id"], row["attribution"], row["attribution_reason"]) for row in rows(lake, "claude_records")]
    assert found == [(None, "ambiguous", "claimed by alpha, beta")] * 2


def test_an_unreachable_town_is_reported_and_the_others_load(town: TownOnDisk, lake: Path) -> None:
    town.transcript(NAME).write_bytes(line(1))
    town.towns_file.write_text(
        town.towns_file.read_text() + "  - name: away\n    id: away\n    root: nowhere\n    recorded_root: /home/dev/away\n"
    )
    report = run_ingest(town.towns_file, lake, progress=False)
    assert report.exit_code == 3
    assert report.towns_unreachable == ["away"]
    assert line_numbers(lake) == [1]


def test_the_ledger_travels_with_the_lake(town: TownOnDisk, lake: Path, tmp_path: Path) -> None:
    path = town.transcript(NAME)
    path.write_bytes(line(1))
    load(town, lake)
    moved = tmp_path / "elsewhere"
    lake.rename(moved)
    path.write_bytes(path.read_bytes() + line(2))
    load(town, moved)
    assert line_numbers(moved) == [1, 2]


def test_a_symbolic_link_is_no_second_file(town: TownOnDisk, lake: Path) -> None:
    path = town.transcript(NAME)
    path.write_bytes(line(1))
    town.transcript(f"-other/{SESSION}.jsonl").symlink_to(path)
    load(town, lake)
    assert line_numbers(lake) == [1]
