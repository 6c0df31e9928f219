"""Database rows are redacted column by column, with the result that redaction of the same rows as JSON objects has."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.redact import Redactor
from ingest.redact_flat import records_of, redact_rows
from ingest.redaction_key import RedactionKey
from tests.ingest.redact_samples import NEGATIVE, POSITIVE, Dice

REDACTOR = Redactor(RedactionKey(b"k" * 32))
NAMES = ["created_at", "id", "issue_id", "new_value", "owner", "priority"]
TOKEN = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
SENTENCES = [sentence.format(make(Dice(name))) for name, (make, sentence) in POSITIVE.items()] + list(NEGATIVE.values())
UUID = "00000001-0000-4000-8000-000000000001"

text = st.one_of(
    st.sampled_from(SENTENCES),
    st.sampled_from(
        ["hq-1", "jo.doe@corp.example.com", UUID, "2026-03-01T10:00:00Z", f'{{"notes":"use {TOKEN}"}}', TOKEN, "open", ""]
    ),
    st.text(max_size=30),
)
row = st.tuples(*(st.one_of(st.none(), text) for _ in NAMES[:-1]), st.one_of(st.none(), st.integers(0, 4)))


def both(names: list[str], rows: list[tuple[object, ...]]) -> tuple[object, object]:
    """What the short way and the long way make of the rows: records and replacements, in order."""
    records = list(records_of(names, rows))
    changed = redact_rows(REDACTOR, names, rows)
    short = [changed.get(number, (record, [])) for number, record in enumerate(records)]
    long = REDACTOR.redact(list(records))
    return (
        [(record, sorted(made, key=str)) for record, made in short],
        [(record, sorted(made, key=str)) for record, made in long],
    )


@settings(max_examples=60, deadline=None)
@given(st.lists(row, min_size=1, max_size=12))
def test_the_short_way_gives_what_the_long_way_gives(rows: list[tuple[object, ...]]) -> None:
    short, long = both(NAMES, rows)
    assert short == long


@pytest.mark.parametrize("names", [["id", "password"], ["key", "value"], ["a.b", "jo.doe@corp.example.com"]])
def test_columns_whose_names_say_more_than_their_values_go_the_long_way(names: list[str]) -> None:
    short, long = both(names, [("db_password", "Kf93-xvR2.mmPq81"), ("plain", "text")])
    assert short == long


def test_a_value_found_once_is_replaced_in_all_rows_but_not_where_it_is_an_id() -> None:
    rows: list[tuple[object, ...]] = [("hq-1", f"export GH_TOKEN={TOKEN}"), ("hq-2", f"again {TOKEN}"), (None, "nothing")]
    changed = redact_rows(REDACTOR, ["issue_id", "notes"], rows)
    assert sorted(changed) == [0, 1]
    assert TOKEN not in json.dumps([record for record, _ in changed.values()])
    assert {record["issue_id"] for record, _ in changed.values()} == {"hq-1", "hq-2"}
    assert {replacement.json_path for _, made in changed.values() for replacement in made} == {"$.notes"}
