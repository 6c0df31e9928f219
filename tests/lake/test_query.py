"""`forge sql` prints what DuckDB answers, in three formats, and cannot write."""

import io
import json
from pathlib import Path

import duckdb
import pytest

from lake.duck import CATALOG, NoCatalogError
from lake.query import FETCH, Format, run_query
from lake.tell import Told


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    with duckdb.connect(str(tmp_path / CATALOG)) as connection:
        connection.execute(
            "create table sessions as select 'alpha' as town, 3 as turns, timestamptz '2026-02-01 08:00:00+00' as at"
        )
        connection.execute("insert into sessions values ('be\"ta', null, null)")
    return tmp_path


def ask(lake: Path, sql: str, form: Format) -> str:
    out = io.StringIO()
    run_query(lake, sql, form, out)
    return out.getvalue()


def test_csv_has_a_header_and_iso_times_in_utc(lake: Path) -> None:
    assert ask(lake, "from sessions", "csv") == 'town,turns,at\nalpha,3,2026-02-01T08:00:00+00:00\n"be""ta",,\n'


def test_json_is_one_object_a_row(lake: Path) -> None:
    rows = json.loads(ask(lake, "select *, [1, 2] as l, {'a': town} as s, 1.50::decimal(4, 2) as d from sessions", "json"))
    assert rows[0] == {
        "town": "alpha",
        "turns": 3,
        "at": "2026-02-01T08:00:00+00:00",
        "l": [1, 2],
        "s": {"a": "alpha"},
        "d": "1.50",
    }


def test_lists_and_structs_are_json_in_csv(lake: Path) -> None:
    assert ask(lake, "select ['é'] as l", "csv") == 'l\n"[""é""]"\n'


def test_an_empty_result_is_still_valid(lake: Path) -> None:
    assert json.loads(ask(lake, "from sessions where false", "json")) == []
    assert ask(lake, "from sessions where false", "csv") == "town,turns,at\n"


def test_results_longer_than_one_fetch_are_whole(lake: Path) -> None:
    assert ask(lake, f"from range({2 * FETCH + 1})", "csv").count("\n") == 2 * FETCH + 2


def test_a_table_shows_names_types_and_values(lake: Path) -> None:
    table = ask(lake, "select town, turns from sessions order by 1", "table")
    assert all(word in table for word in ("town", "varchar", "alpha", "NULL"))


def test_the_catalogue_can_be_listed(lake: Path) -> None:
    assert "sessions" in ask(lake, "show tables", "csv")


@pytest.mark.parametrize("sql", ["create table t (i int)", "delete from sessions", "drop table sessions"])
def test_nothing_can_be_written(sql: str, lake: Path) -> None:
    with pytest.raises(Told, match="read-only"):
        ask(lake, sql, "table")


def test_a_mistake_is_told_in_duckdbs_words(lake: Path) -> None:
    with pytest.raises(Told, match="Did you mean"):
        ask(lake, "select town from session", "table")


def test_a_lake_without_an_analysts_file_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(NoCatalogError, match="forge build"):
        ask(tmp_path, "select 1", "table")


def test_the_statement_may_come_from_standard_input(lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("select 41 + 1 as answer"))
    assert ask(lake, "-", "csv") == "answer\n42\n"
