"""`forge status` tells which roles and towns snapshots leave out, and what became of the snapshots."""

from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow as pa

from lake.duck import load_delta
from lake.named_queries import read_answers
from lake.record_table import RecordTable
from lake.record_views import show_record_table
from lake.status_learning import QUERIES, Learning, learning_lines
from tests.lake.report_world import report_world

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
TABLE = RecordTable("ops/snapshots", "Snapshots.", {"snapshot_id": (pa.string(), "Its id.")}, ("snapshot_id",))


def test_a_release_says_who_is_left_out_and_why() -> None:
    answers = read_answers(report_world(), QUERIES)
    assert answers["kept_out"] == [{"role": "crew", "reason": "group_too_large", "largest_share": 1}]
    assert answers["snapshots"] == [{"held": 2, "dropped": 1, "newest_at": datetime(2026, 2, 27, 10, tzinfo=UTC)}]
    assert answers["withdrawn"] == [{"id": "b" + 63 * "2"}]
    (drifting,) = answers["drifting"] or [{}]
    assert {name: str(value) for name, value in drifting.items()} == {
        "town": "alpha",
        "role": "polecat",
        "measure": "tool_mix",
        "divergence": "0.42",
        "threshold": "0.1",
        "is_kept_out": "True",
    }


def test_a_line_says_each_of_them() -> None:
    learning = Learning(
        kept_out=[{"role": "crew", "reason": "largest_group_too_large", "largest_share": 0.12}],
        drifting=[
            {"town": "alpha", "role": "polecat", "measure": "tool_mix", "divergence": 0.42, "threshold": 0.1, "is_kept_out": True},
            {"town": "beta", "role": "mayor", "measure": "length", "divergence": 0.2, "threshold": 0.1, "is_kept_out": False},
        ],
        withdrawn=("b",),
        snapshots=2,
        newest_snapshot_at=datetime(2026, 2, 27, 10, tzinfo=UTC),
    )
    assert list(learning_lines(learning, NOW)) == [
        "snaps    2, the newest 3 d old; 1 with rows that may no longer be learned from",
        "left out crew: largest group too large, 12 % of its episodes",
        "drift    alpha, polecat, tool mix: 0.42 from the other towns, above 0.1; kept out of shared bases",
        "drift    beta, mayor, length: 0.20 from the other towns, above 0.1",
    ]


def test_nothing_is_said_of_what_is_not_there() -> None:
    assert list(learning_lines(Learning(), NOW)) == []
    assert set(read_answers(duckdb.connect(), QUERIES).values()) == {None}


def test_an_ops_table_is_shown_as_it_is_today(lake: Path) -> None:
    for expected in ([], [("a",)], [("a",), ("b",)]):
        if expected:
            TABLE.append(lake, [{"snapshot_id": expected[-1][0]}])
        with duckdb.connect() as connection:
            load_delta(connection)
            connection.execute("create schema ops")
            show_record_table(lake, TABLE, connection)
            assert connection.execute("select snapshot_id from ops.snapshots order by all").fetchall() == expected
