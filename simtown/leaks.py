"""Secrets that slip into prompts, tool inputs, tool outputs and the event log."""

from simtown.session import Session
from simtown.town import Town
from simtown.transcript import Record


def secret_in_prompt(town: Town, session: Session) -> None:
    """Somebody pastes a secret into a prompt."""
    text = "\n".join(session.watch(town.next_secret(), "prompt") for _ in range(3))
    session.script.user(f"{session.worker.library.text.prose(session.script.dice, 50)}\n{text}")
    session.script.say(session.worker.remark())


def secret_in_output(town: Town, session: Session) -> None:
    """A command prints a secret: it stands in the result and again in the structured result."""
    text = "\n".join(session.watch(town.next_secret(), "tool_output") for _ in range(3))
    session.worker.bash("env | sort | head", f"EDITOR=vim\n{text}\nLANG=C.UTF-8")


def secret_in_input(town: Town, session: Session) -> None:
    """The agent writes a secret into a file."""
    text = "\n".join(session.watch(town.next_secret(), "tool_input") for _ in range(2))
    name = f"{session.script.cwd}/.env.local"
    structured: Record = {"type": "create", "filePath": name, "content": text, "structuredPatch": [], "originalFile": None}
    session.worker.call("Write", {"file_path": name, "content": text}, f"File created successfully at: {name}", structured)


def secret_in_event(town: Town, session: Session) -> None:
    """A nudge carries a secret into the event log."""
    planted = town.next_secret()
    target = session.agent.name or session.agent.role
    town.events.add(session.now, "nudge", "mayor", rig="town", target=target, reason=f"use this: {planted.text}")
    town.truth.add(
        "secrets", town=town.place.name, kind=planted.kind, value=planted.value, where="event",
        file=f"{town.place.name}/gt/.events.jsonl", line=None, record_uuid=None, json_path="$.payload.reason",
    )  # fmt: skip
