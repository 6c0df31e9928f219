"""A read-only connection to a town's database server: Dolt, or whatever else speaks MySQL's protocol.

Values come as an export of the same database would write them: times as RFC 3339 text marked `Z` (whatever zone they were written
in; the models know which are the server's local ones), numbers as numbers, JSON columns as their text.
"""

import re
import ssl
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

import pymysql
from pymysql.constants import FIELD_TYPE
from pymysql.converters import encoders
from pymysql.cursors import SSCursor

from ingest.declared_secret import SecretMissingError
from ingest.dolt_address import DoltServer, ServerLostError
from ingest.dolt_wire import Columns, column_chunks
from ingest.source_files import SourceUnreachableError

Values = tuple[object, ...]

CONNECT_SECONDS = 10
READ_SECONDS = 300
"""How long one answer may be silent: a big table's first row comes late from a busy server."""
CHUNK_ROWS = 20_000
CHUNK_BYTES = 8_000_000
"""How much of an answer is held at a time: the first of the two that is reached."""

_ALLOWED = re.compile(r"(select|show|set)\s", re.IGNORECASE)
_FORBIDDEN = re.compile(r";|\binto\s+(outfile|dumpfile)\b|\bfor\s+update\b|\bset\s+(global|persist|password)\b", re.IGNORECASE)
# The standard's statement and the variable behind it: not every server that speaks the protocol knows both.
_READ_ONLY = ("set session transaction read only", "set session transaction_read_only = 1")
# Server gone away, lost during a query, killed, shut down, connection refused or too many: another try may do.
_PASSING = frozenset({0, 1040, 1053, 1077, 1079, 1152, 1158, 1159, 1160, 1161, 1927, 2002, 2003, 2006, 2013, 2055})
_REFUSED_STATEMENT = frozenset({1064, 1105, 1193, 1235})
_SYSTEM = re.compile(r"information_schema|mysql|performance_schema|sys|(testdb_|beads_t|beads_pt|doctest_).*", re.IGNORECASE)


class StatementNotAllowedError(ValueError):
    """Something other than a reading statement was about to be sent. A mistake of this program, stopped before it left."""


def _time(text: str) -> str:
    """`2026-02-26 15:13:23.500000` → `2026-02-26T15:13:23.5Z`, as exports write it."""
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return text.replace(" ", "T", 1) + "Z"


_DECODERS: dict[int, Callable[[str], object]] = {
    **dict.fromkeys(
        (FIELD_TYPE.TINY, FIELD_TYPE.SHORT, FIELD_TYPE.LONG, FIELD_TYPE.INT24, FIELD_TYPE.LONGLONG, FIELD_TYPE.YEAR), int
    ),
    **dict.fromkeys((FIELD_TYPE.FLOAT, FIELD_TYPE.DOUBLE), float),
    **dict.fromkeys((FIELD_TYPE.DATETIME, FIELD_TYPE.TIMESTAMP), _time),
}
"""What is made of a value's text, by its column type. All else stays text, decimals too: a float would round them."""


def quoted(name: str) -> str:
    """An identifier as the server wants it."""
    return "`" + name.replace("`", "``") + "`"


def checked(statement: str) -> str:
    """The statement, if it can only read. Errors: `StatementNotAllowedError`."""
    if not _ALLOWED.match(statement) or _FORBIDDEN.search(re.sub(r"`[^`]*`", "", statement)):
        raise StatementNotAllowedError(f"not sent, because only select, show and set are: {statement.split(maxsplit=1)[0]} …")
    return statement


class DoltConnection:
    """One connection, one consistent look: the first read fixes what all later ones see. Use it as a context manager.

    Errors: `SourceUnreachableError` when the server refuses us, its subclass `ServerLostError` when a later try may succeed.
    """

    def __init__(self, server: DoltServer) -> None:
        self._server = server
        self._secret = ""
        try:
            self._secret = server.password()
            self._connection = pymysql.connect(
                host=server.host,
                port=server.port,
                user=server.user,
                password=self._secret,
                charset="utf8mb4",
                cursorclass=SSCursor,
                conv={**encoders, **_DECODERS},
                connect_timeout=CONNECT_SECONDS,
                read_timeout=READ_SECONDS,
                write_timeout=CONNECT_SECONDS,
                # Without autocommit all reads belong to one transaction, which sees the database as of its first read.
                autocommit=False,
                ssl=ssl.create_default_context(cafile=server.tls_ca) if server.tls else None,
                ssl_disabled=not server.tls,
            )
        except SecretMissingError as error:
            raise SourceUnreachableError(str(error)) from None
        except (pymysql.MySQLError, OSError) as error:
            raise self._told(error) from None
        try:
            self._run("set session time_zone = '+00:00'")
            self._run_first(_READ_ONLY)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> "DoltConnection":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Hang up, without reading the rest of an answer that nobody wants any more."""
        if self._connection.open:
            # pymysql's close() would say goodbye first; on a broken connection that fails, and nothing depends on it.
            self._connection._force_close()

    def now(self) -> datetime:
        """The server's time, UTC."""
        found = self.all("select utc_timestamp(6)")
        return datetime.fromisoformat(str(found[0][0])).astimezone(UTC)

    def databases(self) -> list[str]:
        """Names of the databases that may hold beads, in order; the server's own and those of test runs are left out."""
        return sorted(str(name) for (name,) in self.all("show databases") if not _SYSTEM.fullmatch(str(name)))

    def tables(self, database: str) -> set[str]:
        """Names of a database's tables."""
        return {str(row[0]) for row in self.all(f"show tables from {quoted(database)}")}

    def columns(self, database: str, table: str) -> list[str]:
        """Names of a table's columns, in the table's order."""
        return [str(row[0]) for row in self.all(f"show columns from {quoted(database)}.{quoted(table)}")]

    def all(self, statement: str, arguments: Sequence[object] = ()) -> list[Values]:
        """Every row of a small answer."""
        return [row for rows in self.stream(statement, arguments) for row in rows]

    def stream(self, statement: str, arguments: Sequence[object] = ()) -> Iterator[list[Values]]:
        """Rows as they arrive, a chunk at a time; the answer is never held as a whole. One stream at a time."""
        for columns in self.stream_columns(statement, arguments):
            yield list(zip(*columns, strict=True))

    def stream_columns(self, statement: str, arguments: Sequence[object] = ()) -> Iterator[Columns]:
        """The same by column: per chunk the values of every column of the answer."""
        cursor = self._connection.cursor()
        try:
            cursor.execute(checked(statement), tuple(arguments) or None)
            if cursor._result is not None and cursor._result.unbuffered_active:
                yield from column_chunks(cursor, CHUNK_ROWS, CHUNK_BYTES)
            cursor.close()
        except BaseException as error:
            # Broken, or the caller stopped in the middle: what is still on the wire belongs to nobody. The driver would wait for it
            # whenever it is asked to close the cursor, so cursor and answer are told that they are done.
            if cursor._result is not None:
                cursor._result.unbuffered_active = False
            cursor.connection = None
            self.close()
            if isinstance(error, pymysql.MySQLError | OSError):
                raise self._told(error) from None
            raise

    def _run(self, statement: str) -> None:
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(checked(statement))
        except (pymysql.MySQLError, OSError) as error:
            raise self._told(error) from None

    def _run_first(self, statements: Sequence[str]) -> None:
        """Run the first of several spellings that the server understands."""
        for position, statement in enumerate(statements):
            try:
                with self._connection.cursor() as cursor:
                    cursor.execute(checked(statement))
                return
            except pymysql.MySQLError as error:
                if _code(error) not in _REFUSED_STATEMENT or position == len(statements) - 1:
                    raise self._told(error) from None

    def _told(self, error: Exception) -> SourceUnreachableError:
        """The driver's error in our words, without the password, whatever the server put into its message."""
        code = _code(error)
        text = str(error.args[1]) if len(error.args) > 1 else str(error) or type(error).__name__
        if self._secret:
            text = text.replace(self._secret, "…")
        is_passing = code in _PASSING or (isinstance(error, OSError) and not isinstance(error, ssl.SSLError))
        kind = ServerLostError if is_passing or isinstance(error, pymysql.InterfaceError) else SourceUnreachableError
        number = f" ({code})" if code else ""
        return kind(f"database server {self._server.address} (towns.yaml line {self._server.line}): {text}{number}")


def _code(error: Exception) -> Any:
    return error.args[0] if error.args and isinstance(error.args[0], int) else None
