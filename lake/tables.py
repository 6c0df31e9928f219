"""Every raw table: schema, key, partitions, properties.

All raw tables are append-only and partitioned by `load_seq`, the number of the load that wrote the row. Loads commit one after the
other, so "what is new since the last good build" is a range of partitions and costs nothing to find. The value of `load_seq`
lives in the commit, not in the data files: a load learns its number only when it commits.

Column statistics are kept for ids and times alone: the default statistics would copy the beginning of every text into the
Delta log, where deletes do not reach.
"""

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from deltalake import DeltaTable, Schema

from lake.location import raw_path

SEQUENCE = "load_seq"

text = pa.string()
number = pa.int64()
time = pa.timestamp("us", "UTC")
flag = pa.bool_()


@dataclass(frozen=True)
class RawTable:
    """One raw Delta table.

    `columns`: name → (type, description), without `load_seq`. `key`: the columns that identify a row. `statistics`: the id and
    time columns whose minimum and maximum go into the Delta log; never a text column. `rarely_repeated`: columns for which a
    dictionary would only cost time.
    """

    name: str
    description: str
    columns: dict[str, tuple[pa.DataType, str]]
    key: tuple[str, ...]
    statistics: tuple[str, ...]
    rarely_repeated: tuple[str, ...] = ("record", "record_hash")

    @property
    def file_schema(self) -> pa.Schema:
        """Schema of the data files: every column but the partition."""
        return pa.schema([(name, kind) for name, (kind, _) in self.columns.items()])

    @property
    def schema(self) -> pa.Schema:
        """Schema of the table as a reader sees it, `load_seq` last."""
        return self.file_schema.append(pa.field(SEQUENCE, number))


_PLACE: dict[str, tuple[pa.DataType, str]] = {
    "file_id": (text, "The source file: a keyed hash of its home and its path inside it, so that no name is written."),
    "generation": (number, "Counts up when the file was rewritten instead of appended to; 0 is the first."),
    "byte_offset": (number, "Where the line starts in that generation of the file, in bytes."),
    "byte_length": (number, "Length of the line in bytes, without its line end."),
}
_TOWN = (text, "The town this row belongs to; null where the evidence is ambiguous.")
_RECORD = (text, "The record, redacted, as JSON text.")
_HASH = (text, "BLAKE2b-128 of `record`, in hex.")

CLAUDE_RECORDS = RawTable(
    "claude_records",
    "Claude Code transcripts: one row per line of a session file or sub-agent file.",
    {
        "town_id": _TOWN,
        "attribution": (text, "How the town was found: cwd, inherited (no cwd under a root on this record), ambiguous."),
        "attribution_reason": (text, "For ambiguous rows: the towns that claim the path. Null otherwise."),
        **_PLACE,
        "file_kind": (text, "main or subagent."),
        "path_session_id": (text, "Session id in the file's path (main: its stem; sub-agent: the folder above `subagents`)."),
        "path_agent_id": (text, "Sub-agent id in the file's name, without `agent-`. Null in main files."),
        "record_type": (text, "The record's `type`: user, assistant, system, progress, attachment, summary, …"),
        "record_subtype": (text, "`subtype` of system records, `data.type` of progress, `attachment.type` of attachments."),
        "session_id": (text, "The record's `sessionId`."),
        "agent_id": (text, "The record's `agentId`."),
        "uuid": (text, "The record's `uuid`."),
        "parent_uuid": (text, "The record's `parentUuid`."),
        "is_sidechain": (flag, "The record's `isSidechain`."),
        "recorded_at": (time, "The record's `timestamp`."),
        "root_path": (text, "`cwd` relative to the town's recorded root, '.' at the root; null without a cwd or outside."),
        "message_id": (text, "`message.id`: one API response."),
        "request_id": (text, "The record's `requestId`."),
        "repair": (
            text,
            "What was mended so that the line could be read: invalid_utf8, nul_bytes, lone_surrogate. Null if nothing.",
        ),
        "record": _RECORD,
        "record_hash": _HASH,
    },
    ("file_id", "generation", "byte_offset"),
    ("town_id", "file_id", "session_id", "recorded_at"),
    rarely_repeated=("byte_offset", "byte_length", "uuid", "parent_uuid", "recorded_at", "record", "record_hash"),
)

BEADS_ROWS = RawTable(
    "beads_rows",
    "Versions of rows of beads databases, from JSONL exports or Dolt: a row is written when it is new, changed or gone.",
    {
        "town_id": (text, "The town whose copy of the database was read."),
        "beads_project_id": (text, "The beads database's project id: the identity that federated copies share."),
        "database": (text, "The Dolt database's name, or the name declared for the export."),
        "source": (text, "jsonl or dolt."),
        "table_name": (
            text,
            "issues, events, comments, dependencies, labels, interactions; from Dolt also wisps, wisp_*, completions, stamps.",
        ),
        "row_key": (text, "Primary key of the row inside its table; parts of a compound key are joined by '|'."),
        "bead_id": (text, "The bead the row is about (`id` of issues, `issue_id` elsewhere)."),
        "change": (text, "upsert, or delete when the row is no longer in the source (`record` is then null)."),
        "observed_at": (
            time,
            "When the source showed this version: the export file's modification time, or the poll's server time.",
        ),
        "updated_at": (time, "The row's own `updated_at`, else its `created_at`, as it stands in the source."),
        **_PLACE,
        "file_id": (text, "The export's file as elsewhere; of a row from Dolt: a keyed hash of its table and primary key."),
        "generation": (number, "The export's generation; of a row from Dolt: when it was seen, in µs since 1970."),
        "record": _RECORD,
        "record_hash": (text, "Keyed BLAKE2b-128 of the row as it stood in the source, in hex: tells whether it changed."),
    },
    ("town_id", "beads_project_id", "source", "table_name", "row_key", "observed_at", "record_hash"),
    ("town_id", "beads_project_id", "bead_id", "row_key", "observed_at"),
)

TOWN_EVENTS = RawTable(
    "town_events",
    "Lines of a town's `.events.jsonl`. The file is pruned and rewritten: a line's identity is its content, which holds its time.",
    {
        "town_id": (text, "The town whose log it is."),
        "event_hash": (text, "Keyed BLAKE2b-128 of the line as it stood in the file, in hex."),
        "occurrence": (number, "0 for the first line with this content in the file, 1 for the second, …"),
        "event_type": (text, "The event's `type`."),
        "actor": (text, "The event's `actor`: an address, `gt`, `daemon`, or a tmux name."),
        "recorded_at": (time, "The event's `ts` (UTC, seconds)."),
        **_PLACE,
        "record": _RECORD,
        "record_hash": _HASH,
    },
    ("town_id", "event_hash", "occurrence"),
    ("town_id", "event_hash", "recorded_at"),
)

TELEMETRY_RECORDS = RawTable(
    "telemetry_records",
    "Log records of a town's telemetry: what `gt` and Claude Code reported of sessions, without prompts and tool content.",
    {
        "town_id": (text, "The town whose telemetry was asked."),
        "event_hash": (text, "Keyed BLAKE2b-128 of what is kept of the record, as it stood in the source, in hex."),
        "occurrence": (number, "0 for the first record with this content and time, 1 for the second, …"),
        "event_name": (text, "The record's body: done, sling, agent.instantiate, session.start, claude_code.api_request, …"),
        "recorded_at": (time, "The record's `_time`, cut to microseconds; `record` has it whole."),
        "left_out": (text, "Names of the fields that were not kept, in order, joined by ','; '' when all were."),
        **_PLACE,
        "file_id": (text, "A keyed hash of source and content; no file."),
        "generation": (number, "As `occurrence`."),
        "byte_offset": (number, "0."),
        "byte_length": (number, "Length in bytes of what is kept, as JSON text before redaction."),
        "record": _RECORD,
        "record_hash": _HASH,
    },
    ("town_id", "event_hash", "occurrence"),
    ("town_id", "event_hash", "recorded_at"),
)

TOWN_FILES = RawTable(
    "town_files",
    "A town's identity: `town.json`, `rigs.json`, one row per line of `routes.jsonl`, each `.beads/metadata.json`, "
    "and what `towns.yaml` declares. A file is written again when its content changes.",
    {
        "town_id": (text, "The town."),
        "kind": (text, "declared, town, rigs, routes, beads_metadata."),
        "root_path": (text, "The file's path relative to the town's root ('' for declared)."),
        "observed_at": (time, "The file's modification time; for declared rows the time of towns.yaml."),
        "record": (text, "The file's content, redacted, as JSON text (routes: a JSON list of its lines)."),
        "record_hash": (text, "Keyed BLAKE2b-128 of the content as it stood in the file, in hex: tells whether it changed."),
    },
    ("town_id", "kind", "root_path", "record_hash", "observed_at"),
    ("town_id", "observed_at"),
)

LABELS = RawTable(
    "labels",
    "Verdicts on episodes: one row per verdict that somebody gave and confirmed. A later verdict does not replace an earlier row.",
    {
        "town_id": (text, "The town of the episode's session."),
        "label_id": (text, "The verdict: hash of who, what, when."),
        "episode_key": (text, "The episode that was judged."),
        "session_key": (text, "The session it is part of."),
        "cycle": (number, "Number of the calibration cycle the verdict belongs to, from 1."),
        "labeller": (text, "Who judged: the name they gave themselves, redacted, else a keyed hash of the account's name."),
        "labeller_kind": (text, "human (sat at a terminal), agent or script. Only a human's verdict counts as one."),
        "verdict": (text, "good, bad or unsure."),
        "labelled_at": (time, "When the verdict was confirmed, by the reviewer's clock. It moves no release's `as_of`."),
        **_PLACE,
        "record": (text, "Verdict, reason, and what the scores said of the episode at that time, as JSON text."),
        "record_hash": _HASH,
    },
    ("label_id",),
    ("town_id", "label_id", "episode_key", "labelled_at"),
)

QUARANTINE = RawTable(
    "quarantine",
    "Lines that could not be read. No content is kept: file, offset and length say where to look.",
    {
        "town_id": _TOWN,
        "source": (text, "claude, beads, dolt, labels, telemetry, town_events, town_files."),
        "file": (text, "The file's path inside its home or root, redacted."),
        **_PLACE,
        "reason": (text, "Why: invalid_json, not_an_object, too_deep, missing_key, …"),
    },
    ("file_id", "generation", "byte_offset"),
    ("town_id", "file_id"),
)

REDACTIONS = RawTable(
    "redactions",
    "Every replacement that was made before a record was written. Never the value.",
    {
        "town_id": _TOWN,
        "source": (text, "claude, beads, dolt, labels, telemetry, town_events, town_files."),
        "record_key": (text, "`file_id:generation:byte_offset` of the record."),
        "json_path": (text, "Where in the record, e.g. `$.message.content[0].text`; `$.a.b~key` when the key itself was replaced."),
        "start": (number, "First character of the surrogate in the decoded string as it is stored (characters, from 0)."),
        "end": (number, "One past the last character of the surrogate."),
        "rule": (text, "The rule that fired."),
        "surrogate_id": (text, "The same for the same value everywhere in the lake; tells nothing about it."),
    },
    ("record_key", "json_path", "start"),
    ("town_id", "record_key"),
)

FILES = RawTable(
    "files",
    "The ledger: which bytes of which file are in the lake. The row with the highest `load_seq` per file holds.",
    {
        "file_id": (text, "The source file."),
        "stream": (text, "The (source, home or town) that loads it."),
        "file": (text, "Its path inside the home, redacted, for people."),
        "decision": (text, "loaded, foreign (its cwd is under no recorded root), undecided (no cwd yet)."),
        "generation": (number, "The generation that `byte_offset` counts in."),
        "byte_offset": (number, "Everything before it is in the lake."),
        "size_bytes": (number, "The file's size when it was read."),
        "modified_ns": (number, "The file's modification time when it was read, in ns."),
        "fingerprint": (text, "Keyed hash over probes of the bytes before `byte_offset`: tells growth from rewriting."),
        "carry": (text, "What the next load must know of the lines before (JSON: town, root path), for records without a cwd."),
    },
    ("file_id",),
    ("file_id", "stream"),
)

LOADS = RawTable(
    "loads",
    "One row per load: what it read, what it wrote, what it left out. Committed last: its presence means the load is complete.",
    {
        "load_id": (text, "The dlt load package."),
        "stream": (text, "The (source, home or town) that was loaded."),
        "source": (text, "claude, beads, dolt, labels, telemetry, town_events, town_files."),
        "started_at": (time, "When reading began."),
        "finished_at": (time, "When the load was handed over for commit."),
        "newest_at": (time, "The newest recorded time among its rows."),
        "files_seen": (number, "Files looked at."),
        "files_loaded": (number, "Files that gave new rows."),
        "files_foreign": (number, "Files whose cwd is under no recorded root: counted, not read further."),
        "files_undecided": (number, "Files without a cwd yet."),
        "files_rewritten": (number, "Files that began a new generation."),
        "bytes_read": (number, "Bytes of source lines that were read."),
        "rows": (number, "Rows written to the source's own table."),
        "quarantined": (number, "Lines put into quarantine."),
        "redactions": (number, "Replacements made."),
        "redaction_key": (text, "Fingerprint of the redaction key in use."),
    },
    ("load_id",),
    ("stream", "started_at", "newest_at"),
)

RAW_TABLES: dict[str, RawTable] = {
    table.name: table
    for table in (
        CLAUDE_RECORDS,
        BEADS_ROWS,
        TOWN_EVENTS,
        TELEMETRY_RECORDS,
        TOWN_FILES,
        LABELS,
        QUARANTINE,
        REDACTIONS,
        FILES,
        LOADS,
    )
}


def properties(statistics: tuple[str, ...]) -> dict[str, str | None]:
    """Delta table properties every table of the lake is created with."""
    return {
        "delta.dataSkippingStatsColumns": ",".join(statistics),
        # Releases pin versions for months; log cleanup would kill them whatever vacuum keeps.
        "delta.logRetentionDuration": "interval 3650 days",
        "delta.checkpointInterval": "50",
    }


def open_raw(root: Path, name: str) -> DeltaTable:
    """Open a raw table, creating it empty if this lake does not have it yet."""
    table = RAW_TABLES[name]
    path = raw_path(root, name)
    if not DeltaTable.is_deltatable(str(path)):
        path.mkdir(parents=True, exist_ok=True)
        DeltaTable.create(
            str(path),
            schema=Schema.from_arrow(table.schema),
            mode="ignore",
            partition_by=[SEQUENCE],
            name=f"raw.{name}",
            description=table.description,
            configuration=properties(table.statistics),
        )
    return DeltaTable(str(path))
