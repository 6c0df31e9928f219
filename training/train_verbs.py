"""`forge train …`: the verbs of training, without logic."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

Startup = Annotated[str, typer.Argument(help="A startup, as governance.yaml names it; base: the adapter that all startups share.")]
Role = Annotated[str, typer.Argument(help="A trained role: polecat, refinery, witness, deacon, mayor or crew.")]
Snapshot = Annotated[
    str,
    typer.Option("--snapshot", metavar="NAME", help="A snapshot: its name (the newest), NAME/ID, or the folder of a pulled one."),
]
ProfileName = Annotated[str, typer.Option("--profile", help="A machine of the recipe's: cpu, 12gb, 24gb or 80gb.")]
Model = Annotated[
    str | None, typer.Option("--model", metavar="FOLDER", help="A model's folder, instead of the recipe's. See `train model`.")
]
ParentId = Annotated[
    str | None,
    typer.Option(
        "--parent", metavar="ADAPTER", help="The adapter an overlay goes on from. Default: the champion of the role's base."
    ),
]
RecipeFile = Annotated[
    Path | None, typer.Option("--recipe", envvar="FORGE_RECIPE", help="The recipe. Default: training/recipe.yaml.")
]


@app.command()
def model(
    folder: Annotated[Path | None, typer.Argument(help="Where to make it. Default: train/models in the lake.")] = None,
    tiny: Annotated[bool, typer.Option("--tiny", help="A random model of two layers, for tests: trains in seconds.")] = False,
    smollm2: Annotated[bool, typer.Option("--smollm2", help="SmolLM2-135M-Instruct, which answers sensibly.")] = False,
    tokenizer: Annotated[
        Path | None, typer.Option("--tokenizer", help="The tiny model's tokenizer.json. Default: the one tokens are counted with.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Another number makes another tiny model.")] = 0,
) -> None:
    """Make a small local model that trains on a CPU.

    Needs no hub: the tiny one is made up, SmolLM2 comes with the training environment (`make train-env`).
    """
    from lake.location import lake_root
    from training.model import make_model

    make_model(lake_root(), tiny=tiny, small=smollm2, folder=folder, tokenizer=tokenizer, seed=seed)


@app.command()
def config(
    startup: Startup,
    role: Role,
    snapshot: Snapshot,
    profile: ProfileName = "24gb",
    model: Model = None,
    parent: ParentId = None,
    recipe: RecipeFile = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write it here instead of printing it.")] = None,
) -> None:
    """Print the Axolotl file that would be trained.

    The recipe, resolved for one startup and role and one machine, with where each value comes from. Everything that cannot work is
    told here, before a GPU is rented; with `make train-env` Axolotl validates the file too.
    """
    from lake.location import lake_root
    from training.config_text import print_config

    print_config(lake_root(), startup, role, snapshot, profile=profile, model=model, parent=parent, recipe=recipe, out=out)


@app.command()
def run(
    startup: Startup,
    role: Role,
    snapshot: Snapshot,
    profile: ProfileName = "24gb",
    model: Model = None,
    parent: ParentId = None,
    recipe: RecipeFile = None,
    reason: Annotated[str, typer.Option("--reason", help="Why; it is kept with the run and its adapter.")] = "by hand",
) -> None:
    """Train an adapter, evaluate it, register it.

    Prepares the data, trains, evaluates the adapter beside the model, its parent and the champion, and records it as a candidate.
    Interrupted or failed, the same command goes on where it stopped; done once, it is not done again.
    """
    from lake.location import lake_root
    from training.run_text import run_named

    run_named(lake_root(), startup, role, snapshot, profile=profile, model=model, parent=parent, recipe=recipe, reason=reason)


@app.command()
def runs() -> None:
    """List training runs, with what became of each."""
    from lake.location import lake_root
    from training.run_text import tell_runs

    tell_runs(lake_root())


@app.command()
def decide(
    adapter: Annotated[str, typer.Argument(metavar="ADAPTER", help="A candidate's id or its beginning.")],
) -> None:
    """Decide whether a candidate takes over.

    Compares its evaluation with that of the model, its parent and the champion, on groups that none of them has trained on. It is
    promoted only when it surely wins and nothing regresses; the decision is kept with its numbers.
    """
    from lake.location import lake_root
    from training.run_text import tell_decision

    tell_decision(lake_root(), adapter)


@app.command()
def merge(
    adapter: Annotated[str, typer.Argument(metavar="ADAPTER", help="An adapter's id or its beginning.")],
    folder: Annotated[Path, typer.Argument(help="Where to write the model; a new or empty folder.")],
) -> None:
    """Write the model with an adapter in its weights.

    Exact: what was trained on in 4 bits is dequantised first, then merged. For servers that cannot load adapters.
    """
    from lake.location import lake_root
    from training.combine import merge as merge_it

    merge_it(lake_root(), adapter, folder)


@app.command()
def compose(
    folder: Annotated[Path, typer.Argument(help="Where to write the adapter; a new or empty folder.")],
    adapters: Annotated[list[str], typer.Argument(metavar="ADAPTER...", help="Two or more adapters' ids or their beginnings.")],
) -> None:
    """Write one adapter that is several at once.

    Exact: their matrices are concatenated, so it is as if all of them were loaded. Meant for adapters trained side by side: an
    overlay holds its base already.
    """
    from lake.location import lake_root
    from training.combine import compose as compose_them

    compose_them(lake_root(), adapters, folder)
