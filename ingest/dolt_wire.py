"""Rows of a streamed answer, taken from the driver's connection a chunk at a time and column by column.

The driver makes an object of every packet and a call of every value; most of the time of reading a large table goes there. Here
packets of rows are cut where they lie (MySQL's client/server protocol, text result sets); whatever is not a row, the end of the
answer or an error, is handed back to the driver.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from pymysql.connections import MAX_PACKET_LEN, MysqlPacket
from pymysql.constants import CR
from pymysql.cursors import SSCursor
from pymysql.err import OperationalError

Columns = list[Sequence[object]]
"""Values by column, all columns equally long."""

_NULL = 251
_LENGTH_BYTES = {252: 2, 253: 3, 254: 8}
_END, _ERROR = 0xFE, 0xFF
_LONGEST_END = 8
_FROM_BYTES = (int, float)
"""Converters that read digits as well as text."""


def column_chunks(cursor: SSCursor, rows: int, size: int) -> Iterator[Columns]:
    """The rest of a streamed answer in chunks of at most `rows` rows, ended early by `size` bytes of values.

    Errors: those of the driver; `OperationalError` 2013 for a connection that broke.
    """
    answer: Any = cursor._result
    connection = answer.connection
    read, lost = connection._rfile.read, connection._force_close
    each_value = range(answer.field_count)
    number = connection._next_seq_id
    while True:
        found: list[list[bytes | None]] = []
        taken = 0
        while len(found) < rows and taken < size:
            # One turn of this loop per row, so nothing is called that need not be.
            header = read(4)
            length = int.from_bytes(header[:3], "little")
            packet: bytes = read(length) if length else b""
            if len(header) < 4 or len(packet) < length or header[3] != number:
                lost()
                raise OperationalError(CR.CR_SERVER_LOST, "Lost connection to MySQL server during query")
            number = connection._next_seq_id = (number + 1) & 255
            if length == MAX_PACKET_LEN:
                packet += connection._read_packet()._data
                number = connection._next_seq_id
            kind = packet[0]
            if kind >= _END and (kind == _ERROR or len(packet) <= _LONGEST_END):
                if found:
                    yield _columns(found, answer)
                _finish(answer, packet)
                return
            taken += length
            values: list[bytes | None] = []
            place = 0
            for _ in each_value:
                length = packet[place]
                place += 1
                if length >= _NULL:
                    if length == _NULL:
                        values.append(None)
                        continue
                    end = place + _LENGTH_BYTES[length]
                    length = int.from_bytes(packet[place:end], "little")
                    place = end
                end = place + length
                values.append(packet[place:end])
                place = end
            found.append(values)
        yield _columns(found, answer)


def _columns(found: list[list[bytes | None]], answer: Any) -> Columns:
    return [_converted(column, *how) for column, how in zip(zip(*found, strict=True), answer.converters, strict=True)]


def _finish(answer: Any, packet: bytes) -> None:
    """Let the driver read the last packet of an answer: its end, or an error, which is raised."""
    last = MysqlPacket(packet, answer.connection.encoding)
    answer.unbuffered_active = False
    if last.is_error_packet():
        last.raise_for_error()
    answer._check_packet_is_eof(last)
    answer.connection = None
    answer.rows = None


def _converted(column: Sequence[bytes | None], encoding: str | None, converter: Callable[[Any], object] | None) -> Sequence[object]:
    """A column's values as the driver's converter gives them."""
    read: Callable[[bytes], object]
    if converter in _FROM_BYTES:
        read = converter
    elif encoding is None:
        if converter is None:
            return column
        read = converter
    elif converter is None:
        if encoding in ("utf8", "ascii"):
            return [value if value is None else value.decode() for value in column]
        read = _decoded_with(encoding, lambda text: text)
    else:
        read = _decoded_with(encoding, converter)
    return [value if value is None else read(value) for value in column]


def _decoded_with(encoding: str, converter: Callable[[Any], object]) -> Callable[[bytes], object]:
    return lambda value: converter(value.decode(encoding))
