"""Work items: beads that are dispatched, attempted, merged or not."""

from dataclasses import dataclass, field

from simtown.beads import Bead
from simtown.clock import HOUR, MINUTE, SECOND, seconds
from simtown.merge_requests import MergeRequest
from simtown.noise import rate
from simtown.places import Agent, Rig
from simtown.planted import Secret
from simtown.rows_in_order import Row
from simtown.town import Town, bead_row

PLANS = {
    "merged": 10, "direct_merge": 2, "completed_unverified": 3, "no_change": 2, "rejected": 2, "superseded": 2,
    "escalated": 2, "deferred": 2, "abandoned": 2, "crashed": 2, "open": 1,
}  # fmt: skip
"""What becomes of the first attempt of a bead, and how often (assumed: the reference names the classes, not their shares)."""

AGAIN = ("rejected", "superseded", "abandoned", "crashed", "deferred")
"""Attempts after which the bead goes into somebody's hands again."""


@dataclass
class Attempt:
    """One stretch of a bead in one assignee's hands."""

    id: str
    agent: Agent
    hooked_at: int
    plan: str
    by: str = "mayor"
    ended_at: int = 0
    branch: str = ""
    outcome: str = "open"
    sessions: list[str] = field(default_factory=list)
    merge_request: MergeRequest | None = None
    is_waiting: bool = False
    follows: bool = False


@dataclass
class WorkItem:
    """A bead with its plan and what has happened so far."""

    rig: Rig
    bead: Bead
    plan: str
    molecule: str = ""
    planted: Secret | None = None
    attempts: list[Attempt] = field(default_factory=list)

    def write_truth(self, town: Town) -> None:
        """Finish the bead and write it with its attempts and merge requests."""
        self.bead.done()
        if town.dice.chance(rate("interaction_labelled")):
            self._label(town)
        town.truth.add("beads", town=town.place.name, **bead_row(self.bead, "work"))
        for attempt in self.attempts:
            request = attempt.merge_request
            town.truth.add(
                "attempts", town=town.place.name, attempt_id=attempt.id, bead_id=self.bead.id,
                beads_project_id=self.bead.export.project_id, assignee=attempt.agent.address, hooked_at=seconds(attempt.hooked_at),
                ended_at=seconds(attempt.ended_at) if attempt.ended_at else None, outcome=attempt.outcome, branch=attempt.branch,
                sessions=attempt.sessions, merge_request_id=request.id if request else None,
            )  # fmt: skip
            if request:
                request.write(town)

    def _label(self, town: Town) -> None:
        """Somebody labels the work as good or bad (`bd audit label`)."""
        is_good = self.attempts[-1].outcome in ("merged", "direct_merge")
        label: Row = {"id": f"int-{town.dice.hexadecimal(8)}", "kind": "label", "issue_id": self.bead.id, "actor": "overseer"}
        label |= {"created_at": self.bead.row["updated_at"], "label": "good" if is_good else "bad", "reason": "reviewed by hand"}
        self.bead.export.row("interactions", label)


def sling(town: Town, item: WorkItem, ms: int, by: str, plan: str, agent: Agent | None = None) -> Attempt:
    """Give a bead to a polecat. When every polecat of the rig has its hands full, the bead waits with the scheduler."""
    busy = [name for name in item.rig.polecats if Agent("polecat", item.rig, name).address in town.reserved]
    follows = agent is None and bool(busy) and town.dice.chance(rate("session_with_many_beads"))
    chosen = Agent("polecat", item.rig, busy[0]) if follows else agent or town.free_polecat(item.rig, ms)
    attempt = Attempt(f"{item.bead.id}#{len(item.attempts)}", chosen, ms, plan, by=by)
    item.attempts.append(attempt)
    attempt.follows = follows
    if chosen.address in town.reserved:
        attempt.is_waiting = True
        town.events.add(ms, "scheduler_enqueue", by, bead=item.bead.id, rig=item.rig.name)
    else:
        hook(town, item, attempt, ms)
    return attempt


def hook(town: Town, item: WorkItem, attempt: Attempt, ms: int) -> None:
    """Put the bead on the polecat's hook: bead history, agent bead, events."""
    if attempt.is_waiting:
        attempt.is_waiting = False
        if not attempt.follows:
            attempt.agent = town.free_polecat(item.rig, ms)
        town.events.add(ms, "scheduler_dispatch", "daemon", bead=item.bead.id, rig=item.rig.name, polecat=attempt.agent.name)
    chosen, by = attempt.agent, attempt.by
    hooked = max(ms, town.free_at.get(chosen.address, 0))
    attempt.hooked_at = hooked
    town.reserved.add(chosen.address)
    item.bead.change(hooked, by, status="hooked", assignee=chosen.address)
    attached = f"attached_molecule: {item.molecule}\n" if item.molecule else ""
    plain = str(item.bead.row["description"]).split("\n\n", 1)[-1]
    head = f"{attached}attached_at: {seconds(hooked)}\ndispatched_by: {by}"
    item.bead.change(hooked + SECOND, by, description=f"{head}\n\n{plain}")
    own = town.agent_bead(chosen, hooked)
    own.change(hooked + SECOND, by, description=agent_description(chosen, "working", item.bead.id))
    town.events.add(hooked + SECOND, "sling", by, bead=item.bead.id, target=chosen.address)
    town.telemetry.sling(
        hooked + SECOND, Agent("mayor") if by == "mayor" else Agent("refinery", item.rig), item.bead.id, chosen.address
    )
    town.events.add(hooked + 2 * SECOND, "spawn", "gt", rig=item.rig.name, polecat=chosen.name)
    town.events.add(hooked + 2 * SECOND, "hook", chosen.address, bead=item.bead.id)


def agent_description(
    agent: Agent, state: str, bead: str | None, exit_type: str = "", request: str = "", branch: str = "", at: str = ""
) -> str:
    """The description of an agent's bead; its lines are what `gt done` writes."""
    lines = [f"role_type: {agent.role}", f"rig: {agent.rig.name if agent.rig else 'null'}", f"agent_state: {state}"]
    lines += [f"hook_bead: {bead or 'null'}", "cleanup_status: clean", f"active_mr: {request or 'null'}"]
    if exit_type:
        lines += [f"exit_type: {exit_type}", f"mr_id: {request or 'null'}", f"branch: {branch}", f"completion_time: {at}"]
    return "\n".join(lines)


def reset(town: Town, item: WorkItem, ms: int) -> None:
    """The witness takes a bead from a dead or silent polecat: hooked → open, nobody's."""
    attempt = item.attempts[-1]
    actor = f"{item.rig.name}/witness"
    item.bead.change(ms, actor, status="open", assignee="")
    attempt.ended_at = ms
    town.events.add(ms, "unhook", attempt.agent.address, bead=item.bead.id)
    town.events.add(ms + SECOND, "mail", actor, to="mayor/", subject=f"RECOVERED_BEAD {item.bead.id}")
    mail(town, ms + SECOND, actor, "mayor", f"RECOVERED_BEAD {item.bead.id}", f"{attempt.agent.address} is gone.", "notification")


def mail(town: Town, ms: int, sender: str, to: str, subject: str, body: str, kind: str) -> None:
    """A message bead in the town's database."""
    message = Bead.create(town.exports["hq"], ms, sender, subject, description=body, assignee=to, sender=sender)
    for label in ("gt:message", f"from:{sender}", f"msg-type:{kind}"):
        message.label(ms, sender, label)
    message.label(ms + MINUTE, to, "read")
    message.close(ms + HOUR, to, "Closed")
    message.done()
    town.truth.add("beads", town=town.place.name, **bead_row(message, "mail"))
