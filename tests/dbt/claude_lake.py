"""A lake whose raw Claude records a test chooses, and dbt runs over it.

The rows are made here, without the loader and without redaction: what is tested is what the models make of records, whatever
brought them into the lake.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from lake.commits import add_file, commit
from lake.duck import load_delta
from lake.location import model_path
from lake.tables import CLAUDE_RECORDS, LOADS, RAW_TABLES, open_raw
from tests.dbt.projects import WITHOUT_UNIT_TESTS

TREE = Path(__file__).resolve().parent.parent.parent
FOLDERS = ("staging/claude", "intermediate/sessions", "marts/sessions")


def _hash(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _time(value: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _part(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None


@dataclass
class TranscriptFile:
    """One transcript file: its path inside the home, the values of its lines, and which generation of the file they are."""

    path: str
    lines: list[Any]
    town: str | None = "town-a"
    generation: int = 0
    first_offset: int = 0

    def rows(self) -> list[dict[str, Any]]:
        """The lines as rows of `raw.claude_records`."""
        parts = self.path.split("/")
        stem = parts[-1].removesuffix(".jsonl")
        is_subagent = stem.startswith("agent-")
        session = None
        if is_subagent and "subagents" in parts:
            session = parts[parts.index("subagents") - 1]
        elif not is_subagent and len(stem) == 36:
            session = stem
        rows, offset = [], self.first_offset
        for line in self.lines:
            record = json.dumps(line, ensure_ascii=False, separators=(",", ":"))
            size = len(record.encode())
            kind = line.get("type")
            inner = {"system": None, "attachment": "attachment", "progress": "data"}.get(str(kind))
            rows.append(
                {
                    "town_id": self.town,
                    "attribution": "cwd",
                    "file_id": _hash(f"{self.town} {self.path}"),
                    "generation": self.generation,
                    "byte_offset": offset,
                    "byte_length": size,
                    "file_kind": "subagent" if is_subagent else "main",
                    "path_session_id": session,
                    "path_agent_id": stem.removeprefix("agent-") if is_subagent else None,
                    "record_type": _text(kind),
                    "record_subtype": _text(_part(line.get(inner), "type") if inner else line.get("subtype")),
                    "session_id": _text(line.get("sessionId")),
                    "agent_id": _text(line.get("agentId")),
                    "uuid": _text(line.get("uuid")),
                    "parent_uuid": _text(line.get("parentUuid")),
                    "is_sidechain": line.get("isSidechain") if isinstance(line.get("isSidechain"), bool) else None,
                    "recorded_at": _time(line.get("timestamp")),
                    "root_path": "rig" if line.get("cwd") else None,
                    "message_id": _text(_part(line.get("message"), "id")),
                    "request_id": _text(line.get("requestId")),
                    "record": record,
                    "record_hash": _hash(record),
                }
            )
            offset += size + 1
        return rows


@dataclass
class ClaudeLake:
    """A lake and a copy of the part of the dbt project that works on sessions."""

    root: Path
    work: Path
    loads: int = 0
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def project(self) -> Path:
        """The reduced dbt project, made on first use."""
        folder = self.work / "dbt_project"
        if not folder.exists():
            source = TREE / "dbt_project"
            shutil.copytree(source / "macros", folder / "macros")
            for name in ("dbt_project.yml", "profiles.yml"):
                shutil.copy(source / name, folder / name)
            for name in FOLDERS:
                shutil.copytree(source / "models" / name, folder / "models" / name)
            shutil.copy(source / "models/staging/_raw__sources.yml", folder / "models/staging/_raw__sources.yml")
            for name in ("sessions", "generic"):
                shutil.copytree(source / "tests" / name, folder / "tests" / name)
        return folder

    def load(self, files: Iterable[TranscriptFile]) -> None:
        """Commit the files' rows as one complete load."""
        for name in RAW_TABLES:
            open_raw(self.root, name)
        self.loads += 1
        rows = [row for file in files for row in file.rows()]
        newest = max((row["recorded_at"] for row in rows if row["recorded_at"]), default=None)
        self._commit(CLAUDE_RECORDS.name, rows)
        self._commit(LOADS.name, [{"load_id": str(self.loads), "source": "claude", "rows": len(rows), "newest_at": newest}])

    def _commit(self, name: str, rows: list[dict[str, Any]]) -> None:
        table = RAW_TABLES[name]
        folder = self.root / "raw" / name
        complete = [{column: row.get(column) for column in table.file_schema.names} for row in rows]
        part = f"part-{self.loads:05d}.parquet"
        pq.write_table(pa.Table.from_pylist(complete, schema=table.file_schema), folder / part, compression="zstd")
        action = add_file(folder, part, table.statistics, {"load_seq": str(self.loads)})
        commit(open_raw(self.root, name), [action], transaction=("load_seq", self.loads))

    def dbt(self, *arguments: str) -> str:
        """Run dbt over the lake; its output. Raises with the output when dbt fails."""
        environment = {**WITHOUT_UNIT_TESTS, **os.environ, "FORGE_LAKE": str(self.root), "PYTHONPATH": str(TREE), **self.settings}
        done = subprocess.run(
            [sys.executable, "-m", "dbt.cli.main", "--no-use-colors", *arguments],
            cwd=self.project,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise AssertionError(f"dbt {' '.join(arguments)} failed:\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of `sql`, in which models and `claude_records` go by their names."""
        with duckdb.connect() as connection:
            load_delta(connection)
            connection.execute("set TimeZone = 'UTC'")
            for folder in (self.root / "models").iterdir():
                connection.execute(f"create view {folder.name} as select * from delta_scan('{model_path(self.root, folder.name)}')")
            connection.execute(f"create view claude_records as select * from delta_scan('{self.root / 'raw/claude_records'}')")
            return connection.execute(sql).fetchall()
