"""Episodes of synthetic towns begin, end and are of the kind that the generator played, and touch the rigs it says they touch."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.dbt.conftest import TownsLake

pytestmark = pytest.mark.slow

AIM = 0.98
# The truth does not tell apart who asked: a person, or another agent by mail.
KINDS = {"mail": "request"}


@pytest.fixture(scope="module")
def found(towns_lake: TownsLake) -> dict[tuple[str, str], dict[str, Any]]:
    """Episodes of the models by session and first record."""
    columns = ("key", "role", "kind", "number", "end_uuid", "started_at", "ended_at", "first", "last")
    rows = towns_lake.rows(
        "select firsts.session_id, firsts.entry_key, episodes.episode_key, episodes.role, episodes.kind, episodes.episode_number, "
        "lasts.entry_key, episodes.started_at, episodes.ended_at, episodes.first_message_number, episodes.last_message_number "
        "from fct_episodes as episodes "
        "inner join int_messages as firsts on firsts.message_key = episodes.first_message_key "
        "inner join int_messages as lasts on lasts.message_key = episodes.last_message_key"
    )
    return {(row[0], row[1]): dict(zip(columns, row[2:], strict=True)) for row in rows}


def moment(text: str) -> datetime:
    """A time of the truth, which has no fractions of seconds."""
    return datetime.fromisoformat(text).astimezone(UTC)


def test_episodes_begin_and_end_where_they_did_and_are_of_their_kind(
    towns_lake: TownsLake, found: dict[tuple[str, str], dict[str, Any]]
) -> None:
    known = towns_lake.truth.all("episodes")
    right: Counter[str] = Counter()
    of_role: Counter[str] = Counter(row["role"] for row in known)
    for row in known:
        episode = found.get((row["session_id"], row["start_uuid"]))
        if (
            episode
            and (episode["end_uuid"], episode["number"] - 1, episode["role"]) == (row["end_uuid"], row["ordinal"], row["role"])
            and KINDS.get(episode["kind"], episode["kind"]) == row["kind"]
        ):
            right[row["role"]] += 1
    assert {role: count for role, count in of_role.items() if right[role] < AIM * count} == {}
    assert abs(len(found) - len(known)) <= (1 - AIM) * len(known)


def test_times_are_those_of_the_first_and_last_record(towns_lake: TownsLake, found: dict[tuple[str, str], dict[str, Any]]) -> None:
    second = timedelta(seconds=1)
    pairs = [(row, found[row["session_id"], row["start_uuid"]]) for row in towns_lake.truth.rows("episodes")
             if (row["session_id"], row["start_uuid"]) in found]  # fmt: skip
    late = [row["episode_id"] for row, episode in pairs if abs(episode["ended_at"] - moment(row["ended_at"])) > 5 * second]
    # An episode is played from the moment it is asked for; its first record follows within seconds.
    early = [
        row["episode_id"] for row, episode in pairs if not -second < episode["started_at"] - moment(row["started_at"]) < 10 * second
    ]
    assert len(late) + len(early) <= (1 - AIM) * len(pairs)
    assert towns_lake.rows(
        "select episodes.episode_key from fct_episodes as episodes "
        "inner join int_messages as firsts on firsts.message_key = episodes.first_message_key "
        "inner join int_messages as lasts on lasts.message_key = episodes.last_message_key "
        "where episodes.started_at <> firsts.recorded_at or episodes.ended_at <> lasts.recorded_at "
        "or episodes.first_message_number <> firsts.message_number or episodes.last_message_number <> lasts.message_number"
    ) == []  # fmt: skip


def test_counts_are_those_of_the_messages_between_the_bounds(towns_lake: TownsLake) -> None:
    assert towns_lake.rows(
        "with counted as (select episodes.episode_key, count(*) as calls, count(*) filter (calls.is_error) as errors "
        "from fct_episodes as episodes inner join fct_tool_calls as calls on calls.session_key = episodes.session_key "
        "and calls.message_number between episodes.first_message_number and episodes.last_message_number "
        "where not calls.is_subagent and calls.is_on_live_path and not calls.is_fork_copy group by episodes.episode_key) "
        "select episodes.episode_key, episodes.tool_call_count, counted.calls from fct_episodes as episodes "
        "left join counted using (episode_key) where episodes.tool_call_count <> coalesce(counted.calls, 0)"
    ) == []  # fmt: skip


def test_every_session_has_episodes_or_a_reason(towns_lake: TownsLake) -> None:
    known = {row["session_id"]: row for row in towns_lake.truth.rows("sessions")}
    reasons = dict(
        towns_lake.rows(
            "select sessions.session_id, without.reason from fct_sessions_without_episode as without "
            "inner join dim_sessions as sessions using (session_key)"
        )
    )
    expected = {
        session: "only_subagents" if row.get("known_from") == "subagent" else "no_answer"
        for session, row in known.items()
        if row["episodes"] == 0
    }
    assert expected
    assert reasons == expected


def test_episodes_touch_the_rigs_they_touched(towns_lake: TownsLake, found: dict[tuple[str, str], dict[str, Any]]) -> None:
    rigs: dict[str, set[str]] = {}
    for key, rig in towns_lake.rows("select episode_key, rig from bridge_episode_rig"):
        rigs.setdefault(key, set()).add(rig)
    pairs = [
        (set(row["rigs"]), rigs.get(found[row["session_id"], row["start_uuid"]]["key"], set()))
        for row in towns_lake.truth.rows("episodes")
        if (row["session_id"], row["start_uuid"]) in found
    ]
    assert sum(1 for wanted, touched in pairs if wanted == touched) >= AIM * len(pairs)


def test_work_that_was_handed_in_names_its_bead_branch_and_merge_request(towns_lake: TownsLake) -> None:
    known = {
        (row["bead_id"], row["branch"], row["merge_request_id"])
        for row in towns_lake.truth.rows("attempts")
        if row["merge_request_id"]
    }
    told = set(
        towns_lake.rows(
            "select reported_bead_id, branch, merge_request_id from int_town_commands "
            "where verb = 'done' and merge_request_id is not null and not is_refused"
        )
    )
    assert known
    assert told == known
    refused = towns_lake.rows("select distinct is_error, reported_bead_id is null from int_town_commands where is_refused")
    assert refused == [(True, True)]
