"""Content ids: a Merkle root over hashes of canonical JSON rows.

The tree is that of RFC 6962 (certificate transparency), section 2.1, with SHA-256:

    leaf(row)    = SHA-256(0x00 || canonical JSON of the row)
    root(1 leaf) = that leaf
    root(n)      = SHA-256(0x01 || root(first k) || root(the others)), k the greatest power of two below n

The first byte keeps leaves and inner nodes apart: without it a row could be made that is taken for two others. An odd leaf moves up
as it is and is not doubled, so that no two lists of leaves have the same root. Leaves stand in the order of their keys.

Canonical JSON: UTF-8, no white space, keys of every object in the order of their code points, no key whose value is
null, no floats. A field that is null and one that is missing are the same, since columns of a file always have both.
"""

import hashlib
from collections.abc import Iterable
from typing import Any

import orjson

EMPTY = hashlib.sha256(b"").digest()


class CanonicalError(ValueError):
    """A value that has no canonical JSON."""


def _without_nulls(value: Any) -> Any:
    # Almost all values are texts: they are told apart before a call is spent on them.
    if isinstance(value, dict):
        inner = value.items()
        return {key: item if type(item) is str else _without_nulls(item) for key, item in inner if item is not None}
    if isinstance(value, list):
        return [item if type(item) is str else _without_nulls(item) for item in value]
    if isinstance(value, float):
        raise CanonicalError("a float has no canonical JSON here: give an integer or a text")
    return value


def canonical(row: dict[str, Any]) -> bytes:
    """The row as canonical JSON. `row`: JSON-able, no floats. Errors: `CanonicalError` for what JSON cannot say, such as a lone
    surrogate."""
    try:
        return orjson.dumps(_without_nulls(row), option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError as error:
        raise CanonicalError(str(error)) from error


def leaf_hash(content: bytes) -> bytes:
    """Hash of one leaf, 32 bytes."""
    return hashlib.sha256(b"\0" + content).digest()


def _node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()


def root(leaves: Iterable[bytes]) -> bytes:
    """Merkle root over leaf hashes in their order, 32 bytes; of none it is the hash of nothing.

    Keeps one hash per level of the tree, however many leaves there are.
    """
    # Complete subtrees from left to right, with their sizes: powers of two that fall.
    subtrees: list[tuple[int, bytes]] = []
    for leaf in leaves:
        size, digest = 1, leaf
        while subtrees and subtrees[-1][0] == size:
            _, left = subtrees.pop()
            size, digest = 2 * size, _node_hash(left, digest)
        subtrees.append((size, digest))
    if not subtrees:
        return EMPTY
    _, digest = subtrees.pop()
    while subtrees:
        _, left = subtrees.pop()
        digest = _node_hash(left, digest)
    return digest
