"""Asks VictoriaLogs for records: one LogsQL query over one span of time, answered line by line as JSON.

As https://docs.victoriametrics.com/victorialogs/querying/ has it: `POST /select/logsql/query` with `query`, `start`, `end` and
`limit`. With a limit the newest records are sent, in no order. Versions differ in whether `end` itself belongs to the span, so a
little more is asked for than is wanted, and the caller keeps what lies within.
"""

import base64
import http.client
import ssl
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from urllib.parse import urlencode, urlsplit

from ingest.declared_secret import SecretMissingError
from ingest.lines import parse_object
from ingest.source_files import SourceUnreachableError
from ingest.telemetry_address import TelemetryStore
from ingest.telemetry_fields import CONTENT

ANSWER_SECONDS = 120
"""How long the store may be silent."""
RETRY_SECONDS = (0.5, 1.0, 2.0, 4.0)
"""How long to wait before asking the same again."""
MORE = timedelta(milliseconds=1)

_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
_FORM = "application/x-www-form-urlencoded"


class TelemetryLostError(SourceUnreachableError):
    """The store did not answer, however often it was asked; another time it may."""


class _BrokenAnswerError(OSError):
    """An answer that ended too early, or said that the store is busy."""


def logsql(store: TelemetryStore) -> str:
    """The query that gives a town's records of the events that are asked for, without their content."""
    names = [f'_msg:="{name[:-1]}"*' if name.endswith("*") else f'_msg:="{name}"' for name in store.events]
    wanted = f"({' or '.join(names)})"
    if store.filter is not None:
        wanted += f" and ({store.filter})"
    dropped = ", ".join(f'"{name}"' for name in CONTENT)
    return f"{wanted} | delete {dropped}"


class TelemetryServer:
    """A town's log store. Nothing of a broken answer is ever given: it is asked for again.

    `waits`: seconds to wait before each further try; `RETRY_SECONDS` by default.
    """

    def __init__(self, store: TelemetryStore, waits: Sequence[float] | None = None) -> None:
        self._store = store
        self._waits = RETRY_SECONDS if waits is None else waits
        self._parts = urlsplit(store.url)
        self._query = logsql(store)
        self._secret = ""

    def records(self, start: datetime, end: datetime, limit: int) -> list[bytes]:
        """At most `limit` lines of the records in [start, end), perhaps with a few from just around it. Times are UTC.

        Errors: `TelemetryLostError` when the store stays away, `SourceUnreachableError` when it refuses us.
        """
        asked = {"query": self._query, "start": _rfc3339(start), "end": _rfc3339(end + MORE), "limit": str(limit)}
        why = ""
        for wait in (*self._waits, None):
            try:
                return _lines(self._answer(urlencode(asked)))
            except ssl.SSLCertVerificationError as error:
                raise self._told(f"its certificate is not valid: {error.verify_message}") from None
            except (OSError, http.client.HTTPException) as error:
                if isinstance(error, SourceUnreachableError):
                    raise
                why = str(error) or type(error).__name__
            if wait is not None:
                time.sleep(wait)
        raise TelemetryLostError(str(self._told(why)))

    def _answer(self, body: str) -> bytes:
        """One question, one whole answer."""
        connection = self._connection()
        try:
            connection.request("POST", f"{self._parts.path}/select/logsql/query", body, {"Content-Type": _FORM, **self._login()})
            response = connection.getresponse()
            content = response.read()
        finally:
            connection.close()
        if response.status == http.HTTPStatus.OK:
            return content
        said = f"{response.status} {response.reason}"
        if response.status in _PASSING:
            raise _BrokenAnswerError(said)
        if response.status == http.HTTPStatus.BAD_REQUEST:
            said += f": {content[:200].decode(errors='replace').strip()}"
        raise self._told(said)

    def _connection(self) -> http.client.HTTPConnection:
        host, port = self._parts.hostname or "", self._parts.port
        if self._parts.scheme == "http":
            return http.client.HTTPConnection(host, port, timeout=ANSWER_SECONDS)
        context = ssl.create_default_context(cafile=self._store.tls_ca)
        return http.client.HTTPSConnection(host, port, timeout=ANSWER_SECONDS, context=context)

    def _login(self) -> dict[str, str]:
        store = self._store
        declared = store.token or store.password
        if declared is None:
            return {}
        try:
            self._secret = declared.read()
        except SecretMissingError as error:
            raise SourceUnreachableError(str(error)) from None
        if store.token is not None:
            return {"Authorization": f"Bearer {self._secret}"}
        return {"Authorization": "Basic " + base64.b64encode(f"{store.user}:{self._secret}".encode()).decode()}

    def _told(self, said: str) -> SourceUnreachableError:
        """What happened in our words, without the secret, whatever the store repeated of the question."""
        if self._secret:
            said = said.replace(self._secret, "…")
        return SourceUnreachableError(f"telemetry store {self._store.address} (towns.yaml line {self._store.line}): {said}")


def _lines(content: bytes) -> list[bytes]:
    """The lines of an answer. One that lacks its end and is no whole object is the trace of a store that died."""
    found = content.split(b"\n")
    if found[-1] and parse_object(found[-1]).value is None:
        raise _BrokenAnswerError("the answer ends in the middle of a record")
    return [line for line in found if line.strip()]


def _rfc3339(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
