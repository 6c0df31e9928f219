"""The model that adapters adapt: where it is, what tokenizer it has, and by what it is recognised."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import try_to_load_from_cache
from tokenizers import Tokenizer

from lake.exit_codes import ExitCode
from lake.tell import Told
from lake.tokens import file_hash

_TOKENIZER, _CONFIG = "tokenizer.json", "config.json"


@dataclass(frozen=True)
class BaseModel:
    """`name`: its folder, or its name on a hub. `fingerprint`: hash of its configuration, its tokenizer and its weights' sizes, so
    that the same model in another folder is the same."""

    name: str
    tokenizer_file: Path
    tokenizer_hash: str
    fingerprint: str


def find_model(named: str) -> BaseModel:
    """The model of a recipe. A hub's name is looked up in the local cache only.

    Errors: `Told` when its folder or its cached files are missing.
    """
    folder = Path(named).expanduser()
    if folder.is_dir():
        files = {name: folder / name for name in (_TOKENIZER, _CONFIG)}
        name = str(folder.absolute())
        weights = sorted((path.name, path.stat().st_size) for path in folder.glob("*.safetensors"))
    else:
        if named.startswith((".", "/", "~")):
            raise Told(f"model {named}: no such folder; `forge train model --tiny` makes one to try with", ExitCode.USAGE)
        cached = {file: try_to_load_from_cache(named, file) for file in (_TOKENIZER, _CONFIG)}
        files = {file: Path(path) for file, path in cached.items() if isinstance(path, str)}
        name, weights = named, []
    for file in (_TOKENIZER, _CONFIG):
        if file not in files or not files[file].is_file():
            advice = f"download the model first (`hf download {named}`), or name a model's folder with --model"
            raise Told(f"model {named}: {file} is not at hand; {advice}", ExitCode.USAGE)
    tokenizer_hash = file_hash(files[_TOKENIZER])
    content = json.dumps([files[_CONFIG].read_text(encoding="utf-8"), tokenizer_hash, weights])
    return BaseModel(name, files[_TOKENIZER], tokenizer_hash, hashlib.sha256(content.encode()).hexdigest()[:16])


def token_faults(model: BaseModel, eos_token: str, pad_token: str, template: str | None) -> list[tuple[str, str]]:
    """What is wrong with the recipe's special tokens for this model: (key of `model` in the recipe, message)."""
    tokenizer = Tokenizer.from_file(str(model.tokenizer_file))
    faults = [
        (key, f"{token} is no token of {model.name}'s tokenizer")
        for key, token in (("eos_token", eos_token), ("pad_token", pad_token))
        if tokenizer.token_to_id(token) is None
    ]
    if eos_token == pad_token:
        faults.append(("pad_token", "is the same as eos_token: padding is not learned, so nobody would learn to stop"))
    if template is not None and eos_token not in template and "eos_token" not in template:
        faults.append(("eos_token", f"{eos_token} does not stand in the chat template: turns would have no learned end"))
    return faults
