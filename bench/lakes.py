"""Lakes and sources that the benches work on, under bench/out; made once per size and kept."""

import shutil
from pathlib import Path

from bench.measure import Measured, python, run

OUT = Path(__file__).parent / "out"


def sources(megabytes: int, seed: int = 7, towns: int = 2) -> Path:
    """A folder with synthetic towns of about this size (their towns.yaml at its top)."""
    folder = OUT / f"sources-{megabytes}-{seed}"
    if not (folder / "towns.yaml").exists():
        shutil.rmtree(folder, ignore_errors=True)
        run(python("-m", "simtown", str(folder), "--towns", str(towns), "--seed", str(seed), "--size", f"{megabytes}MB"))
    return folder


def transcripts(folder: Path) -> list[Path]:
    """Every transcript file below a source folder, by name."""
    return sorted(path for path in folder.rglob("*.jsonl") if "projects" in path.parts)


def transcript_mb(folder: Path) -> float:
    """Size of all transcripts, in megabytes."""
    return sum(path.stat().st_size for path in transcripts(folder)) / 1e6


def environment() -> dict[str, str]:
    """A redaction key of the benches' own, and no colour."""
    return {"FORGE_REDACTION_KEY_FILE": str(OUT / "redaction.key"), "NO_COLOR": "1"}


def forge(lake: Path, *arguments: str, extra: dict[str, str] | None = None) -> Measured:
    """Run a forge command on a lake."""
    return run(python("-m", "forge", "--lake", str(lake), *arguments), environment() | (extra or {}))


def fresh_lake(name: str) -> Path:
    """An empty place for a lake, with the key in place so that compiling rules is not measured as loading."""
    OUT.mkdir(exist_ok=True)
    lake = OUT / name
    shutil.rmtree(lake, ignore_errors=True)
    return lake


def loaded_lake(name: str, folder: Path) -> Path:
    """A lake with these towns loaded."""
    lake = fresh_lake(name)
    forge(lake, "ingest", "--towns", str(folder / "towns.yaml"), "--no-progress")
    return lake
