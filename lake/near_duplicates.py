"""Texts as sets of shingles, and their MinHash signatures: the two functions the plugin gives to SQL.

A text is its words (runs of letters, digits and bytes beyond ASCII, in lower case); a shingle is `SHINGLE_WORDS` of them in a row;
two texts are as alike as the Jaccard index J of their sets of shingles. A signature has one number per band, made of `ROWS` minima
each. Two texts agree in a band with probability J^ROWS, so they meet in at least one of the bands, and are compared exactly, with

    P(candidate | J) = 1 - (1 - J^6)^20 = 0.998 at J = 0.8, 0.918 at J = 0.7, 0.270 at J = 0.5, 0.015 at J = 0.3

for 20 bands of 6 rows (120 permutations): what is lost of the pairs with J >= 0.8 is at most 0.2 %, and few pairs that are
not alike are compared for nothing.
"""

from collections.abc import Iterator
from functools import lru_cache

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
from duckdb.func import FunctionNullHandling, PythonUDFType
from rensa import RMinHash  # type: ignore[import-untyped]

SHINGLE_WORDS = 5
BANDS = 20
ROWS = 6
SEED = 20_260_101
# With fewer shingles (repeated ones count) one other word moves J by a fifth: such texts are only compared as a whole.
MIN_SHINGLES = 20
# The first counts up when the way texts are hashed changes: then a build starts from nothing, as with any other of these.
PARAMETERS = (2, SHINGLE_WORDS, BANDS, ROWS, SEED, MIN_SHINGLES)

# Texts are taken together up to this size, which stays in the processor's cache; a byte takes about 40 bytes of memory meanwhile.
BATCH_BYTES = 250_000

Numbers = npt.NDArray[np.uint64]


def _odd_numbers(count: int, salt: int) -> Numbers:
    drawn = np.random.Generator(np.random.PCG64(SEED + salt)).integers(0, 2**63, size=count, dtype=np.uint64)
    return drawn | np.uint64(1)


# A letter in lower case, and 0 for what is part of no word.
_LETTERS = bytes(byte if byte > 127 or chr(byte).isalnum() else 0 for byte in bytes(range(256)).lower())
_PLACES = _odd_numbers(SHINGLE_WORDS, 2)
_ROW_PLACES = _odd_numbers(ROWS, 3)
_BAND_NUMBERS = _odd_numbers(BANDS, 4)
_BASE = 0x9E3779B97F4A7C15
_BASE_INVERSE = pow(_BASE, -1, 2**64)


def _mixed(numbers: Numbers) -> Numbers:
    """Every bit of a number in every bit of the result (the finaliser of SplitMix64)."""
    numbers = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    numbers = (numbers ^ (numbers >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return numbers ^ (numbers >> np.uint64(31))


@lru_cache(maxsize=2)
def _first_powers(base: int) -> Numbers:
    return _powers_anew(base, BATCH_BYTES)


def _powers_anew(base: int, count: int) -> Numbers:
    powers = np.full(count, base, dtype=np.uint64)
    powers[0] = 1
    return np.cumprod(powers, dtype=np.uint64)


def _powers(base: int, count: int) -> Numbers:
    return _first_powers(base)[:count] if count <= BATCH_BYTES else _powers_anew(base, count)


def _word_hashes(text: bytes, bounds: npt.NDArray[np.int64]) -> tuple[Numbers, npt.NDArray[np.int64]]:
    """A number per word of texts that lie one after the other, and where each text's words begin (one more than texts).

    A word's bytes are a polynomial modulo 2^64, read off as a difference of running sums: all words at once.
    """
    letters = np.frombuffer(text.translate(_LETTERS), dtype=np.uint8)
    inside = np.zeros(len(letters) + 2, dtype=np.bool_)
    np.not_equal(letters, 0, out=inside[1:-1])
    edges = np.flatnonzero(inside[1:] != inside[:-1])
    starts, ends = edges[::2], edges[1::2]
    within = bounds[inside[bounds] & inside[bounds + 1]]
    if len(within):  # a text's first word does not go on from the text before
        starts, ends = np.union1d(starts, within), np.union1d(ends, within)
    sums = np.zeros(len(letters) + 1, dtype=np.uint64)
    np.cumsum(letters * _powers(_BASE, len(letters)), out=sums[1:])
    hashes = _mixed((sums[ends] - sums[starts]) * _powers(_BASE_INVERSE, len(letters))[starts])
    return hashes, np.searchsorted(starts, bounds)


def _shingles(text: bytes, bounds: npt.NDArray[np.int64]) -> list[Numbers]:
    """Each text's shingles. A text of fewer words than a shingle has one."""
    words, places = _word_hashes(text, bounds)
    padded = np.concatenate([words, np.zeros(SHINGLE_WORDS, dtype=np.uint64)])
    hashes = np.zeros(len(words), dtype=np.uint64)
    for place in range(SHINGLE_WORDS):
        hashes += padded[place : place + len(words)] * _PLACES[place]
    hashes = _mixed(hashes)
    found = []
    for begin, end in zip(places[:-1].tolist(), places[1:].tolist(), strict=True):
        whole = end - SHINGLE_WORDS + 1
        if whole > begin:
            found.append(hashes[begin:whole])
        elif end > begin:
            short = (words[begin:end] * _PLACES[: end - begin]).sum(dtype=np.uint64)
            found.append(_mixed(np.array([short], dtype=np.uint64)))
        else:
            found.append(np.empty(0, dtype=np.uint64))
    return found


def _batches(texts: pa.Array) -> Iterator[list[Numbers]]:
    strings = texts.cast(pa.large_string()).fill_null("")
    offsets = np.frombuffer(strings.buffers()[1], dtype=np.int64)[strings.offset : strings.offset + len(strings) + 1]
    data = memoryview(strings.buffers()[2] or b"")
    begin = 0
    while begin < len(strings):
        end = max(begin + 1, int(np.searchsorted(offsets, offsets[begin] + BATCH_BYTES, side="right")) - 1)
        bounds = offsets[begin : end + 1]
        yield _shingles(bytes(data[bounds[0] : bounds[-1]]), bounds - bounds[0])
        begin = end


def _one_array(texts: pa.Array | pa.ChunkedArray) -> pa.Array:
    return texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts


def _lists(lengths: npt.NDArray[np.int64], flat: npt.NDArray[np.int64], missing: npt.NDArray[np.bool_]) -> pa.Array:
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(flat, type=pa.int64()), mask=pa.array(missing))


def shingle_hashes(texts: pa.Array | pa.ChunkedArray) -> pa.Array:
    """The distinct shingles of each text as a list of numbers in order; null for null."""
    strings = _one_array(texts)
    found = [np.unique(shingles.view(np.int64)) for batch in _batches(strings) for shingles in batch]
    flat = np.concatenate([*found, np.empty(0, dtype=np.int64)])
    return _lists(np.array([len(shingles) for shingles in found], dtype=np.int64), flat, np.asarray(strings.is_null()))


def signatures_of(shingles: list[Numbers]) -> npt.NDArray[np.int64]:
    """Texts × bands: a number per band, for sets of shingles that are not empty."""
    bounds = np.concatenate([[0], np.cumsum([len(each) for each in shingles])]).astype(np.uint64)
    minima = RMinHash.digest_matrix_from_flat_token_hashes(np.concatenate(shingles), bounds, BANDS * ROWS, SEED).to_rows()
    rows = _mixed(np.array(minima, dtype=np.uint64)).reshape(len(shingles), BANDS, ROWS)
    mixed: Numbers = _mixed((rows * _ROW_PLACES).sum(axis=2, dtype=np.uint64) + _BAND_NUMBERS)
    return mixed.view(np.int64)


def minhash_signature(texts: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Signature of each text: `BANDS` numbers; null for null and for texts of fewer than `MIN_SHINGLES` shingles.

    Texts whose signatures share a number (numbers of different bands never agree but by chance) are candidates.
    """
    strings = _one_array(texts)
    missing = np.ones(len(strings), dtype=np.bool_)
    parts: list[npt.NDArray[np.int64]] = [np.empty(0, dtype=np.int64)]
    place = 0
    for batch in _batches(strings):
        long = [index for index, shingles in enumerate(batch) if len(shingles) >= MIN_SHINGLES]
        if long:
            missing[[place + index for index in long]] = False
            parts.append(signatures_of([batch[index] for index in long]).reshape(-1))
        place += len(batch)
    return _lists(np.where(missing, 0, BANDS).astype(np.int64), np.concatenate(parts), missing)


def register(connection: duckdb.DuckDBPyConnection) -> None:
    """Make both functions known to the connection's database."""
    for function in (minhash_signature, shingle_hashes):
        connection.create_function(
            function.__name__,
            function,
            ["VARCHAR"],
            "BIGINT[]",
            type=PythonUDFType.ARROW,
            null_handling=FunctionNullHandling.SPECIAL,
        )
