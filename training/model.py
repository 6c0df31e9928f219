"""`forge train model`: a local model folder, made without a hub, that everything else can really be run with on a CPU."""

from pathlib import Path

from lake.exit_codes import ExitCode
from lake.tell import Told, say
from lake.tokens import tokenizer_path
from simtown.tokenizer import CHAT_TEMPLATE
from training.train_env import run_program

TINY, SMOLLM2 = "tiny", "smollm2"
_DONE = "config.json"


def models_path(lake: Path) -> Path:
    """Where a lake's own models lie."""
    return lake / "train" / "models"


def cache_path(lake: Path) -> Path:
    """Where the programs of the training environment cache what they read."""
    return lake / "train" / "cache"


def make_model(lake: Path, *, tiny: bool, small: bool, folder: Path | None, tokenizer: Path | None, seed: int) -> Path:
    """Make the model that is asked for, unless the folder holds one; returns the folder.

    `tokenizer`: a tokenizer.json for the tiny model; default: the one tokens are counted with. Errors: `Told` when not exactly one
    model is asked for, the tokenizer does not exist, or the folder holds something else.
    """
    if tiny == small:
        raise Told("say which model: --tiny or --smollm2", ExitCode.USAGE)
    kind = TINY if tiny else SMOLLM2
    if small and tokenizer is not None:
        raise Told("--tokenizer is for --tiny: SmolLM2 has a tokenizer of its own", ExitCode.USAGE)
    out = (folder or models_path(lake) / kind).expanduser().absolute()
    if (out / _DONE).is_file():
        say(f"{out} holds a model already; remove the folder to make it anew")
        return out
    if out.exists() and any(out.iterdir()):
        raise Told(f"{out} holds something that is no model; name another folder", ExitCode.USAGE)
    arguments = [kind, str(out), str(CHAT_TEMPLATE)]
    if tiny:
        used = (tokenizer or tokenizer_path()).expanduser().absolute()
        if not used.is_file():
            raise Told(f"tokenizer {used} does not exist", ExitCode.USAGE)
        arguments += [str(used), str(seed)]
    run_program("make_model.py", arguments, cache_path(lake))
    say(f"{out}: {'a tiny random model' if tiny else 'SmolLM2-135M-Instruct'}, with its tokenizer and chat template")
    return out
