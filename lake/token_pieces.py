"""Texts cut where every tokenizer of a family cuts them anyway, so that each piece need be tokenized once.

Tokenizers of the GPT-2 family first cut a text by a pattern and merge bytes only inside its matches. In all of them a match ends
before a space that follows a visible ASCII character: no match holds a space behind another character. Patterns that take line ends
together (`\\s*[\\r\\n]+`) also end one after a line's end that a space or a visible character follows (some go on with `/`). Words
repeat: of a text's pieces few are new.
"""

import json
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

_LINE_END, _SPACE, _SLASH = 10, 32, 47
_BYTES = np.arange(256)
_VISIBLE = (_BYTES > _SPACE) & (_BYTES < 127)
_AFTER_LINE_END = (_VISIBLE & (_BYTES != _SLASH)) | (_BYTES == _SPACE)

# Patterns that take line ends together: those of GPT-4, Qwen, Llama 3 and of the tree's own tokenizer.
_LINE_END_PATTERNS = frozenset(
    {
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
        r"(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
        r"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    }
)


def cuts_at_line_ends(tokenizer_json: str) -> bool | None:
    """Whether a tokenizer parts a line's end from what follows it; None when its texts cannot be cut at all.

    `tokenizer_json`: the text of its file. Unknown patterns, normalizers other than NFC, added tokens with white space, and dropout
    give None.
    """
    content: dict[str, Any] = json.loads(tokenizer_json)
    normalizer, model = content.get("normalizer"), content.get("model") or {}
    added = content.get("added_tokens") or []
    if normalizer and normalizer.get("type") != "NFC":
        return None
    if model.get("type") != "BPE" or model.get("dropout"):
        return None
    if any(token["lstrip"] or token["rstrip"] or any(sign.isspace() for sign in token["content"]) for token in added):
        return None
    first = content.get("pre_tokenizer") or {}
    steps = first.get("pretokenizers", [first])
    kinds = [step.get("type") for step in steps]
    last = steps[-1]
    if last.get("type") != "ByteLevel" or last.get("add_prefix_space"):
        return None
    if kinds in (["ByteLevel"], ["Digits", "ByteLevel"]) and last.get("use_regex", True):
        return False
    if kinds == ["Split", "ByteLevel"] and not last.get("use_regex", True):
        split = steps[0]
        is_plain = split.get("behavior") == "Isolated" and not split.get("invert")
        return True if is_plain and split.get("pattern", {}).get("Regex") in _LINE_END_PATTERNS else None
    return None


def pieces_of(texts: pa.Array, *, at_line_ends: bool) -> tuple[pa.Array, npt.NDArray[np.int64]]:
    """The pieces of all texts one after the other, and per text where its pieces begin (one entry more than texts).

    `texts`: strings without nulls.
    """
    strings = texts.cast(pa.large_string())
    offsets = np.frombuffer(strings.buffers()[1], dtype=np.int64)[strings.offset : strings.offset + len(strings) + 1]
    begin, end = int(offsets[0]), int(offsets[-1])
    if begin == end:
        return pa.array([], pa.large_string()), np.zeros(len(strings) + 1, dtype=np.int64)
    data = np.frombuffer(strings.buffers()[2], dtype=np.uint8)[begin:end]
    bounds = offsets - begin
    after = data[1:]
    cut = np.zeros(len(data), dtype=np.bool_)
    np.logical_and(_VISIBLE[data[:-1]], after == _SPACE, out=cut[1:])
    if at_line_ends:
        ends = np.flatnonzero(data[:-1] == _LINE_END)
        cut[ends[_AFTER_LINE_END[after[ends]]] + 1] = True
    cut[bounds[:-1][bounds[:-1] < len(data)]] = True
    starts = np.flatnonzero(cut)
    places = np.append(starts, len(data)).astype(np.int64)
    pieces = pa.LargeStringArray.from_buffers(len(starts), pa.py_buffer(places), pa.py_buffer(data))
    return pieces, np.searchsorted(starts, bounds)
