"""What is learned of an example, said without Axolotl: by hand, and by the chat template."""

import copy
import json
from itertools import pairwise
from typing import Any

import pytest
from jinja2.sandbox import ImmutableSandboxedEnvironment
from tokenizers import Tokenizer

from lake.tokens import DEFAULT
from simtown.tokenizer import CHAT_TEMPLATE
from tests.training.mask_examples import BASH, END, EXAMPLES, HUMAN, Example
from training.masks import learned_tokens, pieces


def learned_stretches(example: Example) -> list[str]:
    stretches = [""]
    for piece in pieces(example.messages, example.tools):
        if piece.is_learned and piece.text != END:
            stretches[-1] += piece.text
        elif stretches[-1]:
            stretches.append("")
    return [stretch for stretch in stretches if stretch]


def rendered(example: Example) -> str:
    """The text as transformers renders it."""
    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
    environment.filters["tojson"] = lambda value: json.dumps(value, ensure_ascii=False)
    messages: list[dict[str, Any]] = copy.deepcopy(example.messages)
    for message in messages:
        for call in message.get("tool_calls", []):
            call["function"]["arguments"] = json.loads(call["function"]["arguments"])
    return environment.from_string(CHAT_TEMPLATE.read_text()).render(messages=messages, tools=example.tools)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_what_is_learned_is_what_was_written_by_hand(example: Example) -> None:
    assert learned_stretches(example) == example.learned
    assert sum(piece.is_learned and piece.text == END for piece in pieces(example.messages, example.tools)) == example.ends


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_the_pieces_are_the_text_of_the_chat_template(example: Example) -> None:
    assert "".join(piece.text for piece in pieces(example.messages, example.tools)) == rendered(example)


def test_tools_that_were_offered_are_not_learned() -> None:
    example = Example("tools", [HUMAN, {"role": "assistant", "content": "Yes.", "train": True}], ["Yes."], 1, tools=[BASH])
    assert learned_stretches(example) == ["Yes."]
    assert rendered(example) == "".join(piece.text for piece in pieces(example.messages, example.tools))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_tokens_that_are_learned_spell_what_is_learned(example: Example) -> None:
    tokenizer = Tokenizer.from_file(str(DEFAULT))
    tokens = learned_tokens(tokenizer, example.messages, example.tools)
    runs: list[list[int]] = [[]]
    for token, is_learned in zip(tokens.ids, tokens.is_learned, strict=True):
        if is_learned and token != tokenizer.token_to_id(END):
            runs[-1].append(token)
        elif runs[-1]:
            runs.append([])
    assert [tokenizer.decode(run, skip_special_tokens=False) for run in runs if run] == example.learned
    ends = [flag for token, flag in zip(tokens.ids, tokens.is_learned, strict=True) if token == tokenizer.token_to_id(END)]
    assert sum(ends) == example.ends
    assert tokens.learned_count == sum(len(run) for run in runs) + example.ends


def test_the_examples_have_every_kind_of_turn() -> None:
    messages = [message for example in EXAMPLES for message in example.messages]
    assert any(first["role"] == second["role"] == "tool" for first, second in pairwise(messages))
    assert {message.get("train") for message in messages if message["role"] == "assistant"} == {True, False}
    assert any(len(message.get("tool_calls", [])) > 1 for message in messages)
    assert any(ord(letter) > 0xFFFF for message in messages if message.get("train_detail") for letter in message["content"])
