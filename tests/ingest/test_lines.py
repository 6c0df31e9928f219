"""Lines as live files hold them: whatever stands in a file, every byte of it is a row, a quarantined line, or still waited for."""

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.lines import is_blank, parse_object, read_lines, to_json


@given(st.binary(max_size=400), st.integers(0, 50))
def test_lines_cover_every_byte_exactly_once(content: bytes, start: int) -> None:
    found = list(read_lines(io.BytesIO(content), start, len(content)))
    rebuilt = b"".join(line.content + (b"\n" if line.is_ended else b"") for line in found)
    assert rebuilt == content[start:]
    assert [line.offset for line in found] == sorted({line.offset for line in found})


@given(st.binary(max_size=300))
def test_any_bytes_are_an_object_or_have_a_reason(content: bytes) -> None:
    parsed = parse_object(content)
    assert (parsed.value is None) == (parsed.reason is not None)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
)


@given(st.dictionaries(st.text(), JSON))
def test_an_object_survives_parsing_and_writing(value: dict[str, object]) -> None:
    parsed = parse_object(json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass"))
    assert parsed.value is not None
    again = parse_object(to_json(parsed.value).encode())
    assert again.value == parsed.value
    assert again.repair is None


@pytest.mark.parametrize(
    ("content", "value", "repair"),
    [
        (b'\0\0\0\0{"a":1}', {"a": 1}, "nul_bytes"),
        (b'{"a":"\xff\xfe"}', {"a": "\ufffd\ufffd"}, "invalid_utf8"),
        (b'{"a":"\\ud83d"}', {"a": "\ufffd"}, "lone_surrogate"),
        (b'{"a":"\\ud83d\\ude00"}', {"a": "\U0001f600"}, None),
        (b'{"a":"\\u0000"}', {"a": "\0"}, None),
        ('{"a":"\u2028"}'.encode(), {"a": "\u2028"}, None),
        (b'{"a":1,"a":2}', {"a": 2}, None),
    ],
)
def test_damage_that_leaves_no_doubt_is_repaired(content: bytes, value: object, repair: str | None) -> None:
    parsed = parse_object(content)
    assert (parsed.value, parsed.repair) == (value, repair)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b'{"a":', "invalid_json"),
        (b"not json", "invalid_json"),
        (b'{"a":NaN}', "invalid_json"),
        (b"[1,2]", "not_an_object"),
        (b"12", "not_an_object"),
        (b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "too_deep"),
    ],
)
def test_what_cannot_be_read_says_why(content: bytes, reason: str) -> None:
    assert parse_object(content).reason == reason


@given(st.dictionaries(st.text(min_size=1), st.integers() | st.text(), min_size=1))
def test_no_beginning_of_an_object_is_taken_for_the_whole(value: dict[str, object]) -> None:
    content = json.dumps(value).encode()
    assert all(parse_object(content[:end]).value is None for end in range(len(content)))


def test_white_space_is_no_line() -> None:
    assert is_blank(b"")
    assert is_blank(b" \t\r")
    assert not is_blank(b"\0")
