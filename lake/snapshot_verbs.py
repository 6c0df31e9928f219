"""`forge snapshot …`: the verbs of datasets, without logic."""

from pathlib import Path
from typing import Annotated, Literal

import typer

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

SnapshotName = Annotated[
    str, typer.Argument(help="A snapshot: NAME (its newest), NAME/ID, an id, or a folder. Of an id its beginning is enough.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="What to call it: lower-case letters, digits, '-', '_' and '.'.")],
    release: Annotated[
        str | None, typer.Option("--release", metavar="ID", help="A release's id or its beginning. Default: the newest.")
    ] = None,
    role: Annotated[list[str] | None, typer.Option("--role", help="Only this trained role. May be repeated. Default: all.")] = None,
    startup: Annotated[
        list[str] | None,
        typer.Option("--startup", help="Only this startup's overlays, and no base. May be repeated. Default: all, and bases."),
    ] = None,
    form: Annotated[
        Literal["sft", "preference", "all"], typer.Option("--format", help="Conversations, preference pairs, or both.")
    ] = "sft",
    tokenizer: Annotated[
        Path | None,
        typer.Option("--tokenizer", metavar="FILE", help="Count and cut by this tokenizer.json. Default: as the release was."),
    ] = None,
    max_tokens: Annotated[
        int | None, typer.Option("--max-tokens", min=64, help="With --tokenizer: no example may be longer than this.")
    ] = None,
) -> None:
    """Cut a named dataset from a release.

    Parquet files for each role and startup, split into train and evaluation, that Axolotl reads as they are. The id is a proof of
    the rows: the same release, code and policies give the same id anywhere, and asking again finds what is there.
    """
    from lake.location import lake_root
    from lake.snapshot_text import tell_create

    tell_create(
        lake_root(),
        name,
        release=release,
        roles=role,
        startups=startup,
        formats=("sft", "preference") if form == "all" else (form,),
        tokenizer=tokenizer,
        max_tokens=max_tokens,
    )


@app.command("list")
def list_snapshots(as_json: AsJson = False) -> None:
    """List the lake's snapshots.

    Says which are withdrawn, because consent to rows of theirs is gone, and from which rows were erased.
    """
    from lake.location import lake_root
    from lake.snapshot_text import tell_list

    tell_list(lake_root(), as_json=as_json)


@app.command()
def show(snapshot: SnapshotName, as_json: AsJson = False) -> None:
    """Say what a snapshot holds and what it left out."""
    from lake.location import lake_root
    from lake.snapshot_text import tell_show

    tell_show(lake_root(), snapshot, as_json=as_json)


@app.command()
def diff(before: SnapshotName, after: SnapshotName, as_json: AsJson = False) -> None:
    """Explain how two snapshots differ.

    Counts the rows that came, went and changed by reason: consent, an outcome that changed, a duplicate, another split, and so on.
    With --json every row is named.
    """
    from lake.location import lake_root
    from lake.snapshot_text import tell_diff

    tell_diff(lake_root(), before, after, as_json=as_json)


@app.command()
def pull(
    source: Annotated[
        str | None,
        typer.Argument(help="A snapshot of the lake, a folder, or the http(s) address of one. Not needed with --locked."),
    ] = None,
    folder: Annotated[Path | None, typer.Argument(help="Where the copy goes. Default: NAME-ID, here.")] = None,
    form: Annotated[Literal["parquet", "jsonl"], typer.Option("--as", help="jsonl converts the data files.")] = "parquet",
    lock: Annotated[
        Path | None, typer.Option("--lock", metavar="FILE", help="Write name and id of what was pulled into this lock file.")
    ] = None,
    locked: Annotated[
        Path | None, typer.Option("--locked", metavar="FILE", help="Pull what this lock file pins, and nothing else.")
    ] = None,
) -> None:
    """Take a verified copy of a snapshot.

    An interrupted pull goes on where it was. Every row is proved against the id at the end.
    """
    from lake.location import lake_root
    from lake.snapshot_text import tell_pull

    tell_pull(lake_root(), source, folder, form=form, lock=lock, locked=locked)


@app.command()
def verify(snapshot: SnapshotName) -> None:
    """Prove that every row is what it was.

    Rows that were erased on purpose are told from damage. Exits with 1 when anything is wrong.
    """
    from lake.location import lake_root
    from lake.snapshot_text import tell_verify

    raise typer.Exit(tell_verify(lake_root(), snapshot))


@app.command()
def drop(snapshot: Annotated[str, typer.Argument(help="NAME/ID of the snapshot; of the id its beginning is enough.")]) -> None:
    """Remove a snapshot's files from the lake.

    What it offered for training stays known, so that it is never used for evaluation later. Creating it again gives the same id.
    """
    from lake.location import lake_root
    from lake.snapshot_text import tell_drop

    tell_drop(lake_root(), snapshot)


@app.command()
def publish(
    snapshot: SnapshotName,
    repository: Annotated[str, typer.Argument(help="The dataset's repository, `owner/name`; made when it does not exist.")],
    public: Annotated[bool, typer.Option("--public", help="Let everybody see a new repository. Not with overlays.")] = False,
    endpoint: Annotated[
        str | None, typer.Option("--endpoint", envvar="HF_ENDPOINT", help="The hub's address. Default: huggingface.co.")
    ] = None,
    token: Annotated[
        str | None,
        typer.Option("--token", envvar="HF_TOKEN", show_envvar=True, help="Default: the one the hub's own login stored."),
    ] = None,
) -> None:
    """Publish a snapshot to a hub as a dataset.

    In one commit, tagged NAME-ID. A withdrawn or damaged snapshot is refused.
    """
    from lake.location import lake_root
    from lake.snapshot_text import tell_publish

    tell_publish(lake_root(), snapshot, repository, public=public, endpoint=endpoint, token=token)
