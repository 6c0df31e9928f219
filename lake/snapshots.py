"""The snapshots of a lake: finding one by what a person types, and what is known of each."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from lake.duck import memory
from lake.exit_codes import ExitCode
from lake.location import model_path
from lake.locks import lock
from lake.releases import releases
from lake.snapshot_erase import erase_rows, erasures, examples_of_episodes
from lake.snapshot_layout import MANIFEST, is_id, is_name, snapshots_path
from lake.snapshot_manifest import Manifest, read_manifest
from lake.snapshot_tables import recorded, write_event
from lake.tell import Told

WITHDRAWN = "fct_withdrawn_snapshots"


@dataclass(frozen=True)
class Found:
    """A snapshot in its folder. `erased_rows`: rows that were taken out since it was made."""

    folder: Path
    manifest: Manifest
    erased_rows: int


def in_folder(folder: Path) -> Found:
    """The snapshot whose files lie in `folder`. Errors: `ManifestError`."""
    return Found(folder, read_manifest(folder), len(erasures(folder).rows))


def all_snapshots(lake: Path) -> Iterator[Found]:
    """Every complete snapshot of the lake, by name and time of creation."""
    top = snapshots_path(lake)
    folders = [folder.parent for folder in top.glob(f"*/*/{MANIFEST}") if is_id(folder.parent.name)] if top.is_dir() else []
    found = [in_folder(folder) for folder in folders]
    yield from sorted(found, key=lambda snapshot: (snapshot.manifest.name, snapshot.manifest.created_at, snapshot.manifest.id))


def find_snapshot(lake: Path, text: str) -> Found:
    """The snapshot that a person means: a folder, `name` (its newest), `name/id`, or `id`; of an id its beginning is enough.

    Errors: `Told` when none or several fit.
    """
    if (Path(text).expanduser() / MANIFEST).is_file():
        return in_folder(Path(text).expanduser())
    known = list(all_snapshots(lake))
    name, slash, start = text.partition("/")
    named = [snapshot for snapshot in known if snapshot.manifest.name == name]
    if slash:
        fitting = [snapshot for snapshot in named if snapshot.manifest.id.startswith(start)]
    else:
        fitting = named[-1:] or [snapshot for snapshot in known if snapshot.manifest.id.startswith(text)]
    if len(fitting) == 1:
        return fitting[0]
    names = sorted(f"{snapshot.manifest.name}/{snapshot.manifest.short_id}" for snapshot in known)
    there = f"there are {', '.join(names)}" if names else "this lake has none yet: forge snapshot create NAME"
    raise Told(f"{'no snapshot' if not fitting else f'{len(fitting)} snapshots'} {text}; {there}")


def checked_name(name: str) -> str:
    """The name, if a snapshot may be called so. Errors: `Told` with exit code USAGE."""
    if not is_name(name):
        raise Told(
            f"{name!r} is no name for a snapshot: take up to 64 lower-case letters, digits, '-', '_', '.', no sign first",
            ExitCode.USAGE,
        )
    return name


def erase_episodes(lake: Path, episode_keys: Collection[str], reason: str) -> dict[str, int]:
    """Take every row that was cut from these episodes out of all snapshots of the lake; returns `name/id` → rows taken out.

    `reason`: for people, without any content. Safe to repeat and to interrupt: the proof of all other rows holds. What was pulled
    or published before is elsewhere: `ops.pulls` and the events say where. Errors: `LockHeldError` while a snapshot is being made.
    """
    taken: dict[str, int] = {}
    with lock(lake, "snapshot"):
        sequences = {(known.snapshot_name, known.snapshot_id): known.sequence for known in recorded(lake)}
        for found in all_snapshots(lake):
            manifest = found.manifest
            count = erase_rows(found.folder, examples_of_episodes(found.folder, episode_keys), reason)
            if count:
                taken[f"{manifest.name}/{manifest.id}"] = count
                sequence = sequences.get((manifest.name, manifest.id), 0)
                write_event(lake, manifest.name, manifest.id, sequence, "erased", row_count=count, detail=reason)
    return taken


def withdrawn(lake: Path) -> dict[str, str]:
    """Snapshot id → why the newest release says that it must not be trained on any more."""
    known = releases(lake)
    version = known[-1].models.get(WITHDRAWN) if known else None
    if version is None:
        return {}
    with memory() as connection:
        path = str(model_path(lake, WITHDRAWN)).replace("'", "''")
        query = f"select snapshot_id, reason, example_count from delta_scan('{path}', version => {version}) order by all"
        rows = connection.execute(query).fetchall()
    found: dict[str, list[str]] = {}
    for snapshot_id, reason, examples in rows:
        found.setdefault(snapshot_id, []).append(f"{examples:,} examples {reason}")
    return {snapshot_id: ", ".join(reasons) for snapshot_id, reasons in found.items()}
