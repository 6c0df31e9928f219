"""What happens to a session besides its story: everything that makes real transcripts hard to read."""

from collections.abc import Callable

from simtown.clock import millis
from simtown.injected import mail_reminder
from simtown.leaks import secret_in_event, secret_in_input, secret_in_output, secret_in_prompt
from simtown.session import Session
from simtown.subagents import compaction_agent, run_sub_agent
from simtown.town import Town
from simtown.transcript import NEW, OLD, Block

Accident = Callable[[Town, Session], None]


def compaction(town: Town, session: Session) -> None:
    """The context was full: a boundary without parent, a summary; what came before is out of the model's sight."""
    script, text = session.script, session.worker.library.text
    summary = text.prose(script.dice, int(6000 * town.scale.text) + 200)
    compaction_agent(town, session, summary)
    last = script.parent
    script.parent = None
    script.add(
        "system", None, subtype="compact_boundary", content="Conversation compacted", isMeta=False, level="info",
        logicalParentUuid=last, compactMetadata={"trigger": "auto", "preTokens": 150_000 + script.dice.randrange(20_000)},
    )  # fmt: skip
    head = "This session is being continued from a previous conversation that ran out of context."
    script.user(
        f"{head} The summary below covers the earlier portion.\n\n{summary}", isCompactSummary=True, isVisibleInTranscriptOnly=True
    )
    script.context_tokens = 12_000


def old_summary(town: Town, session: Session) -> None:
    """An old-style summary record; it names a leaf and has neither uuid nor session id."""
    script = session.script
    script.write({"type": "summary", "summary": session.worker.library.text.title(script.dice), "leafUuid": script.parent})


def new_sub_agent(town: Town, session: Session) -> None:
    """A sub-agent with its file in the place of its version."""
    run_sub_agent(town, session, "old" if session.script.version == OLD else "new")


def old_sub_agent(town: Town, session: Session) -> None:
    """A sub-agent with its file beside the session's."""
    run_sub_agent(town, session, "old")


def progress_only_sub_agent(town: Town, session: Session) -> None:
    """A sub-agent whose file is gone."""
    run_sub_agent(town, session, "progress_only")


def rewind(town: Town, session: Session) -> None:
    """The user goes back: one prompt and its answers become a dead branch."""
    script, work = session.script, session.worker
    fork = script.parent
    first = script.user(work.library.text.prose(script.dice, 60))
    work.work()
    dead = script.say(work.remark(), "end_turn")
    script.parent = fork
    alive = script.user(work.library.text.prose(script.dice, 60))
    script.say(work.remark(), "end_turn")
    town.truth.add(
        "branches", town=town.place.name, session_id=script.session_id, fork_uuid=fork, dead_first_uuid=first,
        dead_last_uuid=dead, live_first_uuid=alive,
    )  # fmt: skip


def interruption(town: Town, session: Session) -> None:
    """The user stops a call: the tool answers with a rejection, the interruption is a message."""
    script, work = session.script, session.worker
    if script.dice.chance(0.5):
        words = "The user doesn't want to proceed with this tool use. The tool use was rejected."
        work.call("Bash", {"command": "git push --force"}, words, "User rejected tool use", True)
        script.user([{"type": "text", "text": "[Request interrupted by user for tool use]"}])
    else:
        work.call("Bash", {"command": "make release"}, "", has_result=False)
        script.user([{"type": "text", "text": "[Request interrupted by user]"}])
    script.user(work.library.text.prose(script.dice, 50))
    script.say(work.remark())


def steering(town: Town, session: Session) -> None:
    """Messages typed while the agent works: queued, taken out again as input, or dropped."""
    script, work = session.script, session.worker
    text = work.library.text.prose(script.dice, 60)
    for operation in ("enqueue", script.dice.choice(("remove", "dequeue"))):
        script.tick(900, 9000)
        record = {
            "type": "queue-operation",
            "operation": operation,
            "timestamp": millis(script.now),
            "sessionId": script.session_id,
        }
        script.write(record | ({"content": text} if operation == "enqueue" else {}))
    if script.version == NEW:
        script.attachment(type="queued_command", prompt=text)
    else:
        script.user(text)
    script.say(work.remark())


def api_error(town: Town, session: Session) -> None:
    """The API failed: a synthetic assistant record without requestId, then a system record."""
    script = session.script
    usage = {"input_tokens": 0, "output_tokens": 0, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0}
    message = {
        "id": script.dice.uuid(), "model": "<synthetic>", "role": "assistant", "stop_reason": "stop_sequence", "stop_sequence": "",
        "type": "message", "usage": usage, "content": [{"type": "text", "text": "API Error: 529 Overloaded"}],
    }  # fmt: skip
    script.tick()
    script.add("assistant", message=message, isApiErrorMessage=True, error="overloaded")
    script.system("api_error", error={"status": 529}, retryInMs=1042.5, retryAttempt=1, maxRetries=10)


def unanswered_call(town: Town, session: Session) -> None:
    """A call that never got its result."""
    session.worker.call("Bash", {"command": "sleep 900 && make deploy"}, "", has_result=False)


def image(town: Town, session: Session) -> None:
    """A screenshot in a tool result."""
    data = session.script.dice.base62(int(16000 * town.scale.text) + 400)
    block: Block = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}}
    structured = {"type": "image", "file": {"base64": data, "type": "image/png", "originalSize": len(data)}}
    session.worker.call("Read", {"file_path": "/var/shots/screen.png"}, [block], structured)


def odd_characters(town: Town, session: Session) -> None:
    """NUL, U+2028, lone escapes and other characters that break line readers and text columns."""
    output = "binary\x00file\u2028line\u2029end \x1b[31mred\x1b[0m tab\tünïcödé 日本語 🚀 \ufeff\x85done"
    session.worker.bash("head -c 60 build/cache.bin", output)
    if session.script.dice.chance(0.5):
        # Some writers escape the separators, others do not: both are JSON.
        lines = session.script.lines
        lines[-9:] = [line.replace("\u2028".encode(), b"\\u2028") for line in lines[-9:]]
        session.script.size = sum(len(line) + 1 for line in lines)


def odd_messages(town: Town, session: Session) -> None:
    """`message` that is a string, a list or missing, content that is null."""
    script, text = session.script, session.worker.library.text
    script.tick()
    script.add("user", message=text.prose(script.dice, 40), isMeta=True)
    script.add("user", message=[{"type": "text", "text": text.prose(script.dice, 40)}], isMeta=True)
    script.add("user", message={"role": "user", "content": None}, isMeta=True)


def unknown_records(town: Town, session: Session) -> None:
    """Record types and fields of a version to come."""
    script = session.script
    script.tick()
    script.add("hologram", hologram={"depth": 3, "layers": [[1, 2], [3]]}, novelFlag=True)
    script.write({"type": "town-square", "payload": {"note": session.worker.remark()}, "sessionId": script.session_id})
    script.user(session.worker.remark(), isMeta=True, futureField={"a": [None, 1.5]}, entrypoint="cli")


def newer_records(town: Town, session: Session) -> None:
    """Session metadata that newer versions write between the messages."""
    script, text = session.script, session.worker.library.text
    identity = script.session_id
    script.write({"type": "last-prompt", "lastPrompt": text.prose(script.dice, 50), "sessionId": identity})
    script.write({"type": "ai-title", "aiTitle": text.title(script.dice), "sessionId": identity})
    script.write({"type": "custom-title", "customTitle": text.title(script.dice), "sessionId": identity})
    script.write({"type": "bridge-session", "bridgeSessionId": script.dice.uuid(), "sessionId": identity})
    script.write(
        {
            "type": "pr-link",
            "prNumber": script.dice.randrange(900),
            "prUrl": "https://github.com/harbor/mill/pull/7",
            "sessionId": identity,
        }
    )
    script.write(
        {"type": "file-history-delta", "messageId": script.parent, "delta": {"src/a.py": None}, "timestamp": millis(script.now)}
    )
    script.attachment(type="todo_reminder", content=[], itemCount=0)
    script.system("away_summary", text.prose(script.dice, 80))


def local_command(town: Town, session: Session) -> None:
    """Slash commands and shell lines of the user: records of type user that no user wrote to the model."""
    script = session.script
    caveat = "Caveat: The messages below were generated by the user while running local commands."
    script.user(f"<local-command-caveat>{caveat}</local-command-caveat>", isMeta=True)
    script.user("<command-name>/model</command-name>\n<command-message>model</command-message>\n<command-args></command-args>")
    script.user("<local-command-stdout>Set model to default</local-command-stdout>")
    script.user("<bash-input>ls</bash-input>")
    script.user("<bash-stdout>README.md src</bash-stdout><bash-stderr></bash-stderr>")
    script.system("local_command", "<command-name>/cost</command-name>")


def parallel_calls(town: Town, session: Session) -> None:
    """Two calls in one response, the results interleaved with its records and in the other order."""
    script, text = session.script, session.worker.library.text
    tools = ["toolu_01" + script.dice.base62(22) for _ in range(2)]
    blocks: list[Block] = [
        {"type": "tool_use", "id": tool, "name": "Bash", "input": {"command": f"cat src/{name}.py"}}
        for tool, name in zip(tools, text.names(script.dice, 2), strict=True)
    ]
    callers = script.respond(blocks, "tool_use")
    script.tool_calls += 2
    for tool, caller in reversed(list(zip(tools, callers, strict=True))):
        output = text.lines(script.dice, 90)
        script.result(tool, caller, output, False, {"stdout": output, "stderr": "", "interrupted": False, "isImage": False})


def moving_about(town: Town, session: Session) -> None:
    """The agent changes its folder: into a sub-folder, out of the town, and back."""
    script, home = session.script, session.script.cwd
    for folder in (f"{home}/src", "/var/build-output", home):
        script.cwd = folder
        session.worker.bash(f"cd {folder} && pwd", folder)


def thoughts(town: Town, session: Session) -> None:
    """Thinking that is redacted, or empty with a signature alone; a tool of an MCP server."""
    dice = session.script.dice
    session.script.respond(
        [{"type": "redacted_thinking", "data": dice.base62(240)}, {"type": "text", "text": session.worker.remark()}]
    )
    session.script.respond([{"type": "thinking", "thinking": "", "signature": dice.base62(200)}, {"type": "text", "text": "Done."}])
    session.worker.call("mcp__tracker__search", {"query": session.worker.remark()}, [{"type": "text", "text": "[]"}], None)


def background_task(town: Town, session: Session) -> None:
    """A task in the background, its waiting and its notification."""
    script = session.script
    tool = "toolu_01" + script.dice.base62(22)
    given = {"task_id": script.dice.hexadecimal(7), "block": True}
    caller = script.respond([{"type": "tool_use", "id": tool, "name": "TaskOutput", "input": given}])[-1]
    script.tool_calls += 1
    data = {"type": "waiting_for_task", "taskDescription": "Run the suite", "taskType": "local_bash"}
    script.progress(caller, data, "task-output-waiting-1", tool)
    script.result(tool, caller, "<retrieval_status>success</retrieval_status>", None, {"retrieval_status": "success", "task": {}})
    script.user("<task-notification>\n<task-id>b7</task-id>\n<status>completed</status>\n</task-notification>")
    script.say(session.worker.remark())


def inbox(town: Town, session: Session) -> None:
    """Mail of other agents arrives through the prompt hook."""
    text = session.worker.library.text
    note = mail_reminder("overseer", text.title(session.script.dice), text.prose(session.script.dice, 90))
    if session.script.version == NEW:
        session.script.attachment(
            type="hook_additional_context", content=[note], hookName="UserPromptSubmit", hookEvent="UserPromptSubmit",
            toolUseID=session.script.dice.uuid(),
        )  # fmt: skip
    else:
        session.script.user(note, isMeta=True)
    session.script.say(session.worker.remark())


ACCIDENTS: tuple[Accident, ...] = (
    compaction, old_summary, new_sub_agent, old_sub_agent, progress_only_sub_agent, rewind, interruption, steering, api_error,
    unanswered_call, image, odd_characters, odd_messages, unknown_records, newer_records, local_command, parallel_calls,
    moving_about, thoughts, background_task, inbox, secret_in_prompt, secret_in_output, secret_in_input, secret_in_event,
)  # fmt: skip
