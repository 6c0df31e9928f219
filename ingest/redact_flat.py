"""Redaction of database rows: many rows of the same few columns, whose values are texts and numbers, nothing nested.

What is replaced is what `Redactor.redact` would replace in the rows as JSON objects; only the way there is shorter. Distinct texts
are taken column by column, and values that have their structural shape are not looked at at all.
"""

import re
from collections.abc import Iterator, Sequence

from ingest.json_rebuild import Redacted, Replacement, member_path
from ingest.redact import Redactor
from ingest.secret_words import is_sensitive_key
from ingest.structural import STRUCTURAL

Row = Sequence[object]
Changed = dict[int, tuple[dict[str, object], list[Replacement]]]
"""Position of a row → its redacted record without nulls, and what was replaced."""


def redact_rows(redactor: Redactor, names: Sequence[str], rows: Sequence[Row]) -> Changed:
    """The rows that hold something to replace. `names`: the columns, sorted; a null is as if the column were missing."""
    if any(is_sensitive_key(name) for name in names) or {"value", "name"} <= set(names) or {"value", "key"} <= set(names):
        return _one_by_one(redactor, names, rows)
    columns = list(zip(*rows, strict=True))
    texts: dict[str, None] = {}
    for name, column in zip(names, columns, strict=True):
        texts.update(dict.fromkeys(_to_scan(column, STRUCTURAL.get(name))))
    known = redactor.replaced([*texts, *(name for name in names if name not in texts)])
    if not known:
        return {}
    if not known.keys().isdisjoint(names):
        return _one_by_one(redactor, names, rows)
    changed: Changed = {}
    for name, column in zip(names, columns, strict=True):
        shape = STRUCTURAL.get(name)
        for number, value in enumerate(column):
            redacted = known.get(value) if type(value) is str else None
            if redacted is not None and not (shape is not None and shape.fullmatch(value)):
                _replace(changed, number, name, redacted, names, rows)
    return changed


def _to_scan(column: Sequence[object], shape: re.Pattern[str] | None) -> list[str]:
    """A column's distinct texts that may hold something."""
    distinct = dict.fromkeys(column)
    if shape is None:
        return [value for value in distinct if type(value) is str]
    return [value for value in distinct if type(value) is str and not shape.fullmatch(value)]


def _replace(changed: Changed, number: int, name: str, redacted: Redacted, names: Sequence[str], rows: Sequence[Row]) -> None:
    if number not in changed:
        changed[number] = (next(records_of(names, [rows[number]])), [])
    record, made = changed[number]
    record[name] = redacted.text
    made += [Replacement(member_path(name), *surrogate) for surrogate in redacted.surrogates]


def _one_by_one(redactor: Redactor, names: Sequence[str], rows: Sequence[Row]) -> Changed:
    """The long way, for columns whose names say that they hold secrets, or that are secrets themselves."""
    found = redactor.redact(list(records_of(names, rows)))
    return {number: (_as_record(value), made) for number, (value, made) in enumerate(found) if made}


def _as_record(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


def records_of(names: Sequence[str], rows: Sequence[Row]) -> Iterator[dict[str, object]]:
    """The rows as JSON objects: nulls are left out."""
    held = [place for place, column in enumerate(zip(*rows, strict=True)) if column.count(None) < len(rows)]
    if len(held) < len(names):
        # Most columns of a bead are null in all rows.
        names = [names[place] for place in held]
        columns = list(zip(*rows, strict=True))
        rows = list(zip(*(columns[place] for place in held), strict=True))
    for row in rows:
        record: dict[str, object] = dict(zip(names, row))  # noqa: B905 - strict costs a tenth here, and the rows are one table's
        yield {name: value for name, value in record.items() if value is not None} if None in row else record
