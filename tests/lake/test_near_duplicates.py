"""Shingles and signatures: what they are is what a slow and simple program says, and they find what is alike."""

import random
import re

import duckdb
import pyarrow as pa
import pytest

from lake.near_duplicates import (
    BANDS,
    BATCH_BYTES,
    MIN_SHINGLES,
    ROWS,
    SHINGLE_WORDS,
    minhash_signature,
    register,
    shingle_hashes,
)

ALPHABET = [*"abcdefgh", *"ABXYZ", *"0129", "ä", "漢", "_", "-", " ", " ", "\n", "."]


def text(dice: random.Random, length: int) -> str:
    return "".join(dice.choices(ALPHABET, k=length))


def shingles(words_of: str) -> set[tuple[str, ...]]:
    """The slow and simple program."""
    words = re.findall(r"[a-z0-9\u0080-\U0010ffff]+", re.sub("[A-Z]", lambda match: match[0].lower(), words_of))
    if len(words) < SHINGLE_WORDS:
        return {tuple(words)} if words else set()
    return {tuple(words[begin : begin + SHINGLE_WORDS]) for begin in range(len(words) - SHINGLE_WORDS + 1)}


def jaccard(one: set[object], other: set[object]) -> float:
    return len(one & other) / len(one | other)


def test_shingles_are_those_of_a_slow_and_simple_program() -> None:
    dice = random.Random(5)
    texts = [text(dice, dice.randint(0, 300)) for _ in range(300)]
    texts += [texts[7].upper().replace("Ä", "ä"), "", " ", "one", "…"]
    hashes = [set(found) for found in shingle_hashes(pa.array(texts)).to_pylist()]
    slow = [shingles(each) for each in texts]
    assert [len(found) for found in hashes] == [len(found) for found in slow]
    for index in range(len(texts) - 1):
        assert (jaccard(hashes[index], hashes[index + 1]) if hashes[index] | hashes[index + 1] else 0) == pytest.approx(
            jaccard(slow[index], slow[index + 1]) if slow[index] | slow[index + 1] else 0
        )


def test_a_text_has_its_numbers_whatever_stands_beside_it() -> None:
    dice = random.Random(6)
    texts: list[str | None] = [text(dice, 2_000) for _ in range(5)]
    texts += [None, "", text(dice, BATCH_BYTES + 10), "the last one", "ab", "c d"]
    for function in (shingle_hashes, minhash_signature):
        together = function(pa.chunked_array([texts[:3], texts[3:]])).to_pylist()
        assert together == [function(pa.array([each], type=pa.string())).to_pylist()[0] for each in texts]
        assert together == function(pa.array([None, *texts, "x"])[1:-1]).to_pylist()


def test_short_texts_have_no_signature() -> None:
    words = [f"w{number}" for number in range(MIN_SHINGLES + SHINGLE_WORDS - 1)]
    found = minhash_signature(pa.array([" ".join(words), " ".join(words[:-1])])).to_pylist()
    assert (len(found[0]), found[1]) == (BANDS, None)


def test_texts_meet_in_a_band_as_often_as_the_maths_says() -> None:
    """At J = 0.8 nearly always, at J = 0.5 in about a quarter of cases, at J = 0.3 hardly ever."""
    for shared, expected in ((0.8, 0.998), (0.5, 0.270), (0.3, 0.015)):
        pairs = []
        for pair in range(300):
            # Two texts of n + m sentences, n of them common, have J = n / (n + 2m) but for the seams.
            common = [" ".join(f"{pair}c{s}w{w}" for w in range(12)) for s in range(round(60 * shared))]
            own = [[" ".join(f"{pair}o{t}s{s}w{w}" for w in range(12)) for s in range(round(30 * (1 - shared)))] for t in (0, 1)]
            pairs.append([" ".join(common + each) for each in own])
        signatures = [minhash_signature(pa.array([pair[side] for pair in pairs])).to_pylist() for side in (0, 1)]
        exact = [jaccard(shingles(one), shingles(other)) for one, other in pairs]
        met = sum(bool(set(one) & set(other)) for one, other in zip(*signatures, strict=True)) / len(pairs)
        due = sum(1 - (1 - each**ROWS) ** BANDS for each in exact) / len(pairs)
        assert due == pytest.approx(expected, abs=0.06)
        assert met == pytest.approx(due, abs=0.08)


def test_sql_knows_both_functions() -> None:
    connection = duckdb.connect()
    register(connection)
    row = connection.execute(
        "select len(minhash_signature(string_agg('w' || i, ' '))), minhash_signature('few words'), shingle_hashes(null), "
        "shingle_hashes('Few  words!') = shingle_hashes('few words') from range(40) as numbers(i)"
    ).fetchone()
    assert row == (BANDS, None, None, True)
