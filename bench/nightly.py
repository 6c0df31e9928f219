"""The same night on a small and on a ten times larger lake: what it costs must follow the new data, not the lake."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import yaml

from bench.growth import continue_session, main_files
from bench.lakes import OUT, forge, fresh_lake, sources, transcript_mb
from bench.measure import Measured, folder_mb, table
from lake.location import ops_path

NEW_MB = 10
GOING_ON = 8
FACTOR = 10


@dataclass(frozen=True)
class Night:
    """One nightly run, net of an empty one on the same lake."""

    lake_mb: float
    seconds: float
    empty_seconds: float
    rows_rewritten: int
    read_mb: float
    index_mb: float


def small_against_large(megabytes: int) -> str:
    """Time, rows rewritten and bytes read of a night with the same new data on two lakes."""
    small = _night(megabytes, "night-small", others=False)
    large = _night(megabytes, "night-large", others=True)
    rows: list[tuple[str, str]] = []
    for name, night in (("small", small), ("large", large)):
        told = (
            f"{night.seconds:.1f} s net (empty night {night.empty_seconds:.1f} s)",
            f"{night.rows_rewritten:,} rows rewritten",
            f"{night.read_mb:.1f} MB read",
            f"{night.index_mb:.2f} MB of key index read ({100 * night.index_mb / night.lake_mb:.2f} % of the lake)",
        )
        rows.append((f"{name}: {night.lake_mb:.0f} MB lake", ", ".join(told)))
    rows.append(
        (
            "large / small",
            f"time {large.seconds / small.seconds:.2f}, rows rewritten {large.rows_rewritten / max(1, small.rows_rewritten):.2f}, "
            f"bytes read {large.read_mb / small.read_mb:.2f}",
        )
    )
    return table(f"One night with {NEW_MB} MB of new transcripts", rows)


def _night(megabytes: int, name: str, *, others: bool) -> Night:
    folder = OUT / f"{name}-sources"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(sources(megabytes), folder / "own")
    towns = _towns(folder, "own")
    if others:
        rest = sources(megabytes * (FACTOR - 1), seed=8)
        (folder / "rest").symlink_to(rest)
        towns += _towns(folder, "rest")
    towns_file = folder / "towns.yaml"
    towns_file.write_text(yaml.safe_dump({"towns": towns}))
    held_back = _hold_back(folder / "own", folder / "held-back")
    lake = fresh_lake(name)
    forge(lake, "nightly", "--towns", str(towns_file), "--no-progress")
    lake_mb = folder_mb(lake / "raw") + folder_mb(lake / "models")
    empty, empty_read = _measured(lake, towns_file, f"{name}-io-empty")
    for original, held in held_back:
        held.rename(original)
    for _, path in main_files(folder / "own")[-GOING_ON:]:
        continue_session(path)
    night, read = _measured(lake, towns_file, f"{name}-io")
    models = _last_build(lake)["models"].values()
    index = sum(model["index_bytes"] for model in models) / 1e6
    rewritten = sum(model["rows_rewritten"] for model in models)
    return Night(lake_mb, night.seconds - empty.seconds, empty.seconds, rewritten, read - empty_read - index, index)


def _towns(folder: Path, part: str) -> list[dict[str, object]]:
    """The towns of one source folder, their paths below `part`, their names made unique."""
    towns: list[dict[str, object]] = yaml.safe_load((folder / part / "towns.yaml").read_text())["towns"]
    for town in towns:
        # The generator makes the same two towns from every seed; a declared id makes them others.
        town["name"] = town["id"] = f"{part}-{town['name']}"
        town["root"] = f"{part}/{town['root']}"
        homes = town.get("homes")
        if isinstance(homes, dict):
            town["homes"] = {harness: [f"{part}/{path}" for path in paths] for harness, paths in homes.items()}
        beads = town.get("beads")
        for export in beads if isinstance(beads, list) else []:
            export["path"] = f"{part}/{export['path']}"
    return towns


def _hold_back(folder: Path, aside: Path) -> list[tuple[Path, Path]]:
    """Take the newest sessions, `NEW_MB` of them, out of the sources. Returns (where it was, where it is)."""
    aside.mkdir()
    moved: list[tuple[Path, Path]] = []
    size = 0
    for number, (_, path) in enumerate(reversed(main_files(folder))):
        if size >= NEW_MB * 1e6 or size > 0.2e6 * transcript_mb(folder):
            break
        size += path.stat().st_size
        held = aside / f"{number}.jsonl"
        path.rename(held)
        moved.append((path, held))
    return moved


def _measured(lake: Path, towns_file: Path, account: str) -> tuple[Measured, float]:
    """A nightly run and the megabytes its processes read."""
    folder = OUT / account
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    extra = {"FORGE_BENCH_IO": str(folder), "PYTHONPATH": str(Path(__file__).parent / "io_account")}
    measured = forge(lake, "nightly", "--towns", str(towns_file), "--no-progress", extra=extra)
    return measured, sum(int(path.read_text()) for path in folder.iterdir()) / 1e6


def _last_build(lake: Path) -> dict[str, dict[str, dict[str, int]]]:
    build: dict[str, dict[str, dict[str, int]]] = json.loads(max(ops_path(lake, "builds").glob("*.json")).read_text())
    return build
