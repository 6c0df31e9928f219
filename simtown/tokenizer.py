"""`python -m simtown.tokenizer [FOLDER]`: train the small tokenizer of demo and tests on the text of a synthetic town.

A byte-level BPE of 4,096 tokens, the same bytes on any machine. It writes `tokenizer.json`; the chat template beside it,
`chat_template.jinja`, is written by hand and uses the special tokens below.
"""

import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from simtown.world import generate

FOLDER = Path(__file__).parent
TOKENIZER = FOLDER / "tokenizer.json"
CHAT_TEMPLATE = FOLDER / "chat_template.jinja"
SPECIAL_TOKENS = (
    "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<think>", "</think>", "<tool_call>", "</tool_call>", "<tools>", "</tools>",
)  # fmt: skip
VOCABULARY = 4096
_SEED = 7
_WORLD = "small"
# Words with the sign before them, single digits, signs with the line's end after them, white space.
_PIECES = r"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"


def _texts(value: Any) -> Iterator[str]:
    """Every text in a message's content: what is said, called and answered."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, dict):
        for key in ("text", "thinking", "content"):
            yield from _texts(value.get(key))
        if "input" in value:
            yield json.dumps({"name": value.get("name"), "arguments": value["input"]}, ensure_ascii=False)


def _corpus(world: Path) -> Iterator[str]:
    for path in sorted(world.glob("*/home/**/*.jsonl")):
        for line in path.read_bytes().splitlines():
            try:
                record = json.loads(line)
            except ValueError:
                continue  # towns hold broken lines on purpose; no text of them is missed
            message = record.get("message") if isinstance(record, dict) else None
            if isinstance(message, dict):
                yield str(message.get("role"))
                yield from _texts(message.get("content"))


def train(texts: Iterator[str]) -> Tokenizer:
    """A byte-level BPE over `texts`, with the special tokens a chat template needs."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_PIECES), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=list(SPECIAL_TOKENS),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def write_tokenizer(folder: Path) -> Path:
    """Train anew and write `tokenizer.json` into `folder`; returns its path."""
    with tempfile.TemporaryDirectory() as scratch:
        generate(Path(scratch) / "world", seed=_SEED, size=_WORLD)
        tokenizer = train(_corpus(Path(scratch) / "world"))
    path = folder / TOKENIZER.name
    tokenizer.save(str(path), pretty=False)
    return path


if __name__ == "__main__":
    print(write_tokenizer(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER))
