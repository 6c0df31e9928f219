"""Conversations written out by hand, each with what a model learns of it: the stretches of text between what it only reads."""

from dataclasses import dataclass, field
from typing import Any

Message = dict[str, Any]


def call(name: str, arguments: str, call_id: str = "toolu_1") -> dict[str, Any]:
    """A tool call as a snapshot holds it; `arguments` is JSON text."""
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def said(name: str, arguments: str) -> str:
    """The same call as the model writes it."""
    return f'<tool_call>{{"name": "{name}", "arguments": {arguments}}}</tool_call>'


def span(begin: int, end: int, train: bool) -> dict[str, Any]:
    """A span of content; both ends belong to it."""
    return {"begin_offset": begin, "end_offset": end, "train": train}


@dataclass(frozen=True)
class Example:
    """`learned`: the stretches that are learned, in order, without the end markers; `ends`: how many end markers are."""

    name: str
    messages: list[Message]
    learned: list[str]
    ends: int
    tools: list[dict[str, Any]] | None = field(default=None)


END = "<|im_end|>"
SYSTEM = {"role": "system", "content": "You are Mayor of a town. Café, 東京, 🏗️."}
HUMAN = {"role": "user", "content": "Sling gt-a1b to the crew, please."}
BASH = {
    "type": "function",
    "function": {"name": "Bash", "description": "Runs a command.", "parameters": {"type": "object", "properties": {}}},
}

EXAMPLES = [
    Example(
        "words alone",
        [SYSTEM, HUMAN, {"role": "assistant", "content": "Done: gt-a1b is hooked.", "train": True}],
        ["Done: gt-a1b is hooked."],
        1,
    ),
    Example(
        "a call, its result, and an answer",
        [
            SYSTEM,
            HUMAN,
            {
                "role": "assistant",
                "content": "On it.",
                "tool_calls": [call("Bash", '{"command":"gt sling gt-a1b"}')],
                "train": True,
            },
            {"role": "tool", "tool_call_id": "toolu_1", "name": "Bash", "content": "Slung ✓"},
            {"role": "assistant", "content": "Slung.", "train": True},
        ],
        ["On it." + said("Bash", '{"command": "gt sling gt-a1b"}'), "Slung."],
        2,
        tools=[BASH],
    ),
    Example(
        "parallel calls without a word, arguments nested and not ASCII",
        [
            HUMAN,
            {
                "role": "assistant",
                "content": "",
                "tool_calls": [
                    call("Bash", '{"command": "bd show gt-é", "timeout": null}', "a"),
                    call("Edit", '{"edits": [{"old": "x", "new": "🦊"}], "all": false}', "b"),
                ],
                "train": True,
            },
            {"role": "tool", "tool_call_id": "a", "content": "{}"},
            {"role": "tool", "tool_call_id": "b", "content": ""},
            {"role": "assistant", "content": "Both are done.", "train": True},
        ],
        [
            said("Bash", '{"command": "bd show gt-é", "timeout": null}')
            + said("Edit", '{"edits": [{"old": "x", "new": "🦊"}], "all": false}'),
            "Both are done.",
        ],
        2,
    ),
    Example(
        "a failed call is context",
        [
            HUMAN,
            {"role": "assistant", "content": "Trying.", "tool_calls": [call("Bash", '{"command": "gt slig"}')], "train": False},
            {"role": "tool", "tool_call_id": "toolu_1", "content": "unknown command"},
            {"role": "assistant", "content": "", "tool_calls": [call("Bash", '{"command": "gt sling"}')], "train": True},
            {"role": "tool", "tool_call_id": "toolu_1", "content": "ok"},
            {"role": "assistant", "content": "Trying.", "train": False},
            {"role": "user", "content": "And?"},
            {"role": "assistant", "content": "It worked.", "train": True},
        ],
        [said("Bash", '{"command": "gt sling"}'), "It worked."],
        2,
    ),
    Example(
        "the same words twice, once learned",
        [
            HUMAN,
            {"role": "assistant", "content": "Sling gt-a1b to the crew, please.", "train": False},
            {"role": "user", "content": "Again."},
            {"role": "assistant", "content": "Sling gt-a1b to the crew, please.", "train": True},
        ],
        ["Sling gt-a1b to the crew, please."],
        1,
    ),
    Example(
        "thinking is learned with its turn",
        [
            HUMAN,
            {"role": "assistant", "reasoning_content": "The crew is idle.", "content": "Slung.", "train": True},
            {"role": "user", "content": "Good."},
            {"role": "assistant", "reasoning_content": "Nothing left.", "content": "Bye.", "train": False},
            {"role": "user", "content": "Wait."},
            {
                "role": "assistant",
                "reasoning_content": "One more.",
                "tool_calls": [call("Bash", '{"command": "ls"}')],
                "train": True,
            },
        ],
        [
            "<think>\nThe crew is idle.\n</think>\nSlung.",
            "<think>\nOne more.\n</think>\n" + said("Bash", '{"command": "ls"}'),
        ],
        2,
    ),
    Example(
        "an address inside a sentence is not learned",
        [
            HUMAN,
            {
                "role": "assistant",
                "content": "I wrote to person-0a1b2c3d4e@example.com about it.",
                "train": True,
                "train_detail": [span(0, 9, True), span(10, 39, False), span(40, 49, True)],
            },
        ],
        ["I wrote to", " about it."],
        1,
    ),
    Example(
        "offsets count characters, also beside emoji and combining marks",
        [
            HUMAN,
            {
                "role": "assistant",
                "content": "Fertig 🏗️ für Zoë (東京) — Post an person-9f@example.com, ja 👩‍🚀!",
                "train": True,
                "train_detail": [span(0, 31, True), span(32, 54, False), span(55, 62, True)],
            },
        ],
        ["Fertig 🏗️ für Zoë (東京) — Post an", " ja 👩‍🚀!"],
        1,
    ),
    Example(
        "a masked word at the beginning and at the end",
        [
            HUMAN,
            {
                "role": "assistant",
                "content": "/home/user-a1b2c3/x is gone; see /home/user-a1b2c3/y",
                "train": True,
                "train_detail": [span(0, 18, False), span(19, 31, True), span(32, 51, False)],
            },
        ],
        [" is gone; see"],
        1,
    ),
    Example(
        "a turn with spans teaches neither its calls nor its thinking",
        [
            HUMAN,
            {
                "role": "assistant",
                "reasoning_content": "Ask person-1@example.com?",
                "content": "Asking person-1@example.com now.",
                "tool_calls": [call("Bash", '{"command": "gt mail send"}')],
                "train": True,
                "train_detail": [span(0, 5, True), span(6, 26, False), span(27, 31, True)],
            },
            {"role": "tool", "tool_call_id": "toolu_1", "content": "sent"},
            {"role": "assistant", "content": "Sent.", "train": True, "train_detail": []},
        ],
        ["Asking", " now.", "Sent."],
        2,
    ),
    Example(
        "spans of a turn that is not learned say nothing",
        [
            HUMAN,
            {"role": "assistant", "content": "One two", "train": False, "train_detail": [span(0, 2, True)]},
            {"role": "user", "content": "Go on."},
            {"role": "assistant", "content": "Three.", "train": True},
        ],
        ["Three."],
        1,
    ),
    Example(
        "words that look like what Axolotl searches with",
        [
            HUMAN,
            {"role": "assistant", "content": "[[dummy_message]] zzz", "train": True},
            {"role": "user", "content": "Again"},
            {"role": "assistant", "content": "zzdummymessagezz.", "train": True},
        ],
        ["[[dummy_message]] zzz", "zzdummymessagezz."],
        2,
    ),
]
