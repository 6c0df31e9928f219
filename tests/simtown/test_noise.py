"""The world is as noisy as `noise.yaml` says."""

from collections import defaultdict
from pathlib import Path

import pytest

from simtown import Truth
from simtown.noise import noise_table, rate

World = tuple[Path, Truth]
SOURCE = Path(__file__).parents[2] / "simtown"


def test_every_rate_has_a_source_and_is_used() -> None:
    code = "".join(path.read_text("utf-8") for path in SOURCE.glob("*.py"))
    for name, noise in noise_table().items():
        assert noise.source == "assumed" or noise.source == "measured" or noise.source[0].isdigit(), name
        assert noise.note, name
        assert f'rate("{name}")' in code, f"{name} is in noise.yaml but nothing uses it"


def observed(truth: Truth) -> dict[str, tuple[int, int]]:
    """Rate → (cases, out of how many) in a world."""
    sessions = [row for row in truth.rows("sessions") if "beacon_molecule" in row]
    attempts = truth.all("attempts")
    started = [row for row in sessions if row["role"] != "dog"]
    clocks = truth.all("clock_offsets")
    requests = truth.all("merge_requests")
    exact: dict[str, int] = defaultdict(int)
    for row in started:
        exact[row["session_start"]] += 1
    return {
        "beacon_missing": (sum(not row["has_beacon"] for row in sessions), len(sessions)),
        "hook_text_missing": (sum(not row["has_hook_text"] for row in sessions), len(sessions)),
        "bash_prime": (sum("bash_prime_uuid" in row for row in sessions), len(sessions)),
        "session_start_missing": (exact["none"], len(started)),
        "placeholder_usage": (sum(row["has_placeholder_usage"] for row in sessions), len(sessions)),
        "other_model": (sum("claude" not in row["model"] for row in sessions), len(sessions)),
        "branch_without_bead": (sum("@" not in row["branch"] for row in attempts), len(attempts)),
        "attempt_over_two_sessions": (sum(len(row["sessions"]) > 1 for row in attempts), len(attempts)),
        "merge_request_leaked": (sum(row["in_export"] for row in requests), len(requests)),
        "event_offset_deviates": (sum(row["deviating"] for row in clocks), sum(row["created"] for row in clocks)),
    }


@pytest.mark.parametrize(
    "name",
    ["beacon_missing", "hook_text_missing", "bash_prime", "session_start_missing", "placeholder_usage", "other_model",
     "branch_without_bead", "attempt_over_two_sessions", "merge_request_leaked", "event_offset_deviates"],
)  # fmt: skip
def test_observed_share_agrees_with_the_table(demo: World, name: str) -> None:
    cases, total = observed(demo[1])[name]
    expected = rate(name)
    # Four standard deviations of a share over `total` cases.
    slack = 4 * (expected * (1 - expected) / total) ** 0.5
    assert abs(cases / total - expected) <= slack, f"{cases} of {total}"


def test_some_sessions_hold_several_beads(demo: World) -> None:
    beads: dict[str, set[str]] = defaultdict(set)
    for row in demo[1].rows("episodes"):
        if row["role"] == "polecat" and row["bead_id"]:
            beads[row["session_id"]].add(row["bead_id"])
    share = sum(len(found) > 1 for found in beads.values()) / len(beads)
    assert 0.02 <= share <= rate("session_with_many_beads")
