"""`forge registry …`: the verbs of the registry, without logic."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

Startup = Annotated[str, typer.Argument(help="A startup, as governance.yaml names it.")]
Role = Annotated[str, typer.Argument(help="A trained role: polecat, refinery, witness, deacon, mayor or crew.")]
AdapterId = Annotated[str, typer.Argument(metavar="ADAPTER", help="An adapter's id or its beginning.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; it is kept with the change.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def resolve(startup: Startup, role: Role, as_json: AsJson = False) -> None:
    """Say which adapter serves STARTUP's agents in ROLE, and why.

    Walks overlay, neighbour, base. Exit code 1 when none may serve.
    """
    from lake.location import lake_root
    from training.registry_text import tell_resolution

    raise typer.Exit(tell_resolution(lake_root(), startup, role, as_json=as_json))


@app.command("list")
def list_adapters(as_json: AsJson = False) -> None:
    """List every adapter in its present state, champions first."""
    from lake.location import lake_root
    from training.registry_text import tell_adapters

    tell_adapters(lake_root(), as_json=as_json)


@app.command("history")
def show_history(adapter: AdapterId) -> None:
    """Show every state of one adapter, with reasons."""
    from lake.location import lake_root
    from training.registry_text import tell_history

    tell_history(lake_root(), adapter)


@app.command()
def retire(adapter: AdapterId, reason: Reason) -> None:
    """Take an adapter out of service."""
    from lake.location import lake_root
    from lake.tell import say
    from training import registry

    say(f"{registry.retire(lake_root(), adapter, reason).adapter_id} is retired")


@app.command()
def taint(adapter: AdapterId, reason: Reason) -> None:
    """Take an adapter out of service for good.

    With it goes everything that was trained on top of it, and every alias of any of them.
    """
    from lake.location import lake_root
    from lake.tell import say
    from training import registry

    for each in registry.taint(lake_root(), adapter, reason):
        say(f"{each.adapter_id} of {each.target} is tainted: {each.reason}")


@app.command()
def rollback(startup: Startup, role: Role, reason: Reason) -> None:
    """Retire the champion and put back the one that served before.

    STARTUP `base` means the role's base.
    """
    from lake.location import lake_root
    from training.registry_text import tell_rollback

    tell_rollback(lake_root(), startup, role, reason)


@app.command()
def review(
    apply: Annotated[bool, typer.Option("--apply", help="Roll back what got worse.")] = False,
) -> None:
    """Tell which champions do worse work than everybody else.

    Judged by the outcomes of their episodes in the newest release. Exit code 1 when one does and was not rolled back.
    """
    from lake.location import lake_root
    from training.degradation import review as review_champions

    raise typer.Exit(review_champions(lake_root(), apply=apply))


@app.command()
def alias(startup: Startup, role: Role, adapter: AdapterId, reason: Reason) -> None:
    """Let a champion stand for a startup without one."""
    from lake.location import lake_root
    from lake.tell import say
    from training import registry

    made = registry.set_alias(lake_root(), startup, role, adapter, reason)
    say(f"{made.target} is an alias of {made.alias_of}")


@app.command()
def publish(
    adapter: AdapterId,
    repository: Annotated[str, typer.Argument(help="The repository, `owner/name`; made when it does not exist.")],
    public: Annotated[bool, typer.Option("--public", help="Let everybody see a new repository. Only for shared data.")] = False,
    endpoint: Annotated[
        str | None, typer.Option("--endpoint", envvar="HF_ENDPOINT", help="The hub's address. Default: huggingface.co.")
    ] = None,
    token: Annotated[
        str | None,
        typer.Option("--token", envvar="HF_TOKEN", show_envvar=True, help="Default: the one the hub's own login stored."),
    ] = None,
) -> None:
    """Publish an adapter with its model card to a hub.

    Tagged with its id; the registry then knows repository and revision.
    """
    from lake.location import lake_root
    from training.registry_text import tell_publication

    tell_publication(lake_root(), adapter, repository, public=public, endpoint=endpoint, token=token)


@app.command("export")
def export_file(
    file: Annotated[Path, typer.Argument(help="Where to write it (YAML).")],
    town: Annotated[str, typer.Option("--town", help="The name others shall know it by.")],
) -> None:
    """Write the champions that other towns may use.

    Those that learned from shared data and are published on a hub; exit code 3 says that others were left out.
    """
    from lake.location import lake_root
    from training.registry_text import tell_export

    raise typer.Exit(tell_export(lake_root(), file, town))


@app.command("import")
def import_file(file: Annotated[Path, typer.Argument(help="An export of another town's registry.")]) -> None:
    """Take over another town's adapters as candidates.

    Where they came from is kept with them; nothing serves before it was promoted here.
    """
    from lake.location import lake_root
    from training.registry_text import tell_import

    tell_import(lake_root(), file)


@app.command()
def serve(
    host: Annotated[str, typer.Option("--host", help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", help="The port to listen on.")] = 8733,
) -> None:
    """Answer the registry over HTTP, read only, until stopped."""
    from lake.location import lake_root
    from training import registry_http

    registry_http.serve(lake_root(), host, port)
