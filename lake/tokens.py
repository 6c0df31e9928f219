"""Counting tokens by a named `tokenizer.json`: functions the plugin gives to SQL.

`FORGE_TOKENIZER` names the file (the format of the library `tokenizers`); without it the small one of the tree counts. Its hash is
part of the code's hash: with another tokenizer the next build is a full one.
"""

import hashlib
import json
import os
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from duckdb.func import FunctionNullHandling, PythonUDFType
from tokenizers import Tokenizer

from lake.tell import Told
from lake.token_pieces import cuts_at_line_ends, pieces_of

VARIABLE = "FORGE_TOKENIZER"
DEFAULT = Path(__file__).parent.parent / "simtown" / "tokenizer.json"
# Pieces tokenized together: enough to keep every processor busy, few enough that their tokens fit into memory.
_BATCH = 2_048
# Characters and pieces that are remembered: longer ones hardly come again, and more take more than 100 MB.
_LONGEST_KNOWN, _MOST_KNOWN = 100, 500_000


@dataclass(frozen=True)
class Counter:
    """A tokenizer that counts. `hash`: BLAKE2b-128 of its file, in hex. `at_line_ends`: see `cuts_at_line_ends`."""

    path: Path
    hash: str
    tokenizer: Tokenizer
    at_line_ends: bool | None
    known: dict[str, int] = field(default_factory=dict, repr=False, compare=False)

    def count(self, texts: list[str]) -> list[int]:
        """Tokens of each text, without any that a template would add."""
        return [int(count) for count in self._count(pa.array(texts, pa.large_string()))]

    def token_count(self, texts: pa.Array | pa.ChunkedArray) -> pa.Array:
        """Tokens of each text; null for null."""
        strings = texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
        return pa.array(self._count(pc.fill_null(strings, "")), mask=np.asarray(strings.is_null()))

    def argument_token_count(self, texts: pa.Array | pa.ChunkedArray) -> pa.Array:
        """Tokens of JSON texts as chat templates write them, with a space after colons and commas; null for null.

        Axolotl reads the arguments of a call and Jinja's `tojson` writes them again. What is no JSON is counted as it is.
        """
        return self.token_count(pa.array([_as_templates_write(text.as_py()) for text in texts], pa.large_string()))

    def _count(self, texts: pa.Array) -> npt.NDArray[np.int64]:
        if self.at_line_ends is None:
            pieces, begins = texts, np.arange(len(texts) + 1)
        else:
            pieces, begins = pieces_of(texts, at_line_ends=self.at_line_ends)
        encoded = pieces.dictionary_encode()
        each = np.array(self._of_distinct(encoded.dictionary.to_pylist()), dtype=np.int64)
        sums = np.zeros(len(pieces) + 1, dtype=np.int64)
        np.cumsum(each[np.asarray(encoded.indices)], out=sums[1:])
        return sums[begins[1:]] - sums[begins[:-1]]

    def _of_distinct(self, pieces: list[str]) -> list[int]:
        known = self.known
        counts = [known.get(piece, -1) for piece in pieces]
        new = [index for index, count in enumerate(counts) if count < 0]
        if len(known) > _MOST_KNOWN:
            known.clear()
        for begin in range(0, len(new), _BATCH):
            places = new[begin : begin + _BATCH]
            batch = [pieces[place] for place in places]
            for place, piece, tokens in zip(
                places, batch, self.tokenizer.encode_batch_fast(batch, add_special_tokens=False), strict=True
            ):
                counts[place] = len(tokens)
                if len(piece) <= _LONGEST_KNOWN:
                    known[piece] = len(tokens)
        return counts


def _as_templates_write(text: str | None) -> str | None:
    if text is None:
        return None
    try:
        return json.dumps(json.loads(text), ensure_ascii=False)
    except ValueError:
        return text


def tokenizer_path() -> Path:
    """The tokenizer file that counts."""
    named = os.environ.get(VARIABLE)
    return Path(named).expanduser() if named else DEFAULT


def file_hash(path: Path) -> str:
    """Hash of a tokenizer file, as `tokenizer_hash` of the examples has it. Errors: Told when the file cannot be read."""
    try:
        return hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest()
    except OSError as problem:
        raise Told(
            f"tokenizer {path}: {problem.strerror}; {VARIABLE} must name a tokenizer.json, without it {DEFAULT} counts"
        ) from problem


@cache
def load_counter(path: Path) -> Counter:
    """The tokenizer of a file. Errors: Told when it is none."""
    found = file_hash(path)
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as problem:  # the library raises nothing more special
        raise Told(f"tokenizer {path}: no tokenizer.json of the library tokenizers ({problem})") from problem
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return Counter(path, found, tokenizer, cuts_at_line_ends(path.read_text(encoding="utf-8")))


def register(connection: duckdb.DuckDBPyConnection, counter: Counter | None = None) -> None:
    """Make `token_count(text)`, `argument_token_count(text)` and `tokenizer_hash()` known to the connection's database.

    `counter`: default is the tokenizer in force.
    """
    used = counter or load_counter(tokenizer_path())
    for name, function in (("token_count", used.token_count), ("argument_token_count", used.argument_token_count)):
        connection.create_function(
            name, function, ["VARCHAR"], "BIGINT", type=PythonUDFType.ARROW, null_handling=FunctionNullHandling.SPECIAL
        )
    connection.create_function("tokenizer_hash", lambda: used.hash, [], "VARCHAR")
