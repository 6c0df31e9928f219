"""Run `dbt build` on a lake and say how it ended."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from lake.governance import ENVIRONMENT as GOVERNANCE
from lake.location import ENVIRONMENT, ops_path
from lake.locks import lock

PROJECT = Path(__file__).resolve().parent.parent / "dbt_project"
# Nothing of a build may leave the machine; dbt's own switch is in dbt_project.yml.
_QUIET = {"DO_NOT_TRACK": "1", "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}
# Unit tests check the code, not the lake: they are for those who change it (plain `dbt build` runs them), not for every night.
_NIGHTLY = {"DBT_EXCLUDE_RESOURCE_TYPES": "unit_test"}


@dataclass(frozen=True)
class BuildResult:
    """How a build ended.

    `outcome`: published · unchanged (green, nothing to publish) · partial (green, but not everything was built) · failed.
    `exit_code`: dbt's, 0 for green. `release_id`: the release that is current now as far as this build knows, else None.
    `number`: the build's log is `<lake>/ops/builds/<number>.json`; None when dbt ended before it had one to write.
    """

    outcome: str
    exit_code: int
    release_id: str | None
    number: int | None


def _log_of(lake: Path, process: int) -> dict[str, object]:
    """The newest build log, if this process wrote it."""
    logs = sorted(ops_path(lake, "builds").glob("*.json"))
    stored: dict[str, object] = json.loads(logs[-1].read_text(encoding="utf-8")) if logs else {}
    return stored if stored.get("process") == process else {}


def run_build(
    lake: Path, *, full_refresh: bool = False, audit: bool = False, select: str | None = None, governance: Path | None = None
) -> BuildResult:
    """Build the models, test the rows, publish if everything was built and is green. dbt's output goes to this process's output.

    `full_refresh`: from nothing. `audit`: test every row. `select`: some models only, in dbt's syntax; publishes nothing.
    `governance`: who may learn from what; without it the build finds the file as plain `dbt build` does.
    Raises `LockHeldError` when another build runs on this lake.
    """
    # dbt takes the lock itself, for those who call it plainly. Asking first gives the reason without dbt's stack around it.
    with lock(lake, "build"):
        pass
    dbt = str(Path(sys.executable).with_name("dbt"))
    command = [dbt, "build", "--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT)]
    if full_refresh:
        command.append("--full-refresh")
    if audit:
        command += ["--vars", json.dumps({"audit": True})]
    if select is not None:
        command += ["--select", *select.split()]
    environment = {**_NIGHTLY, **os.environ, **_QUIET, ENVIRONMENT: str(lake)}
    if governance is not None:
        environment[GOVERNANCE] = str(governance.absolute())
    process = subprocess.Popen(command, cwd=PROJECT, env=environment)
    exit_code = process.wait()
    log = _log_of(lake, process.pid)
    release_id, number = log.get("release_id"), log.get("build")
    return BuildResult(
        outcome=str(log.get("outcome", "failed")) if exit_code == 0 else "failed",
        exit_code=exit_code,
        release_id=release_id if isinstance(release_id, str) else None,
        number=number if isinstance(number, int) else None,
    )
