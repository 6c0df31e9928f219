"""Which episodes of two synthetic towns are kept, and why the others are not, against what simtown knows of them."""

from collections import Counter
from typing import Any

import pytest

from tests.dbt.conftest import TownsLake

pytestmark = pytest.mark.slow

BAD = {"superseded", "abandoned", "crashed", "none_merged", "corrected", "conflict_left", "merged_reopened", "wrongly_rejected"}


@pytest.fixture(scope="module")
def truth(towns_lake: TownsLake) -> dict[str, dict[str, Any]]:
    """What is true of each episode, by the key of the one that begins where the truth says."""
    starts = {(session, uuid): key for key, session, uuid in towns_lake.rows(
        "select episodes.episode_key, messages.session_id, messages.entry_key from fct_episodes as episodes "
        "inner join int_messages as messages on messages.message_key = episodes.first_message_key"
    )}  # fmt: skip
    rows = {starts.get((row["session_id"], row["start_uuid"])): row for row in towns_lake.truth.rows("episodes")}
    return {key: row for key, row in rows.items() if key is not None}


def test_every_episode_is_kept_or_has_one_reason(towns_lake: TownsLake) -> None:
    ((episodes, rows, kept, excluded),) = towns_lake.rows(
        "select (select count(*) from fct_episodes), count(distinct episode_key), count(*) filter (is_kept), "
        "count(*) filter (excluded_stage is not null and excluded_reason is not null) from fct_selection"
    )
    assert episodes == rows == kept + excluded
    assert min(kept, excluded) > 0


def test_nobody_learns_from_those_who_do_not_agree(towns_lake: TownsLake, truth: dict[str, dict[str, Any]]) -> None:
    rows = towns_lake.rows("select episode_key, is_kept, is_base_allowed, is_overlay_allowed, startup from fct_selection")
    seen = Counter[str]()
    for key, is_kept, is_for_base, is_for_overlay, startup in rows:
        owners = set(truth[key]["startups"]) if key in truth else set()
        if not is_kept:
            continue
        assert "orchard" not in owners
        if owners & {"lantern", "harbour"}:
            assert (is_for_base, is_for_overlay, owners) == (False, True, {startup})
            seen["own"] += 1
        else:
            assert is_for_base
            seen["shared"] += 1
    assert min(seen["own"], seen["shared"]) > 20
    assert {row[0] for row in towns_lake.rows("select distinct excluded_stage from fct_selection")} >= {
        "consent",
        "gate",
        "maturity",
    }


def test_bad_work_is_never_kept(towns_lake: TownsLake, truth: dict[str, dict[str, Any]]) -> None:
    kept = {key for (key,) in towns_lake.rows("select episode_key from fct_selection where is_kept")}
    assert {truth[key]["outcome"] for key in kept & set(truth)} & BAD == set()
    assert {row["outcome"] for row in truth.values()} >= BAD


def test_no_cap_is_exceeded(towns_lake: TownsLake) -> None:
    beads = towns_lake.rows(
        "select max(kept) from (select count(*) as kept from fct_selection inner join int_selection_caps using (episode_key) "
        "where is_kept and bead_id is not null group by int_selection_caps.role_family, beads_project_id, bead_id)"
    )
    assert beads[0][0] <= 2
    months = towns_lake.rows(
        "select count(*) filter (kind = 'cycle' and outcome_class = 'neutral'), count(*) filter (is_without_outcome), count(*) "
        "from int_selection_caps inner join int_episode_candidates as candidates using (episode_key) where is_within_caps "
        "group by candidates.town_id, candidates.role_family, candidates.session_month"
    )
    assert max(patrols for patrols, _, _ in months) == 12
    assert all(unknown <= 0.1 * count for _, unknown, count in months)
    assert sum(unknown for _, unknown, _ in months) > 0


def test_what_is_kept_has_something_to_show_that_nothing_repeats(towns_lake: TownsLake) -> None:
    without = towns_lake.rows(
        "select selection.episode_key from fct_selection as selection where is_kept and not exists ("
        "select 1 from fct_examples as examples left join fct_duplicates as duplicates using (conversation_key) "
        "where examples.episode_key = selection.episode_key and unusable_reason is null and duplicates.conversation_key is null)"
    )
    assert without == []
