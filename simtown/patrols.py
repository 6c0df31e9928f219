"""Patrols and triage: witness, deacon, boot and dogs. One cycle is one episode."""

from simtown.beads import Bead
from simtown.clock import HOUR, MINUTE, SECOND
from simtown.dice import Deck
from simtown.families import reaped
from simtown.injected import nudge
from simtown.noise import rate
from simtown.places import Agent, Rig
from simtown.session import Session
from simtown.town import Town, bead_row
from simtown.work import WorkItem, reset

CYCLES = {"quiet": 5, "stall_helped": 2, "false_alarm": 2, "missed_crash": 1}
"""What a cycle without a dead polecat meets, and how often (assumed)."""


def witness_patrol(town: Town, rig: Rig, start: int, lost: list[WorkItem], deck: Deck[str], count: int) -> None:
    """A witness session: first the beads of dead and silent polecats, then `count` ordinary cycles."""
    session = town.open(Agent("witness", rig), start, "deacon", "patrol")
    total = len(lost) + count
    for number in range(total):
        episode = session.begin("cycle", rig.name)
        _open_cycle(town, session, number, rig)
        if number < len(lost):
            item = lost[number]
            address = item.attempts[-1].agent.address
            session.worker.bash(f"gt peek {address}", "session not found")
            session.worker.bash(f"gt polecat nuke {address}", f"✓ Nuked {address}\n  reset {item.bead.id} → open")
            reset(town, item, session.now)
            episode.contributing.append(item.bead.id)
            episode.bridges.add("command")
            episode.outcome = "stall_helped"
        else:
            episode.outcome = deck.deal()
            name = town.dice.choice(rig.polecats)
            _meet(town, session, episode.outcome, Agent("polecat", rig, name), rig)
        session.fill((number + 1) / total)
        session.script.say(session.worker.remark(), "end_turn")
        session.end(episode)
        session.script.idle(120 + town.dice.randrange(600))
    town.close(session)


def _open_cycle(town: Town, session: Session, number: int, rig: Rig | None) -> None:
    if number:
        session.script.user(nudge("daemon", f"Patrol cycle {number + 1}: run your patrol checks."))
    actor, scope = session.agent.address, rig.name if rig else "town"
    count = len(rig.polecats) if rig else 0
    town.events.add(session.now, "patrol_started", actor, rig=scope, polecat_count=count)
    listing = "\n".join(f"  {rig.name}/{name}  working" for name in rig.polecats) if rig else "  witness: ok\n  refinery: ok"
    session.worker.bash("gt polecat list" if rig else "gt health", listing)
    town.events.add(session.now, "patrol_complete", actor, rig=scope, polecat_count=count, message="cycle done")


def _meet(town: Town, session: Session, outcome: str, target: Agent, rig: Rig | None) -> None:
    """Play what a cycle meets: evidence goes to the event log and to the transcript."""
    work, actor, dice = session.worker, session.agent.address, town.dice
    scope = rig.name if rig else "town"
    status = "stuck" if outcome == "stall_helped" else "working"
    work.bash(f"gt peek {target.address}", f"{work.library.text.lines(dice, 140)}\n> {status}")
    town.events.add(session.now, "polecat_checked", actor, rig=scope, polecat=target.name or target.role, status=status)
    if outcome in ("stall_helped", "false_alarm"):
        text = f"Are you stuck? {work.library.text.prose(dice, 40)}"
        work.bash(f"gt nudge {target.address} '{text}'", "✓ Nudged")
        town.events.add(session.now, "nudge", actor, rig=scope, target=target.name or target.role, reason=text)
        town.events.add(session.now, "polecat_nudged", actor, rig=scope, target=target.name or target.role, reason="stalled")
        answer = "active again, 1 commit since" if outcome == "stall_helped" else "was working all along; the nudge interrupted it"
        work.bash(f"gt peek {target.address}", answer)
    elif outcome == "missed_crash":
        died = session.now + 3 * MINUTE
        reason = "crash detected by daemon health check"
        town.events.add(
            died, "session_death", target.tmux, session=target.tmux, agent=target.address, reason=reason, caller="daemon"
        )
        town.telemetry.restarted(died + MINUTE, target)
        if dice.chance(0.3):
            payload = {"count": 3, "window": "30s", "sessions": [target.tmux], "possible_cause": "out of memory"}
            town.events.add(died + SECOND, "mass_death", "daemon", **payload)


def deacon_patrol(town: Town, start: int, deck: Deck[str], count: int) -> None:
    """A deacon session of some cycles over the whole town."""
    session = town.open(Agent("deacon"), start, "daemon", town.dice.choice(("patrol", "patrol", "handoff")))
    for number in range(count):
        episode = session.begin("cycle")
        _open_cycle(town, session, number, None)
        episode.outcome = deck.deal()
        rig = town.dice.choice(town.place.own_rigs)
        role = town.dice.choice(("witness", "refinery"))
        _meet(town, session, episode.outcome, Agent(role, rig), None)
        if episode.outcome == "stall_helped":
            session.worker.bash(f"gt {role} restart {rig.name}", f"✓ {role} restarted")
        episode.rigs.add(rig.name)
        session.fill((number + 1) / count)
        session.end(episode)
        session.script.idle(200 + town.dice.randrange(900))
    town.close(session)


def boot_triage(town: Town, start: int, deck: Deck[str]) -> None:
    """A boot session: one look at the deacon."""
    session = town.open(Agent("boot"), start, "daemon", "triage")
    episode = session.begin("cycle")
    episode.outcome = deck.deal()
    _meet(town, session, episode.outcome, Agent("deacon"), None)
    session.fill()
    session.script.say(session.worker.remark(), "end_turn")
    session.end(episode)
    town.close(session)


def dog_errand(town: Town, start: int, deck: Deck[str]) -> None:
    """A dog runs a plugin; the run has a bead with its result."""
    dice = town.dice
    agent = Agent("dog", None, dice.choice(("alpha", "bravo", "charlie")))
    plugin = dice.choice(("rebuild-gt", "dolt-backup", "stale-branches", "log-rotate"))
    session = town.open(agent, start, "deacon", "assigned")
    episode = session.begin("cycle")
    outcome = deck.deal()
    result = {"quiet": "success", "stall_helped": "success", "false_alarm": "skip", "missed_crash": "failure"}[outcome]
    session.worker.bash(f"gt plugin run {plugin}", session.worker.library.text.lines(dice, 160), is_error=result == "failure")
    session.fill()
    session.worker.bash("gt dog done", f"✓ {plugin}: {result}")
    run = Bead.create(town.exports["hq"], session.now, agent.address, f"Plugin run: {plugin}")
    for label in ("type:plugin-run", f"plugin:{plugin}", f"result:{result}"):
        run.label(session.now, agent.address, label)
    run.close(session.now + SECOND, agent.address, f"plugin {result}")
    run.done()
    town.truth.add("beads", town=town.place.name, **bead_row(run, "plugin_run"))
    episode.contributing.append(run.id)
    episode.bridges.add("interval")
    episode.outcome = f"errand_{result}"
    session.end(episode)
    town.close(session)


def town_noise(town: Town, start: int) -> None:
    """Events that no session of the shift causes: town up and down, scheduler, idle reaping, invented types, gates."""
    dice, events = town.dice, town.events
    rig = dice.choice(town.place.own_rigs)
    name = dice.choice(rig.polecats)
    polecat = Agent("polecat", rig, name)
    identity = f"{rig.prefix}-{dice.base36(5)}"
    if dice.chance(0.3):
        events.add(
            start, "boot", "gt", rig="town", agents=["mayor", "deacon", *(f"{each.name}/witness" for each in town.place.own_rigs)]
        )
        events.add(start + 11 * HOUR, "halt", "gt", services=["daemon", "deacon", "witness", "refinery"])
    events.add(start, "scheduler_enqueue", "daemon", bead=identity, rig=rig.name)
    if dice.chance(0.8):
        events.add(start + MINUTE, "scheduler_dispatch", "daemon", bead=identity, rig=rig.name, polecat=name)
        events.add(start + 2 * MINUTE, "scheduler_close_retry", "daemon", bead=identity, rig=rig.name)
    else:
        events.add(start + MINUTE, "scheduler_dispatch_failed", "daemon", bead=identity, rig=rig.name, error="no capacity")
    tmux, reason = polecat.tmux, dice.choice(("self-clean: done means idle", "idle-reap: no work for 30m"))
    events.add(start + HOUR, "session_death", tmux, session=tmux, agent=polecat.address, reason=reason, caller="gt done")
    if dice.chance(0.2):
        events.add(start + HOUR, "merge_skipped", f"{rig.name}/refinery", rig=rig.name, branch="main", reason="nothing to merge")
        events.add(start + HOUR, "kill", "deacon", rig=rig.name, target=name, reason="zombie")
        events.add(start + 2 * HOUR, "session_end", polecat.address, session_id=dice.uuid())
    if dice.chance(rate("event_invented_type")):
        events.add(start + HOUR, "queue_processed", f"{rig.name}/refinery", rig=rig.name, message="drained")
    if dice.chance(0.15):
        reaped(town, rig, start)
    if dice.chance(0.2):
        gate = Bead.create(
            town.exports[rig.name], start, "mayor", "Gate: wait for CI", issue_type="gate", await_type="gh:run",
            await_id=str(dice.randrange(10**9)), timeout_ns=1_800_000_000_000, waiters='["mayor"]',
        )  # fmt: skip
        gate.close(start + 2 * HOUR, "deacon", "condition met")
        gate.done()
        town.truth.add("beads", town=town.place.name, **bead_row(gate, "gate"))
