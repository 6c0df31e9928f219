"""The command line: one function per verb, no logic. What a verb does stands in the module that it calls.

Imports happen inside the verbs: `forge --help` and a load without news must not wait for a database engine.
"""

import os
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from lake.snapshot_verbs import app as snapshot_verbs
from training.registry_verbs import app as registry_verbs
from training.train_verbs import app as train_verbs

app = typer.Typer(
    name="forge",
    help="Turn what Gas Town's agents did into tables you can query, and into training data.\n\n"
    "A first look: `forge demo`. With your own towns: `forge init`, edit towns.yaml, `forge nightly`, `forge sql`.",
    epilog="Exit codes and every option: docs/cli.md",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

TownsFile = Annotated[
    Path | None,
    typer.Option("--towns", envvar="FORGE_TOWNS", help="The towns file. Default: ./towns.yaml, else the one beside forge.py."),
]
GovernanceFile = Annotated[
    Path | None,
    typer.Option(
        "--governance",
        envvar="FORGE_GOVERNANCE",
        help="Who may learn from whose work. Default: governance.yaml beside the towns file, else the one beside forge.py.",
    ),
]
Only = Annotated[
    list[str] | None,
    typer.Option(
        "--only",
        metavar="SOURCE",
        help="Load one source: town_files, beads, dolt, telemetry, town_events, claude or labels. May be repeated.",
    ),
]
TrainedRole = Annotated[
    str | None, typer.Option("--role", help="A trained role: polecat, refinery, witness, deacon, mayor or crew. Default: all.")
]
Progress = Annotated[
    bool | None,
    typer.Option("--progress/--no-progress", help="Show bars or plain lines. Default: bars on a terminal.", show_default=False),
]
MaxAge = Annotated[float, typer.Option("--max-age-hours", min=0, help="How old the last look at a town and the last build may be.")]
ReleaseId = Annotated[
    str | None, typer.Option("--release", metavar="ID", help="A release's id or its beginning. Default: the newest.")
]


calibration = typer.Typer(invoke_without_command=True, rich_markup_mode=None)
app.add_typer(calibration, name="calibrate")
app.add_typer(snapshot_verbs, name="snapshot", help="Named datasets, cut from a release.")
app.add_typer(train_verbs, name="train", help="Turn snapshots into adapters, with Axolotl.")
app.add_typer(registry_verbs, name="registry", help="Which adapter serves whom, and why.")


@app.callback()
def forge(
    lake: Annotated[
        Path | None,
        typer.Option("--lake", help="The lake's folder, for this command. Default: FORGE_LAKE, else ~/.local/share/lora-forge."),
    ] = None,
) -> None:
    """What holds for every verb."""
    if lake is not None:
        os.environ["FORGE_LAKE"] = str(lake.expanduser().absolute())


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(help="Where towns.yaml and governance.yaml shall stand.")] = Path(),
) -> None:
    """Write the policy files, make the lake and its key.

    Both files are commented: towns.yaml says how to name your towns, governance.yaml who may learn from their work. What exists is
    kept, so init can be run again at any time.
    """
    from lake.location import lake_root
    from lake.setup import set_up

    set_up(folder, lake_root())


@app.command()
def ingest(
    towns: TownsFile = None,
    only: Only = None,
    progress: Progress = None,
    every: Annotated[
        str | None, typer.Option("--every", metavar="TIME", help="Go on and load again every 60s, 5m or 1h, until stopped.")
    ] = None,
) -> None:
    """Load what is new in your towns, redacted.

    Reads the towns that towns.yaml names, as often as you like: what is loaded already is skipped, and an interrupted run is
    completed by the next one. Secrets are replaced before anything is written. Merge requests of a town are soon purged:
    `--only dolt --every 60s` catches those that live longer than a minute.
    """
    from lake.location import lake_root

    if every is not None:
        from ingest.watch import interval_seconds, watch

        raise typer.Exit(watch(towns_file(towns), lake_root(), interval_seconds(every), only=only or None))
    from lake.nightly import load

    raise typer.Exit(load(towns_file(towns), lake_root(), only=only, progress=progress))


@app.command()
def build(
    full_refresh: Annotated[bool, typer.Option("--full-refresh", help="Build every table from nothing.")] = False,
    audit: Annotated[
        bool, typer.Option("--audit", help="Run the tests over every row, not only over what the build touched.")
    ] = False,
    select: Annotated[
        str | None, typer.Option("--select", metavar="MODELS", help="Build some models only, in dbt's syntax. Publishes nothing.")
    ] = None,
    governance: GovernanceFile = None,
) -> None:
    """Build the models, test them, publish a release.

    The same as `dbt build` in dbt_project/. Only what is new is computed, and a release is published only when every test
    passed; otherwise the last release stays.
    """
    from lake.governance import governance_file
    from lake.location import lake_root
    from lake.nightly import build_models

    policy = governance_file(governance, towns_file(None))
    raise typer.Exit(build_models(lake_root(), full_refresh=full_refresh, audit=audit, select=select, governance=policy))


@app.command()
def publish(release: ReleaseId = None, governance: GovernanceFile = None) -> None:
    """Audit every row, publish, update the analysts' file.

    Like `build --audit` followed by `catalog`. With --release it builds nothing and puts that earlier release before the
    analysts: the way back from a bad day.
    """
    from lake.governance import governance_file
    from lake.location import lake_root
    from lake.nightly import publish_release

    raise typer.Exit(publish_release(lake_root(), release, governance_file(governance, towns_file(None))))


@app.command()
def catalog(
    release: ReleaseId = None,
    path: Annotated[Path | None, typer.Option("--path", help="The file to write. Default: forge.duckdb in the lake.")] = None,
    root: Annotated[
        str | None, typer.Option("--root", help="Where the lake is mounted for those who will open the file, if elsewhere.")
    ] = None,
    dictionary: Annotated[
        Path | None, typer.Option("--dictionary", help="The data dictionary's page. Default: dictionary.html in the lake.")
    ] = None,
) -> None:
    """Write the analysts' file, forge.duckdb.

    One DuckDB file with a documented view for every table of a release. It opens in any DuckDB 1.5 with the delta extension,
    and stays readable while a build runs. The data dictionary, a page for the browser, is written with it.
    """
    from lake.location import lake_root
    from lake.nightly import write_catalog_file

    write_catalog_file(lake_root(), release, path, root, dictionary)


@app.command()
def sql(
    query: Annotated[str, typer.Argument(help="One SQL statement, in quotes; - reads it from standard input.")],
    form: Annotated[Literal["table", "csv", "json"], typer.Option("--format", "-f", help="How to print the result.")] = "table",
) -> None:
    """Ask the lake a question in SQL.

    Reads the analysts' file, so the answer comes from a published release. `forge sql "show tables"` lists the marts, and
    dictionary.html in the lake describes everything.
    """
    from lake.location import lake_root
    from lake.query import run_query

    run_query(lake_root(), query, form)


@app.command()
def report(
    release: ReleaseId = None,
    out: Annotated[Path | None, typer.Option("--out", help="The page to write. Default: report.html in the lake.")] = None,
) -> None:
    """Draw what came in, what was kept, and why.

    One page for the browser: the road from files to examples with the reason of every loss, scores and tokens, outcomes, links,
    drift, evaluation sets and snapshots. It stands alone, so it can be mailed or hosted as it is.
    """
    from lake.location import lake_root
    from lake.report import print_report

    print_report(lake_root(), release, out)


@app.command()
def show(
    session: Annotated[str, typer.Argument(help="A session's id, or its beginning.")],
    full: Annotated[bool, typer.Option("--full", help="Unfold injected text and the results of tools.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per entry instead.")] = False,
) -> None:
    """Read one session as a transcript.

    What was typed, answered and called, in order, redacted. Injected text is dimmed, and the results of tools are folded.
    """
    from lake.location import lake_root
    from lake.show import show_session

    show_session(lake_root(), session, full=full, as_json=as_json)


@app.command()
def explain(
    what: Annotated[str, typer.Argument(help="A bead's id, or a session's id or its beginning.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON: every row with all its columns.")] = False,
) -> None:
    """Say why work was judged as it was.

    Of a session: who ran it, its episodes, the beads they worked on and how that is known, what became of the work by which
    evidence, each part of the score, and whether it is learned from. Of a bead: its life, attempts, merge requests, and who worked
    on it.
    """
    from lake.explain import explain as explain_it
    from lake.location import lake_root

    explain_it(lake_root(), what, as_json=as_json)


@calibration.callback()
def calibrate(
    context: typer.Context,
    role: TrainedRole = None,
    cycle: Annotated[
        int | None, typer.Option("--cycle", min=1, help="A calibration cycle's number. Default: the newest that was begun.")
    ] = None,
    labeller: Annotated[
        str | None, typer.Option("--as", metavar="NAME", help="Sign with this name. Default: a hash of the account's name.")
    ] = None,
    source: Annotated[
        Path | None,
        typer.Option("--from", metavar="FILE", help="Take verdicts from a file, one JSON object per line; - is standard input."),
    ] = None,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="Judge at most so many episodes now.")] = None,
) -> None:
    """Judge episodes, so that scores can be checked.

    Shows a sample of episodes, one after the other: press g, b or u for good, bad or unsure, and say why if you like. Each verdict
    is kept at once; quit any time and go on later. What becomes of the work is not shown. Verdicts from a file, or of an agent, are
    kept as such and never count as a person's.
    """
    if context.invoked_subcommand is not None:
        return
    from lake.location import lake_root
    from training.calibrate import run_calibration

    raise typer.Exit(run_calibration(lake_root(), role=role, cycle=cycle, labeller=labeller, source=source, limit=limit))


@calibration.command("report")
def calibrate_report(
    role: TrainedRole = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say how far scores and people agree.

    Kappa, AUC and calibration error of each role with intervals, whether training may use its scores, and the rules by which scores
    and people come to different ends. Counts the verdicts that the newest build has read.
    """
    from lake.location import lake_root
    from training.calibration_report import print_report

    print_report(lake_root(), role=role, as_json=as_json)


@app.command()
def status(
    max_age_hours: MaxAge = 26.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    towns: TownsFile = None,
    governance: GovernanceFile = None,
) -> None:
    """Say how fresh every town is, and what analysts see.

    Exits with 4 when a town was not looked at, or nothing was built, for longer than --max-age-hours by the clock. How far a
    town's data lies behind the newest data of the lake is shown too, but agents may rest: that alone is no failure. Below
    stand the snapshots, and the roles and towns that drift or that snapshots leave out.
    """
    from lake.governance import governance_file
    from lake.location import lake_root
    from lake.status import print_status

    governance_file(governance, towns_file(towns))
    raise typer.Exit(print_status(lake_root(), towns_file(towns), max_age_hours=max_age_hours, as_json=as_json))


@app.command()
def nightly(
    towns: TownsFile = None,
    only: Only = None,
    audit: Annotated[bool, typer.Option("--audit", help="Run the tests over every row.")] = False,
    progress: Progress = None,
    governance: GovernanceFile = None,
) -> None:
    """Load, build, publish: all that a scheduler must call.

    Ends with a summary of what changed. Safe to repeat, to interrupt, and to start twice: the second one stops and says why.
    """
    from lake.governance import governance_file
    from lake.location import lake_root
    from lake.nightly import run_nightly

    policy = governance_file(governance, towns_file(towns))
    raise typer.Exit(run_nightly(towns_file(towns), lake_root(), only=only, audit=audit, progress=progress, governance=policy))


@app.command()
def doctor(towns: TownsFile = None, governance: GovernanceFile = None) -> None:
    """Find problems, and say what to do about each.

    Looks at this machine, the lake, its key, governance.yaml, and everything that towns.yaml points to. Changes nothing.
    """
    from lake.doctor import print_checks

    raise typer.Exit(print_checks(towns_file(towns), governance))


@app.command()
def demo(
    folder: Annotated[
        Path, typer.Argument(help="Where the demo is written. Its own lake is in there too; delete it any time.")
    ] = Path("demo"),
    seed: Annotated[int, typer.Option("--seed", help="Another number makes other towns.")] = 7,
) -> None:
    """See it all in a minute, on two synthetic towns.

    Generates the towns, loads them, builds, publishes a release, writes the analysts' file, and asks it three questions.
    """
    from lake.demo import run_demo

    raise typer.Exit(run_demo(folder, seed))


def towns_file(given: Path | None) -> Path:
    """The towns file that a verb reads: the one named, else the one here, else the one beside this program."""
    here, named = Path("towns.yaml"), os.environ.get("FORGE_TOWNS")
    given = given or (Path(named) if named else None)
    return given or (here if here.exists() else Path(__file__).resolve().with_name("towns.yaml"))


def main() -> None:
    """Run a verb; a failure that can be told in a sentence is told so, with its exit code."""
    try:
        app()
    except Exception as error:
        from lake.exit_codes import expected

        code = expected(error)
        if code is None:
            raise
        typer.echo(f"forge: {error}", err=True)
        sys.exit(int(code))


if __name__ == "__main__":
    main()
