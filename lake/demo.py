"""`forge demo`: the whole road in a minute, on synthetic towns, in a folder of its own."""

import os
import shlex
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lake.exit_codes import ExitCode
from lake.location import ENVIRONMENT as LAKE_ENVIRONMENT
from lake.nightly import dbt_output
from lake.runs import note_looks
from lake.tell import Told, say

QUERIES = Path(__file__).with_name("demo_queries.sql")
TOWNS = 2


def run_demo(folder: Path, seed: int) -> ExitCode:
    """Generate towns in `folder/towns`, load and build them into `folder/lake`, and ask three questions.

    A second run finds everything done and only asks. Errors: `Told` when a load or the build fails, or when the folder holds
    the towns of another seed.
    """
    # Imports before the clocks start: what a step takes shall be what it takes.
    from ingest.redaction_key import ENVIRONMENT as KEY_ENVIRONMENT
    from ingest.run import run_ingest
    from lake.build import run_build
    from lake.catalog import write_catalog
    from lake.dictionary import write_dictionary
    from lake.governance import FILE as GOVERNANCE
    from lake.report import write_report

    begun = time.perf_counter()
    folder.mkdir(parents=True, exist_ok=True)
    lake = (folder / "lake").absolute()
    os.environ[LAKE_ENVIRONMENT] = str(lake)
    os.environ[KEY_ENVIRONMENT] = str((folder / "redaction.key").absolute())
    with _step(f"1/4 {'finding' if (folder / 'towns').exists() else 'generating'} {TOWNS} synthetic towns"):
        towns = _generate(folder, seed)
    with _step("2/4 loading them, redacted"):
        report = run_ingest(towns, lake)
        for line in report.lines() if report.exit_code else report.lines()[-1:]:
            say(f"    {line}")
    if report.exit_code:
        raise Told("the demo's towns could not be loaded; the lines above say why", ExitCode(report.exit_code))
    note_looks(lake, report.towns_reached)
    with _step("3/4 building and testing the models"), dbt_output(quiet=True):
        policy = towns.with_name(GOVERNANCE)
        result = run_build(lake, governance=policy if policy.exists() else None)
        if result.exit_code != 0:
            raise Told("the demo's build failed; the messages above say why")
        say(f"    release {result.release_id} {'published' if result.outcome == 'published' else 'is up to date'}")
    with _step("4/4 writing the analysts' file and the report"):
        write_catalog(lake)
        write_dictionary(lake)
        write_report(lake)
    _ask(lake)
    _next_steps(folder, lake, time.perf_counter() - begun)
    return ExitCode.OK


def _generate(folder: Path, seed: int) -> Path:
    """The towns file; generated towns are put in place whole, so that an interrupted run leaves no half of them."""
    from shutil import rmtree

    from simtown import generate

    towns, mark = folder / "towns", folder / "seed"
    if towns.exists():
        there = mark.read_text(encoding="utf-8").strip() if mark.exists() else "unknown"
        if there != str(seed):
            raise Told(f"{folder} holds the towns of seed {there}; remove it, or name another folder", ExitCode.USAGE)
        return towns / "towns.yaml"
    unfinished = folder / "towns.unfinished"
    rmtree(unfinished, ignore_errors=True)
    generate(unfinished, seed=seed, towns=TOWNS, size="demo")
    mark.write_text(f"{seed}\n", encoding="utf-8")
    unfinished.rename(towns)
    return towns / "towns.yaml"


@contextmanager
def _step(what: str) -> Iterator[None]:
    """Say what is going on, and then how long it took."""
    begun = time.perf_counter()
    say(what)
    yield
    say(f"    done in {time.perf_counter() - begun:.1f} s")


def demo_queries() -> list[tuple[str, str]]:
    """The demo's questions with their SQL."""
    found = []
    for block in QUERIES.read_text(encoding="utf-8").strip().split("\n\n"):
        question, _, sql = block.partition("\n")
        found.append((question.removeprefix("-- "), sql.rstrip(";")))
    return found


def _ask(lake: Path) -> None:
    from lake.query import run_query

    for question, sql in demo_queries():
        say(f"\n{question}")
        run_query(lake, sql, "table")


def _next_steps(folder: Path, lake: Path, seconds: float) -> None:
    forge = ".venv/bin/forge"
    shown = shlex.quote(str(folder / "lake"))
    say(f"\nDone in {seconds:.0f} s. Where to go next:")
    for command, what in (
        (f'{forge} --lake {shown} sql "show tables"', "ask your own questions; these three are in lake/demo_queries.sql"),
        (f"{forge} --lake {shown} show {_a_session(lake)}", "read a session"),
        (
            f"duckdb -readonly {shlex.quote(str(folder / 'lake' / 'forge.duckdb'))}",
            "the same tables in any DuckDB 1.5 that has its delta extension",
        ),
        (f"open {shlex.quote(str(folder / 'lake' / 'report.html'))}", "what came in, what was kept, and why"),
        (f"open {shlex.quote(str(folder / 'lake' / 'dictionary.html'))}", "what every table and column means"),
        (f"{forge} init", "load your own towns; docs/towns.md says how"),
    ):
        say(f"  {command}\n      {what}")


def _a_session(lake: Path) -> str:
    """The beginning of the id of a session worth reading."""
    from lake.duck import connect

    with connect(lake) as connection:
        row = connection.execute(
            "select left(session_id, 8) from dim_sessions where human_message_count > 0 and tool_call_count > 3 "
            "order by tool_error_count desc, tool_call_count desc, session_id limit 1"
        ).fetchone()
    return row[0] if row else "SESSION"
