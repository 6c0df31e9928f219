"""What became of every episode of two synthetic towns, found in their data alone and held against what simtown knows."""

import pytest

from tests.dbt.conftest import TownsLake

pytestmark = pytest.mark.slow

PRUNED = "missed_crash"
"""A crash of which the town's log was pruned leaves a cycle that looks quiet."""


@pytest.fixture(scope="module")
def judged(towns_lake: TownsLake) -> list[tuple[str, str, str, str | None, bool]]:
    """Per episode of the truth: its id, role, true outcome, and the outcome and admission of the episode that overlaps it most."""
    episodes = towns_lake.folder / "world/truth/episodes.jsonl"
    return towns_lake.rows(
        f"""
        with overlapping as (
            select truth.episode_id, truth.role, truth.outcome as true_outcome, outcomes.outcome, outcomes.is_admitting,
            row_number() over (
                partition by truth.episode_id
                order by least(truth.ended_at::timestamptz, episodes.ended_at) - greatest(truth.started_at::timestamptz,
                episodes.started_at) desc
            ) as choice
            from read_json_auto('{episodes}') as truth
            left join dim_sessions as sessions on sessions.session_id = truth.session_id::varchar
            left join fct_episodes as episodes on episodes.session_key = sessions.session_key
                and truth.started_at::timestamptz <= episodes.ended_at + interval 1 second
                and episodes.started_at <= truth.ended_at::timestamptz + interval 1 second
            left join fct_outcomes as outcomes on outcomes.episode_key = episodes.episode_key
        )
        select episode_id, role, true_outcome, outcome, coalesce(is_admitting, false) from overlapping where choice = 1 order by 1
        """
    )


def test_outcomes_are_found_in_97_of_100_episodes(judged: list[tuple[str, str, str, str | None, bool]]) -> None:
    wrong = [row for row in judged if row[2] != row[3]]
    assert judged
    assert len(wrong) <= 0.03 * len(judged), wrong


def test_every_class_of_outcome_is_recovered(judged: list[tuple[str, str, str, str | None, bool]]) -> None:
    shares = {}
    for outcome in sorted({row[2] for row in judged}):
        found = [row[3] == outcome for row in judged if row[2] == outcome]
        shares[outcome] = sum(found) / len(found)
    assert len(shares) >= 28
    assert {outcome: share for outcome, share in shares.items() if share < (0.4 if outcome == PRUNED else 0.9)} == {}


def test_no_role_ends_without_an_admitted_episode(judged: list[tuple[str, str, str, str | None, bool]]) -> None:
    admitted = {role: sum(row[4] for row in judged if row[1] == role) for role in {row[1] for row in judged}}
    assert len(admitted) == 8
    assert min(admitted.values()) > 0, admitted


def test_no_bad_outcome_is_admitted(judged: list[tuple[str, str, str, str | None, bool]]) -> None:
    """Only a crash that the pruned log no longer shows may pass as something better than it was."""
    bad = {"rejected", "abandoned", "crashed", "superseded", "false_alarm", "none_merged", "corrected", "conflict_left"}
    assert [row for row in judged if row[4] and row[2] in bad and not (row[1] == "refinery" and row[2] == "rejected")] == []


def test_every_outcome_is_explained_by_its_evidence(towns_lake: TownsLake) -> None:
    unexplained = towns_lake.rows(
        """
        select outcomes.episode_key from fct_outcomes as outcomes
        left join fct_outcome_evidence as evidence on evidence.episode_key = outcomes.episode_key and evidence.is_deciding
            and evidence.outcome = outcomes.outcome
        where outcomes.outcome <> 'no_verifiable_outcome' and evidence.episode_key is null
        """
    )
    assert unexplained == []


def test_evidence_points_to_what_is_there(towns_lake: TownsLake) -> None:
    lost = towns_lake.rows(
        """
        with keys as (
            select tool_call_key as key, 'tool_call' as source from int_tool_calls_paired
            union all select message_key, 'message' from int_messages
            union all select event_key, 'bead_event' from stg_beads__events
            union all select merge_request_id, 'merge_request' from fct_merge_requests
            union all select attempt_key, 'attempt' from fct_attempts
            union all select event_hash, 'town_event' from stg_town__events
            union all select comment_id, 'bead_comment' from stg_beads__comments
        )
        select evidence.source, evidence.evidence_key from fct_outcome_evidence as evidence
        left join keys on keys.source = evidence.source and keys.key = split_part(evidence.evidence_key, '#', 1)
        where evidence.source in (select source from keys) and keys.key is null
        """
    )
    assert lost == []


def test_rework_is_counted_beside_the_outcome(towns_lake: TownsLake) -> None:
    """A superseded attempt was sent back once, a reopened merge has its reopening, saved leftovers are seen somewhere."""
    facts = towns_lake.rows(
        """
        select
            min(fix_needed_count) filter (outcome = 'superseded'),
            min(attempt_count) filter (outcome in ('superseded', 'rejected') and role = 'polecat'),
            min(reopen_count) filter (outcome = 'merged_reopened'),
            count(*) filter (has_autosaved_leftovers) > 0,
            count(*) filter (is_commit_kept) > 0 and count(*) filter (not is_commit_kept) > 0
        from fct_outcomes
        """
    )
    assert [tuple(bool(value) for value in row) for row in facts] == [(True, True, True, True, True)]
