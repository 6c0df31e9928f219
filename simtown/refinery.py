"""Refineries: the merge queue of a rig, one merge request an episode."""

from simtown.beads import Bead
from simtown.clock import DAY, HOUR, MINUTE, SECOND
from simtown.injected import nudge
from simtown.merge_requests import MergeRequest
from simtown.noise import rate
from simtown.places import Agent, Rig
from simtown.session import Episode, Session
from simtown.town import Town, bead_row


def process_queue(town: Town, rig: Rig, requests: list[MergeRequest]) -> None:
    """One refinery session over the waiting merge requests. Sets their state and what follows for their beads."""
    agent = Agent("refinery", rig)
    start = max(request.created_at for request in requests) + 5 * MINUTE
    session = town.open(agent, start, "deacon", town.dice.choice(("patrol", "patrol", "handoff")))
    for number, request in enumerate(requests):
        episode = session.begin("merge_request", rig.name)
        episode.bead, episode.beads_project = request.bead.id, request.bead.export.project_id
        episode.merge_request = request.id
        episode.bridges |= {"command"}
        _process(town, session, episode, request)
        session.fill((number + 1) / len(requests))
        session.end(episode)
    town.close(session)


def _process(town: Town, session: Session, episode: Episode, request: MergeRequest) -> None:
    script, work = session.script, session.worker
    address, bead = session.agent.address, request.bead
    script.user(nudge(f"{request.rig.name}/witness", f"MERGE_READY: mr={request.id} branch={request.branch} issue={bead.id}"))
    work.bash("gt mq list", f"{request.id}  {request.branch}  {bead.id}  P2  ready")
    work.bash(f"git fetch origin && git rebase origin/main {request.branch}", f"Successfully rebased and updated {request.branch}.")
    town.events.add(session.now, "merge_started", address, mr=request.id, worker=request.agent.name, branch=request.branch)
    plan = request.plan
    if plan == "merged":
        _merge(town, session, episode, request)
    elif plan == "rejected":
        _reject(town, session, episode, request)
    else:
        _send_back(town, session, episode, request, is_conflict=town.deal("sent back", {"conflict": 1, "tests": 1}) == "conflict")


def _merge(town: Town, session: Session, episode: Episode, request: MergeRequest) -> None:
    work, bead, address, dice = session.worker, request.bead, session.agent.address, town.dice
    work.bash("make test", work.library.text.lines(dice, 160))
    sha = dice.hexadecimal(40)
    work.bash(
        f"git checkout main && git merge --ff-only {request.branch} && git push origin main",
        f"{sha[:7]}..{sha[7:14]}  main -> main",
    )
    if dice.chance(0.8):
        work.bash(f"gt mq post-merge {request.id}", f"✓ Merged {request.id}\n  Issue: {bead.id} closed\n  Commit: {sha}")
        reason = f"Merged in {request.id}"
    else:
        reason = dice.choice((f"Merged in {request.id}", "Merged to main"))
        work.bash(f"bd close {bead.id} --reason '{reason}'", f"✓ Closed {bead.id}: {reason}")
    bead.close(session.now, address, reason)
    request.state = "merged"
    town.events.add(session.now, "merged", address, mr=request.id, worker=request.agent.name, branch=request.branch)
    town.events.add(
        session.now + SECOND, "nudge", address, rig=request.rig.name, target=request.agent.name,
        reason=f"MERGED: {request.id} issue={bead.id} branch={request.branch}",
    )  # fmt: skip
    episode.outcome = "merged_kept"
    is_reopened = dice.chance(rate("merge_reopened"))
    if is_reopened and request.rig.crew:
        crew = f"{request.rig.name}/crew/{request.rig.crew[0]}"
        back = session.now + 10 * HOUR + dice.randrange(2 * DAY)
        bead.change(back, crew, status="open")
        bead.export.comment(back, bead.id, crew, f"Reopened: {work.library.text.prose(dice, 90)}")
        bead.close(back + DAY, crew, f"Fixed on main after {request.id}")
        episode.outcome = "merged_reopened"
    request.closed_at, request.reason, request.merge_commit = session.now, "merged", sha


def _reject(town: Town, session: Session, episode: Episode, request: MergeRequest) -> None:
    work, bead, address, dice = session.worker, request.bead, session.agent.address, town.dice
    work.bash("make test", work.library.text.lines(dice, 200), is_error=True)
    reason = f"rejected: {work.library.text.prose(dice, 60)}"
    work.bash(f"gt mq reject {request.id} --reason '{reason}'", f"✗ Rejected {request.id}")
    notes = f"## MERGE REJECTION\nFailure-Type: tests\nError: {reason}\nBranch: {request.branch}"
    bead.change(session.now, address, notes=notes)
    bead.change(session.now + SECOND, address, status="open", assignee="")
    request.state = "rejected"
    request.was_wrongly_rejected = town.deal("rejected", {"rightly": 2, "wrongly": 1}) == "wrongly"
    episode.outcome = "wrongly_rejected" if request.was_wrongly_rejected else "rejected"
    if request.was_wrongly_rejected:
        author = request.agent.address
        note = f"Gate was flaky: {request.commit[:12]} passes unchanged. Resubmitting."
        bead.export.comment(session.now + HOUR, bead.id, author, note)
    town.events.add(session.now, "merge_failed", address, mr=request.id, branch=request.branch, reason="tests")
    request.closed_at, request.reason = session.now, reason


def _send_back(town: Town, session: Session, episode: Episode, request: MergeRequest, is_conflict: bool) -> None:
    work, bead, address, dice = session.worker, request.bead, session.agent.address, town.dice
    kind = "conflict" if is_conflict else "tests"
    work.bash("git status", f"error: {work.library.text.lines(dice, 90)}", is_error=True)
    text = f"FIX_NEEDED: branch={request.branch} issue={bead.id} type={kind} error={work.library.text.title(dice)}"
    work.bash(f"gt nudge {request.agent.address} '{text}'", "✓ Nudged")
    town.events.add(session.now, "nudge", address, rig=request.rig.name, target=request.agent.name, reason=text)
    bead.change(session.now, address, notes=f"Merge failure (attempt 1): {kind} - {work.library.text.title(dice)}")
    bead.change(session.now + SECOND, address, status="open", assignee="")
    request.state = "superseded"
    episode.outcome = "conflict_left" if is_conflict else "sent_back"
    if is_conflict:
        task = Bead.create(
            bead.export, session.now, address, f"Resolve merge conflicts: {bead.row['title']}",
            description=f"## Metadata\n- Original MR: {request.id}\n- Branch: {request.branch}\n- Original issue: {bead.id}",
        )  # fmt: skip
        task.label(session.now, address, "gt:task")
        task.close(session.now + 4 * HOUR, address, f"Superseded: {bead.id} was resubmitted")
        task.done()
        bead.export.dependency(session.now, task.id, bead.id, "related", address)
        episode.contributing.append(task.id)
        town.truth.add("beads", town=town.place.name, **bead_row(task, "conflict"))
