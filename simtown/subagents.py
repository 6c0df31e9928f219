"""Sub-agents: a Task call, progress records that embed their messages, their own files in the old and the new place."""

from pathlib import PurePosixPath
from typing import Any

import orjson

from simtown.calls import Worker
from simtown.clock import MINUTE
from simtown.session import Session
from simtown.town import Town
from simtown.transcript import Record, Transcript


def sub_agent_path(main: str, agent_id: str, is_new: bool) -> str:
    """Where a sub-agent's file lies: below the session's folder, or beside the session's file (before 2.1.2)."""
    file = PurePosixPath(main)
    folder = file.with_suffix("") / "subagents" if is_new else file.parent
    return str(folder / f"agent-{agent_id}.jsonl")


def side_script(town: Town, session: Session, agent_id: str, is_new: bool) -> tuple[Transcript, str]:
    """An empty sub-agent transcript of a session, and its path relative to the output folder."""
    main = session.script
    path = sub_agent_path(session.file, agent_id, is_new)
    script = Transcript(
        town.out / path, main.session_id, main.cwd, main.branch, main.version, main.model, main.dice, main.now, agent_id=agent_id
    )
    script.slug, script.is_gateway = main.slug, main.is_gateway
    script.context_tokens = 4000
    return script, path


def run_sub_agent(town: Town, session: Session, place: str, nested_in: Transcript | None = None) -> None:
    """A Task call. `place`: new, old or progress_only (the file is gone; the parent's progress records are all there is)."""
    script, work, dice = nested_in or session.script, session.worker, session.script.dice
    agent_id = f"a{dice.hexadecimal(6)}"
    side, path = side_script(town, session, agent_id, place != "old")
    prompt = work.library.text.prose(dice, 200 + dice.randrange(900))
    hand = Worker.on(side, work.library, town.scale)
    side.now = script.now + 4000
    side.user(prompt)
    wanted = town.targets.side()
    for _ in range(2):
        hand.work()
    while side.size < wanted:
        hand.work()
    report = work.library.text.prose(dice, 300 + dice.randrange(1800))
    side.say(report, "end_turn")

    tool = "toolu_01" + dice.base62(22)
    given = {"description": work.library.text.title(dice), "prompt": prompt, "subagent_type": "Explore"}
    caller = script.respond([{"type": "tool_use", "id": tool, "name": "Task", "input": given}], "tool_use")[-1]
    script.tool_calls += 1
    _embed(script, side, caller, tool, prompt, agent_id)
    script.now = side.now
    structured: Record = {
        "status": "completed", "prompt": prompt, "agentId": agent_id, "content": [{"type": "text", "text": report}],
        "totalDurationMs": side.now - side.started, "totalTokens": side.usage.output_tokens, "totalToolUseCount": side.tool_calls,
        "usage": {"input_tokens": 5, "output_tokens": side.usage.output_tokens},
    }  # fmt: skip
    script.result(tool, caller, [{"type": "text", "text": report}], None, structured)
    if place != "progress_only":
        _save(town, side, path, place, tool if place == "new" and dice.chance(0.5) else None)
    town.truth.add(
        "subagents", town=town.place.name, session_id=side.session_id, agent_id=agent_id, place=place,
        file=None if place == "progress_only" else path, tool_use_id=tool, parent_uuid=caller, responses=side.responses,
        tool_calls=side.tool_calls, output_tokens=side.usage.output_tokens, **_embedded(side),
    )  # fmt: skip


def _conversation(side: Transcript) -> list[Record]:
    """The messages of a sub-agent that its parent's progress records repeat: the prompt, calls and results."""
    found = []
    for number, line in enumerate(side.lines):
        record = orjson.loads(line)
        if record["type"] not in ("user", "assistant"):
            continue
        content = record["message"]["content"]
        if number == 0 or (isinstance(content, list) and content[0]["type"] in ("tool_use", "tool_result")):
            found.append(record)
    return found


def _embedded(side: Transcript) -> dict[str, int]:
    """How many messages and how many API responses the parent's progress records repeat."""
    repeated = _conversation(side)
    return {
        "embedded": len(repeated),
        "embedded_responses": len({record["message"]["id"] for record in repeated if record["type"] == "assistant"}),
    }


def _embed(script: Transcript, side: Transcript, caller: str, tool: str, prompt: str, agent_id: str) -> None:
    parent = caller
    for record in _conversation(side):
        message: dict[str, Any] = {"type": record["type"], "message": record["message"]}
        if record["type"] == "user" and isinstance(record["message"]["content"], str):
            message["message"] = {"role": "user", "content": [{"type": "text", "text": prompt}]}
        if "requestId" in record:
            message["requestId"] = record["requestId"]
        message.update(uuid=record["uuid"], timestamp=record["timestamp"])
        data = {"message": message, "normalizedMessages": [], "type": "agent_progress", "prompt": prompt, "agentId": agent_id}
        script.tick(5, 700)
        parent = script.progress(parent, data, f"agent_msg_01{script.dice.base62(22)}", tool)


def _save(town: Town, side: Transcript, path: str, place: str, meta_tool: str | None) -> None:
    side.save()
    town.side_files += 1
    town.bytes_written += side.size
    town.file_row(side, path, "subagent", None)
    if meta_tool:
        target = town.out / path
        target.with_suffix(".meta.json").write_bytes(orjson.dumps({"agentType": "Explore", "toolUseId": meta_tool}))


def compaction_agent(town: Town, session: Session, summary: str) -> None:
    """The helper that wrote a compaction's summary: a sub-agent file that no Task call announces."""
    dice = session.script.dice
    agent_id = f"acompact-{dice.hexadecimal(6)}"
    side, path = side_script(town, session, agent_id, True)
    text = session.worker.library.text
    side.user(f"<system-reminder>\n{text.lines(dice, int(6000 * town.scale.text) + 100)}\n</system-reminder>")
    side.user(
        f"Your task is to create a detailed summary of the conversation so far. {text.prose(dice, int(4000 * town.scale.text))}"
    )
    side.say(f"<analysis>\n{summary}\n</analysis>\n\n<summary>\n{summary}\n</summary>", "end_turn")
    _save(town, side, path, "new", None)
    town.truth.add(
        "subagents", town=town.place.name, session_id=side.session_id, agent_id=agent_id, place="new", file=path, tool_use_id=None,
        parent_uuid=None, responses=side.responses, tool_calls=0, output_tokens=side.usage.output_tokens, embedded=0,
        embedded_responses=0,
    )  # fmt: skip


def lone_sub_agent(town: Town, session: Session) -> None:
    """A session known only from its sub-agent's file: the main file is gone. The session is not one of the town's others."""
    session.script.now += MINUTE
    side, path = side_script(town, session, f"a{session.script.dice.hexadecimal(6)}", True)
    side.user(session.worker.library.text.prose(side.dice, 240))
    hand = Worker.on(side, session.worker.library, town.scale)
    for _ in range(3):
        hand.work()
    side.say(hand.remark(), "end_turn")
    _save(town, side, path, "new", None)
    town.truth.add(
        "subagents", town=town.place.name, session_id=side.session_id, agent_id=side.agent_id, place="alone", file=path,
        tool_use_id=None, parent_uuid=None, responses=side.responses, tool_calls=side.tool_calls,
        output_tokens=side.usage.output_tokens, embedded=0, embedded_responses=0,
    )  # fmt: skip
