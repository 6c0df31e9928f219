"""Files beside the town's own sessions: forks, sessions without an answer, foreign projects, files without a folder yet."""

import orjson

from simtown.calls import Worker
from simtown.clock import HOUR, MINUTE, millis
from simtown.dice import Dice
from simtown.places import Agent
from simtown.session import Session
from simtown.subagents import lone_sub_agent
from simtown.town import Town, encoded, version_at
from simtown.transcript import Transcript


def fork(town: Town, session: Session, kind: str) -> None:
    """A resumed or forked session of older versions: a new file that begins with a copy of the old one's records.

    The copies keep their uuids; the session id is rewritten.
    """
    old, dice = session.script, session.script.dice
    count = max(4, len(old.lines) * 2 // 3)
    copied = old.lines[:count]
    identity = dice.uuid()
    file = session.file.replace(old.session_id, identity)
    new = Transcript(town.out / file, identity, old.cwd, old.branch, old.version, old.model, dice, old.now + HOUR)
    new.is_gateway = old.is_gateway
    uuids: list[str] = []
    for line in copied:
        record = orjson.loads(line)
        if record.get("sessionId") == old.session_id:
            record["sessionId"] = identity
        new.write(record)
        if record["type"] in ("user", "assistant", "system", "attachment"):
            new.parent = record["uuid"]
        if "uuid" in record:
            uuids.append(record["uuid"])
    worker = Worker.on(new, session.worker.library, town.scale)
    facts = {"town": town.place.name, "fork_of": old.session_id, "fork_kind": kind}
    copy = Session(session.agent, new, worker, file, "resume", facts)
    episode = copy.begin("question")
    episode.started_at = new.now
    episode.rigs |= {session.agent.rig.name} if session.agent.rig else set()
    new.user("Where did you put the test for this?")
    worker.work()
    new.say(worker.remark(), "end_turn")
    copy.end(episode)
    copy.secrets = session.secrets
    new.found_secrets = [
        (number, uuid, orjson.loads(new.lines[number])) for number, uuid, _ in old.found_secrets if number < len(copied)
    ]
    new.started = old.started
    town.open_sessions.append(copy)
    copy.is_open = False
    town.truth.add(
        "forks", town=town.place.name, session_id=identity, fork_of=old.session_id, kind=kind, shared_uuids=len(uuids),
        last_shared_uuid=uuids[-1] if uuids else None,
    )  # fmt: skip


def lost_main(town: Town, ms: int) -> None:
    """A crew session of which only a sub-agent's file is left."""
    rig = town.place.own_rigs[0]
    agent = Agent("crew", rig, rig.crew[0])
    dice = Dice(f"{town.dice.getrandbits(64)}/alone")
    cwd = f"{town.root_at(ms)}/{agent.folder}"
    identity = dice.uuid()
    file = f"{town.place.name}/home/.claude/projects/{encoded(cwd)}/{identity}.jsonl"
    script = Transcript(town.out / file, identity, cwd, "main", version_at(ms, dice), "claude-opus-4-6", dice, ms)
    session = Session(
        agent, script, Worker.on(script, town.library(rig), town.scale), file, "cold-start", {"town": town.place.name}
    )
    lone_sub_agent(town, session)
    facts = {**session.truth_row(), "known_from": "subagent"}
    town.truth.add("sessions", **facts)


def silent_file(town: Town, ms: int) -> None:
    """A session that was opened and left: no assistant record. Sometimes not even a folder: nobody can say whose it is."""
    dice = Dice(f"{town.dice.getrandbits(64)}/silent")
    rig = dice.choice(town.place.own_rigs)
    agent = Agent("crew", rig, dice.choice(rig.crew))
    cwd = f"{town.root_at(ms)}/{agent.folder}"
    script, file = _blank(town, dice, cwd, ms)
    message = dice.uuid()
    snapshot = {"messageId": message, "trackedFileBackups": {}, "timestamp": millis(ms)}
    script.write({"type": "file-history-snapshot", "messageId": message, "snapshot": snapshot, "isSnapshotUpdate": False})
    text = town.library(rig).text
    has_cwd = dice.chance(0.8)
    if has_cwd:
        script.user("<command-name>/clear</command-name>\n<command-message>clear</command-message>\n<command-args></command-args>")
        script.user("<local-command-stdout></local-command-stdout>")
        script.user(text.prose(dice, town.targets.silent()))
    else:
        script.write({"type": "summary", "summary": text.title(dice), "leafUuid": dice.uuid()})
    script.ends_with_newline = dice.chance(0.7)
    script.save()
    town.bytes_written += script.size
    town.file_row(script, file, "main", None if has_cwd else "undecided")
    if has_cwd:
        facts = {"town": town.place.name, "has_beacon": False, "has_hook_text": False, "session_start": "none"}
        town.truth.add(
            "sessions", **Session(agent, script, Worker.on(script, town.library(rig), town.scale), file, "none", facts).truth_row()
        )


def foreign_file(town: Town, ms: int) -> None:
    """A session of another project of the same user: it must not be loaded. Its folder's name begins like the town's."""
    dice = Dice(f"{town.dice.getrandbits(64)}/foreign")
    cwd = f"/home/{town.place.user}/{dice.choice(('gt-notes', 'private/diary', 'gtools', 'projects/website'))}"
    script, file = _blank(town, dice, cwd, ms)
    worker = Worker.on(script, town.library(None), town.scale)
    script.user(f"My diary of {millis(ms)[:10]}: {worker.remark()}")
    worker.work()
    script.say(worker.remark(), "end_turn")
    script.save()
    town.bytes_written += script.size
    town.file_row(script, file, "main", "foreign")


def _blank(town: Town, dice: Dice, cwd: str, ms: int) -> tuple[Transcript, str]:
    identity = dice.uuid()
    file = f"{town.place.name}/home/.claude/projects/{encoded(cwd)}/{identity}.jsonl"
    script = Transcript(town.out / file, identity, cwd, "main", version_at(ms, dice), "claude-opus-4-6", dice, ms + 3 * MINUTE)
    return script, file
