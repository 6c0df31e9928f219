"""`forge sql`: one statement over the analysts' file, as a table, CSV or JSON."""

import contextlib
import csv
import io
import json
import sys
from collections.abc import Iterator
from datetime import date, datetime, time
from pathlib import Path
from typing import Any, Literal, TextIO

import duckdb

from lake.duck import connect
from lake.tell import Told, width

Format = Literal["table", "csv", "json"]
FETCH = 10_000
"""Rows fetched at a time: what is written as CSV or JSON is never held whole."""
TABLE_ROWS = 200
"""Rows a table shows; DuckDB leaves out the middle and says so. CSV and JSON have them all."""
COLUMN_WIDTH = 80
"""Characters a table shows of one value."""


def run_query(lake: Path, sql: str, form: Format, out: TextIO = sys.stdout) -> None:
    """Run one SQL statement, read-only, and write its result to `out`.

    `sql`: the statement; `-` reads it from standard input. Errors: `Told` with DuckDB's own message when the statement fails.
    """
    statement = sys.stdin.read() if sql == "-" else sql
    with connect(lake) as connection:
        try:
            result = connection.sql(statement)
            if result is None:
                return
            if form == "table":
                print(_box(result), file=out)
            elif form == "csv":
                _write_csv(result, out)
            else:
                _write_json(result, out)
        except duckdb.Error as error:
            raise Told(str(error)) from error


def _box(result: duckdb.DuckDBPyRelation) -> str:
    """DuckDB's own box drawing, which analysts know."""
    drawn = io.StringIO()
    with contextlib.redirect_stdout(drawn):
        result.show(max_width=width(default=160), max_rows=TABLE_ROWS, max_col_width=COLUMN_WIDTH)
    return drawn.getvalue().rstrip("\n")


def _rows(result: duckdb.DuckDBPyRelation) -> Iterator[tuple[Any, ...]]:
    while rows := result.fetchmany(FETCH):
        yield from rows


def _plain(value: Any) -> Any:
    """A value as CSV and JSON hold it: times in ISO 8601, everything without a JSON type as text."""
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def _write_csv(result: duckdb.DuckDBPyRelation, out: TextIO) -> None:
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(result.columns)
    for row in _rows(result):
        plain = (_plain(value) for value in row)
        writer.writerow([json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value for value in plain])


def _write_json(result: duckdb.DuckDBPyRelation, out: TextIO) -> None:
    """A JSON array with one object per line."""
    out.write("[")
    for number, row in enumerate(_rows(result)):
        out.write(",\n" if number else "\n")
        out.write(json.dumps(dict(zip(result.columns, map(_plain, row), strict=True)), ensure_ascii=False))
    out.write("\n]\n")
