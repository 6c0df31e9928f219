"""Merge requests: ephemeral beads that a few exports leak and a database poll may see before they are purged."""

from dataclasses import dataclass

from simtown.beads import Bead
from simtown.clock import DAY, HOUR, seconds
from simtown.noise import rate
from simtown.places import Agent, Rig
from simtown.town import Town, bead_row


@dataclass
class MergeRequest:
    """A request to merge one attempt's branch. `state`: open, merged, rejected, superseded or reaped."""

    id: str
    bead: Bead
    rig: Rig
    agent: Agent
    plan: str
    created_at: int
    branch: str
    commit: str
    state: str = "open"
    closed_at: int = 0
    reason: str = ""
    merge_commit: str = ""
    was_wrongly_rejected: bool = False

    def description(self) -> str:
        """The lines `gt done` writes; `null` stands for empty."""
        lines = {
            "branch": self.branch, "target": "main", "source_issue": self.bead.id, "rig": self.rig.name, "commit_sha": self.commit,
            "worker": self.agent.name, "agent_bead": self.agent.bead, "retry_count": 0, "last_conflict_sha": "null",
            "conflict_task_id": "null", "merge_commit": self.merge_commit or "null", "close_reason": self.reason or "null",
        }  # fmt: skip
        return "\n".join(f"{key}: {value}" for key, value in lines.items())

    def write(self, town: Town) -> None:
        """Ground truth, the leaked bead if it leaked, and the row versions a poll would have seen."""
        if self.state == "reaped":
            # The reaper closes a merge request that waited a day, without a reason: closed is not merged.
            self.closed_at = self.created_at + DAY + HOUR
        leaked = town.dice.chance(rate("merge_request_leaked"))
        lost = town.dice.chance(rate("merge_request_lost"))
        town.truth.add(
            "merge_requests", town=town.place.name, merge_request_id=self.id, bead_id=self.bead.id,
            beads_project_id=self.bead.export.project_id, branch=self.branch, commit_sha=self.commit, state=self.state,
            created_at=seconds(self.created_at), closed_at=seconds(self.closed_at) if self.closed_at else None,
            close_reason=self.reason, in_export=leaked, in_dump=town.has_dump and not lost,
        )  # fmt: skip
        if leaked:
            self._leak(town)
        if town.has_dump and not lost:
            self._dump(town)

    def _leak(self, town: Town) -> None:
        bead = Bead.create(
            self.bead.export, self.created_at, self.agent.address, f"Merge: {self.bead.id}", id=self.id,
            description=self.description(), ephemeral=1,
        )  # fmt: skip
        bead.label(self.created_at, self.agent.address, "gt:merge-request")
        if self.closed_at:
            bead.close(self.closed_at, f"{self.rig.name}/refinery", self.reason)
        bead.done()
        town.truth.add("beads", town=town.place.name, **bead_row(bead, "merge_request"))

    def _dump(self, town: Town) -> None:
        """Two versions of the row: as it was opened, and as it was closed until the next purge."""
        opened = {
            "id": self.id, "title": f"Merge: {self.bead.id}", "description": self.description(), "status": "open", "priority": 2,
            "issue_type": "task", "assignee": None, "ephemeral": 1, "created_at": seconds(self.created_at),
            "updated_at": seconds(self.created_at), "closed_at": None, "close_reason": "", "labels": ["gt:merge-request"],
        }  # fmt: skip
        until = self.closed_at or None
        self.bead.export.row(
            "wisps", opened | {"valid_from": seconds(self.created_at), "valid_to": seconds(until) if until else None}
        )
        if until:
            closed = {"status": "closed", "updated_at": seconds(until), "closed_at": seconds(until), "close_reason": self.reason}
            self.bead.export.row("wisps", opened | closed | {"valid_from": seconds(until), "valid_to": seconds(until + 2 * HOUR)})
