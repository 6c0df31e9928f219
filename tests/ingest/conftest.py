"""What tests of loaders that ask a database server share: one server, and towns that have it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ingest.beads_schema import today
from tests.ingest.dolt_town import PASSWORD_VARIABLE, PROJECT, DoltTown, event, issue, label
from tests.ingest.sql_servers import PASSWORD, SqlServer, running_server
from tests.ingest.towns_on_disk import make_town


@pytest.fixture(scope="session")
def sql_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqlServer]:
    """One server for all tests; each makes its own databases."""
    with running_server(tmp_path_factory.mktemp("sql")) as server:
        yield server


@pytest.fixture
def bare_town(tmp_path: Path, sql_server: SqlServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[DoltTown]:
    """A town whose server holds no database yet."""
    monkeypatch.setenv(PASSWORD_VARIABLE, PASSWORD)
    town = DoltTown(make_town(tmp_path / "towns"), sql_server, tmp_path / "lake")
    town.declare()
    yield town
    sql_server.drop_all()


@pytest.fixture
def dolt_town(bare_town: DoltTown) -> DoltTown:
    """A town whose server holds the database `hq`: two beads with a label and an event each, and one merge request."""
    bare_town.server.create("hq", *today(PROJECT))
    bare_town.server.insert("hq", "issues", issue("hq-1"), issue("hq-2"))
    bare_town.server.insert("hq", "labels", label("hq-1", "gt:task"), label("hq-2", "gt:message"))
    bare_town.server.insert("hq", "events", event("hq-1", f"{1:036d}"), event("hq-2", f"{2:036d}"))
    bare_town.server.insert("hq", "wisps", issue("hq-wisp-1", title="Merge: hq-1", description="branch: polecat/nux\n"))
    bare_town.server.insert("hq", "wisp_labels", label("hq-wisp-1", "gt:merge-request"))
    return bare_town
