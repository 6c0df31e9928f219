"""Verdicts that were confirmed (see `ingest.label_journal`) and are not in the lake yet."""

from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path

from ingest.claude_rows import recorded_time
from ingest.kill_points import reached
from ingest.label_journal import is_being_written, journal_files
from ingest.ledger import FileState, file_id, read_states
from ingest.lines import JsonObject, is_blank, parse_object, read_lines, to_json_bytes
from ingest.part_writer import PartFile, PartWriter
from ingest.reading import Counts
from ingest.redacted_rows import RecordPosition
from ingest.redaction_key import RedactionKey
from ingest.source_files import SourceFile, describe, fingerprint
from lake.tables import FILES, LABELS, QUARANTINE, REDACTIONS

SOURCE = "labels"
_TEXTS = ("town_id", "label_id", "episode_key", "session_key")


class Labels:
    """The plan for all sittings of a lake (see `ingest.reading.Reading`).

    `counts.newest` stays empty: a verdict's time says when a person sat down, not how far the towns' data goes, and maturity is
    judged against the latter.
    """

    source = SOURCE
    stream = SOURCE
    label = "reviewers"
    table = LABELS.name

    def __init__(self, lake: Path, key: RedactionKey) -> None:
        self._key = key
        self.counts = Counts()
        self._files: list[tuple[SourceFile, str, FileState | None]] = []
        states = read_states(lake, self.stream)
        for path in journal_files(lake):
            file = describe(str(path), path.name)
            self.counts.files_seen += 1
            identity = file_id(key, self.stream, path.name)
            state = states.get(identity)
            if state is None or file.size_bytes > state.byte_offset:
                self._files.append((file, identity, state))
            elif not is_being_written(path):
                path.unlink()

    @property
    def is_empty(self) -> bool:
        """Whether every confirmed verdict is in the lake."""
        return not self._files

    @property
    def bytes_planned(self) -> int:
        """Bytes that are not in the lake yet."""
        return sum(file.size_bytes - (state.byte_offset if state else 0) for file, _, state in self._files)

    def parts(self, folder: Path) -> Iterator[list[PartFile]]:
        """Read what the sittings' files have grown by."""
        writer = PartWriter(folder, "00000")
        for file, identity, state in self._files:
            self._read(file, identity, state.byte_offset if state else 0, writer)
        reached("while_extracting")
        yield writer.close()

    def _read(self, file: SourceFile, identity: str, start: int, writer: PartWriter) -> None:
        path = Path(file.path)
        # Asked before reading: a writer that lives now may still be in the middle of its last line.
        is_growing = is_being_written(path)
        offset = start
        with path.open("rb") as handle:
            for line in read_lines(handle, start, file.size_bytes):
                position = RecordPosition(identity, 0, line.offset, len(line.content))
                if not line.is_ended and is_growing:
                    break
                offset = line.next_offset if line.is_ended else line.offset + len(line.content)
                if is_blank(line.content):
                    continue
                stored = parse_object(line.content).value if line.is_ended else None
                label, replaced = (stored.get("label"), stored.get("replaced")) if stored else (None, None)
                if not isinstance(label, dict) or not isinstance(replaced, list):
                    # Its writer died while writing it: the verdict was never confirmed.
                    writer.add(QUARANTINE.name, [(None, SOURCE, file.name, *position.columns(), "invalid_json")])
                    self.counts.quarantined += 1
                    continue
                self._write(label, replaced, position, writer)
            mark = fingerprint(handle, offset, self._key)
        size = file.size_bytes
        row = FileState(identity, self.stream, file.name, "loaded", 0, offset, size, file.modified_ns, mark, "").row()
        writer.add(FILES.name, [row])
        self.counts.files_loaded += 1
        self.counts.bytes_read += offset - start

    def _write(self, label: JsonObject, replaced: list[list[object]], position: RecordPosition, writer: PartWriter) -> None:
        record = to_json_bytes(label)
        texts = [label.get(name) for name in _TEXTS]
        rest = (label.get("cycle"), label.get("labeller"), label.get("labeller_kind"), label.get("verdict"))
        at = recorded_time(label.get("labelled_at"))
        writer.add(LABELS.name, [(*texts, *rest, at, *position.columns(), record, blake2b(record, digest_size=16).hexdigest())])
        town, key = label.get("town_id"), position.record_key
        writer.add(REDACTIONS.name, [(town, SOURCE, key, *found) for found in replaced])
        self.counts.rows += 1
        self.counts.redactions += len(replaced)
