"""Which episodes people are asked about: a stratified sample of a trained role, drawn once per calibration cycle.

The strata are the tiers of the evidence and the deciles of the score, and one more for episodes whose evidence is at odds with
itself. A sample of strata is no picture of the whole, so every drawn episode knows how many its stratum had, and the figures of
agreement weigh it by that. The draw depends on the release, the seed and the cycle's number alone. It is kept in the lake, so that
who comes back tomorrow goes on with the same episodes although the scores may have moved.
"""

import json
import math
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from lake.location import ops_path
from lake.locks import lock
from training.calibration_rules import CalibrationRules

FRAME = Path(__file__).with_name("calibration_frame.sql")
SAMPLE = Path(__file__).with_name("calibration_sample.sql")


@dataclass(frozen=True)
class Judged:
    """One episode and what the scores say of it; the columns of `calibration_frame.sql`. Times are UTC."""

    episode_key: str
    session_key: str
    town_id: str | None
    session_id: str | None
    town: str | None
    role: str
    role_family: str
    agent_address: str | None
    kind: str | None
    started_at: datetime | None
    first_message_number: int
    last_message_number: int
    turn_count: int | None
    primary_beads_project_id: str | None
    primary_bead_id: str | None
    outcome: str
    outcome_class: str
    tier: str | None
    rules_version: str | None
    gate_reason: str | None
    is_accepted: bool
    rank_score: float | None
    confidence: float | None

    def judgement(self, drawn: "Drawn | None") -> dict[str, str | float | int | bool | None]:
        """What a verdict remembers of the scores. `drawn`: None for an episode that is in no sample."""
        return {
            "role": self.role,
            "role_family": self.role_family,
            "outcome": self.outcome,
            "outcome_class": self.outcome_class,
            "tier": self.tier,
            "rules_version": self.rules_version,
            "gate_reason": self.gate_reason,
            "is_accepted": self.is_accepted,
            "rank_score": self.rank_score,
            "confidence": self.confidence,
            "stratum": drawn.stratum if drawn else None,
            "stratum_size": drawn.stratum_size if drawn else None,
        }


@dataclass(frozen=True)
class Drawn:
    """One episode of a cycle's sample, and how many episodes its stratum had."""

    episode_key: str
    stratum: str
    stratum_size: int


def judged_episodes(connection: duckdb.DuckDBPyConnection, role: str) -> dict[str, Judged]:
    """Every episode of a trained role that has a score and an outcome that can be verified, by its key."""
    found = connection.execute(FRAME.read_text(encoding="utf-8"), {"role": role}).fetchall()
    return {row[0]: Judged(*row) for row in found}


def cycle_sample(lake: Path, connection: duckdb.DuckDBPyConnection, role: str, cycle: int, rules: CalibrationRules) -> list[Drawn]:
    """The cycle's sample in the order in which people see it; drawn and kept when it is asked for the first time."""
    path = ops_path(lake, "calibration") / f"{role}-{cycle}.json"
    with lock(lake, "calibration", wait=True):
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            drawn = draw(connection, role, cycle, rules)
            if not drawn:
                return []
            partial = path.with_suffix(".partial")
            partial.write_text(json.dumps([asdict(item) for item in drawn], indent=1), encoding="utf-8")
            partial.replace(path)
        return [Drawn(**item) for item in json.loads(path.read_text(encoding="utf-8"))]


def draw(connection: duckdb.DuckDBPyConnection, role: str, cycle: int, rules: CalibrationRules) -> list[Drawn]:
    """Draw the sample of a role and cycle. It holds every episode there is when there are no more than wanted."""
    connection.execute(f"create or replace temporary table frame as {FRAME.read_text(encoding='utf-8')}", {"role": role})
    sizes = {"size": rules.sample_size, "disputed": math.ceil(rules.sample_size * rules.disputed_share)}
    dice = f"{rules.sample_seed}|{role}|{cycle}"
    return [Drawn(*row) for row in connection.execute(SAMPLE.read_text(encoding="utf-8"), {"dice": dice, **sizes}).fetchall()]
