"""The steps of a night, each a verb of its own, and the night itself: load, build, publish, write the analysts' file."""

import contextlib
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from lake.exit_codes import ExitCode
from lake.location import ops_path
from lake.runs import note_looks
from lake.tell import Told, say

if TYPE_CHECKING:
    from lake.build import BuildResult

SHOWN_MODELS = 12
"""Changed models that a summary names one by one."""


def load(towns_file: Path, lake: Path, *, only: list[str] | None, progress: bool | None) -> ExitCode:
    """`forge ingest`: load what is new, print the summary. Errors: those of `run_ingest`, and `Told` when no town is declared."""
    from ingest.towns import load_towns

    if not load_towns(towns_file).towns:
        raise Told(f"{towns_file} declares no town yet; the file says how to name one", ExitCode.USAGE)
    from ingest.run import SOURCES, run_ingest

    if unknown := set(only or ()) - set(SOURCES):
        raise Told(f"no source '{unknown.pop()}'; sources: {', '.join(SOURCES)}", ExitCode.USAGE)
    report = run_ingest(towns_file, lake, only=only or None, progress=progress)
    for line in report.lines():
        say(line)
    if not only:
        note_looks(lake, report.towns_reached)
    return ExitCode(report.exit_code)


def build_models(lake: Path, *, full_refresh: bool, audit: bool, select: str | None, governance: Path | None) -> ExitCode:
    """`forge build`: dbt's own output, then one line on how it ended."""
    from lake.build import run_build

    with dbt_output(quiet=False):
        result = run_build(lake, full_refresh=full_refresh, audit=audit, select=select, governance=governance)
    say(_ending(result))
    return ExitCode.OK if result.exit_code == 0 else ExitCode.FAILED


def publish_release(lake: Path, release: str | None, governance: Path | None) -> ExitCode:
    """`forge publish`: audit, publish and update the analysts' file; with `release` only the latter, for that release."""
    if release is None:
        code = build_models(lake, full_refresh=False, audit=True, select=None, governance=governance)
        if code is not ExitCode.OK:
            return code
    write_catalog_file(lake, release, None, None, None)
    return ExitCode.OK


def write_catalog_file(lake: Path, release: str | None, path: Path | None, root: str | None, dictionary: Path | None) -> None:
    """`forge catalog`: the analysts' file, and the page that describes what is in it."""
    from lake.catalog import write_catalog
    from lake.dictionary import write_dictionary
    from lake.releases import find_release

    written = write_catalog(lake, release=release, path=path, root=root)
    say(f"{written} shows release {find_release(lake, release).release_id}")
    say(f"{write_dictionary(lake, release=release, path=dictionary)} describes it")


def run_nightly(
    towns_file: Path,
    lake: Path,
    *,
    only: list[str] | None,
    audit: bool,
    progress: bool | None,
    governance: Path | None = None,
) -> ExitCode:
    """`forge nightly`. A town that could not be loaded does not stop the build of the others.

    Returns the worst of its steps: FAILED before PARTIAL before OK.
    """
    from lake.build import run_build
    from lake.governance import load_governance
    from lake.governance_names import unseen_names

    loaded = load(towns_file, lake, only=only, progress=progress)
    with dbt_output(quiet=True):
        result = run_build(lake, audit=audit, governance=governance)
    for line in changes(lake, result):
        say(line)
    if result.exit_code != 0:
        return ExitCode.FAILED
    write_catalog_file(lake, None, None, None, None)
    policy = load_governance(governance)
    for sentence in unseen_names(policy, lake):
        say(f"{policy.path}: {sentence}; what nobody names teaches itself")
    return loaded


@contextlib.contextmanager
def dbt_output(*, quiet: bool) -> Iterator[None]:
    """What dbt prints inside the block: no colours unless a terminal reads them; when `quiet`, errors alone.

    A night's log shall show what changed, not three hundred green lines.
    """
    settings = {"DBT_QUIET": "true"} if quiet else {}
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR"):
        settings["DBT_USE_COLORS"] = "false"
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _ending(result: "BuildResult") -> str:
    """How a build ended, in a sentence."""
    named = f"release {result.release_id}" if result.release_id else "no release"
    return {
        "published": f"Published {named}.",
        "unchanged": f"Nothing to publish: {named} is up to date.",
        "partial": "Built in part; nothing is published.",
    }.get(result.outcome, "The build failed; nothing is published, and the last release stays. The messages above say why.")


def changes(lake: Path, result: "BuildResult") -> list[str]:
    """What a build changed, from its log: one line for the release, one for each table that got rows."""
    lines = [_ending(result)]
    if result.number is None:
        return lines
    log = json.loads((ops_path(lake, "builds") / f"{result.number:06d}.json").read_text(encoding="utf-8"))
    written = {
        name: model["rows_written"] for name, model in log["models"].items() if model["is_changed"] and model["rows_written"]
    }
    for name, rows in sorted(written.items(), key=lambda item: (-item[1], item[0]))[:SHOWN_MODELS]:
        lines.append(f"  {name}: {rows:,} rows written")
    if len(written) > SHOWN_MODELS:
        lines.append(f"  and {len(written) - SHOWN_MODELS} more tables")
    return lines
