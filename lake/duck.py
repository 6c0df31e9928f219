"""DuckDB connections that read the lake: Delta extension loaded, times in UTC."""

import importlib.resources
import re
from pathlib import Path

import duckdb
from deltalake import DeltaTable

CATALOG = "forge.duckdb"
# How `pinned` names a table's version, as it stands in the text of a view.
_PINNED = re.compile(r'"((?:raw|models)/[^"@]+)@([0-9]+)"')


class NoCatalogError(FileNotFoundError):
    """The lake has no analysts' file yet."""


def delta_extension() -> Path:
    """The Delta extension's file, from the installed package `duckdb-extension-delta`.

    Loading it by its path needs no network and nothing in the home folder.
    Raises `FileNotFoundError` when the package was made for another DuckDB.
    """
    package = importlib.resources.files("duckdb_extension_delta")
    path = Path(str(package)) / "extensions" / f"v{duckdb.__version__}" / "delta.duckdb_extension"
    if not path.is_file():
        raise FileNotFoundError(
            f"no delta extension for DuckDB {duckdb.__version__} at {path}: "
            "install the packages duckdb and duckdb-extension-delta in the same version"
        )
    return path


def load_delta(connection: duckdb.DuckDBPyConnection) -> None:
    """Make `delta_scan` known to the connection's database and put its times into UTC."""
    connection.execute(f"load '{delta_extension()}'")
    connection.execute("set TimeZone = 'UTC'")


def pinned(connection: duckdb.DuckDBPyConnection, folder: Path, version: int) -> str:
    """The name under which the connection's database reads one version of a Delta table.

    The table is attached with its snapshot kept, so that the log is read once and not by every query.
    """
    name = f"{folder.parent.name}/{folder.name}@{version}".replace('"', '""')
    path = str(folder).replace("'", "''")
    connection.execute(f"attach if not exists '{path}' as \"{name}\" (type delta, pin_snapshot, version {version})")
    return f'"{name}"'


def reads_pinned(sql: str) -> bool:
    """Whether a view's text reads a table under its pinned name: outside its build nobody knows it."""
    return _PINNED.search(sql) is not None


def table_version_exists(path: Path, version: int) -> bool:
    """Whether the Delta table is there and has reached `version`."""
    return DeltaTable.is_deltatable(str(path)) and DeltaTable(str(path)).version() >= version


def attach_again(connection: duckdb.DuckDBPyConnection, lake: Path) -> None:
    """Attach what the views of a kept database read (see `pinned`); an attachment lasts only as long as its process."""
    texts = connection.execute("select sql from duckdb_views() where not internal").fetchall()
    for folder, version in sorted({found for (text,) in texts for found in _PINNED.findall(text)}):
        if table_version_exists(lake / folder, int(version)):
            pinned(connection, lake / folder, int(version))


def memory() -> duckdb.DuckDBPyConnection:
    """A connection to an empty database in memory that can read Delta."""
    connection = duckdb.connect(config={"arrow_large_buffer_size": "true"})
    load_delta(connection)
    return connection


def connect(lake: Path, read_only: bool = True) -> duckdb.DuckDBPyConnection:
    """Open the lake's analysts' file `<lake>/forge.duckdb`.

    Raises `NoCatalogError` when it was not written yet.
    """
    path = lake / CATALOG
    if not path.is_file():
        raise NoCatalogError(f"{path} does not exist: run `forge build` and `forge catalog` first")
    connection = duckdb.connect(str(path), read_only=read_only)
    load_delta(connection)
    return connection
