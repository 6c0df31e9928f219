"""What the Delta materialization promises, without dbt around it."""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lake.column_types import ColumnTypeError
from lake.duck import memory
from lake.location import model_path
from lake.model_store import SMALL_FILES, ModelConfig, ModelStore, Outcome


@pytest.fixture
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    with memory() as connection:
        connection.execute("create schema touched")
        yield connection


def store(lake: Path, database: duckdb.DuckDBPyConnection, sql: str, base: int | None = None, **config: Any) -> Outcome:
    settings = {"incremental": True, "order_by": ["k", "v"], "rows_per_file": 2048, **config}
    return ModelStore(lake, database, ModelConfig(name="m", schema="main", sql=sql, **settings), base).store()


def rows(lake: Path, database: duckdb.DuckDBPyConnection, version: int) -> list[tuple[Any, ...]]:
    path = model_path(lake, "m")
    return sorted(database.execute(f"select * from delta_scan('{path}', version => {version})").fetchall(), key=repr)


def files(lake: Path, version: int) -> set[str]:
    return set(DeltaTable(str(model_path(lake, "m")), version=version).file_uris())


SPREAD = "select cast(i // 10 as bigint) as k, cast(i as bigint) as v from range(10000) as t(i)"


def test_rows_of_touched_keys_are_replaced_and_all_others_stay(lake: Path, database: duckdb.DuckDBPyConnection) -> None:
    base = store(lake, database, SPREAD, touched_key=["k"]).version
    after = store(lake, database, "select 7::bigint as k, -1::bigint as v", base, touched_key=["k"])
    assert rows(lake, database, after.version) == sorted(
        [row for row in rows(lake, database, base) if row[0] != 7] + [(7, -1)], key=repr
    )


def test_only_files_that_hold_a_touched_key_are_rewritten(lake: Path, database: duckdb.DuckDBPyConnection) -> None:
    base = store(lake, database, SPREAD, touched_key=["k"]).version
    after = store(lake, database, "select 7::bigint as k, -1::bigint as v", base, touched_key=["k"])
    assert (after.files_removed, after.rows_rewritten) == (1, 2048)
    assert len(files(lake, base) & files(lake, after.version)) == len(files(lake, base)) - 1


def test_the_version_before_stays_readable(lake: Path, database: duckdb.DuckDBPyConnection) -> None:
    base = store(lake, database, SPREAD, touched_key=["k"]).version
    before = rows(lake, database, base)
    store(lake, database, "select 7::bigint as k, -1::bigint as v", base, touched_key=["k"])
    assert rows(lake, database, base) == before


def test_without_a_touched_key_rows_are_appended(lake: Path, database: duckdb.DuckDBPyConnection) -> None:
    base = store(lake, database, "select 1::bigint as k, 1::bigint as v").version
    after = store(lake, database, "select 1::bigint as k, 1::bigint as v", base)
    assert rows(lake, database, after.version) == [(1, 1), (1, 1)]
    assert files(lake, base) < files(lake, after.version)


def test_no_rows_and_no_touched_keys_commit_nothing(lake: Path, database: duckdb.DuckDBPyConnection) -> None:
    base = store(lake, database, SPREAD, touched_key=["k"]).version
    after = store(lake, database, f"{SPREAD} limit 0", base, touched_key=["k"])
    assert (after.version, after.is_changed) == (base, False)
    assert DeltaTable(str(model_path(lake, "m"))).version() == base


def test_a_touched_key_without_rows_is_deleted(lake: Path, database: duckdb.DuckDBPyConnection) -> None:
    base = store(lake, database, SPREAD, touched_key=["k"]).version
    after = store(lake, database, f"{SPREAD} limit 0", base, touched_key=["k"], touched_sql="select 3::bigint as k")
    assert {row[0] for row in rows(lake, database, base)} - {row[0] for row in rows(lake, database, after.version)} == {3}
    assert database.execute("select k from touched.m").fetchall() == [(3,)]


def test_all_rows_can_vanish_and_the_columns_stay(lake: Path, database: duckdb.DuckDBPyConnection) -> None:
    base = store(lake, database, "select 1::bigint as k, 1::bigint as v", touched_key=["k"]).version
    after = store(lake, database, f"{SPREAD} limit 0", base, touched_key=["k"], touched_sql="select 1::bigint as k")
    assert rows(lake, database, after.version) == []
    assert [field.name for field in DeltaTable(str(model_path(lake, "m"))).schema().fields] == ["k", "v"]


def test_what_a_failed_build_committed_is_dropped_by_the_next(lake: Path, database: duckdb.DuckDBPyConnection) -> None:
    base = store(lake, database, SPREAD, touched_key=["k"]).version
    failed = store(lake, database, "select 7::bigint as k, -1::bigint as v", base, touched_key=["k"])
    repeated = store(lake, database, "select 9::bigint as k, -2::bigint as v", base, touched_key=["k"])
    assert failed.version < repeated.version
    assert rows(lake, database, repeated.version) == sorted(
        [row for row in rows(lake, database, base) if row[0] != 9] + [(9, -2)], key=repr
    )


def test_an_append_repeated_after_a_failed_build_is_there_once(lake: Path, database: duckdb.DuckDBPyConnection) -> None:
    base = store(lake, database, "select 1::bigint as k, 1::bigint as v").version
    store(lake, database, "select 2::bigint as k, 2::bigint as v", base)
    again = store(lake, database, "select 2::bigint as k, 2::bigint as v", base)
    assert rows(lake, database, again.version) == [(1, 1), (2, 2)]


def test_small_files_are_gathered_before_they_become_many(lake: Path, database: duckdb.DuckDBPyConnection) -> None:
    version = store(lake, database, "select 0::bigint as k, 0::bigint as v").version
    counts = []
    for number in range(1, 2 * SMALL_FILES):
        version = store(lake, database, f"select {number}::bigint as k, 0::bigint as v", version).version
        counts.append(len(files(lake, version)))
    assert max(counts) <= SMALL_FILES
    assert rows(lake, database, version) == sorted([(number, 0) for number in range(2 * SMALL_FILES)], key=repr)


def test_a_model_computed_whole_is_written_only_when_a_row_differs(lake: Path, database: duckdb.DuckDBPyConnection) -> None:
    whole: dict[str, Any] = {"incremental": False, "unique_key": ["k"]}
    base = store(lake, database, "select 1::bigint as k, 1::bigint as v", **whole).version
    same = store(lake, database, "select 1::bigint as k, 1::bigint as v", base, **whole)
    assert (same.version, same.is_changed) == (base, False)
    assert database.execute("select count(*) from touched.m").fetchall() == [(0,)]
    other = store(lake, database, "select 2::bigint as k, 1::bigint as v", base, **whole)
    assert rows(lake, database, other.version) == [(2, 1)]
    assert sorted(database.execute("select k from touched.m").fetchall()) == [(1,), (2,)]


def test_rows_lie_in_the_order_asked_for_file_by_file(lake: Path, database: duckdb.DuckDBPyConnection) -> None:
    version = store(lake, database, f"select k, v from ({SPREAD}) order by md5(v::varchar)").version
    spans = sorted(
        (min(values), max(values))
        for values in (pq.read_table(uri, columns=["v"])["v"].to_pylist() for uri in files(lake, version))
    )
    assert len(spans) >= 4
    assert all(before[1] < after[0] for before, after in itertools.pairwise(spans))


def test_the_log_keeps_statistics_of_the_named_columns_only(lake: Path, database: duckdb.DuckDBPyConnection) -> None:
    store(lake, database, "select 1::bigint as k, 2::bigint as v, 'kept private' as t", statistics=["k"])
    log = model_path(lake, "m") / "_delta_log"
    text = "".join(path.read_text() for path in log.glob("*.json"))
    assert '\\"k\\": 1' in text
    assert "kept private" not in text


@pytest.mark.parametrize(
    ("expression", "kind"),
    [
        ("sum(1::bigint)", "HUGEINT"),
        ("localtimestamp", "TIMESTAMP"),
        ("'{}'::json", "JSON"),
        ("1::ubigint", "UBIGINT"),
        ("interval 1 day", "INTERVAL"),
        ("time '12:00'", "TIME"),
        ("'a'::enum('a')", "ENUM"),
        ("[sum(1::bigint)]", "HUGEINT"),
    ],
)
def test_a_type_that_cannot_live_in_the_lake_is_refused_by_column(
    lake: Path, database: duckdb.DuckDBPyConnection, expression: str, kind: str
) -> None:
    with pytest.raises(ColumnTypeError, match="model m, column odd: type") as refused:
        store(lake, database, f"select {expression} as odd", order_by=[])
    assert kind in str(refused.value)


def test_a_config_that_names_an_unknown_column_is_refused(lake: Path, database: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(ValueError, match="names columns it does not have: nowhere"):
        store(lake, database, SPREAD, touched_key=["nowhere"])


Batch = list[tuple[int | None, int]]
_rows = st.lists(st.tuples(st.one_of(st.none(), st.integers(0, 6)), st.integers(0, 50)), max_size=12)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=st.lists(st.tuples(_rows, st.sets(st.integers(0, 6), max_size=2), st.booleans()), min_size=1, max_size=6))
def test_any_history_of_exchanges_and_failures_ends_like_a_dictionary(
    tmp_path_factory: pytest.TempPathFactory,
    database: duckdb.DuckDBPyConnection,
    batches: list[tuple[Batch, set[int], bool]],
) -> None:
    """Each batch replaces the rows of its keys and deletes the further keys; a batch marked as failed leaves no trace."""
    lake = tmp_path_factory.mktemp("lake")
    expected: list[tuple[int | None, int]] = []
    base = store(lake, database, f"{SPREAD} limit 0", touched_key=["k"]).version
    for batch, deleted, is_good in batches:
        values = ", ".join(f"({'null' if k is None else k}, {v})" for k, v in batch) or "(null, null) limit 0"
        sql = f"select k::bigint as k, v::bigint as v from (select * from (values {values})) as t(k, v)"
        if not batch:
            sql = f"{SPREAD} limit 0"
        gone = " union all ".join(f"select {key}::bigint as k" for key in sorted(deleted))
        outcome = store(lake, database, sql, base, touched_key=["k"], touched_sql=gone)
        if is_good:
            base = outcome.version
            touched = {k for k, _ in batch} | deleted
            expected = [row for row in expected if row[0] not in touched] + batch
    assert rows(lake, database, base) == sorted(expected, key=repr)
