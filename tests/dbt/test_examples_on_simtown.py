"""Examples of synthetic towns: well-formed, within their budgets, counted as the chat template writes them."""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import jinja2
import pytest
from tokenizers import Tokenizer

from simtown.tokenizer import CHAT_TEMPLATE, TOKENIZER
from tests.dbt.conftest import TownsLake

Messages = Sequence[Mapping[str, Any]]


@cache
def template() -> jinja2.Template:
    environment = jinja2.Environment()  # noqa: S701 - text, no HTML
    environment.filters["tojson"] = lambda value: json.dumps(value, ensure_ascii=False)
    return environment.from_string(CHAT_TEMPLATE.read_text(encoding="utf-8"))


def rendered_tokens(tokenizer: Tokenizer, messages: Messages) -> int:
    """Tokens of a conversation as a training run has them: arguments are read and written again."""
    read = json.loads(json.dumps(messages))
    for message in read:
        for call in message.get("tool_calls", ()):
            call["function"]["arguments"] = json.loads(call["function"]["arguments"])
    return len(tokenizer.encode(template().render(messages=read)).ids)


@pytest.fixture(scope="module")
def examples(towns_lake: TownsLake) -> list[dict[str, Any]]:
    """The usable examples; `messages` parsed."""
    cursor = towns_lake.connection.execute("select * from fct_examples where unusable_reason is null order by example_key")
    names = [column[0] for column in cursor.description or ()]
    rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    assert len(rows) > 100
    return [row | {"messages": json.loads(row["messages"])} for row in rows]


def test_tokens_are_those_of_the_rendered_template_and_never_fewer(examples: list[dict[str, Any]]) -> None:
    tokenizer = Tokenizer.from_file(str(TOKENIZER))
    counted = {row["example_key"]: (row["token_count"], rendered_tokens(tokenizer, row["messages"])) for row in examples}
    assert {key: pair for key, pair in counted.items() if pair[0] < pair[1]} == {}
    assert sum(count for count, _ in counted.values()) < 1.03 * sum(real for _, real in counted.values())


def test_every_tool_message_answers_a_call_of_the_turn_before_it(examples: list[dict[str, Any]]) -> None:
    for row in examples:
        open_calls: list[str] = []
        last = max(index for index, message in enumerate(row["messages"]) if message["role"] == "assistant")
        for message in row["messages"]:
            if message["role"] == "tool":
                assert message["tool_call_id"] in open_calls
                open_calls.remove(message["tool_call_id"])
                continue
            assert open_calls == [], row["example_key"]
            open_calls = [call["id"] for call in message.get("tool_calls", ())]
        # Only what a conversation ended with may be unanswered.
        assert open_calls == [] or last == len(row["messages"]) - 1


def test_messages_have_the_shape_of_chat_with_tools(examples: list[dict[str, Any]]) -> None:
    for row in examples:
        roles = [message["role"] for message in row["messages"]]
        assert roles[:2] in (["system", "user"], ["user", "assistant"], ["system", "assistant"])
        assert "system" not in roles[1:]
        assert (roles[0] == "system") is (row["system_prompt_hash"] is not None)
        assert sum(message.get("train", False) for message in row["messages"]) == row["target_turn_count"] > 0
        for message in row["messages"]:
            assert isinstance(message["content"], str)
            assert (message["role"] == "assistant") is ("train" in message)
            assert message["content"] or message["role"] == "tool" or message.get("tool_calls")
            for call in message.get("tool_calls", ()):
                assert isinstance(json.loads(call["function"]["arguments"]), dict)


def test_a_role_s_prompt_is_what_its_town_printed_and_stands_in_no_message(examples: list[dict[str, Any]]) -> None:
    prompts = {row["messages"][0]["content"] for row in examples if row["system_prompt_hash"]}
    assert prompts
    for prompt in prompts:
        assert prompt.startswith("# ")
        assert " Context\n\nYou are " in prompt
        assert "session:" not in prompt
    users = [message["content"] for row in examples for message in row["messages"] if message["role"] == "user"]
    assert not [text for text in users if "## Duty" in text]


def test_sub_agents_are_examples_of_their_own_with_the_example_that_called_them(
    towns_lake: TownsLake, examples: list[dict[str, Any]]
) -> None:
    keys = {row["example_key"]: row for row in examples}
    subagents = [row for row in examples if row["is_subagent"]]
    assert subagents
    for row in subagents:
        parent = keys[row["parent_example_key"]]
        assert parent["episode_key"] == row["episode_key"]
        prompt = row["messages"][0]["content"]
        calls = [call["function"] for message in parent["messages"] for call in message.get("tool_calls", ())]
        assert prompt in [json.loads(call["arguments"]).get("prompt") for call in calls if call["name"] == "Task"]
    unlinked = towns_lake.rows(
        "select count(*) from int_subagents where agent_kind = 'task' and parent_tool_call_key is null "
        "and agent_key in (select agent_key from int_conversations)"
    )
    assert unlinked == [(0,)]


def test_what_a_template_adds_is_what_the_rules_say(towns_lake: TownsLake) -> None:
    tokenizer = Tokenizer.from_file(str(TOKENIZER))
    rules = dict(towns_lake.rows("select rule, value from example_rules"))
    for role in ("system", "user", "tool", "assistant"):
        assert rendered_tokens(tokenizer, [{"role": role, "content": ""}]) == rules["message_tokens"]
    call = {"function": {"name": "", "arguments": "{}"}}
    with_call = rendered_tokens(tokenizer, [{"role": "assistant", "content": "", "tool_calls": [call]}])
    empty = len(tokenizer.encode("{}", add_special_tokens=False).ids)
    assert 0 <= rules["message_tokens"] + rules["call_tokens"] + empty - with_call <= 2
    thought = rendered_tokens(tokenizer, [{"role": "assistant", "content": "", "reasoning_content": "a"}])
    assert thought == rules["message_tokens"] + rules["thinking_tokens"] + 1
    assert len(tokenizer.encode("[image]").ids) <= rules["image_tokens"]


def test_pairs_are_two_attempts_at_one_bead_under_one_prompt(towns_lake: TownsLake) -> None:
    rows = towns_lake.rows(
        "select pairs.prompt, pairs.chosen, pairs.rejected, better.outcome_class, worse.outcome_class, "
        "better.bead_id = worse.bead_id from fct_preference_pairs as pairs "
        "inner join int_episode_candidates as better on pairs.chosen_episode_key = better.episode_key "
        "inner join int_episode_candidates as worse on pairs.rejected_episode_key = worse.episode_key"
    )
    assert len(rows) > 10
    for prompt, chosen, rejected, *said in rows:
        assert said == ["accepted", "rejected", True]
        assert [message["role"] for message in json.loads(prompt)] in (["system", "user"], ["user"])
        (better,), (worse,) = json.loads(chosen), json.loads(rejected)
        assert better["role"] == worse["role"] == "assistant"
        assert better["content"] != worse["content"]
