"""dbt projects to test with: the real one, and a small one that uses the real macros and plugin; and how to build them."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lake.location import ENVIRONMENT, ops_path

REAL = Path(__file__).resolve().parent.parent.parent / "dbt_project"
TOY = Path(__file__).resolve().parent / "toy"
# They say the same in every lake; one test runs them all.
WITHOUT_UNIT_TESTS = {"DBT_EXCLUDE_RESOURCE_TYPES": "unit_test"}


def toy_project(folder: Path) -> Path:
    """A copy of the toy project in `folder`, with the real project's macros, profile and settings."""
    shutil.copytree(TOY, folder)
    shutil.copytree(REAL / "macros", folder / "macros")
    for name in ("dbt_project.yml", "profiles.yml", "models/staging/_raw__sources.yml"):
        shutil.copy(REAL / name, folder / name)
    return folder


@dataclass(frozen=True)
class Built:
    """What a dbt invocation said and did."""

    exit_code: int
    output: str
    log: dict[str, Any]

    def model(self, name: str) -> dict[str, Any]:
        """What the build wrote down about a model."""
        outcome: dict[str, Any] = self.log["models"][name]
        return outcome


def dbt(project: Path, lake: Path, *arguments: str, **environment: str) -> Built:
    """Run dbt (`build` unless the first argument is another command) on a lake, as a user would: in the project's folder."""
    command = list(arguments) if arguments and not arguments[0].startswith("-") else ["build", *arguments]
    dbt_program = str(Path(sys.executable).with_name("dbt"))
    done = subprocess.run(
        [
            dbt_program,
            "--no-use-colors",
            *command,
            "--log-path",
            str(lake.parent / "logs"),
        ],
        cwd=project,
        env={**WITHOUT_UNIT_TESTS, **os.environ, ENVIRONMENT: str(lake), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    return Built(done.returncode, done.stdout + done.stderr, newest_log(lake))


def newest_log(lake: Path) -> dict[str, Any]:
    """The newest build log of a lake; empty when there is none."""
    logs = sorted(ops_path(lake, "builds").glob("*.json"))
    log: dict[str, Any] = json.loads(logs[-1].read_text(encoding="utf-8")) if logs else {}
    return log
