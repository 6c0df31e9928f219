"""Text that Gas Town puts into its agents' sessions: beacons, hook output, role prompts, mail, nudges."""

from simtown.clock import local_minute
from simtown.dice import Dice
from simtown.places import Agent, Place

_DUTY = {
    "mayor": "You coordinate the town. Break requests into beads, sling them to rigs, answer escalations. You do not write code.",
    "deacon": "You patrol the town: check witnesses and refineries, restart what is dead, keep the queues moving.",
    "boot": "You check on the deacon once: decide whether to start it, wake it, nudge it or leave it alone. Then stop.",
    "dog": "You run one plugin or clean-up errand for the deacon, report the result, and go back to the kennel.",
    "witness": "You watch the polecats of your rig: nudge the stalled, recover the beads of the dead, escalate what you cannot.",
    "refinery": "You process the merge queue of your rig one merge request at a time: rebase, run the gates, merge or send back.",
    "polecat": "You have one bead on your hook. Do it, commit, and run `gt done`. If it is on your hook, you run it.",
    "crew": "You work beside the overseer in your own clone. Commit and push your own work.",
}
_COMMANDS = {
    "mayor": ("gt sling <bead> <rig>", "bd create", "gt convoy create", "gt mail inbox", "gt escalate list"),
    "deacon": ("gt patrol new", "gt health", "gt nudge", "gt dog dispatch"),
    "boot": ("gt peek deacon", "gt nudge deacon", "gt deacon start"),
    "dog": ("gt plugin run", "gt dog done"),
    "witness": ("gt polecat list", "gt peek", "gt nudge", "gt polecat nuke", "bd update"),
    "refinery": ("gt mq list", "gt mq post-merge", "gt mq reject", "git rebase", "git push"),
    "polecat": ("gt hook", "bd show", "bd update --status=in_progress", "gt done", "gt escalate"),
    "crew": ("bd ready", "bd close", "git commit", "git push", "gt mail inbox"),
}


def beacon(place: Place, agent: Agent, ms: int, sender: str, topic: str, molecule: str, is_old: bool) -> str:
    """The startup beacon: the first prompt of a session."""
    recipient = agent.address.replace("deacon-boot", "boot") if is_old else agent.recipient
    subject = f"{topic}:{molecule}" if molecule else topic
    head = f"[GAS TOWN] {recipient} <- {sender} • {local_minute(ms, place.offset_hours(ms))} • {subject}"
    return f"{head}\n\nRun `gt prime --hook` and begin {'work on your hook' if agent.role == 'polecat' else 'your ' + topic}."


def hook_line(agent: Agent, pid: int, session_id: str, is_bracketed: bool) -> str:
    """The identity line `gt prime` prints; without brackets when it runs as a SessionStart hook of newer versions."""
    body = f"role:{agent.address} pid:{pid} session:{session_id}"
    return f"[GAS TOWN] {body}" if is_bracketed else f"GAS TOWN {body}"


def prime(place: Place, agent: Agent) -> str:
    """The role prompt that `gt prime` prints: the same for every session of a role."""
    rig = f" in rig {agent.rig.name}" if agent.rig else ""
    commands = "\n".join(f"- `{command}`" for command in _COMMANDS[agent.role])
    return (
        f"# {agent.role.capitalize()} Context\n\nYou are {agent.address}{rig}. Town root: {place.recorded_root}.\n\n"
        f"## Duty\n{_DUTY[agent.role]}\n\n## Commands\n{commands}\n\n"
        "## Rules\n- Work that is not pushed is lost.\n- Never edit another agent's clone.\n"
        "- Hand off before your context is full.\n"
    )


def mail_reminder(sender: str, subject: str, body: str) -> str:
    """What `gt mail check --inject` adds to a prompt."""
    return (
        f"<system-reminder>\nYou have 1 unread message(s) in your inbox.\n\n- from {sender}: {subject}\n  {body}\n"
        "Run 'gt mail read <id>' to read it.\n</system-reminder>"
    )


def nudge(sender: str, text: str) -> str:
    """A message typed into a session's terminal by another agent."""
    return f"[from {sender}] {text}"


HUMAN_PRAISE = (
    "Perfect, thanks. Ship it.", "Looks good to me.", "Great, that works. Next one.", "Nice, exactly what I wanted.",
    "Yes, that's right. Push it please.",
)  # fmt: skip
HUMAN_CORRECTION = (
    "No, that's wrong: you changed the public interface. Put it back.", "That is not what I asked for. Undo the last edit.",
    "Stop. The test was right, your fix is wrong.", "You broke the build again, look at the import.",
    "Not like this. Use the existing helper instead of a new one.",
)  # fmt: skip


def human_request(dice: Dice, rigs: list[str], titles: list[str]) -> str:
    """What the overseer asks of the mayor."""
    opening = dice.choice(("Please get these done", "New work", "Can you dispatch the following", "I need this week"))
    lines = "\n".join(f"- {rig}: {title}" for rig, title in zip(rigs, titles, strict=True))
    return f"{opening}:\n{lines}"
