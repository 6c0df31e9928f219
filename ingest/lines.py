"""Lines of JSON as live files hold them: growing, torn, padded with NULs, badly encoded.

A line ends at a line feed. The last line of a file may still be on its way; it is taken only when it is a whole JSON object,
because no beginning of an object is itself an object.
"""

import json
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple, NoReturn

import orjson

JsonObject = dict[str, object]


class Line(NamedTuple):
    """One line: where it starts, its bytes without the line end, and whether its line end is there."""

    offset: int
    content: bytes
    is_ended: bool

    @property
    def next_offset(self) -> int:
        """Where the next line starts, provided this one ended with a single line feed."""
        return self.offset + len(self.content) + 1


def read_lines(handle: BinaryIO, start: int, stop: int) -> Iterator[Line]:
    """Lines of `handle` that begin in bytes [start, stop). Memory is one line."""
    handle.seek(start)
    offset = start
    while offset < stop:
        raw = handle.readline()
        if not raw:
            return
        ended = raw.endswith(b"\n")
        yield Line(offset, raw[:-1] if ended else raw, ended)
        offset += len(raw)


class Parsed(NamedTuple):
    """What a line turned out to be: an object (perhaps after a repair), or the reason why it is none."""

    value: JsonObject | None
    repair: str | None = None
    reason: str | None = None


def parse_object(content: bytes) -> Parsed:
    """Read one line as a JSON object, mending what can be mended without guessing.

    Repairs: `nul_bytes` (blocks of NULs that a crash leaves are dropped), `invalid_utf8` (bad bytes become U+FFFD),
    `lone_surrogate` (half of an escaped pair becomes U+FFFD). Reasons: `invalid_json`, `not_an_object`, `too_deep`.
    """
    try:
        value = orjson.loads(content)
    except orjson.JSONDecodeError:
        return _parse_damaged(content)
    return Parsed(value) if isinstance(value, dict) else Parsed(None, reason="not_an_object")


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _parse_damaged(content: bytes) -> Parsed:
    repairs: list[str] = []
    if b"\0" in content:
        content = content.replace(b"\0", b"")
        repairs.append("nul_bytes")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        text = content.decode("utf-8", "replace")
        repairs.append("invalid_utf8")
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        try:
            # The standard library reads what orjson refuses: unpaired surrogate escapes and nesting beyond 1,024 levels.
            loose = json.loads(text, parse_constant=_no_constant)
            rewritten = json.dumps(loose, ensure_ascii=False)
            value = json.loads(rewritten.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))
        except RecursionError:
            return Parsed(None, reason="too_deep")
        except ValueError:
            return Parsed(None, reason="invalid_json")
        repairs.append("lone_surrogate")
    if not isinstance(value, dict):
        return Parsed(None, reason="not_an_object")
    return Parsed(value, repair="+".join(repairs) or None)


def to_json(value: object) -> str:
    """Compact JSON text of a parsed value (see `to_json_bytes`)."""
    return to_json_bytes(value).decode()


def to_json_bytes(value: object) -> bytes:
    """Compact JSON text of a parsed value, as UTF-8. Serialising again drops what parsing hid: duplicate keys and odd escapes.

    Raises RecursionError for nesting that cannot be written.
    """
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def is_blank(content: bytes) -> bool:
    """Whether a line holds nothing but white space."""
    return not content or content.isspace()
