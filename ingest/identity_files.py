"""A town's identity: what it says of itself in `town.json`, `rigs.json`, `routes.jsonl` and `.beads/metadata.json`, and what
`towns.yaml` declares. Small files, read whole, written again when their content changes."""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from ingest.beads_export import ExportFile, find_export_files
from ingest.identity import TownIdentity, TownIdentityError, beads_project_id
from ingest.kill_points import reached
from ingest.known_rows import newest_town_files
from ingest.lines import JsonObject, is_blank, parse_object, read_lines, to_json
from ingest.part_writer import PartFile, PartWriter
from ingest.reading import Counts
from ingest.redact import Redactor
from ingest.redacted_rows import RecordPosition
from ingest.redaction_key import RedactionKey
from ingest.source_files import describe, file_exists, join, open_source
from lake.tables import QUARANTINE, REDACTIONS, TOWN_FILES

SOURCE = "town_files"
TOWN_JSON = "mayor/town.json"
RIGS_JSON = "mayor/rigs.json"
ROUTES = ".beads/routes.jsonl"
METADATA = ".beads/metadata.json"


def _safe_folder(path: object) -> str | None:
    """A route's path relative to the town, or None for one that leads out of it."""
    if not isinstance(path, str):
        return None
    pure = PurePosixPath(path)
    return None if pure.is_absolute() or ".." in pure.parts else str(pure)


class IdentityFiles:
    """The plan for one town's identity files (see `ingest.reading.Reading`)."""

    source = SOURCE
    table = TOWN_FILES.name

    def __init__(self, lake: Path, town: TownIdentity, towns_file: Path, key: RedactionKey) -> None:
        self._town = town
        self._key = key
        self.stream = f"{SOURCE}-{key.digest('town', town.town_id.encode()).hex()[:12]}"
        self.label = town.town.name
        self.counts = Counts()
        self._quarantined: list[tuple[object, ...]] = []
        self._beads_folders: list[tuple[str, JsonObject]] = []
        known = newest_town_files(lake, town.town_id)
        self._new = [
            (kind, path, moment, value)
            for kind, path, moment, value in self._files(towns_file)
            if known.get((kind, path)) != self._source_hash(value)
        ]

    @property
    def is_empty(self) -> bool:
        """Whether nothing changed. An unreadable file alone is told again every time, but loads nothing."""
        return not self._new

    @property
    def bytes_planned(self) -> int:
        """These files are small; progress is not measured in their bytes."""
        return 0

    def exports(self) -> Iterator[ExportFile]:
        """The town's beads exports: those that `towns.yaml` declares, then those found where the town keeps its databases."""
        town = self._town.town
        declared: set[str] = set()
        for export in town.beads:
            project = beads_project_id(town, export)
            declared.add(export.path.removesuffix("/backup"))
            if export.path.endswith(".jsonl"):
                table = PurePosixPath(export.path).stem
                yield ExportFile(export.path, table, export.database, project)
            else:
                yield from find_export_files(export.path, export.database, project)
        for folder, metadata in self._beads_folders:
            path = join(town.root, folder)
            project_id, database = metadata.get("project_id"), metadata.get("dolt_database") or metadata.get("database")
            if path not in declared and isinstance(project_id, str):
                yield from find_export_files(path, str(database), project_id)

    def projects(self) -> dict[str, str]:
        """Database → project id, as `towns.yaml` declares them and, before that, as the town's own files say."""
        town = self._town.town
        found = {export.database: export.beads_project for export in town.beads if export.beads_project is not None}
        found |= town.dolt.projects if town.dolt else {}
        for _, metadata in self._beads_folders:
            project_id, database = metadata.get("project_id"), metadata.get("dolt_database") or metadata.get("database")
            if isinstance(project_id, str) and isinstance(database, str):
                found[database] = project_id
        return found

    def _files(self, towns_file: Path) -> Iterator[tuple[str, str, datetime, JsonObject]]:
        """(kind, path in the town, modification time, content) of what there is to say about the town."""
        town = self._town.town
        declared: JsonObject = {
            "name": town.name,
            "id": town.declared_id,
            "has_role_paths": self._town.has_role_paths,
            "hq_project_id": self._town.hq_project_id,
            "beads": [{"database": export.database, "beads_project": export.beads_project} for export in town.beads],
        }
        yield "declared", "", datetime.fromtimestamp(towns_file.stat().st_mtime, UTC), declared
        if not self._town.has_role_paths:
            return
        yield from self._json_file("town", TOWN_JSON)
        rigs = list(self._json_file("rigs", RIGS_JSON))
        yield from rigs
        routes = list(self._routes())
        yield from routes
        folders = [".beads"]
        for _, _, _, value in rigs:
            named = value.get("rigs")
            folders += [f"{name}/mayor/rig/.beads" for name in named] if isinstance(named, dict) else []
        for _, _, _, value in routes:
            listed = value.get("routes")
            for route in listed if isinstance(listed, list) else []:
                folder = _safe_folder(route.get("path")) if isinstance(route, dict) else None
                folders += [str(PurePosixPath(folder, ".beads"))] if folder else []
        for folder in dict.fromkeys(folders):
            for found in self._json_file("beads_metadata", f"{folder}/metadata.json"):
                self._beads_folders.append((folder, found[3]))
                yield found

    def _json_file(self, kind: str, name: str) -> Iterator[tuple[str, str, datetime, JsonObject]]:
        path = join(self._town.town.root, name)
        if not file_exists(path):
            return
        file = describe(path, name)
        with open_source(path) as handle:
            content = handle.read()
        self.counts.files_seen += 1
        parsed = parse_object(content)
        if parsed.value is None:
            self._quarantine(name, 0, len(content), parsed.reason)
            return
        yield kind, name, datetime.fromtimestamp(file.modified_ns / 1e9, UTC), parsed.value

    def _routes(self) -> Iterator[tuple[str, str, datetime, JsonObject]]:
        path = join(self._town.town.root, ROUTES)
        if not file_exists(path):
            return
        file = describe(path, ROUTES)
        self.counts.files_seen += 1
        routes: list[object] = []
        with open_source(path) as handle:
            for line in read_lines(handle, 0, file.size_bytes):
                parsed = parse_object(line.content)
                if parsed.value is not None:
                    routes.append(parsed.value)
                elif not is_blank(line.content) and line.is_ended:
                    self._quarantine(ROUTES, line.offset, len(line.content), parsed.reason)
        yield "routes", ROUTES, datetime.fromtimestamp(file.modified_ns / 1e9, UTC), {"routes": routes}

    def _quarantine(self, name: str, offset: int, length: int, reason: str | None) -> None:
        position = RecordPosition(self._file_id(name), 0, offset, length)
        self._quarantined.append((self._town.town_id, SOURCE, name, *position.columns(), reason or "invalid_json"))
        self.counts.problems.append(f"{name} of town {self._town.town.name} cannot be read ({reason}); mend the file")

    def _file_id(self, name: str) -> str:
        return self._key.digest("file-id", f"{self.stream}/{name}".encode()).hex()[:32]

    def _source_hash(self, value: JsonObject) -> str:
        return hashlib.blake2b(self._key.digest("town-file", to_json(value).encode()), digest_size=16).hexdigest()

    def parts(self, folder: Path) -> Iterator[list[PartFile]]:
        """Write the contents that changed."""
        redactor = Redactor(self._key)
        writer = PartWriter(folder, "00000")
        redacted = redactor.redact([value for _, _, _, value in self._new])
        for (kind, path, moment, value), (safe, found) in zip(self._new, redacted, strict=True):
            text = to_json(safe)
            safe_path = redactor.redact_text(path)
            writer.add(TOWN_FILES.name, [(self._town.town_id, kind, safe_path, moment, text, self._source_hash(value))])
            key = RecordPosition(self._file_id(path), 0, 0, len(text)).record_key
            rows = [(self._town.town_id, SOURCE, key, r.json_path, r.start, r.end, r.rule, r.surrogate_id) for r in found]
            writer.add(REDACTIONS.name, rows)
            self.counts.redactions += len(rows)
        writer.add(QUARANTINE.name, self._quarantined)
        self.counts.rows = self.counts.files_loaded = len(self._new)
        self.counts.quarantined = len(self._quarantined)
        reached("while_extracting")
        yield writer.close()


def town_exports(identity: IdentityFiles) -> tuple[list[ExportFile], list[str]]:
    """The exports that can be read, and what is wrong with the others."""
    try:
        return list(identity.exports()), []
    except TownIdentityError as error:
        return [], [str(error)]
