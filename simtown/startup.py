"""The first records of a session and the `session_start` event: the evidence of who a session is."""

from simtown.clock import SECOND, millis
from simtown.events import TownEvents
from simtown.injected import beacon, hook_line, prime
from simtown.noise import rate
from simtown.places import Place
from simtown.session import Session
from simtown.transcript import MIDDLE, NEW, OLD

_COMMAND = "gt prime --hook && gt mail check --inject"


def write_startup(session: Session, place: Place, events: TownEvents, sender: str, topic: str, molecule: str) -> None:
    """Write the start of a session and note in its facts which bridges it really has."""
    script, dice, agent = session.script, session.script.dice, session.agent
    pid = 2000 + dice.randrange(60000)
    if script.version == OLD and dice.chance(0.5):
        # Older versions put the summaries of earlier conversations of the folder at the top of a new file.
        script.write({"type": "summary", "summary": session.worker.library.text.title(dice), "leafUuid": dice.uuid()})
    message = dice.uuid()
    snapshot = {"messageId": message, "trackedFileBackups": {}, "timestamp": millis(script.now)}
    script.write({"type": "file-history-snapshot", "messageId": message, "snapshot": snapshot, "isSnapshotUpdate": False})
    if script.version == NEW:
        script.write({"type": "permission-mode", "permissionMode": "bypassPermissions", "sessionId": script.session_id})
        script.write({"type": "mode", "mode": "normal", "sessionId": script.session_id})

    has_hook = not dice.chance(rate("hook_text_missing"))
    line = hook_line(agent, pid, script.session_id, script.version != NEW)
    if script.version == NEW:
        line += f"\n[session:{script.session_id}]\n[source:startup]"
    text = f"{line}\n\n{prime(place, agent)}"
    _hook_records(session, text if has_hook else None)
    has_beacon = not dice.chance(rate("beacon_missing"))
    if has_beacon:
        is_old = script.version != NEW and dice.chance(rate("beacon_old_recipient"))
        script.user(beacon(place, agent, script.now, sender, topic, molecule, is_old))
    else:
        script.user("Run `gt prime` and start.")
    session.facts.update(has_beacon=has_beacon, has_hook_text=has_hook, beacon_molecule=molecule or None)
    session.facts["session_start"] = _session_start(session, events, pid)
    if dice.chance(rate("bash_prime")):
        # The id that `gt prime` prints when an agent runs it is not the session's own.
        printed = script.session_id if dice.chance(rate("bash_prime_uuid_matches")) else dice.uuid()
        session.worker.bash("gt prime", f"{hook_line(agent, pid + 7, printed, True)}\n\n{prime(place, agent)}")
        session.facts["bash_prime_uuid"] = printed


def _hook_records(session: Session, text: str | None) -> None:
    script, dice = session.script, session.script.dice
    tool = dice.uuid()
    if script.version == NEW:
        script.tick()
        script.attachment(
            type="hook_success", hookName="SessionStart:startup", hookEvent="SessionStart", toolUseID=tool, command=_COMMAND,
            stdout=text or "", stderr="", exitCode=0, durationMs=300 + dice.randrange(900), content="",
        )  # fmt: skip
        if text is None:
            return
        if dice.chance(0.3):
            script.attachment(
                type="hook_additional_context", content=[text], hookName="SessionStart", hookEvent="SessionStart", toolUseID=tool
            )
        return
    if script.version == MIDDLE:
        data = {"type": "hook_progress", "hookEvent": "SessionStart", "hookName": "SessionStart:startup", "command": _COMMAND}
        if text is not None and dice.chance(0.5):
            data["stdout"] = text
            text = None
        script.parent = script.progress(script.parent, data, tool)
    if text is not None:
        reminder = f"<system-reminder>\nSessionStart:startup hook success: {text}\n</system-reminder>"
        is_block = script.version == OLD
        script.user([{"type": "text", "text": reminder}] if is_block else reminder, isMeta=True)


def _session_start(session: Session, events: TownEvents, pid: int) -> str:
    """Emit the event (or not); returns which kind: exact, random, no_uuid, none."""
    script, dice, agent = session.script, session.script.dice, session.agent
    # Dogs emit none, and compact or resume starts emit none.
    if agent.role == "dog" or dice.chance(rate("session_start_missing")):
        return "none"
    kind, identity = "exact", script.session_id
    if script.version != NEW and dice.chance(rate("session_start_random_uuid")):
        kind, identity = "random", dice.uuid()
    elif script.version == OLD and dice.chance(rate("session_start_no_uuid")):
        kind, identity = "no_uuid", f"{agent.address}-{pid}"
    payload = {"session_id": identity, "role": agent.address, "actor_pid": f"{agent.address}-{pid}", "cwd": script.cwd}
    if session.topic in ("patrol", "triage", "handoff"):
        payload["topic"] = session.topic
    events.add(script.now + SECOND, "session_start", agent.address, **payload)
    if dice.chance(0.1):
        events.add(script.now + 9 * SECOND, "session_start", agent.address, **payload)
    return kind
