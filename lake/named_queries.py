"""Files of named queries: SQL stands in `.sql` files, the program asks for it by name.

    -- name: links
    -- needs: main.fct_link_coverage
    select …;

`needs` lists the relations, `schema.name`, that a query reads and that may be missing: an earlier release lacks what came later.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

Rows = list[dict[str, Any]]

_BLOCK = re.compile(r"^-- name: (\w+)\n-- needs: (.+)\n((?:.+\n|\n(?!-- name))+)", re.MULTILINE)


@dataclass(frozen=True)
class NamedQuery:
    """One query. `needs`: relations without which it cannot be asked."""

    name: str
    needs: tuple[str, ...]
    sql: str


def named_queries(path: Path) -> list[NamedQuery]:
    """The queries of a file, in its order."""
    blocks = _BLOCK.findall(path.read_text(encoding="utf-8"))
    return [NamedQuery(name, tuple(needs.split()), sql.strip().rstrip(";")) for name, needs, sql in blocks]


def read_answers(connection: duckdb.DuckDBPyConnection, path: Path) -> dict[str, Rows | None]:
    """Query name → rows as dictionaries; None for a query whose relations are not all there."""
    there = {
        f"{schema}.{name}"
        for schema, name in connection.execute("select table_schema, table_name from information_schema.tables").fetchall()
    }
    return {query.name: _rows(connection, query.sql) if set(query.needs) <= there else None for query in named_queries(path)}


def _rows(connection: duckdb.DuckDBPyConnection, sql: str) -> Rows:
    result = connection.execute(sql)
    names = [column[0] for column in result.description]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]
