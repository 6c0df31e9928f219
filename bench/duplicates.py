"""Near-duplicates as the models find them, beside datasketch: speed on the same texts in one run, and recall against exact Jaccard.

Both cut the same texts into shingles of the same words, make signatures of as many permutations, and look up the same bands.
"""

import random
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import duckdb
import numpy as np
import orjson
import pyarrow as pa
from datasketch import MinHash, MinHashLSH  # type: ignore[import-untyped]

from bench.lakes import sources, transcripts
from bench.measure import table
from lake.near_duplicates import BANDS, ROWS, SEED, SHINGLE_WORDS, minhash_signature, register, shingle_hashes

NEAR = 0.8
TEXT_MB = 40
SAMPLE = 300
CHANGES = (0, 1, 2, 4, 8, 16, 32)
WORD = re.compile(r"[a-z0-9\u0080-\U0010ffff]+")

_CANDIDATES = """
    with bands as (select id, unnest(signature) as band from signed)
    select distinct one.id as id, other.id as other_id
    from bands as one inner join bands as other on one.band = other.band and one.id < other.id
"""
_JACCARD = """
    select pairs.id, pairs.other_id,
        len(list_intersect(one.hashes, other.hashes)) as shared, len(one.hashes) + len(other.hashes) as both_count
    from candidates as pairs
    inner join shingles as one on pairs.id = one.id
    inner join shingles as other on pairs.other_id = other.id
"""


def against_datasketch(megabytes: int) -> str:
    """MB per processor second from texts to pairs, and of signing alone; the share of pairs with J >= 0.8 that is found."""
    texts = _texts(sources(megabytes))
    taken = sum(len(text.encode()) for text in texts) / 1e6
    # What is loaded and prepared once is no part of the work; and the models' texts lie in tables.
    _near_pairs(_database(texts[:10]))
    _datasketch_pairs(texts[:10])
    stored = _database(texts)
    ours, pairs = _timed(lambda: _near_pairs(stored))
    theirs, sketched = _timed(lambda: _datasketch_pairs(texts))
    our_signing, _ = _timed(lambda: minhash_signature(pa.array(texts)))
    their_signing, _ = _timed(lambda: [_sketch(text) for text in texts])
    sample = _with_near_copies(texts)
    exact = _exact_pairs(sample)
    found = _near_pairs(_database(sample))
    sketched_sample = _datasketch_pairs(sample)
    rows = [
        ("texts", f"{len(texts):,}, {taken:.1f} MB of what agents wrote; {len(pairs):,} near pairs, datasketch: {len(sketched):,}"),
        ("texts to near pairs", f"{taken / ours:.1f} MB/s; datasketch {taken / theirs:.2f} MB/s: {theirs / ours:.0f} times"),
        (
            "signing alone",
            f"{taken / our_signing:.1f} MB/s; datasketch {taken / their_signing:.2f} MB/s: {their_signing / our_signing:.0f} times",
        ),
        (
            f"recall of {len(exact):,} pairs with J >= {NEAR} among {len(sample):,} texts",
            f"{100 * len(found & exact) / len(exact):.2f} %; datasketch {100 * len(sketched_sample & exact) / len(exact):.2f} %",
        ),
        (
            "pairs that are not alike",
            f"{len(found - exact):,}; datasketch {len(sketched_sample - exact):,} (it does not look again)",
        ),
    ]
    return table(f"Near-duplicates, processor time: {BANDS} bands of {ROWS} rows over {SHINGLE_WORDS}-word shingles", rows)


Answer = TypeVar("Answer")


def _timed(work: Callable[[], Answer]) -> tuple[float, Answer]:
    """Processor seconds of all threads, which other work on the machine hardly changes, and what came of it."""
    begun = time.process_time()
    result = work()
    return time.process_time() - begun, result


def _texts(folder: Path) -> list[str]:
    """What agents wrote and called, a text per transcript, up to `TEXT_MB`."""
    found: list[str] = []
    size = 0
    for path in transcripts(folder):
        text = "\n".join(_written(path))
        if text:
            found.append(text)
            size += len(text)
        if size > TEXT_MB * 1e6:
            break
    return found


def _written(path: Path) -> Iterator[str]:
    for line in path.read_bytes().splitlines():
        record = orjson.loads(line)
        if record.get("type") != "assistant":
            continue
        for block in record["message"]["content"]:
            if block["type"] == "text":
                yield block["text"]
            elif block["type"] == "tool_use":
                yield f"{block['name']} {orjson.dumps(block['input']).decode()}"


def _with_near_copies(texts: list[str]) -> list[str]:
    """A sample of texts, and of every fourth copies in which more and more words are others: J falls from 1 to about 0.5."""
    dice = random.Random(SEED)
    sample = dice.sample(texts, min(SAMPLE, len(texts)))
    copies = []
    for text in sample[::4]:
        words = text.split(" ")
        for changes in CHANGES:
            copy = list(words)
            for _ in range(changes * len(words) // 300 + (changes > 0)):
                copy[dice.randrange(len(copy))] = f"another{dice.randrange(10**6)}"
            copies.append(" ".join(copy))
    return sample + copies


def _database(texts: list[str]) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    register(connection)
    connection.register("rows", pa.table({"id": range(len(texts)), "text": texts}))
    connection.execute("create table given as from rows")
    return connection


def _near_pairs(connection: duckdb.DuckDBPyConnection) -> set[tuple[int, int]]:
    """As the models do it: signatures, bands that agree, and the exact index of what met there."""
    connection.execute("create table signed as select id, minhash_signature(text) as signature from given")
    connection.execute(f"create table candidates as {_CANDIDATES}")
    connection.execute(
        "create table shingles as select id, shingle_hashes(text) as hashes from given "
        "where id in (select id from candidates union select other_id from candidates)"
    )
    rows = connection.execute(f"select id, other_id from ({_JACCARD}) where shared >= {NEAR} * (both_count - shared)").fetchall()
    return {(one, other) for one, other in rows}


def _exact_pairs(texts: list[str]) -> set[tuple[int, int]]:
    """All pairs, by counting: only those of about the same size can be so much alike, each of them is looked at."""
    signatures = minhash_signature(pa.array(texts)).to_pylist()
    sets = [np.array(found, dtype=np.int64) for found in shingle_hashes(pa.array(texts)).to_pylist()]
    order = sorted((len(hashes), number) for number, hashes in enumerate(sets) if signatures[number])
    found = set()
    for place, (size, one) in enumerate(order):
        for other_size, other in order[place + 1 :]:
            if size < NEAR * other_size:
                break
            shared = len(np.intersect1d(sets[one], sets[other], assume_unique=True))
            if shared >= NEAR * (size + other_size - shared):
                found.add((min(one, other), max(one, other)))
    return found


def _sketch(text: str) -> MinHash | None:
    words = WORD.findall(text.lower())
    shingles = {" ".join(words[begin : begin + SHINGLE_WORDS]).encode() for begin in range(len(words) - SHINGLE_WORDS + 1)}
    if len(shingles) < 2:
        return None
    sketch = MinHash(num_perm=BANDS * ROWS, seed=1)
    sketch.update_batch(shingles)
    return sketch


def _datasketch_pairs(texts: list[str]) -> set[tuple[int, int]]:
    """As datasketch's documentation shows it, with the same bands: what meets is a pair."""
    index = MinHashLSH(threshold=NEAR, num_perm=BANDS * ROWS, params=(BANDS, ROWS))
    pairs = set()
    for number, text in enumerate(texts):
        sketch = _sketch(text)
        if sketch is not None:
            pairs |= {(other, number) for other in index.query(sketch)}
            index.insert(number, sketch)
    return pairs
