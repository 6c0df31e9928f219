"""Small towns written by hand for loader tests: a home, a project folder, and a towns.yaml that names them."""

import json
from dataclasses import dataclass
from pathlib import Path

ROOT = "/srv/gt"


@dataclass
class TownOnDisk:
    """A town `alpha` with a declared id, whose agents worked below `/srv/gt`."""

    folder: Path

    @property
    def towns_file(self) -> Path:
        return self.folder / "towns.yaml"

    @property
    def root(self) -> Path:
        return self.folder / "alpha"

    @property
    def projects(self) -> Path:
        return self.folder / "home" / "projects"

    def transcript(self, name: str) -> Path:
        path = self.projects / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path


def make_town(folder: Path) -> TownOnDisk:
    """Write the towns.yaml and empty folders."""
    town = TownOnDisk(folder)
    town.root.mkdir(parents=True)
    town.projects.mkdir(parents=True)
    town.towns_file.write_text(
        f"towns:\n  - name: alpha\n    id: alpha\n    root: alpha\n    recorded_root: {ROOT}\n    homes:\n      claude: [home]\n"
    )
    return town


def record(
    number: int, *, session: str = "5f0c1d2e-3b4a-4c5d-8e6f-7a8b9c0d1e2f", cwd: str | None = ROOT, **extra: object
) -> dict[str, object]:
    """A user record as Claude Code writes it, numbered so that tests can tell records apart."""
    value: dict[str, object] = {
        "type": "user",
        "uuid": f"00000000-0000-4000-8000-{number:012d}",
        "parentUuid": None,
        "sessionId": session,
        "timestamp": f"2026-04-27T09:{number // 60 % 60:02d}:{number % 60:02d}.000Z",
        "message": {"role": "user", "content": f"line number {number}"},
    }
    if cwd is not None:
        value["cwd"] = cwd
    return value | extra


def line(number: int, **extra: object) -> bytes:
    """The record as a line of a file."""
    return json.dumps(record(number, **extra)).encode() + b"\n"  # type: ignore[arg-type]
