"""`forge explain` prints every step from who ran a session to its score, with the evidence, and what is not known by its reason."""

import json
from pathlib import Path

import duckdb
import pytest

from lake.duck import CATALOG
from lake.explain import explain
from lake.explain_text import SHOWN, short
from lake.tell import Told

SCHEMA = """
create schema intermediate;
create table intermediate.int_sessions as
select * from (values
    ('k1', 'aaaa-1', 't1', timestamptz '2026-02-01 08:00:00+00'),
    ('k2', 'aaaa-2', 't1', timestamptz '2026-02-02 08:00:00+00'),
    ('k3', 'cccc', null, null)
) as rows (session_key, session_id, town_id, session_started_at);
create table dim_towns as select 't1' as town_id, 'alpha' as name;
create table dim_sessions as
select * from (values
    ('k1', 'aaaa-1', 'rig/polecats/toast', 'cwd', 0.99, null),
    ('k2', 'aaaa-2', null, null, null, 'no bridge speaks'),
    ('k3', 'cccc', null, null, null, 'no bridge speaks')
) as rows (session_key, session_id, agent_address, identity_source, identity_confidence, identity_reason);
create table intermediate.int_session_identity_votes as
select * from (values
    ('k1', 'cwd', 1, 'rig/polecats/toast', true, null, 0.97, 'record', 'f:0:1'),
    ('k1', 'beacon', 2, null, false, 'unreadable_recipient', 0.0, 'record', 'f:0:2')
) as rows (session_key, bridge, bridge_rank, address, is_accepted, rejected_reason, confidence, evidence_kind, evidence_key);
create table fct_episodes as
select * from (values
    ('e1', 'k1', 1, 'attempt', 'polecat', 'rig/polecats/toast', 'assignment', 'gt done', 2, 9, 4,
     timestamptz '2026-02-01 08:00:00+00'),
    ('e2', 'k1', 2, 'request', 'polecat', 'rig/polecats/toast', 'human', 'session_end', 10, 12, 1,
     timestamptz '2026-02-01 09:00:00+00')
) as rows (episode_key, session_key, episode_number, kind, role, agent_address, start_reason, end_reason, first_message_number,
           last_message_number, turn_count, started_at);
create table fct_episode_links as
select * from (values ('e1', 'k1', 'p', 'gt-1', 0.97, null), ('e2', 'k1', null, null, null, 'nothing_named'))
as rows (episode_key, session_key, primary_beads_project_id, primary_bead_id, confidence, unlinked_reason);
create table bridge_episode_bead as
select * from (values ('e1', 'k1', 'p', 'gt-1', 'primary', 0.97), ('e1', 'k1', 'p', 'gt-2', 'contributing', 0.75))
as rows (episode_key, session_key, beads_project_id, bead_id, link_kind, confidence);
create table fct_episode_bead_votes as
select * from (values
    ('e1', 'k1', 'p', 'gt-1', 'branch', 0.85, null, 'episode', 'e1'),
    ('e1', 'k1', null, 'gt-999', 'done_issue', 0.0, 'unknown_bead', 'tool_call', 'call-7')
) as rows (episode_key, session_key, beads_project_id, bead_id, bridge, confidence, refused_reason, evidence_kind, evidence_key);
create table fct_outcomes as
select * from (values
    ('e1', 'k1', 'merged', 'accepted', 'bead', null, 'outcome', timestamptz '2026-02-01 10:00:00+00', 2, 1, 0, 0, false),
    ('e2', 'k1', 'no_verifiable_outcome', 'none', null, 'not_linked', 'outcome', null, null, null, null, null, null)
) as rows (episode_key, session_key, outcome, outcome_class, evidence_tier, no_outcome_reason, not_admitting_reason, settled_at,
           attempt_count, reopen_count, conflict_count, fix_needed_count, has_autosaved_leftovers);
create table fct_outcome_evidence as
select 'e1' as episode_key, 'k1' as session_key, 1 as evidence_number, 'bead' as tier, 'merge' as kind, 'bead_event' as source,
    'ev-1' as evidence_key, timestamptz '2026-02-01 10:00:00+00' as occurred_at, 'Merged in gt-mr-1' as says,
    true as is_deciding;
create table fct_score_components as
select * from (values
    ('e1', 'k1', 'exit', 1.0, null, 0.3, 'telemetry', 'done-1'),
    ('e1', 'k1', 'duration', null, 'no median yet', 0.15, null, null)
) as rows (episode_key, session_key, component, value, null_reason, weight, evidence_source, evidence_id);
create table fct_episode_scores as
select 'e1' as episode_key, 'k1' as session_key, true as is_gate_passed, cast(null as varchar) as gate_reason,
    0.85 as raw_score, 0.7 as role_mean_score,
    0.81 as rank_score, 0.9 as confidence, 1 as rules_version, timestamptz '2026-02-08 10:00:00+00' as mature_at;
create table fct_selection as
select * from (values
    ('e1', 'k1', 'acme', true, true, 'train', true, null, null, null),
    ('e2', 'k1', null, false, false, null, false, 'consent', 'no_consent', 'orchard')
) as rows (episode_key, session_key, startup, is_base_allowed, is_overlay_allowed, split, is_kept, excluded_stage, excluded_reason,
           excluded_detail);
create table fct_labels as
select 'e1' as episode_key, 'k1' as session_key, 'human' as labeller_kind, 'ann' as labeller, 'good' as verdict, 'tidy' as reason,
    timestamptz '2026-02-09 10:00:00+00' as labelled_at;
create table dim_beads as
select * from (values
    ('p', 'gt-1', 'work', 'closed', 'Mend the' || chr(27) || '[31m roof', 'rig', 'rig/polecats/toast', 2, null),
    ('q', 'gt-1', 'work', 'open', 'Another database', null, null, 0, null),
    ('p', 'gt-2', 'work', 'open', 'Doors', 'rig', null, 0, null)
) as rows (beads_project_id, bead_id, kind, status, title, rig, assignee_address, close_count, superseded_by);
create table fct_bead_events as
select 'p' as beads_project_id, 'gt-1' as bead_id, 1 as change_number, timestamptz '2026-02-01 10:00:00+00' as occurred_at,
    'hooked' as from_status, 'closed' as to_status, 'closed' as event_type, null as to_assignee_address, 'rig/refinery' as actor,
    'rig/refinery' as actor_address, true as is_close, false as is_hook, false as is_reopen, 'Merged in gt-mr-1' as close_reason;
create table fct_attempts as
select 'p' as beads_project_id, 'gt-1' as bead_id, 1 as attempt_number, 'rig/polecats/toast' as assignee_address,
    timestamptz '2026-02-01 08:00:00+00' as hooked_at, timestamptz '2026-02-01 10:00:00+00' as ended_at, 'closed' as end_kind,
    'COMPLETED' as exit_type, 'polecat/toast/gt-1' as branch, 'gt-mr-1' as merge_request_id, null as close_reason,
    0 as reopen_count;
create table fct_merge_requests as
select 'p' as beads_project_id, 'gt-1' as bead_id, 'gt-mr-1' as merge_request_id, 'merged' as state, null as created_at,
    'polecat/toast/gt-1' as branch, 'row' as state_evidence, timestamptz '2026-02-01 09:00:00+00' as first_seen_at;
"""


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    with duckdb.connect(str(tmp_path / CATALOG)) as db:
        db.execute(SCHEMA)
    return tmp_path


def printed(lake: Path, what: str, capsys: pytest.CaptureFixture[str]) -> str:
    explain(lake, what, as_json=False)
    return capsys.readouterr().out


def test_a_session_is_explained_from_identity_to_score(lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = printed(lake, "aaaa-1", capsys)
    expected = [
        "session aaaa-1  rig/polecats/toast of alpha",
        "known by cwd, confidence 0.99",
        "vote cwd: rig/polecats/toast, confidence 0.97  [record f:0:1]",
        "vote beacon: unreadable, refused: unreadable_recipient  [record f:0:2]",
        "episode 1 (attempt)  2026-02-01 08:00  messages 2 to 9, 4 turns",
        "bead gt-1, confidence 0.97",
        "also gt-2, confidence 0.75",
        "vote branch: gt-1, confidence 0.85  [episode e1]",
        "vote done_issue: gt-999, refused: unknown_bead  [tool_call call-7]",
        "outcome merged (accepted, by bead)\n",
        "settled at 2026-02-01 10:00, attempt count 2, reopen count 1",
        "bead merge  2026-02-01 10:00  Merged in gt-mr-1  [bead_event ev-1]",
        "gate: let in\n",
        "score 0.81, from 0.85 of its own and 0.70 of its role, confidence 0.90, rules 1, mature from 2026-02-08 10:00",
        "exit: 1.00 x 0.30  [telemetry done-1]",
        "duration: unknown, no median yet",
        "selection: kept for bases and overlays of acme, split train",
        "human ann says good: tidy",
        "episode 2 (request)",
        "no bead: nothing_named",
        "outcome no_verifiable_outcome (none): not_linked",
        "no score",
        "selection: left out by consent, no_consent (orchard)",
    ]
    place = 0
    for line in expected:
        place = text.index(line, place)


def test_what_nobody_knows_is_said_with_its_reason(lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = printed(lake, "aaaa-2", capsys)
    assert "unknown agent of alpha" in text
    assert "nobody is known to have run it: no bridge speaks" in text
    assert "no episode" in text


def test_a_bead_is_explained_with_all_that_worked_on_it(lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = printed(lake, "gt-1", capsys)
    for line in (
        "bead gt-1 (work, closed)  Mend the roof",
        "2026-02-01 10:00  hooked to closed by rig/refinery: close, close reason Merged in gt-mr-1",
        "1. rig/polecats/toast  2026-02-01 08:00 to 2026-02-01 10:00  closed",
        "exit type COMPLETED, branch polecat/toast/gt-1, merge request id gt-mr-1",
        "gt-mr-1 merged",
        "2026-02-01 08:00  primary 0.97  rig/polecats/toast  session aaaa-1  merged  let in, score 0.81",
        "Another database",
    ):
        assert line in text
    assert "\x1b" not in text


def test_json_has_every_column(lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    explain(lake, "aaaa-1", as_json=True)
    found = json.loads(capsys.readouterr().out)
    assert [item["episode"]["episode_key"] for item in found["episodes"]] == ["e1", "e2"]
    assert found["episodes"][0]["components"][0]["evidence_id"] == "done-1"
    assert found["episodes"][1]["score"] is None
    explain(lake, "gt-2", as_json=True)
    bead = json.loads(capsys.readouterr().out)
    assert (bead["bead"]["title"], [item["episode_key"] for item in bead["episodes"]]) == ("Doors", ["e1"])


def test_what_is_neither_bead_nor_session_says_where_to_look(lake: Path) -> None:
    with pytest.raises(Told, match="neither a bead 'zz' nor a session") as told:
        explain(lake, "zz", as_json=False)
    assert told.value.exit_code == 1


def test_a_beginning_of_several_sessions_lists_them(lake: Path) -> None:
    with pytest.raises(Told, match="several sessions begin with 'aaaa'"):
        explain(lake, "aaaa", as_json=False)


def test_a_release_without_outcomes_says_what_to_run(lake: Path) -> None:
    with duckdb.connect(str(lake / CATALOG)) as db:
        db.execute("drop table fct_outcomes")
    with pytest.raises(Told, match="run `forge build`"):
        explain(lake, "aaaa-1", as_json=False)


def test_long_texts_are_cut() -> None:
    assert len(short("x" * 1000)) == SHOWN
    assert short("one\n two\x1b[0m") == "one two"
