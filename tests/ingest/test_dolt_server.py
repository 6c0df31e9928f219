"""The connection: read-only, told without the password, tried again when it breaks, never half a load."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

import ingest.dolt_server
import ingest.run
from ingest.declared_secret import DeclaredSecret
from ingest.dolt_address import DoltServer, ServerLostError
from ingest.dolt_server import DoltConnection, StatementNotAllowedError, checked
from ingest.kill_points import ENVIRONMENT
from ingest.source_files import SourceUnreachableError
from tests.conftest import missing
from tests.ingest.dolt_town import PASSWORD_VARIABLE, DoltTown, event, issue
from tests.ingest.lake_rows import rows
from tests.ingest.sql_servers import PASSWORD, SqlServer, free_port, running_server
from tests.ingest.test_dolt_rows import FIRST

LOAD = """
import sys
from pathlib import Path
from ingest.run import run_ingest
run_ingest(Path(sys.argv[1]), Path(sys.argv[2]), only=["dolt"], progress=False)
"""


def address(server: SqlServer, **more: object) -> DoltServer:
    secret = DeclaredSecret("password", 1, variable=PASSWORD_VARIABLE)
    return DoltServer(host="127.0.0.1", port=server.port, user="root", line=1, secret=secret, **more)  # type: ignore[arg-type]


class BreakingProxy:
    """Passes bytes between the loader and the server; cuts the connection when as many came back as the next limit says."""

    def __init__(self, target: int, limits: list[int]) -> None:
        self.port = free_port()
        self._target, self._limits = target, limits
        self.connections = 0

    @contextmanager
    def running(self) -> Iterator["BreakingProxy"]:
        with socket.create_server(("127.0.0.1", self.port)) as listener:
            threading.Thread(target=self._serve, args=(listener,), daemon=True).start()
            yield self

    def _serve(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                self.connections += 1
                limit = self._limits.pop(0) if self._limits else None
                server = socket.create_connection(("127.0.0.1", self._target))
                threading.Thread(target=self._pass, args=(client, server, None), daemon=True).start()
                threading.Thread(target=self._pass, args=(server, client, limit), daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket, limit: int | None) -> None:
        passed = 0
        with suppress(OSError):
            while (data := source.recv(4096)) and (limit is None or passed + len(data) <= limit):
                target.sendall(data)
                passed += len(data)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


def many_events(town: DoltTown, count: int) -> None:
    found = [event("hq-1", f"{number:036d}", new_value="x" * 500) for number in range(100, 100 + count)]
    town.server.insert("hq", "events", *found)


def test_a_connection_that_breaks_in_the_middle_is_tried_again_and_loads_once(
    dolt_town: DoltTown, monkeypatch: pytest.MonkeyPatch
) -> None:
    many_events(dolt_town, 2_000)
    monkeypatch.setattr(ingest.run, "RETRY_SECONDS", (0.0, 0.0, 0.0))
    # In the greeting, before the first row, and in the middle of the events.
    with BreakingProxy(dolt_town.server.port, [10, 3_000, 400_000]).running() as proxy:
        dolt_town.declare(port=proxy.port)
        dolt_town.load()
    assert proxy.connections == 4
    found = dolt_town.versions()
    assert len(found) == len(set(found)) == len(FIRST) + 2_000
    assert len(rows(dolt_town.lake, "loads")) == 1


def test_a_server_that_stays_away_is_reported_and_the_rest_loads(dolt_town: DoltTown, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingest.run, "RETRY_SECONDS", (0.0,))
    port = free_port()
    dolt_town.declare(port=port)
    report = ingest.run.run_ingest(dolt_town.town.towns_file, dolt_town.lake, progress=False)
    assert report.exit_code == 3
    statuses = {stream.source: stream.status for stream in report.streams}
    assert (statuses["dolt"], statuses["town_files"]) == ("unreachable", "loaded")
    assert any(f"127.0.0.1:{port}" in line for line in report.lines())


def test_the_password_stands_in_no_message(
    dolt_town: DoltTown, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(ingest.run, "RETRY_SECONDS", (0.0,))
    wrong = PASSWORD + "-but-wrong"
    monkeypatch.setenv(PASSWORD_VARIABLE, wrong)
    told = dolt_town.load(exit_code=3).lines()
    assert any("Access denied" in line for line in told)
    with pytest.raises(SourceUnreachableError) as caught:
        DoltConnection(address(dolt_town.server))
    monkeypatch.delenv(PASSWORD_VARIABLE)
    told += dolt_town.load(exit_code=3).lines()
    assert any(f"{PASSWORD_VARIABLE} (towns.yaml line" in line for line in told)
    output = capfd.readouterr()
    everything = "\n".join([*told, str(caught.value), repr(caught.value), output.out, output.err])
    assert PASSWORD not in everything
    assert not [path for path in dolt_town.lake.rglob("*") if path.is_file() and PASSWORD.encode() in path.read_bytes()]


def test_the_password_may_stand_in_a_file(dolt_town: DoltTown) -> None:
    (dolt_town.town.folder / "secret").write_text(PASSWORD + "\n")
    text = dolt_town.town.towns_file.read_text()
    dolt_town.town.towns_file.write_text(text.replace(f"password_env: {PASSWORD_VARIABLE}", "password_file: secret"))
    dolt_town.load()
    assert dolt_town.versions() == FIRST


@pytest.mark.parametrize(
    "statement",
    [
        "delete from issues",
        "update issues set title = ''",
        "call dolt_commit('-am', 'x')",
        "select 1; drop table issues",
        "select * from issues into outfile '/x'",
        "select * from issues for update",
        "set global read_only = 0",
        "set password = 'x'",
        "selection",
    ],
)
def test_what_could_write_never_leaves(statement: str) -> None:
    with pytest.raises(StatementNotAllowedError):
        checked(statement)


def test_the_session_is_read_only_for_the_server_too_and_in_utc(dolt_town: DoltTown) -> None:
    with DoltConnection(address(dolt_town.server)) as connection:
        with connection._connection.cursor() as cursor, pytest.raises(Exception, match="READ ONLY"):
            cursor.execute("delete from hq.issues")
        assert connection.all("select @@session.time_zone") == [("+00:00",)]
        assert connection.now().utcoffset() is not None


def test_one_look_sees_one_state(dolt_town: DoltTown) -> None:
    with DoltConnection(address(dolt_town.server)) as connection:
        connection.all("select count(*) from hq.labels")
        dolt_town.server.insert("hq", "issues", issue("hq-late"))
        assert connection.all("select count(*) from hq.issues") == [(2,)]


@pytest.mark.parametrize("point", ["while_extracting", "file_staged", "intent_written", "first_table_committed", "load_committed"])
def test_a_loader_killed_in_the_middle_loads_exactly_once(dolt_town: DoltTown, point: str) -> None:
    command = [sys.executable, "-c", LOAD, str(dolt_town.town.towns_file), str(dolt_town.lake)]
    done = subprocess.run(command, env={**os.environ, ENVIRONMENT: point}, capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    dolt_town.server.insert("hq", "issues", issue("hq-3"))
    dolt_town.load()
    assert sorted(dolt_town.versions()) == sorted([*FIRST, ("issues", "hq-3", "upsert")])


@pytest.fixture(scope="module")
def encrypted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SqlServer, Path]]:
    folder = tmp_path_factory.mktemp("tls")
    key, certificate = folder / "key.pem", folder / "cert.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"]
    files = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
    try:
        subprocess.run([*command, *files], check=True, capture_output=True)
    except FileNotFoundError:
        missing("no openssl to make a certificate with (apt-get install openssl)")
    key.chmod(0o644)
    with running_server(folder, f"--ssl-cert={certificate}", f"--ssl-key={key}", "--require-secure-transport=OFF") as server:
        yield server, certificate


def test_tls_is_used_and_the_certificate_is_checked(encrypted: tuple[SqlServer, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    server, certificate = encrypted
    monkeypatch.setenv(PASSWORD_VARIABLE, PASSWORD)
    with DoltConnection(address(server, tls=True, tls_ca=str(certificate))) as connection:
        assert connection.all("show session status like 'Ssl_version'")[0][1]
    with DoltConnection(address(server)) as connection:
        assert not connection.all("show session status like 'Ssl_version'")[0][1]
    with pytest.raises(SourceUnreachableError, match="certificate"):
        DoltConnection(address(server, tls=True))


def test_a_lost_connection_is_told_apart_from_a_refusal(dolt_town: DoltTown, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ServerLostError):
        DoltConnection(DoltServer(host="127.0.0.1", port=free_port(), user="root", line=1))
    monkeypatch.setenv(PASSWORD_VARIABLE, "wrong")
    with pytest.raises(SourceUnreachableError) as caught:
        DoltConnection(address(dolt_town.server))
    assert not isinstance(caught.value, ServerLostError)


def test_the_same_rows_again_on_another_port_are_not_new(dolt_town: DoltTown) -> None:
    dolt_town.load()
    with BreakingProxy(dolt_town.server.port, []).running() as proxy:
        dolt_town.declare(port=proxy.port)
        dolt_town.load()
    assert dolt_town.versions() == FIRST


def test_values_of_every_length_and_kind_come_whole(sql_server: SqlServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PASSWORD_VARIABLE, PASSWORD)
    sizes = (0, 1, 250, 251, 252, 65_535, 65_536, 16_777_215, 17_000_000)
    if sql_server.kind == "mariadb":
        sql_server.run("set global max_allowed_packet = 67108864")
    with DoltConnection(address(sql_server)) as connection:
        for size in sizes:
            (row,) = connection.all(
                f"select repeat('x', {size}), null, 7, -1.5e0, 2.50, 'ü', cast('2026-03-01 10:00:00' as datetime)"
            )
            assert (len(str(row[0])), *row[1:]) == (size, None, 7, -1.5, "2.50", "ü", "2026-03-01T10:00:00Z"), size
        assert connection.all("select 1 from dual where 1 = 0") == []
        # The connection is where it was: the next answer is read from its beginning.
        assert connection.all("select 2") == [(2,)]


def test_an_answer_of_many_chunks_is_complete(sql_server: SqlServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PASSWORD_VARIABLE, PASSWORD)
    monkeypatch.setattr(ingest.dolt_server, "CHUNK_ROWS", 7)
    with DoltConnection(address(sql_server)) as connection:
        digits = "select 0 as n union all select 1 union all select 2 union all select 3 union all select 4"
        found = connection.all(f"select a.n * 25 + b.n * 5 + c.n from ({digits}) a, ({digits}) b, ({digits}) c order by 1")
    assert [number for (number,) in found] == list(range(125))
