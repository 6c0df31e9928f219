"""Which tokens of an example a model learns, said without Axolotl.

The same text as simtown/chat_template.jinja makes, but in pieces that know whether they are learned: assistants' turns whose
`train` is true, with their end marker; of a turn with `train_detail` only the spans of its content that say so, and the end marker:
neither its thinking nor its calls, because Axolotl knows no spans there. Needs a tokenizer and no torch, so that trained tokens can
be counted anywhere; tests compare it token by token with what Axolotl computes.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tokenizers import Tokenizer

START, END = "<|im_start|>", "<|im_end|>"
CONTROL_TOKENS = (START, END, "<|endoftext|>")
Message = Mapping[str, Any]


@dataclass(frozen=True)
class Piece:
    """A stretch of the conversation's text, and whether a model learns to write it."""

    text: str
    is_learned: bool = False


@dataclass(frozen=True)
class Tokens:
    """A conversation's token ids, and for each whether it is learned."""

    ids: list[int]
    is_learned: list[bool]

    @property
    def learned_count(self) -> int:
        """How many tokens are learned."""
        return sum(self.is_learned)


def _offered(tools: Sequence[Mapping[str, Any]]) -> str:
    lines = "".join("\n" + json.dumps(tool, ensure_ascii=False) for tool in tools)
    return f"{START}tools\n<tools>{lines}\n</tools>{END}\n"


def _call(call: Mapping[str, Any]) -> str:
    function = call["function"]
    arguments = function["arguments"]
    parsed = json.loads(arguments) if isinstance(arguments, str) else arguments
    said = f'"name": "{function["name"]}", "arguments": {json.dumps(parsed, ensure_ascii=False)}'
    return "<tool_call>{" + said + "}</tool_call>"


def _spans(content: str, details: Sequence[Mapping[str, Any]]) -> Iterator[Piece]:
    """The content in pieces. Offsets count characters from 0, both ends belong to a span; what no span covers is not learned."""
    flags = [False] * len(content)
    for detail in details:
        for position in range(detail["begin_offset"], min(detail["end_offset"] + 1, len(content))):
            flags[position] = bool(detail["train"])
    begin = 0
    for end in range(1, len(content) + 1):
        if end == len(content) or flags[end] != flags[begin]:
            yield Piece(content[begin:end], flags[begin])
            begin = end


def _assistant(message: Message) -> Iterator[Piece]:
    content = message.get("content") or ""
    details = message.get("train_detail") or []
    is_learned = message.get("train") is not False
    is_whole = is_learned and not details
    yield Piece(f"{START}assistant\n")
    if reasoning := message.get("reasoning_content"):
        yield Piece(f"<think>\n{reasoning}\n</think>\n", is_whole)
    yield from _spans(content, details) if is_learned and details else [Piece(content, is_whole)]
    for call in message.get("tool_calls") or []:
        yield Piece(_call(call), is_whole)
    yield Piece(END, is_learned)
    yield Piece("\n")


def pieces(messages: Sequence[Message], tools: Sequence[Mapping[str, Any]] | None = None) -> list[Piece]:
    """The text of a conversation in order. `messages` as in a snapshot's SFT rows; `tools` parsed."""
    found = [Piece(_offered(tools))] if tools else []
    for message in messages:
        if message["role"] == "assistant":
            found.extend(_assistant(message))
        else:
            found.append(Piece(f"{START}{message['role']}\n{message.get('content') or ''}{END}\n"))
    return found


def learned_tokens(tokenizer: Tokenizer, messages: Sequence[Message], tools: Sequence[Mapping[str, Any]] | None = None) -> Tokens:
    """The tokens of a conversation; one is learned when all of its characters are."""
    said = pieces(messages, tools)
    text = "".join(piece.text for piece in said)
    flags = [piece.is_learned for piece in said for _ in piece.text]
    encoded = tokenizer.encode(text, add_special_tokens=False)
    return Tokens(encoded.ids, [begin < end and all(flags[begin:end]) for begin, end in encoded.offsets])
