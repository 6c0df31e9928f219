"""A town while it is simulated: its databases, its event log, its agents and the sessions they open."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from simtown.beads import Bead, BeadsExport
from simtown.calls import Library, Worker
from simtown.clock import MINUTE, SECOND, at
from simtown.dice import Deck, Dice, weighted
from simtown.events import TownEvents
from simtown.noise import rate
from simtown.places import Agent, Place, Rig
from simtown.planted import SECRET_KINDS, Secret, secret
from simtown.scale import Scale
from simtown.session import Session
from simtown.startup import write_startup
from simtown.targets import Targets
from simtown.telemetry import TownTelemetry
from simtown.transcript import MIDDLE, NEW, OLD, Transcript
from simtown.truth import TruthWriter

_MODELS = ("claude-opus-4-6", "claude-opus-4-6", "claude-sonnet-4-5-20250929", "claude-haiku-4-5-20251001")
_OTHER_MODELS = ("kimi-k2-instruct", "openai/gpt-oss-120b")
MOVED_AT = at(2026, 2, 2)
"""Until then a town with `extra_roots` lived on another machine."""


def encoded(cwd: str) -> str:
    """Claude Code's folder name for a working folder."""
    return re.sub(r"[^A-Za-z0-9]", "-", cwd)


def version_at(ms: int, dice: Dice) -> str:
    """The harness version in use: in January some agents had not been updated yet."""
    if ms < at(2026, 2, 1) and dice.chance(0.12):
        return OLD
    return MIDDLE if ms < at(2026, 4, 1) else NEW


@dataclass
class Town:
    """Everything the stories need. `free_at` keeps two sessions of one address from overlapping."""

    place: Place
    out: Path
    dice: Dice
    scale: Scale
    truth: TruthWriter
    events: TownEvents
    exports: dict[str, BeadsExport]
    targets: Targets
    as_of: int
    telemetry: TownTelemetry
    libraries: dict[str, Library] = field(default_factory=dict)
    free_at: dict[str, int] = field(default_factory=dict)
    agent_beads: dict[str, Bead] = field(default_factory=dict)
    open_sessions: list[Session] = field(default_factory=list)
    bytes_written: int = 0
    sessions_written: int = 0
    secrets_planted: int = 0
    side_files: int = 0
    reserved: set[str] = field(default_factory=set)
    has_dump: bool = False
    decks: dict[str, Deck[str]] = field(default_factory=dict)
    on_open: Callable[[Session], None] | None = None

    @property
    def startups(self) -> dict[str, str]:
        """Rig → startup."""
        return {rig.name: rig.startup for rig in self.place.rigs}

    def deal(self, name: str, cards: dict[str, int]) -> str:
        """The next card of a named deck of the town, made of weighted cards when it is first asked for."""
        if name not in self.decks:
            self.decks[name] = Deck(self.dice, weighted(cards))
        return self.decks[name].deal()

    def library(self, rig: Rig | None) -> Library:
        """The source files and the voice of a rig ('hq' for town-level agents)."""
        name = rig.name if rig else "hq"
        if name not in self.libraries:
            self.libraries[name] = Library.of(f"{self.place.name}/{name}", self.scale)
        return self.libraries[name]

    def free_polecat(self, rig: Rig, ms: int) -> Agent:
        """The polecat of a rig that is free first, from `ms` on (the longest idle one of several), reserved ones last."""

        def wait(agent: Agent) -> tuple[bool, int, int]:
            free = self.free_at.get(agent.address, 0)
            return agent.address in self.reserved, max(ms, free), free

        return min((Agent("polecat", rig, name) for name in rig.polecats), key=wait)

    def root_at(self, ms: int) -> str:
        """The recorded root in use."""
        return self.place.extra_roots[0] if self.place.extra_roots and ms < MOVED_AT else self.place.recorded_root

    def open(
        self, agent: Agent, ms: int, sender: str, topic: str, branch: str = "main", molecule: str = "", continues: str | None = None
    ) -> Session:
        """Start a session no earlier than `ms`, with everything that Gas Town writes at a start."""
        dice = Dice(f"{self.dice.getrandbits(64)}/{agent.address}")
        now = max(ms, self.free_at.get(agent.address, 0)) + dice.randrange(SECOND)
        cwd = f"{self.root_at(now)}/{agent.folder}"
        if agent.role == "polecat" and dice.chance(rate("attempt_folder_legacy")):
            cwd = cwd.rsplit("/", 1)[0]
        session_id = dice.uuid()
        home = ".claude-2" if dice.chance(0.2) else ".claude"
        file = f"{self.place.name}/home/{home}/projects/{encoded(cwd)}/{session_id}.jsonl"
        model = dice.choice(_OTHER_MODELS) if dice.chance(rate("other_model")) else dice.choice(_MODELS)
        script = Transcript(self.out / file, session_id, cwd, branch, version_at(now, dice), model, dice, now)
        script.is_gateway = model in _OTHER_MODELS
        script.has_placeholder_usage = dice.chance(rate("placeholder_usage"))
        if script.version != OLD:
            names = self.library(agent.rig).text.names(dice, 3)
            script.slug = "-".join(name.split("_")[0] for name in names)
        worker = Worker.on(script, self.library(agent.rig), self.scale)
        session = Session(agent, script, worker, file, topic, {"town": self.place.name, "continues": continues})
        session.target_bytes = self.targets.next(agent.role)
        if self.on_open is not None:
            self.on_open(session)
        write_startup(session, self.place, self.events, sender, topic, molecule)
        self.open_sessions.append(session)
        return session

    def close(self, session: Session, is_clean: bool = True) -> None:
        """End a session: stop hooks, file, ground truth. Episodes may still get their outcome until `settle`."""
        session.is_open = False
        if is_clean:
            session.stop()
        self.free_at[session.agent.address] = session.now + MINUTE

    def settle(self) -> None:
        """Write the sessions of a shift and their ground truth, now that outcomes are known."""
        for session in self.open_sessions:
            if session.is_open:
                self.close(session)
            session.script.save()
            self.telemetry.session(session)
            self.bytes_written += session.script.size
            self.sessions_written += 1
            self.truth.add("sessions", **session.truth_row())
            self.file_row(session.script, session.file, "main", None)
            for row in session.episode_rows(self.startups):
                self.truth.add("episodes", town=self.place.name, **row)
            for episode in session.episodes:
                if episode.bead:
                    self.truth.add(
                        "links", town=self.place.name, episode_id=episode.id, session_id=session.script.session_id,
                        bead_id=episode.bead, beads_project_id=episode.beads_project, is_primary=True,
                        bridges=sorted(episode.bridges),
                    )  # fmt: skip
            for row in session.secret_rows():
                self.truth.add("secrets", town=self.place.name, **row)
        self.open_sessions.clear()

    def file_row(self, script: Transcript, file: str, kind: str, reason: str | None) -> None:
        """Ground truth of one transcript file; `reason` says why it must not be loaded."""
        self.truth.add(
            "files", town=self.place.name, file=file, kind=kind, session_id=script.session_id, agent_id=script.agent_id,
            records=len(script.lines), bytes=script.size - (not script.ends_with_newline), types=dict(sorted(script.types.items())),
            responses=script.responses, excluded=reason,
        )  # fmt: skip

    def next_secret(self) -> Secret:
        """The next fake, kind after kind."""
        kind = SECRET_KINDS[(self.secrets_planted + 7 * len(self.place.name)) % len(SECRET_KINDS)]
        self.secrets_planted += 1
        return secret(kind, self.dice)

    def agent_bead(self, agent: Agent, ms: int) -> Bead:
        """The bead of an agent; made when it is first asked for. It is overwritten at every assignment."""
        if agent.bead not in self.agent_beads:
            export = self.exports[agent.rig.name if agent.rig else "hq"]
            description = (
                f"role_type: {agent.role}\nrig: {agent.rig.name if agent.rig else 'null'}\nagent_state: idle\nhook_bead: null"
            )
            bead = Bead.create(export, ms, "mayor", f"Agent {agent.address}", id=agent.bead, description=description)
            bead.label(ms, "mayor", "gt:agent")
            self.agent_beads[agent.bead] = bead
        return self.agent_beads[agent.bead]

    def flush(self, until: int) -> None:
        """Write what happened before `until` to the logs and histories."""
        self.events.flush(until)
        self.telemetry.flush(until)
        for export in self.exports.values():
            export.flush(until)

    def finish(self) -> None:
        """Write all that is left."""
        for bead in self.agent_beads.values():
            bead.done()
            self.truth.add("beads", town=self.place.name, **bead_row(bead, "agent"))
        self.events.close()
        self.telemetry.close()
        for export in self.exports.values():
            export.close()


def bead_row(bead: Bead, kind: str) -> dict[str, object]:
    """Ground truth of a bead."""
    return {
        "bead_id": bead.id, "beads_project_id": bead.export.project_id, "database": bead.export.name, "kind": kind,
        "status": bead.row["status"], "reopened": sum(step.startswith("reopened") for step in bead.history),
        "closes": sum(step.startswith("closed") for step in bead.history), "created_at": bead.row["created_at"],
        "labels": sorted(set(bead.labels)),
    }  # fmt: skip
