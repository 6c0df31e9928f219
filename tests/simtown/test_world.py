"""The world behind the files: roles, outcomes, beads, events, noise."""

from collections import Counter, defaultdict
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson
import pytest

from simtown import Truth, generate
from simtown.places import ROLES

World = tuple[Path, Truth]
SOURCE = Path(__file__).parents[2] / "simtown"

EVENT_TYPES = {
    "sling", "hook", "unhook", "handoff", "done", "mail", "spawn", "nudge", "boot", "halt", "session_start", "session_death",
    "mass_death", "escalation_sent", "escalation_acked", "escalation_closed", "scheduler_enqueue", "scheduler_dispatch",
    "scheduler_close_retry", "scheduler_dispatch_failed", "patrol_started", "patrol_complete", "polecat_checked", "polecat_nudged",
    "merge_started", "merged", "merge_failed", "merge_skipped", "kill", "session_end",
}  # fmt: skip


def rows(path: Path) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def test_every_role_has_enough_episodes_in_every_month(demo: World) -> None:
    episodes = demo[1].all("episodes")
    roles = Counter(episode["role"] for episode in episodes)
    assert set(roles) == set(ROLES)
    assert min(roles.values()) >= 40, roles
    of_startup = [episode for episode in episodes if episode["role"] == "mayor" and episode["startups"] == ["sfgastown"]]
    assert len(of_startup) >= 40
    for chosen in (episodes, of_startup):
        assert {episode["started_at"][:7] for episode in chosen} >= {"2026-01", "2026-02", "2026-03", "2026-04"}


def test_every_outcome_class_occurs(demo: World) -> None:
    outcomes: dict[str, set[str]] = defaultdict(set)
    for episode in demo[1].rows("episodes"):
        outcomes[episode["role"]].add(episode["outcome"])
    assert outcomes["polecat"] >= {
        "merged", "direct_merge", "completed_unverified", "no_change", "rejected", "superseded", "escalated", "deferred",
        "abandoned", "crashed", "open",
    }  # fmt: skip
    assert outcomes["refinery"] >= {"merged_kept", "merged_reopened", "wrongly_rejected", "rejected", "conflict_left"}
    for role in ("witness", "deacon", "boot"):
        assert outcomes[role] >= {"quiet", "stall_helped", "false_alarm", "missed_crash"}, role
    assert outcomes["mayor"] >= {"all_merged", "part_merged", "none_merged", "escalations_answered"}
    assert outcomes["crew"] == {"accepted", "corrected", "no_verifiable_outcome"}


def test_sessions_of_one_address_do_not_overlap(demo: World) -> None:
    spans: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
    for row in demo[1].rows("sessions"):
        if not row.get("fork_of") and not row.get("known_from") and row["topic"] != "none":
            spans[row["town"], row["address"]].append((row["started_at"], row["ended_at"]))
    for address, found in spans.items():
        found.sort()
        for (_, ended), (started, _) in pairwise(found):
            assert ended <= started, address


def test_a_polecat_has_one_bead_at_a_time(demo: World) -> None:
    spans: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
    for row in demo[1].rows("attempts"):
        spans[row["town"], row["assignee"]].append((row["hooked_at"], row["ended_at"] or "9"))
    overlaps = 0
    for found in spans.values():
        found.sort()
        overlaps += sum(ended > started for (_, ended), (started, _) in pairwise(found))
    # A deferred or silent bead stays on the hook for a while after its session has gone.
    assert overlaps <= len(demo[1].all("attempts")) * 0.1


def exports(demo: World) -> list[tuple[dict[str, Any], Path]]:
    found = []
    for row in demo[1].rows("databases"):
        if not row["is_copy"]:
            found.append((row, demo[0] / row["town"] / "gt" / row["rig"] / "mayor" / "rig" / ".beads" / "backup"))
    return found


def test_bead_histories_replay_to_the_final_row(demo: World) -> None:
    for _, folder in exports(demo):
        histories: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for event in rows(folder / "events.jsonl"):
            histories[event["issue_id"]].append(event)
        for issue in rows(folder / "issues.jsonl"):
            if issue["close_reason"] == "stale:auto-closed by reaper":
                continue
            status, assignee = "open", issue["assignee"]
            for event in histories[issue["id"]]:
                if event["event_type"] == "closed" and event["old_value"] == "":
                    status = "closed"
                elif event["new_value"] and event["event_type"] in ("status_changed", "reopened", "closed"):
                    change = orjson.loads(event["new_value"])
                    status, assignee = change.get("status", status), change.get("assignee", assignee)
            assert (status, assignee) == (issue["status"], issue["assignee"]), issue["id"]
            assert issue["closed_by_session"] == ""
            assert (issue["closed_at"] is not None) == (status == "closed")


def test_event_times_are_off_by_the_server_s_zone(demo: World) -> None:
    offsets = {(row["database"], row["month"], row["offset_hours"]) for row in demo[1].rows("clock_offsets")}
    assert {hours for _, _, hours in offsets} == {11, 10, -8, -7}
    pairs = exact = 0
    for database, folder in exports(demo):
        created = {issue["id"]: issue["created_at"] for issue in rows(folder / "issues.jsonl")}
        for event in rows(folder / "events.jsonl"):
            if event["event_type"] == "created":
                pairs += 1
                gap = datetime.fromisoformat(event["created_at"]) - datetime.fromisoformat(created[event["issue_id"]])
                exact += (database["database"], created[event["issue_id"]][:7], gap / timedelta(hours=1)) in offsets
    assert 0.88 < exact / pairs < 1


def test_both_towns_hold_the_shared_database(demo: World) -> None:
    shared = [row for row in demo[1].rows("databases") if row["database"] == "mill"]
    assert len({row["project_id"] for row in shared}) == 1
    issues = {town: rows(demo[0] / town / "gt" / "mill/mayor/rig/.beads/backup/issues.jsonl") for town in ("alpha", "beta")}
    assert issues["beta"]
    assert {issue["id"] for issue in issues["beta"]} < {issue["id"] for issue in issues["alpha"]}


def test_the_event_log_holds_every_type_and_forgets_as_retention_says(demo: World) -> None:
    counts = demo[1].all("pruned_events")
    assert {row["type"] for row in counts} >= EVENT_TYPES
    for town in ("alpha", "beta"):
        events = rows(demo[0] / town / "gt" / ".events.jsonl")
        assert [event["ts"] for event in events] == sorted(event["ts"] for event in events)
        kept = Counter(event["type"] for event in events)
        assert kept == {row["type"]: row["kept"] for row in counts if row["town"] == town and row["kept"]}
    pruned = {row["type"]: row["pruned"] for row in counts if row["town"] == "alpha"}
    assert pruned["session_start"] > pruned["mass_death"] >= 0
    assert not any(row["pruned"] for row in counts if row["town"] == "beta")


def test_session_starts_are_exact_random_or_no_uuid(demo: World) -> None:
    files = {row["session_id"] for row in demo[1].rows("files")}
    kinds: Counter[str] = Counter(row.get("session_start", "none") for row in demo[1].rows("sessions"))
    assert set(kinds) >= {"exact", "random", "no_uuid", "none"}
    starts = [event["payload"] for event in rows(demo[0] / "beta/gt/.events.jsonl") if event["type"] == "session_start"]
    assert any(start["session_id"] in files for start in starts)
    assert any(start["session_id"] not in files for start in starts)


def test_links_name_beads_that_exist_and_the_bridges_that_carry_them(demo: World) -> None:
    beads = {(row["beads_project_id"], row["bead_id"]) for row in demo[1].rows("beads")}
    links = demo[1].all("links")
    assert all((link["beads_project_id"], link["bead_id"]) in beads for link in links)
    bridges = Counter(bridge for link in links for bridge in link["bridges"])
    assert set(bridges) >= {"branch", "command", "interval", "done_output", "done_event", "agent_bead", "beacon"}
    sessions: dict[str, set[str]] = defaultdict(set)
    for link in links:
        sessions[link["session_id"]].add(link["bead_id"])
    assert any(len(found) > 1 for found in sessions.values())


@pytest.mark.parametrize(
    "prefix", [("AK", "IA"), ("gh", "p_"), ("sk-", "ant-"), ("xo", "xb-"), ("gl", "pat-"), ("PRIV", "ATE KEY")]
)
def test_no_literal_secret_stands_in_the_source(prefix: tuple[str, str]) -> None:
    for path in SOURCE.glob("*.py"):
        assert "".join(prefix) not in path.read_text("utf-8"), path.name


def test_beads_have_families(demo: World) -> None:
    edges = Counter(row["type"] for _, folder in exports(demo) for row in rows(folder / "dependencies.jsonl"))
    assert set(edges) >= {"parent-child", "duplicates", "discovered-from", "blocks", "related"}
    kinds = Counter(row["kind"] for row in demo[1].rows("beads"))
    assert set(kinds) >= {
        "work", "agent", "mail", "convoy", "molecule", "gate", "escalation", "merge_request", "epic", "duplicate", "reaped",
        "plugin_run", "conflict",
    }  # fmt: skip


def test_a_dump_shows_merge_requests_that_the_exports_have_lost(tmp_path: Path) -> None:
    truth = generate(tmp_path / "dump", size="small", with_dolt_dump=True)
    seen = {row["id"] for path in tmp_path.rglob("wisps.jsonl") for row in rows(path)}
    expected = {row["merge_request_id"]: row["in_dump"] for row in truth.rows("merge_requests")}
    assert seen == {request for request, in_dump in expected.items() if in_dump}
    assert len(seen) < len(expected)


def test_modification_times_are_the_world_s_not_the_clock_s(demo: World) -> None:
    paths = [path for path in (*demo[0].glob("*/gt/**/*"), *demo[0].glob("*/home/**/*.jsonl")) if path.is_file()]
    assert max(path.stat().st_mtime for path in paths) <= datetime.fromisoformat("2026-04-26T00:00:00Z").timestamp()
