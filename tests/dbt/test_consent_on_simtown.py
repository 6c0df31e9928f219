"""Who may learn from which episode of two synthetic towns, against what simtown knows of their startups."""

import pytest

from tests.dbt.conftest import TownsLake

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def startups(towns_lake: TownsLake) -> dict[str, set[str]]:
    """The startups that each episode touches in truth, by the key of the episode that begins where the truth says."""
    starts = {(session, uuid): key for key, session, uuid in towns_lake.rows(
        "select episodes.episode_key, messages.session_id, messages.entry_key from fct_episodes as episodes "
        "inner join int_messages as messages on messages.message_key = episodes.first_message_key"
    )}  # fmt: skip
    found = {}
    for row in towns_lake.truth.rows("episodes"):
        key = starts.get((row["session_id"], row["start_uuid"]))
        if key is not None:
            found[key] = set(row["startups"]) or {f"{row['town']}/hq"}
    assert len(found) >= 0.98 * len(starts)
    return found


@pytest.fixture(scope="module")
def learn(towns_lake: TownsLake) -> dict[str, str]:
    """What each startup allows in truth."""
    return {row["startup"]: row["learn"] for row in towns_lake.truth.rows("startups")}


def test_startups_are_those_of_the_truth(towns_lake: TownsLake, learn: dict[str, str]) -> None:
    assert dict(towns_lake.rows("select startup, learn from dim_startups")) == learn
    assert set(learn.values()) == {"none", "own", "shared"}
    rigs = {(row["startup"], f"{row['town']}/{rig}") for row in towns_lake.truth.rows("startups") for rig in row["rigs"]}
    listed = towns_lake.rows("select startup, rigs from dim_startups where rigs is not null")
    assert {(startup, rig) for startup, text in listed for rig in text.split(", ")} == rigs


def test_episodes_touch_the_startups_of_the_truth(towns_lake: TownsLake, startups: dict[str, set[str]]) -> None:
    ours = {key: set(names.split(", ")) for key, names in towns_lake.rows("select episode_key, startups from int_episode_consent")}
    missed = {key: truth - ours[key] for key, truth in startups.items() if truth - ours[key]}
    assert missed == {}, "an episode that touches a startup may be learned from without its consent"
    assert sum(ours[key] == truth for key, truth in startups.items()) >= 0.99 * len(startups)


def test_the_strictest_startup_decides(towns_lake: TownsLake, startups: dict[str, set[str]], learn: dict[str, str]) -> None:
    rows = towns_lake.rows("select episode_key, is_base_allowed, is_overlay_allowed, consent_reason from int_episode_consent")
    kinds = set()
    for key, is_for_base, is_for_overlay, reason in rows:
        if key not in startups:
            continue
        allowed = {learn[name] for name in startups[key]}
        kinds.add((len(startups[key]) > 1, *sorted(allowed)))
        if "none" in allowed:
            assert (is_for_base, is_for_overlay, reason) == (False, False, "no_consent")
        else:
            assert is_for_base == (allowed == {"shared"})
            assert is_for_overlay == (len(startups[key]) == 1)
            assert reason == (None if is_for_base or is_for_overlay else "several_startups")
    assert {(False, "none"), (False, "own"), (False, "shared"), (True, "own", "shared")} <= kinds


def test_nobody_is_a_candidate_whom_consent_keeps_out(towns_lake: TownsLake, startups: dict[str, set[str]]) -> None:
    candidates = {key for (key,) in towns_lake.rows("select episode_key from int_episode_candidates where is_candidate")}
    assert candidates
    assert not {key for key in candidates if "orchard" in startups.get(key, set())}
