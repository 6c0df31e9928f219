"""Polecats: one bead on the hook, worked on until `gt done`, a hand-off, a crash or silence."""

from simtown.clock import DAY, HOUR, MINUTE, SECOND, millis, seconds
from simtown.events import RETENTION_DAYS
from simtown.injected import nudge
from simtown.merge_requests import MergeRequest
from simtown.noise import rate
from simtown.session import Episode, Session
from simtown.town import Town
from simtown.work import Attempt, WorkItem, agent_description, hook, mail


def attempt_work(town: Town, item: WorkItem, attempt: Attempt, parked: dict[str, Session], is_expected: bool) -> None:
    """Play one attempt: its session or sessions, its end, and what the end does to the bead.

    `is_expected`: another bead waits for this polecat, so that its session stays alive after `gt done` and goes into `parked`.
    """
    if attempt.is_waiting:
        hook(town, item, attempt, attempt.hooked_at)
    dice, agent, bead = town.dice, attempt.agent, item.bead
    at_bead = not dice.chance(rate("branch_without_bead"))
    tail = f"/{bead.id}@{dice.base36(6)}" if at_bead else f"-{dice.base36(8)}"
    attempt.branch = f"polecat/{agent.name}{tail}"
    session = parked.pop(agent.address, None)
    is_continued = session is not None
    if session is None:
        molecule = item.molecule if item.molecule and dice.chance(rate("beacon_carries_molecule")) else ""
        session = town.open(agent, attempt.hooked_at + 4 * SECOND, "witness", "assigned", attempt.branch, molecule)
    else:
        session.script.now = max(session.now, attempt.hooked_at) + 5 * SECOND
        session.script.branch = attempt.branch
    episode = _begin(item, attempt, session)
    if is_continued:
        session.script.user(nudge("witness", f"[GAS TOWN] new work on your hook: {bead.id}. Run `gt hook` and begin."))
    elif session.facts["beacon_molecule"]:
        episode.bridges.add("beacon")
    if at_bead:
        episode.bridges.add("branch")
    _take(town, item, attempt, session, episode)
    session.fill(0.6)
    if dice.chance(rate("attempt_over_two_sessions")) and not is_continued:
        session, episode = _hand_off(town, item, attempt, session, episode)
    session.fill()
    _END[attempt.plan](town, item, attempt, session, episode)
    for each in town.open_sessions:
        for played in each.episodes:
            if played.attempt == attempt.id:
                played.outcome = attempt.outcome
    if is_expected and attempt.plan in ("merged", "no_change", "completed_unverified", "direct_merge", "rejected", "superseded"):
        parked[agent.address] = session
        town.free_at[agent.address] = session.now
    elif session.is_open:
        town.close(session)
    town.reserved.discard(agent.address)


def _begin(item: WorkItem, attempt: Attempt, session: Session) -> Episode:
    episode = session.begin("attempt", item.rig.name)
    episode.bead, episode.beads_project, episode.attempt = item.bead.id, item.bead.export.project_id, attempt.id
    episode.bridges.add("interval")
    attempt.sessions.append(session.script.session_id)
    return episode


def _take(town: Town, item: WorkItem, attempt: Attempt, session: Session, episode: Episode) -> None:
    """Read the hook and the bead, mark it in progress, look around."""
    work, bead = session.worker, item.bead
    if item.planted is not None:
        session.watch(item.planted, "tool_output")
    work.bash("gt hook", f"Hooked: {bead.id}: {bead.row['title']}\n  Attached: {item.molecule or 'none'}")
    work.bash(
        f"bd show {bead.id}", f"{bead.id} · {bead.row['title']}   [P{bead.row['priority']} · HOOKED]\n\n{bead.row['description']}"
    )
    work.bash(f"bd update {bead.id} --status=in_progress", f"✓ Updated issue: {bead.id}")
    bead.change(session.now, attempt.agent.address, status="in_progress")
    episode.bridges.add("command")
    for _ in range(1 + town.dice.randrange(3)):
        work.work()
    if town.dice.chance(0.12):
        loop = work.library.text.lines(town.dice, 90)
        for _ in range(3 + town.dice.randrange(2)):
            work.bash("make test", loop, is_error=True)


def _hand_off(town: Town, item: WorkItem, attempt: Attempt, session: Session, episode: Episode) -> tuple[Session, Episode]:
    """`gt handoff`: a new session id under the same tmux name, the same attempt."""
    address = attempt.agent.address
    session.worker.bash('gt handoff -s "context cycle"', f"Handing off {attempt.agent.tmux}...", has_result=False)
    town.events.add(session.now, "handoff", address, to_session=True, subject="context cycle")
    session.end(episode)
    town.close(session, is_clean=False)
    following = town.open(
        attempt.agent, session.now + 20 * SECOND, address, "handoff", attempt.branch, continues=session.script.session_id
    )
    again = _begin(item, attempt, following)
    again.bridges |= episode.bridges & {"branch"}
    following.worker.bash(f"bd show {item.bead.id}", f"{item.bead.id} · {item.bead.row['title']}   [IN_PROGRESS]")
    again.bridges.add("command")
    following.target_bytes //= 2
    return following, again


def _commit(item: WorkItem, session: Session) -> str:
    sha = session.script.dice.hexadecimal(40)
    title = str(item.bead.row["title"]).lower()
    session.worker.bash(
        f"git add -A && git commit -m 'fix: {title} ({item.bead.id})'",
        f"[{session.script.branch} {sha[:7]}] fix: {title}\n 2 files changed",
    )
    return sha


def _done(
    town: Town, item: WorkItem, attempt: Attempt, session: Session, episode: Episode, exit_type: str, request: str = ""
) -> None:
    """What `gt done` prints and writes: events, agent bead, labels; closes the bead unless it is deferred."""
    bead, agent, dice = item.bead, attempt.agent, town.dice
    flag = "" if exit_type == "COMPLETED" else f" --status {exit_type}"
    if dice.chance(0.08):
        session.worker.bash("gt done", "error: cannot complete: uncommitted changes would be lost", is_error=True)
        town.telemetry.done(session, exit_type, "cannot complete: uncommitted changes would be lost")
        session.worker.bash(
            "git stash list && git commit -am 'fix: auto-save uncommitted implementation work (gt-pvx safety net)'", "1 file"
        )
    lines = ["✓ Branch pushed to origin"] if exit_type == "COMPLETED" else []
    if request:
        lines += [f"✓ Work submitted to merge queue (verified)\n  MR ID: {request}\n  Source: {attempt.branch}\n  Target: main"]
    lines += [f"  Issue: {bead.id}", f"  Worker: {agent.name}", f"  Priority: P{bead.row['priority']}"]
    session.worker.bash(f"gt done{flag}", "\n".join(lines))
    episode.bridges.add("done_output")
    now = session.now
    town.events.add(now, "done", agent.address, bead=bead.id, branch=attempt.branch)
    town.telemetry.done(session, exit_type)
    episode.bridges.add("agent_bead")
    if not town.place.is_pruned or now > town.as_of - RETENTION_DAYS["done"] * DAY:
        episode.bridges.add("done_event")
    own = town.agent_bead(agent, now)
    state = "idle" if exit_type != "ESCALATED" else "stuck"
    description = agent_description(agent, state, None, exit_type, request, attempt.branch, seconds(now))
    own.change(now, agent.address, description=description)
    intent = f"done-intent:{exit_type}:{now // 1000}"
    own.label(now, agent.address, intent)
    if dice.chance(0.9):
        own.unlabel(now + SECOND, agent.address, intent)
    session.end(episode)


def _complete(town: Town, item: WorkItem, attempt: Attempt, session: Session, episode: Episode) -> None:
    """Commit, push, merge request, close: the normal end. What the merge queue makes of it comes later."""
    sha = _commit(item, session)
    request = f"{item.rig.prefix}-wisp-{town.dice.base36(4)}"
    _done(town, item, attempt, session, episode, "COMPLETED", request)
    now = session.now
    if not town.dice.chance(rate("merge_comment_missing")):
        item.bead.export.comment(now, item.bead.id, attempt.agent.address, f"MR created: {request}")
    item.bead.close(now, attempt.agent.address, "Closed")
    attempt.ended_at, attempt.outcome = now, attempt.plan
    attempt.merge_request = MergeRequest(request, item.bead, item.rig, attempt.agent, attempt.plan, now, attempt.branch, sha)
    for earlier in item.attempts[:-1]:
        if earlier.merge_request and earlier.merge_request.state == "superseded":
            earlier.merge_request.closed_at, earlier.merge_request.reason = now, f"superseded by {request}"
    if attempt.plan == "completed_unverified":
        attempt.merge_request.state = "reaped"


def _direct(town: Town, item: WorkItem, attempt: Attempt, session: Session, episode: Episode) -> None:
    _commit(item, session)
    _done(town, item, attempt, session, episode, "COMPLETED")
    item.bead.close(session.now, attempt.agent.address, "Direct merge to main (convoy strategy: direct)")
    attempt.ended_at, attempt.outcome = session.now, "direct_merge"


def _no_change(town: Town, item: WorkItem, attempt: Attempt, session: Session, episode: Episode) -> None:
    reason = town.dice.choice(
        (
            "Completed with no code changes (already fixed or pushed directly to main)",
            f"no-changes: {item.bead.row['title']} is done",
        )
    )
    session.worker.bash(f"bd close {item.bead.id} --reason '{reason}'", f"✓ Closed {item.bead.id}: {reason}")
    item.bead.close(session.now, attempt.agent.address, reason)
    _done(town, item, attempt, session, episode, "COMPLETED")
    attempt.ended_at, attempt.outcome = session.now, "no_change"


def _escalate(town: Town, item: WorkItem, attempt: Attempt, session: Session, episode: Episode) -> None:
    address, bead = attempt.agent.address, item.bead
    identity = f"hq-esc-{town.dice.base36(5)}"
    session.worker.bash(f"gt escalate 'blocked on {bead.id}' --severity high", f"✓ Escalation sent: {identity}")
    payload = {"escalation_id": identity, "severity": "high", "source": address, "actions": ["mail:mayor"]}
    town.events.add(session.now, "escalation_sent", address, **payload)
    mail(town, session.now, address, "mayor", f"HELP: blocked on {bead.id}", f"related_bead: {bead.id}", "escalation")
    _done(town, item, attempt, session, episode, "ESCALATED")
    bead.close(session.now, address, "Closed")
    attempt.ended_at, attempt.outcome = session.now, "escalated"


def _defer(town: Town, item: WorkItem, attempt: Attempt, session: Session, episode: Episode) -> None:
    _done(town, item, attempt, session, episode, "DEFERRED")
    later = session.now + 3 * HOUR
    item.bead.change(later, "mayor", status="open", assignee="")
    town.events.add(later, "unhook", attempt.agent.address, bead=item.bead.id)
    attempt.ended_at, attempt.outcome = later, "deferred"


def _fall_silent(town: Town, item: WorkItem, attempt: Attempt, session: Session, episode: Episode) -> None:
    session.script.say(session.worker.remark(), "end_turn")
    session.end(episode)
    attempt.outcome = attempt.plan
    if attempt.plan == "open":
        town.close(session)
        town.free_at[attempt.agent.address] = session.now + HOUR


def _crash(town: Town, item: WorkItem, attempt: Attempt, session: Session, episode: Episode) -> None:
    session.worker.bash("make test", "", has_result=False)
    session.end(episode)
    agent = attempt.agent
    town.events.add(
        session.now + 2 * MINUTE, "session_death", agent.tmux, session=agent.tmux, agent=agent.address,
        reason="crash detected by daemon health check", caller="daemon",
    )  # fmt: skip
    attempt.outcome = "crashed"
    session.facts["died_at"] = millis(session.now)
    town.close(session, is_clean=False)


_END = {
    "merged": _complete, "completed_unverified": _complete, "rejected": _complete, "superseded": _complete,
    "direct_merge": _direct, "no_change": _no_change, "escalated": _escalate, "deferred": _defer,
    "abandoned": _fall_silent, "open": _fall_silent, "crashed": _crash,
}  # fmt: skip
