"""`forge doctor`: what could keep the next load or build from working, and what to do about each thing."""

import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from lake.exit_codes import ExitCode
from lake.location import LakeLocationError, lake_root, ops_path
from lake.tell import say

if TYPE_CHECKING:
    from ingest.towns import Town

LOCK_FILE = Path(__file__).resolve().parent.parent / "requirements.lock"
FREE_BYTES = 2_000_000_000
"""A load of a gigabyte writes about a third of that, a full build about the same; below this much free space a check fails."""


@dataclass(frozen=True)
class Check:
    """One finding. `advice` says what to do; it is empty when there is nothing to do."""

    state: Literal["ok", "note", "fail"]
    what: str
    advice: str = ""


def print_checks(towns_file: Path, governance: Path | None = None) -> ExitCode:
    """Run and print all checks. OK when none failed."""
    found = []
    for check in checks(towns_file, governance):
        say(f"{check.state:5} {check.what}")
        if check.advice:
            say(f"      -> {check.advice}")
        found.append(check)
    failed = sum(check.state == "fail" for check in found)
    say(f"\n{failed} of {len(found)} checks failed." if failed else f"\nAll {len(found)} checks passed.")
    return ExitCode.FAILED if failed else ExitCode.OK


def checks(towns_file: Path, governance: Path | None = None) -> Iterator[Check]:
    """All checks, from the machine to the towns. One that breaks down is a failed check, and the others still run.

    `governance`: the governance.yaml to look at, where it is not the one a build finds by itself.
    """
    yield from _guarded(_python)
    yield from _guarded(_packages)
    yield from _guarded(_delta)
    try:
        lake = lake_root()
    except LakeLocationError as error:
        yield Check("fail", str(error), "set FORGE_LAKE to a folder")
        return
    for check in (_folder, _space, _key, _locks, _half_done, _release):
        yield from _guarded(check, lake)
    yield from _guarded(_towns, towns_file)
    yield from _guarded(_governance, lake, towns_file, governance)


def _guarded(check: Callable[..., Iterator[Check]], *arguments: Path | None) -> Iterator[Check]:
    try:
        yield from check(*arguments)
    except Exception as error:  # a doctor who faints is of no use: the finding is that this could not be checked
        what = f"{check.__name__.strip('_')} could not be checked: {type(error).__name__}: {error}"
        yield Check("fail", what, "mend what the message names, and look again")


def _python() -> Iterator[Check]:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] == (3, 11):
        yield Check("ok", f"Python {version}")
    else:
        yield Check("fail", f"Python {version}; 3.11 is needed", "make clean install PYTHON=/path/to/python3.11")


def _packages() -> Iterator[Check]:
    """The installed packages are those that were tested together."""
    wrong = []
    for line in LOCK_FILE.read_text(encoding="utf-8").splitlines():
        if pinned := re.fullmatch(r"([A-Za-z0-9_.-]+)==(\S+)", line):
            name, version = pinned.groups()
            try:
                installed = metadata.version(name)
            except metadata.PackageNotFoundError:
                installed = "missing"
            if installed != version:
                wrong.append(f"{name} {installed} (not {version})")
    if wrong:
        shown = ", ".join(wrong[:3]) + (f" and {len(wrong) - 3} more" if len(wrong) > 3 else "")
        yield Check("fail", f"installed packages differ from {LOCK_FILE.name}: {shown}", "rm .venv/.installed && make install")
    else:
        yield Check("ok", f"the packages are those of {LOCK_FILE.name}")


def _delta() -> Iterator[Check]:
    from lake.duck import memory

    with memory() as connection:
        row = connection.execute(
            "select version(), extension_version from duckdb_extensions() where extension_name = 'delta'"
        ).fetchone()
    yield Check("ok", f"DuckDB {row[0] if row else '?'} loads its delta extension")


def _folder(lake: Path) -> Iterator[Check]:
    if not lake.is_dir():
        yield Check("fail", f"the lake {lake} does not exist", "forge init")
        return
    try:
        with tempfile.TemporaryFile(dir=lake):
            pass
    except OSError as error:
        yield Check(
            "fail",
            f"the lake {lake} cannot be written: {error.strerror}",
            f"give {os.environ.get('USER', 'this user')} the right to",
        )
        return
    yield Check("ok", f"the lake {lake} can be written")


def _space(lake: Path) -> Iterator[Check]:
    place = next(folder for folder in (lake, *lake.parents) if folder.exists())
    free = shutil.disk_usage(place).free
    text = f"{free / 1e9:.1f} GB free where the lake is"
    if free < FREE_BYTES:
        yield Check("fail", text, f"free {(FREE_BYTES - free) / 1e9:.1f} GB, or move the lake and set FORGE_LAKE")
    else:
        yield Check("ok", text)


def _key(lake: Path) -> Iterator[Check]:
    from ingest.redaction_key import RedactionKeyError, load_key

    try:
        key = load_key(lake, create=False)
    except RedactionKeyError as error:
        yield Check("fail", f"redaction key: {error}", "see docs/redaction.md")
    else:
        yield Check("ok", f"the redaction key is the lake's ({key.fingerprint()})")


def _locks(lake: Path) -> Iterator[Check]:
    from lake.locks import held_locks

    held = held_locks(lake)
    for name, holder in held.items():
        yield Check("note", f"{name} is locked by {holder}", "wait for it; a lock goes with its process, so none needs removing")
    if not held:
        yield Check("ok", "nobody holds a lock")


def _half_done(lake: Path) -> Iterator[Check]:
    """What a killed process left. All of it heals by itself; it is told so that nobody wonders."""
    intents = list(ops_path(lake, "intents").glob("*.json"))
    work = [folder for folder in ops_path(lake, "work").glob("*") if folder.is_dir()]
    if intents:
        yield Check("note", f"{len(intents)} load(s) half committed", "the next `forge ingest` or `forge build` completes them")
    if work:
        yield Check(
            "note", f"{len(work)} unfinished load(s) in {ops_path(lake, 'work')}", "the next `forge ingest` starts them again"
        )
    if not intents and not work:
        yield Check("ok", "nothing was left half done")


def _release(lake: Path) -> Iterator[Check]:
    from lake.duck import CATALOG
    from lake.releases import releases

    known = releases(lake)
    if not known:
        yield Check("note", "no release yet", "forge nightly")
    elif not (lake / CATALOG).is_file():
        yield Check("note", f"release {known[-1].release_id}, but no {CATALOG} for analysts", "forge catalog")
    else:
        yield Check("ok", f"release {known[-1].release_id} and {CATALOG} are there")


def _towns(towns_file: Path) -> Iterator[Check]:
    from ingest.identity import TownIdentityError, TownUnreachable, beads_project_id, identify
    from ingest.source_files import is_url
    from ingest.towns import TownsFileError, load_towns

    try:
        towns = load_towns(towns_file)
    except TownsFileError as error:
        for line in str(error).splitlines():
            yield Check("fail", line, "see docs/towns.md")
        return
    if not towns.towns:
        yield Check("fail", f"{towns_file} declares no town", "name one; the file says how")
    for town in towns.towns:
        try:
            identity = identify(town)
            projects = {export.database: beads_project_id(town, export) for export in town.beads}
        except (TownIdentityError, TownUnreachable) as error:
            yield Check("fail", str(error), f"{towns_file}, line {town.line}")
            continue
        details = [f"id {identity.town_id}", *([f"{len(projects)} beads exports"] if projects else [])]
        yield Check("ok", f"town {town.name}: {', '.join(details)}")
        for export in town.beads:
            if not is_url(export.path) and not Path(export.path).exists():
                yield Check("fail", f"town {town.name}: {export.path} does not exist", f"{towns_file}, line {export.line}")
        yield from _servers(town, towns_file)
    for home in towns.homes():
        if not is_url(home.path) and not Path(home.path).is_dir():
            yield Check(
                "fail", f"{home.harness} home {home.path} of {', '.join(home.towns)} is no folder", f"correct it in {towns_file}"
            )


def _governance(lake: Path, towns_file: Path, given: Path | None) -> Iterator[Check]:
    from lake.governance import GovernanceFileError, governance_file, load_governance
    from lake.governance_names import unseen_names

    try:
        path = governance_file(given, towns_file)
    except GovernanceFileError as error:
        for line in str(error).splitlines():
            yield Check("fail", line, "see docs/governance.md")
        return
    if path is None:
        yield Check("note", "no governance.yaml: every startup teaches itself alone", "forge init writes one")
        return
    governance = load_governance(path)
    yield Check("ok", f"{path} names {len(governance.startups)} startups")
    for sentence in unseen_names(governance, lake):
        yield Check("note", f"{path}: {sentence}", "correct the name; what nobody names teaches itself")


def _servers(town: "Town", towns_file: Path) -> Iterator[Check]:
    """Whether the servers that a town declares answer, once; nothing is read of them but what is there."""
    from ingest.source_files import SourceUnreachableError

    try:
        if town.dolt is not None:
            from ingest.dolt_server import DoltConnection

            with DoltConnection(town.dolt) as connection:
                count = len(connection.databases())
            yield Check("ok", f"town {town.name}: database server {town.dolt.address}, {count} databases")
    except SourceUnreachableError as error:
        yield Check("fail", f"town {town.name}: {error}", f"start it, or correct `dolt` in {towns_file}")
    try:
        if town.telemetry is not None:
            from ingest.telemetry_server import TelemetryServer

            now = datetime.now(UTC)
            TelemetryServer(town.telemetry, waits=()).records(now - timedelta(minutes=1), now, 1)
            yield Check("ok", f"town {town.name}: telemetry store {town.telemetry.address} answers")
    except SourceUnreachableError as error:
        yield Check("fail", f"town {town.name}: {error}", f"start it, or correct `telemetry` in {towns_file}")
