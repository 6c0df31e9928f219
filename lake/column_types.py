"""Which DuckDB types may become columns of the lake, and their Delta schema.

What is refused here either cannot be written to Delta (void, unsigned 64 bit, time of day), means something else on another
engine (a timestamp without a zone, HUGEINT from an uncast sum), or has no counterpart (interval, enum, map of JSON).
"""

import re

import duckdb
import pyarrow as pa

_PLAIN = {
    "BOOLEAN": pa.bool_(),
    "TINYINT": pa.int8(),
    "SMALLINT": pa.int16(),
    "INTEGER": pa.int32(),
    "BIGINT": pa.int64(),
    "FLOAT": pa.float32(),
    "DOUBLE": pa.float64(),
    "VARCHAR": pa.string(),
    "BLOB": pa.binary(),
    "DATE": pa.date32(),
    "TIMESTAMP WITH TIME ZONE": pa.timestamp("us", "UTC"),
}
_ADVICE = {
    "HUGEINT": "cast it to bigint (sum() of bigint is HUGEINT here)",
    "UBIGINT": "cast it to bigint",
    "TIMESTAMP": "it has no time zone: make it timestamp with time zone",
    "JSON": "cast it to varchar, or take typed columns out of it",
    "UUID": "cast it to varchar",
    "INTERVAL": "store seconds as double or bigint",
    "TIME": "store it as varchar or seconds",
}


class ColumnTypeError(TypeError):
    """A model has a column whose type cannot live in the lake; the message names model, column and cure."""


def _arrow(kind: str) -> pa.DataType | None:
    if kind in _PLAIN:
        return _PLAIN[kind]
    if kind.endswith("[]"):
        inside = _arrow(kind[:-2])
        return None if inside is None else pa.list_(inside)
    decimal = re.fullmatch(r"DECIMAL\((\d+),(\d+)\)", kind)
    if decimal:
        return pa.decimal128(int(decimal[1]), int(decimal[2]))
    return None


def model_schema(connection: duckdb.DuckDBPyConnection, model: str, sql: str) -> pa.Schema:
    """The Arrow schema of a model's rows, from the types DuckDB gives its columns, without running it.

    Raises `ColumnTypeError` for a type the lake does not take.
    """
    fields = []
    for name, kind, *_ in connection.execute(f"describe {sql}").fetchall():
        arrow = _arrow(kind)
        if arrow is None:
            advice = _ADVICE.get(kind, "cast it to one of " + ", ".join(sorted(_PLAIN)).lower() + ", decimal or a list of these")
            raise ColumnTypeError(f"model {model}, column {name}: type {kind} cannot be written; {advice}")
        fields.append(pa.field(name, arrow))
    return pa.schema(fields)
