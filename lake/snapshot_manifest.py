"""`manifest.json`: what a snapshot holds, where it comes from, and what guards its transport.

The id is proof of the rows; everything else here is provenance. A manifest is written last, so a folder with one is complete.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path, PurePosixPath
from typing import Any

from lake.snapshot_layout import LAYOUT_VERSION, MANIFEST, Part, is_id, is_name
from lake.tell import Told


class ManifestError(Told):
    """A manifest is missing or says what cannot be; the message names file, field and cure."""


@dataclass(frozen=True)
class DataFile:
    """One data file. `rows` counts copies of over-sampled rows too, `examples` does not; token sums are over `rows`."""

    path: str
    part: Part
    rows: int
    examples: int
    token_count: int
    target_token_count: int
    bytes: int
    sha256: str


@dataclass(frozen=True)
class OtherFile:
    """A file that holds no rows to train on: leaves, excluded, the card."""

    path: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """See the fields' comments. Times are ISO 8601 in UTC."""

    name: str
    id: str
    created_at: str
    rows: int
    # The release: id, sequence, as_of, load_seq, hashes of code, policies and seeds, and the Delta version of each table.
    release: dict[str, Any]
    # What was asked for: roles, startups, formats, tokenizer. Together with the release it decides the content.
    inputs: dict[str, Any]
    inputs_hash: str
    # `hash`, and `max_tokens` of the budget examples were cut to.
    tokenizer: dict[str, Any]
    # Columns and types of each format, as DuckDB and people write them.
    schema: dict[str, dict[str, str]]
    # How the rows came about: exported, excluded by reason; outcomes and roles; a histogram of token counts; redactions.
    counts: dict[str, Any]
    files: tuple[DataFile, ...]
    others: tuple[OtherFile, ...]
    layout: int = field(default=LAYOUT_VERSION)

    @property
    def short_id(self) -> str:
        """Enough of the id for people."""
        return self.id[:12]

    @property
    def paths(self) -> tuple[str, ...]:
        """All files but the manifest itself."""
        return tuple(file.path for file in self.files) + tuple(file.path for file in self.others)


def checksum(path: Path) -> str:
    """SHA-256 of a file's bytes, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def describe_file(folder: Path, name: str) -> OtherFile:
    """Size and checksum of `folder/name`."""
    path = folder / name
    return OtherFile(name, path.stat().st_size, checksum(path))


def hash_of(content: Mapping[str, Any]) -> str:
    """SHA-256 of JSON-able content in a fixed order, in hex."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write `manifest.json` and see it on the disk."""
    unfinished = folder / f".{MANIFEST}"
    with unfinished.open("w", encoding="utf-8") as file:
        json.dump(asdict(manifest), file, indent=1, ensure_ascii=False)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(folder / MANIFEST)


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a snapshot's folder. Errors: `ManifestError`."""
    path = folder / MANIFEST
    if not path.is_file():
        raise ManifestError(f"{folder} is no snapshot: it has no {MANIFEST}")
    return parse_manifest(path.read_bytes(), str(path))


def parse_manifest(text: bytes, place: str) -> Manifest:
    """A manifest from its JSON. `place`: for errors. Paths that lead out of the folder are refused: it may come from anywhere."""
    try:
        content = json.loads(text)
        if content["layout"] != LAYOUT_VERSION:
            raise ManifestError(f"{place}: layout {content['layout']}; this program reads {LAYOUT_VERSION}")
        files = tuple(DataFile(**{**entry, "part": Part(**entry["part"])}) for entry in content["files"])
        others = tuple(OtherFile(**entry) for entry in content["others"])
        known = {name.name for name in fields(Manifest)}
        manifest = Manifest(
            **{name: value for name, value in content.items() if name in known} | {"files": files, "others": others}
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        if isinstance(error, ManifestError):
            raise
        raise ManifestError(f"{place} is no manifest of a snapshot ({type(error).__name__}: {error}); pull it again") from error
    if not (is_id(manifest.id) and is_name(manifest.name)):
        raise ManifestError(f"{place}: {manifest.name!r} and {manifest.id!r} are no name and id of a snapshot")
    for path in manifest.paths:
        pure = PurePosixPath(path)
        if pure.is_absolute() or ".." in pure.parts or "\\" in path:
            raise ManifestError(f"{place}: the path {path!r} leads out of the snapshot")
    return manifest
