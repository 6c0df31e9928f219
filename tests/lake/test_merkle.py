"""Content ids depend on content and order, and on nothing else."""

import hashlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake.merkle import EMPTY, CanonicalError, canonical, leaf_hash, root

hashes = st.lists(st.binary(min_size=32, max_size=32), max_size=70)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(exclude_categories=("Cs",))),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)
rows = st.dictionaries(st.text(max_size=5), values, max_size=5)


def by_definition(leaves: list[bytes]) -> bytes:
    """The root as section 2.1 of RFC 6962 defines it."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    half = 1
    while half * 2 < len(leaves):
        half *= 2
    return hashlib.sha256(b"\1" + by_definition(leaves[:half]) + by_definition(leaves[half:])).digest()


@given(hashes)
def test_the_root_is_that_of_the_definition(leaves: list[bytes]) -> None:
    assert root(iter(leaves)) == by_definition(leaves)


@given(hashes.filter(bool), st.data())
def test_any_change_of_leaves_changes_the_root(leaves: list[bytes], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(leaves) - 1))
    other = data.draw(st.binary(min_size=32, max_size=32).filter(lambda leaf: leaf != leaves[place]))
    before = root(leaves)
    assert root([*leaves[:place], other, *leaves[place + 1 :]]) != before
    assert root(leaves[:place] + leaves[place + 1 :]) != before
    assert root([*leaves, leaves[-1]]) != before
    turned = leaves[::-1]
    assert (root(turned) == before) == (turned == leaves)


def test_no_leaf_can_pass_for_an_inner_node() -> None:
    left, right = leaf_hash(b"a"), leaf_hash(b"b")
    assert leaf_hash(left + right) != root([left, right])
    assert root([]) == EMPTY


def test_known_answers_of_rfc_6962() -> None:
    # The inputs and roots that certificate transparency's own implementations test with.
    inputs = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
    leaves = [leaf_hash(bytes.fromhex(text)) for text in inputs]
    assert root(leaves[:1]).hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert root(leaves).hex() == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"


@given(rows)
def test_order_of_keys_and_nulls_do_not_count(row: dict[str, Any]) -> None:
    turned = dict(reversed(row.items()))
    without = {key: value for key, value in row.items() if value is not None}
    assert canonical(row) == canonical(turned) == canonical(without)


def test_canonical_json_is_written_out() -> None:
    row = {"b": [None, {"y": None, "x": "ü\n"}], "a": True, "c": None}
    assert canonical(row) == '{"a":true,"b":[null,{"x":"ü\\n"}]}'.encode()


@pytest.mark.parametrize("value", [1.5, float("nan"), "\ud800", 2**70])
def test_what_has_no_canonical_json_is_refused(value: Any) -> None:
    with pytest.raises(CanonicalError):
        canonical({"a": [value]})
