"""Counting tokens by a named `tokenizer.json`: functions the plugin gives to SQL.

`FORGE_TOKENIZER` names the file (the format of the library `tokenizers`); without it the small one of the tree counts. Its hash is
part of the code's hash: with another tokenizer the next build is a full one.
"""

import hashlib
import json
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import duckdb
import pyarrow as pa
from duckdb.func import FunctionNullHandling, PythonUDFType
from tokenizers import Tokenizer

from lake.tell import Told

VARIABLE = "FORGE_TOKENIZER"
DEFAULT = Path(__file__).parent.parent / "simtown" / "tokenizer.json"
# Texts counted together: enough to keep every processor busy, few enough that their tokens fit into memory.
_BATCH = 512


@dataclass(frozen=True)
class Counter:
    """A tokenizer that counts. `hash`: BLAKE2b-128 of its file, in hex."""

    path: Path
    hash: str
    tokenizer: Tokenizer

    def count(self, texts: list[str]) -> list[int]:
        """Tokens of each text, without any that a template would add. A text that comes again is not counted again."""
        distinct = list(dict.fromkeys(texts))
        known: dict[str, int] = {}
        for begin in range(0, len(distinct), _BATCH):
            batch = distinct[begin : begin + _BATCH]
            encoded = self.tokenizer.encode_batch_fast(batch, add_special_tokens=False)
            known.update(zip(batch, map(len, encoded), strict=True))
        return [known[text] for text in texts]

    def token_count(self, texts: pa.Array | pa.ChunkedArray) -> pa.Array:
        """Tokens of each text; null for null."""
        return self._counted([text.as_py() for text in texts])

    def argument_token_count(self, texts: pa.Array | pa.ChunkedArray) -> pa.Array:
        """Tokens of JSON texts as chat templates write them, with a space after colons and commas; null for null.

        Axolotl reads the arguments of a call and Jinja's `tojson` writes them again. What is no JSON is counted as it is.
        """
        return self._counted([_as_templates_write(text.as_py()) for text in texts])

    def _counted(self, texts: list[str | None]) -> pa.Array:
        counts = iter(self.count([text for text in texts if text is not None]))
        return pa.array([None if text is None else next(counts) for text in texts], type=pa.int64())


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
    return Counter(path, found, tokenizer)


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
