"""One agent session: its start, its episodes, its end, and what the ground truth says of it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import orjson

from simtown.calls import Worker
from simtown.clock import millis, seconds
from simtown.places import Agent
from simtown.planted import Secret, json_paths
from simtown.transcript import Transcript


@dataclass
class Episode:
    """A stretch of a session given to one assignment. `bridges` names the evidence that ties it to `bead`."""

    id: str
    role: str
    kind: str
    ordinal: int
    started_at: int
    start_uuid: str | None = None
    end_uuid: str | None = None
    ended_at: int = 0
    outcome: str = "no_verifiable_outcome"
    bead: str | None = None
    beads_project: str | None = None
    attempt: str | None = None
    merge_request: str | None = None
    contributing: list[str] = field(default_factory=list)
    bridges: set[str] = field(default_factory=set)
    rigs: set[str] = field(default_factory=set)


@dataclass
class Session:
    """A running session of an agent; `facts` are extra columns of its ground-truth row."""

    agent: Agent
    script: Transcript
    worker: Worker
    file: str
    topic: str
    facts: dict[str, Any]
    episodes: list[Episode] = field(default_factory=list)
    secrets: list[tuple[Secret, str]] = field(default_factory=list)
    accidents: list[Callable[[], None]] = field(default_factory=list)
    target_bytes: int = 0
    is_open: bool = True

    @property
    def now(self) -> int:
        """The session's time in ms."""
        return self.script.now

    def begin(self, kind: str, rig: str | None = None) -> Episode:
        """Start an episode at the next record (the first one starts with the session)."""
        if self.episodes:
            self.script.first_uuid = None
        ordinal = len(self.episodes)
        started = self.script.started if not self.episodes else self.now
        episode = Episode(f"{self.script.session_id}:{ordinal}", self.agent.role, kind, ordinal, started)
        if rig:
            episode.rigs.add(rig)
        self.episodes.append(episode)
        return episode

    def end(self, episode: Episode, outcome: str | None = None) -> None:
        """End the running episode."""
        episode.start_uuid = self.script.first_uuid
        episode.end_uuid = self.script.last_uuid
        episode.ended_at = self.now
        if outcome is not None:
            episode.outcome = outcome

    def watch(self, planted: Secret, where: str) -> str:
        """Announce a secret that the next records hold; returns the text to put there."""
        self.secrets.append((planted, where))
        escaped = orjson.dumps(planted.value)[1:-1].decode()
        self.script.watched = (*self.script.watched, escaped)
        return planted.text

    def secret_rows(self) -> list[dict[str, Any]]:
        """Every place where a planted value stands: line, record uuid, JSON path, kind."""
        rows = []
        for line, uuid, record in self.script.found_secrets:
            for planted, where in self.secrets:
                for path in json_paths(planted.value, record):
                    rows.append(
                        {"kind": planted.kind, "value": planted.value, "where": where, "file": self.file, "line": line,
                         "record_uuid": uuid, "json_path": path}
                    )  # fmt: skip
        return rows

    def fill(self, share: float = 1.0) -> None:
        """Let accidents happen, then work until the session has `share` of the size it was meant to have."""
        while self.accidents and (share >= 1 or len(self.accidents) > 1 or self.script.dice.chance(0.5)):
            self.accidents.pop()()
        while self.script.size < self.target_bytes * share:
            self.worker.work()

    def stop(self) -> None:
        """The agent's turn ends: stop hooks and durations."""
        script = self.script
        infos = [{"command": "gt costs record &"}, {"command": "gt tap stop"}]
        script.add(
            "system", subtype="stop_hook_summary", hookCount=2, hookInfos=infos, hookErrors=[], preventedContinuation=False,
            stopReason="", hasOutput=False, level="suggestion", toolUseID=script.dice.uuid(),
        )  # fmt: skip
        if script.dice.chance(0.5):
            script.system("turn_duration", durationMs=script.now - script.started)

    def truth_row(self) -> dict[str, Any]:
        """The session's row in the ground truth."""
        agent, script = self.agent, self.script
        return {
            "session_id": script.session_id, "role": agent.role, "rig": agent.rig.name if agent.rig else None,
            "name": agent.name or None, "address": agent.address, "tmux": agent.tmux, "file": self.file, "cwd": script.cwd,
            "startup": agent.rig.startup if agent.rig else None, "topic": self.topic, "version": script.version,
            "model": script.model, "started_at": millis(script.started), "ended_at": millis(script.now),
            "episodes": len(self.episodes), "responses": script.responses, "tool_calls": script.tool_calls,
            "tool_errors": script.tool_errors, "has_placeholder_usage": script.has_placeholder_usage,
            "input_tokens": script.usage.input_tokens, "output_tokens": script.usage.output_tokens,
            "cache_creation_input_tokens": script.usage.cache_creation_input_tokens,
            "cache_read_input_tokens": script.usage.cache_read_input_tokens, **self.facts,
        }  # fmt: skip

    def episode_rows(self, startups: dict[str, str]) -> list[dict[str, Any]]:
        """The rows of its episodes; `startups` maps rigs to startups."""
        return [
            {
                "episode_id": episode.id, "session_id": self.script.session_id, "role": episode.role, "kind": episode.kind,
                "ordinal": episode.ordinal, "start_uuid": episode.start_uuid, "end_uuid": episode.end_uuid,
                "started_at": seconds(episode.started_at), "ended_at": seconds(episode.ended_at), "outcome": episode.outcome,
                "bead_id": episode.bead, "beads_project_id": episode.beads_project, "attempt_id": episode.attempt,
                "merge_request_id": episode.merge_request, "contributing": sorted(set(episode.contributing) - {episode.bead or ""}),
                "rigs": sorted(episode.rigs), "startups": sorted({startups[rig] for rig in episode.rigs}),
            }
            for episode in self.episodes
        ]  # fmt: skip
