"""The mayor: turns requests into beads, slings them, answers escalations. One request is one episode."""

from dataclasses import dataclass, field

from simtown.beads import Bead
from simtown.clock import HOUR, MINUTE, SECOND
from simtown.families import duplicate, epic
from simtown.injected import human_request, mail_reminder
from simtown.places import Agent, Rig
from simtown.planted import Secret
from simtown.session import Episode, Session
from simtown.town import Town, bead_row
from simtown.work import Attempt, WorkItem, mail, sling


@dataclass
class Dispatch:
    """What one mayor episode set in motion."""

    episode: Episode
    items: list[WorkItem] = field(default_factory=list)
    has_answered: bool = False

    def settle(self) -> None:
        """Give the episode its outcome: what became of the items it dispatched."""
        if not self.items:
            self.episode.outcome = "escalations_answered" if self.has_answered else "no_verifiable_outcome"
            return
        good = sum(any(attempt.outcome in ("merged", "direct_merge") for attempt in item.attempts) for item in self.items)
        self.episode.outcome = "all_merged" if good == len(self.items) else ("part_merged" if good else "none_merged")


def dispatch_shift(
    town: Town, start: int, rig_sets: list[list[Rig]], plans: list[list[str]]
) -> tuple[list[Dispatch], list[Attempt]]:
    """One mayor session. Each entry of `rig_sets` is a request: one bead per rig in it; an empty one is an escalation to answer."""
    agent = Agent("mayor")
    topic = town.dice.choice(("cold-start", "handoff", "handoff"))
    session = town.open(agent, start, "overseer" if topic == "cold-start" else "mayor", topic)
    dispatches, attempts = [], []
    for number, (rigs, wanted) in enumerate(zip(rig_sets, plans, strict=True)):
        episode = session.begin("request")
        dispatch = Dispatch(episode)
        if rigs:
            attempts += _request(town, session, dispatch, rigs, wanted)
        else:
            _answer(town, session, dispatch)
        session.fill((number + 1) / len(rig_sets))
        session.script.say(session.worker.remark(), "end_turn")
        session.end(episode)
        session.script.idle(60 + town.dice.randrange(1500))
        dispatches.append(dispatch)
    town.close(session)
    return dispatches, attempts


def _request(town: Town, session: Session, dispatch: Dispatch, rigs: list[Rig], plans: list[str]) -> list[Attempt]:
    dice, work = town.dice, session.worker
    titles = [town.library(rig).text.title(dice) for rig in rigs]
    session.script.user(human_request(dice, [rig.name for rig in rigs], titles))
    dispatch.episode.rigs |= {rig.name for rig in rigs}
    attempts = []
    for rig, title, plan in zip(rigs, titles, plans, strict=True):
        text = town.library(rig).text
        body = text.prose(dice, 120 + dice.randrange(600))
        planted = None
        if dice.chance(0.15):
            planted = town.next_secret()
            body += f"\n\n{session.watch(planted, 'tool_input')}"
        bead = Bead.create(town.exports[rig.name], session.now, "mayor", title, description=body, priority=dice.randrange(4))
        if planted is not None:
            _bead_secret(town, bead, planted)
        work.bash(f"bd create --rig {rig.name} --title '{title}' --body '{body}'", f"✓ Created issue: {bead.id}")
        molecule = f"{rig.prefix}-wisp-{dice.base36(5)}" if dice.chance(0.5) else ""
        if molecule and dice.chance(0.3):
            _molecule(town, bead, molecule, session.now)
        item = WorkItem(rig, bead, plan, molecule, planted)
        attempt = sling(town, item, session.now, "mayor", plan)
        work.bash(f"gt sling {bead.id} {rig.name}", f"🎯 Slung {bead.id} → {attempt.agent.address}\n✓ Work attached to hook")
        dispatch.items.append(item)
        dispatch.episode.contributing.append(bead.id)
        dispatch.episode.bridges.add("command")
        attempts.append(attempt)
    if len(rigs) > 1 and rigs[0] is rigs[-1]:
        dispatch.episode.contributing.append(epic(town, rigs[0], dispatch.items, session.now))
    if dice.chance(0.06):
        duplicate(town, rigs[0], dispatch.items[0].bead, session.now)
    if len(rigs) > 1 or dice.chance(0.2):
        _convoy(town, session, dispatch)
    return attempts


def _bead_secret(town: Town, bead: Bead, planted: Secret) -> None:
    export = bead.export
    file = export.folder.relative_to(town.out) / "issues.jsonl"
    town.truth.add(
        "secrets", town=town.place.name, kind=planted.kind, value=planted.value, where="bead_description", file=file.as_posix(),
        line=None, record_uuid=bead.id, json_path="$.description",
    )  # fmt: skip


def _molecule(town: Town, bead: Bead, identity: str, ms: int) -> None:
    """The root of the formula that is attached to a bead: ephemeral, here leaked into the export."""
    root = Bead.create(
        bead.export,
        ms,
        "mayor",
        "mol-polecat-work",
        id=identity,
        issue_type="molecule",
        mol_type="work",
        ephemeral=1,
        wisp_type="patrol",
    )
    bead.export.dependency(ms, bead.id, identity, "blocks", "mayor")
    root.close(ms + 5 * HOUR, "mayor", town.dice.choice(("done", "burned: polecat nuked")))
    root.done()
    town.truth.add("beads", town=town.place.name, **bead_row(root, "molecule"))


def _convoy(town: Town, session: Session, dispatch: Dispatch) -> None:
    """A convoy tracks the items of one request."""
    hq, now = town.exports["hq"], session.now
    first = dispatch.items[0].bead
    convoy = Bead.create(
        hq, now, "mayor", f"Work: {first.row['title']}", id=f"hq-cv-{town.dice.base36(5)}", issue_type="convoy",
        description="Owner: mayor/\nNotify: mayor/\nMerge: mr\nbase_branch: main",
    )  # fmt: skip
    session.worker.bash(f"gt convoy create {' '.join(item.bead.id for item in dispatch.items)}", f"✓ Created convoy {convoy.id}")
    for item in dispatch.items:
        hq.dependency(now, convoy.id, f"external:{item.rig.prefix}:{item.bead.id}", "tracks", "mayor")
    convoy.close(now + 20 * HOUR, "deacon", "All tracked work is closed")
    convoy.done()
    town.truth.add("beads", town=town.place.name, **bead_row(convoy, "convoy"))


def _answer(town: Town, session: Session, dispatch: Dispatch) -> None:
    """An escalation arrives by mail and is acknowledged and closed."""
    dice, work, now = town.dice, session.worker, session.now
    rig = dice.choice(town.place.own_rigs)
    sender = f"{rig.name}/witness"
    title = work.library.text.title(dice)
    session.script.user(mail_reminder(sender, f"HELP: {title}", work.library.text.prose(dice, 120)))
    escalation = Bead.create(
        town.exports["hq"], now - MINUTE, sender, f"ESCALATION: {title}",
        description=f"severity: medium\nreason: {title}\nsource: {sender}\nescalated_by: {sender}\nrelated_bead: null",
    )  # fmt: skip
    escalation.label(now - MINUTE, sender, "gt:escalation")
    escalation.label(now - MINUTE, sender, "severity:medium")
    town.events.add(now - MINUTE, "escalation_sent", sender, rig=rig.name, target="mayor", to="mayor", reason=title)
    work.bash(f"gt escalate ack {escalation.id}", f"✓ Acknowledged {escalation.id}")
    escalation.label(session.now, "mayor", "acked")
    town.events.add(session.now, "escalation_acked", "mayor", escalation_id=escalation.id, acked_by="mayor")
    work.work()
    if dice.chance(0.7):
        reason = work.library.text.prose(dice, 60)
        work.bash(f"gt escalate close {escalation.id} --reason '{reason}'", f"✓ Closed {escalation.id}")
        escalation.close(session.now, "mayor", reason)
        town.events.add(
            session.now + SECOND, "escalation_closed", "mayor", escalation_id=escalation.id, closed_by="mayor", reason=reason
        )
        dispatch.has_answered = True
    else:
        mail(town, session.now, "mayor", sender, f"Re: {title}", work.library.text.prose(dice, 80), "reply")
    dispatch.episode.rigs.add(rig.name)
    dispatch.episode.contributing.append(escalation.id)
    escalation.done()
    town.truth.add("beads", town=town.place.name, **bead_row(escalation, "escalation"))
