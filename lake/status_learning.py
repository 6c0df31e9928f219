"""What `forge status` says about learning: roles and towns that snapshots leave out, and the snapshots there are."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from lake.named_queries import Rows, read_answers
from lake.releases import Release
from lake.report_data import release_connection
from lake.report_text import percent, words
from lake.tell import ago

QUERIES = Path(__file__).with_name("status_queries.sql")


@dataclass(frozen=True)
class Learning:
    """`kept_out`: roles (role, reason, largest_share); `drifting`: towns and roles by measure; `withdrawn`: ids of snapshots with
    rows that nobody may learn from any more. What a release has no table for is empty."""

    kept_out: Rows = field(default_factory=list)
    drifting: Rows = field(default_factory=list)
    withdrawn: tuple[str, ...] = ()
    snapshots: int = 0
    newest_snapshot_at: datetime | None = None


def find_learning(lake: Path, release: Release) -> Learning:
    """What a release and the ops tables say."""
    with release_connection(lake, release) as connection:
        answers = read_answers(connection, QUERIES)
    (snapshots,) = answers["snapshots"] or [{"held": 0, "newest_at": None}]
    return Learning(
        answers["kept_out"] or [],
        answers["drifting"] or [],
        tuple(row["id"] for row in answers["withdrawn"] or []),
        snapshots["held"],
        snapshots["newest_at"],
    )


def learning_lines(learning: Learning, now: datetime) -> Iterator[str]:
    """Lines of the status; nothing is said of what is not there."""
    if learning.newest_snapshot_at:
        since = f", the newest {ago((now - learning.newest_snapshot_at).total_seconds())} old"
        gone = f"; {len(learning.withdrawn)} with rows that may no longer be learned from" if learning.withdrawn else ""
        yield f"snaps    {learning.snapshots}{since}{gone}"
    for row in learning.kept_out:
        share = percent(row["largest_share"])
        yield f"left out {row['role']}: {words(row['reason'])}, {share} of its episodes"
    for row in learning.drifting:
        yield f"drift    {_drift(row)}"


def _drift(row: dict[str, Any]) -> str:
    kept_out = "; kept out of shared bases" if row["is_kept_out"] else ""
    where = f"{row['town']}, {row['role']}, {words(row['measure'])}"
    return f"{where}: {row['divergence']:.2f} from the other towns, above {row['threshold']:g}{kept_out}"
