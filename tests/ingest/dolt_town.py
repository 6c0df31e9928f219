"""A town with a database server, and the rows that loader tests put there."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ingest.dolt_known import DoltMemory
from ingest.run import IngestReport, run_ingest
from tests.ingest.lake_rows import rows
from tests.ingest.sql_servers import SqlServer
from tests.ingest.towns_on_disk import TownOnDisk

PROJECT = "5d1f5b1e-9a55-4d59-9d46-0000000000d1"
PASSWORD_VARIABLE = "TOWN_ALPHA_PASSWORD"


@dataclass
class DoltTown:
    """A town `alpha`, its server, and the lake it is loaded into."""

    town: TownOnDisk
    server: SqlServer
    lake: Path
    memories: dict[str, DoltMemory] = field(default_factory=dict)

    def declare(self, *lines: str, port: int | None = None) -> None:
        """Write the town's `dolt` entry."""
        found = [f"port: {port or self.server.port}", f"password_env: {PASSWORD_VARIABLE}", *lines]
        kept = self.town.towns_file.read_text().partition("    dolt:\n")[0]
        self.town.towns_file.write_text(kept + "    dolt:\n" + "".join(f"      {line}\n" for line in found))

    def load(self, *, exit_code: int = 0) -> IngestReport:
        """Look at the server as `forge ingest --only dolt` does."""
        report = run_ingest(self.town.towns_file, self.lake, only=["dolt"], progress=False)
        assert report.exit_code == exit_code, report.lines()
        return report

    def poll(self) -> IngestReport:
        """Look at the server as a polling process does, which remembers the polls before."""
        report = run_ingest(self.town.towns_file, self.lake, only=["dolt"], progress=False, memories=self.memories)
        assert report.exit_code == 0, report.lines()
        return report

    def versions(self, table: str | None = None) -> list[tuple[str, str, str]]:
        """(table, key, change) of every version in the lake, in the order of loads."""
        found = sorted(rows(self.lake, "beads_rows"), key=lambda row: (row["load_seq"], row["table_name"], row["row_key"]))
        return [(row["table_name"], row["row_key"], row["change"]) for row in found if table in (None, row["table_name"])]


def issue(identity: str, **more: Any) -> dict[str, Any]:
    """A bead as bd writes it; equal columns whatever is given."""
    row = {
        "id": identity,
        "title": f"title of {identity}",
        "description": "",
        "design": "",
        "acceptance_criteria": "",
        "notes": "",
        "status": "open",
        "assignee": None,
        "created_at": "2026-03-01 10:00:00",
        "updated_at": "2026-03-01 10:00:00",
        "closed_at": None,
        "close_reason": "",
    }
    return row | more


def event(bead: str, identity: str, **more: Any) -> dict[str, Any]:
    """An event of a bead."""
    row = {"id": identity, "issue_id": bead, "event_type": "created", "actor": "mayor", "created_at": "2026-03-01 02:00:00"}
    return row | more


def label(bead: str, name: str) -> dict[str, Any]:
    """A label of a bead."""
    return {"issue_id": bead, "label": name}
