"""What of a snapshot one adapter is trained and evaluated on: found, counted, and its tokenizer compared."""

from dataclasses import dataclass
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq

from lake.exit_codes import ExitCode
from lake.snapshot_layout import Part
from lake.snapshot_manifest import Manifest, ManifestError, read_manifest
from lake.snapshots import find_snapshot, withdrawn
from lake.tell import Told

BASE = "base"
"""What stands for the startup where a role's base is meant."""


@dataclass(frozen=True)
class Target:
    """What is trained: `startup` is None for a role's base."""

    role: str
    startup: str | None

    @property
    def kind(self) -> str:
        """base or overlay."""
        return "base" if self.startup is None else "overlay"

    @property
    def name(self) -> str:
        """`base/<role>` or `overlay/<startup>/<role>`."""
        return f"base/{self.role}" if self.startup is None else f"overlay/{self.startup}/{self.role}"

    def part(self, split: str) -> Part:
        """The snapshot's SFT file of a split."""
        return Part(self.kind, self.startup, self.role, "sft", split)


@dataclass(frozen=True)
class TrainingData:
    """A snapshot as one target sees it. `longest`: tokens of its longest example, in training or evaluation."""

    target: Target
    folder: Path
    manifest: Manifest
    train_file: Path
    eval_file: Path | None
    train_rows: int
    eval_rows: int
    longest: int


def target_of(startup: str, role: str) -> Target:
    """The target that a command names; startup `base` means the role's base."""
    return Target(role, None if startup == BASE else startup)


def find_unwithdrawn(lake: Path, named: str) -> Path:
    """The folder of the snapshot that a command names. Errors: `Told` when there is none, or its consent was withdrawn since."""
    found = find_snapshot(lake, named)
    reason = withdrawn(lake).get(found.manifest.id)
    if reason is not None:
        raise Told(f"snapshot {named} must not be trained on any more: {reason}; create a new one", ExitCode.USAGE)
    return found.folder.absolute()


def read_training_data(folder: Path, target: Target) -> TrainingData:
    """Find the files of a target in a snapshot. Errors: `Told` when it has nothing to train the target on."""
    try:
        manifest = read_manifest(folder)
    except ManifestError as error:
        raise Told(str(error), ExitCode.USAGE) from error
    files = {file.part: file for file in manifest.files}
    train = files.get(target.part("train"))
    if train is None or train.rows == 0:
        targets = sorted(
            {Target(part.role, part.startup).name for part, file in files.items() if part.split == "train" and file.rows}
        )
        has = ", ".join(targets) or "none"
        raise Told(
            f"snapshot {manifest.name} {manifest.short_id} has no training rows for {target.name}; it has {has}", ExitCode.USAGE
        )
    evaluated = files.get(target.part("eval"))
    has_eval = evaluated is not None and evaluated.rows > 0
    paths = [folder / train.path, *([folder / evaluated.path] if evaluated is not None and has_eval else [])]
    for path in paths:
        if not path.is_file():
            raise Told(f"{path} is missing; `forge snapshot verify` tells what else is", ExitCode.FAILED)
    return TrainingData(
        target=target,
        folder=folder,
        manifest=manifest,
        train_file=paths[0],
        eval_file=paths[1] if has_eval else None,
        train_rows=train.rows,
        eval_rows=evaluated.rows if evaluated is not None else 0,
        longest=max(_longest(path) for path in paths),
    )


def _longest(path: Path) -> int:
    found = pc.max(pq.read_table(path, columns=["token_count"])["token_count"]).as_py()
    return int(found or 0)
