"""A real database server for loader tests: MariaDB from the system's packages, or `dolt sql-server` where there is a dolt.

It starts from an empty data folder on a loopback port, not as a service, and ends with the tests.
"""

import json
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pymysql

from tests.conftest import missing

PASSWORD = "open-sesame-4711"
ACCESS_DENIED = 1045
_PLACES = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"))


@dataclass
class SqlServer:
    """A running server whose user `root` has the password `PASSWORD`. `kind`: mariadb or dolt."""

    kind: str
    port: int
    process: "subprocess.Popen[bytes]"
    databases: set[str] = field(default_factory=set)

    def run(self, *statements: str | tuple[str, list[Any]], database: str | None = None) -> list[Any]:
        """Run statements as an administrator, each committed; gives the last one's rows."""
        with pymysql.connect(
            host="127.0.0.1", port=self.port, user="root", password=PASSWORD, database=database, autocommit=True
        ) as connection:
            cursor = connection.cursor()
            for statement in statements:
                if isinstance(statement, tuple):
                    cursor.executemany(*statement)
                else:
                    cursor.execute(statement)
            return list(cursor.fetchall())

    def create(self, name: str, *statements: str) -> None:
        """Make a database and its tables; it goes with the test."""
        self.databases.add(name)
        # Dolt's own default tells capitals and blanks at the end apart, and real ids need that.
        alike = "character set utf8mb4 collate utf8mb4_nopad_bin" if self.kind == "mariadb" else ""
        self.run(f"create database `{name}` {alike}")
        self.run(*statements, database=name)

    def insert(self, database: str, table: str, *rows: dict[str, Any]) -> None:
        """Insert rows that all have the same columns."""
        names = list(rows[0])
        columns, marks = ", ".join(f"`{name}`" for name in names), ", ".join(["%s"] * len(names))
        values = [[_sql_value(row[name]) for name in names] for row in rows]
        self.run((f"insert into `{table}` ({columns}) values ({marks})", values), database=database)

    def drop_all(self) -> None:
        """Remove what the test has made."""
        for name in self.databases:
            self.run(f"drop database if exists `{name}`")
        self.databases.clear()


def _sql_value(value: Any) -> Any:
    """A value of an export as SQL takes it: its times are text with a zone mark."""
    if isinstance(value, str) and len(value) == 20 and value[10] == "T" and value.endswith("Z"):
        return value[:-1].replace("T", " ")
    return json.dumps(value) if isinstance(value, dict | list) else value


def free_port() -> int:
    """A port of the loopback address that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running_server(folder: Path, *options: str) -> Iterator[SqlServer]:
    """Start a server in an empty folder; `options` are added to MariaDB's command line."""
    port = free_port()
    if (dolt := shutil.which("dolt")) and not options:
        kind, command = "dolt", _dolt(dolt, folder, port)
    else:
        kind, command = "mariadb", [*_mariadb(folder, port), *options]
    settings = {"DOLT_ROOT_PATH": str(folder), "DOLT_ROOT_HOST": "%", "DOLT_ROOT_PASSWORD": PASSWORD, "TZ": "America/Los_Angeles"}
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, env={**os.environ, **settings})
        server = SqlServer(kind, port, process)
        try:
            _await(server, folder / "server.log")
            yield server
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(20)
            process.kill()
            process.wait()


def _mariadb(folder: Path, port: int) -> list[str]:
    daemon = shutil.which("mariadbd", path=_PLACES) or shutil.which("mysqld", path=_PLACES)
    install = shutil.which("mariadb-install-db", path=_PLACES)
    if daemon is None or install is None:
        missing("no MariaDB server (apt-get install mariadb-server) and no dolt")
        raise AssertionError("unreachable: missing() does not return")
    data = folder / "data"
    account = ["--user=root"] if os.geteuid() == 0 else []
    subprocess.run(
        [install, "--no-defaults", f"--datadir={data}", "--auth-root-authentication-method=normal", "--skip-test-db", *account],
        check=True,
        capture_output=True,
    )
    begin = folder / "begin.sql"
    begin.write_text(
        f"alter user root@localhost identified by '{PASSWORD}';\n"
        f"create or replace user root@'127.0.0.1' identified by '{PASSWORD}';\n"
        "grant all on *.* to root@'127.0.0.1' with grant option;\n"
    )
    small = ["--innodb-buffer-pool-size=32M", "--innodb-log-file-size=16M", "--innodb-flush-log-at-trx-commit=0"]
    return [
        *(daemon, "--no-defaults", f"--datadir={data}", f"--socket={folder / 's.sock'}", f"--pid-file={folder / 'pid'}"),
        *(f"--port={port}", "--bind-address=127.0.0.1", "--skip-name-resolve", f"--init-file={begin}"),
        # As far from UTC as the real town's server was, so that a mix-up of zones cannot pass.
        *("--default-time-zone=-08:00", *small, *account),
    ]


def _dolt(dolt: str, folder: Path, port: int) -> list[str]:
    config = folder / "config.yaml"
    config.write_text(f"listener:\n  host: 127.0.0.1\n  port: {port}\ndata_dir: {folder / 'data'}\n")
    (folder / "data").mkdir()
    return [dolt, "sql-server", "--config", str(config)]


def _await(server: SqlServer, log: Path) -> None:
    """Wait until the server lets us in; each try waits for the network, not for a clock."""
    for _ in range(600):
        if server.process.poll() is not None:
            break
        try:
            server.run("select 1")
            return
        except pymysql.MySQLError as error:
            if error.args[0] == ACCESS_DENIED:
                break
            with suppress(subprocess.TimeoutExpired):
                server.process.wait(0.1)
    raise RuntimeError(f"the {server.kind} server did not start:\n{log.read_text(errors='replace')[-3000:]}")
