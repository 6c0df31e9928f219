"""A town's telemetry as a VictoriaLogs query would give it back: records of gt and of Claude Code about a share of the sessions.

Shapes are those of gt 1.0.1 (internal/telemetry/recorder.go) and of Claude Code's monitoring. What is written inside a session
carries what the session was started with: `gt.issue` is its first bead, also when it goes on to another.
"""

from pathlib import Path
from typing import Any

import orjson

from simtown.clock import SECOND, from_millis, millis
from simtown.dice import Dice
from simtown.noise import rate
from simtown.places import Agent, Place
from simtown.rows_in_order import Row, RowsInOrder
from simtown.session import Session
from simtown.truth import TruthWriter

FILE_NAME = "logsql.ndjson"
_CALLS = 12
"""API calls of a session that are reported, at most: enough for every join, and the file stays small."""


class TownTelemetry:
    """Collects a town's records. Without a `folder` nothing is written.

    Its dice are made from session ids: a world with telemetry is the same world as without.
    """

    def __init__(self, folder: Path | None, place: Place, truth: TruthWriter) -> None:
        self._place = place
        self._truth = truth
        self._rows = RowsInOrder(folder / FILE_NAME, _as_written, sort_keys=True) if folder is not None else None

    def done(self, session: Session, exit_type: str, error: str = "") -> None:
        """`gt done` in a session; with an error it was refused."""
        if self._is_watched(session):
            status = "error" if error else "ok"
            self._gt(session.now, "done", self._inside(session), exit_type=exit_type, status=status, error=error)

    def sling(self, ms: int, by: Agent, bead: str, target: str) -> None:
        """A bead is given to an agent."""
        if Dice(f"telemetry/sling/{bead}/{ms}").chance(rate("session_has_telemetry")):
            self._gt(ms, "sling", self._writer(by), bead=bead, target=target, status="ok", error="")

    def restarted(self, ms: int, agent: Agent) -> None:
        """The daemon starts a dead patrol agent again."""
        if agent.role in ("deacon", "witness", "refinery"):
            self._gt(ms, "daemon.restart", {}, agent_type=f"{agent.role}-{agent.rig.name}" if agent.rig else agent.role)

    def session(self, session: Session) -> None:
        """Start, API calls and stop of a session that is over."""
        if not self._is_watched(session):
            return
        dice, agent, script = Dice(f"telemetry/{session.script.session_id}"), session.agent, session.script
        run = _run(session)
        records = [orjson.loads(line) for line in script.lines]
        started: Row = {
            "instance": f"forge-host:{self._place.town_name}", "agent_type": "claude", "role": agent.role, "agent_name": agent.name,
            "session_id": agent.tmux, "rig": agent.rig.name if agent.rig else "", "git_branch": _branch(records),
            "git_commit": dice.hexadecimal(40), "issue_id": self._bead(session) if agent.role == "polecat" else "", "run.id": run,
        }  # fmt: skip
        self._gt(script.started - SECOND, "agent.instantiate", {}, **started)
        if agent.role != "polecat":
            self._gt(script.started - SECOND, "session.start", {}, session_id=agent.tmux, role=agent.role, status="ok", error="")
        has_attributes = dice.chance(rate("claude_telemetry_has_gt"))
        has_usage = dice.chance(rate("session_has_agent_usage"))
        self._claude(session, dice, records, has_attributes)
        if has_usage:
            self._usage(session, run, records)
        if "died_at" not in session.facts:
            self._gt(session.now + SECOND, "session.stop", {}, session_id=agent.tmux, status="ok", error="")
        self._truth.add(
            "telemetry", town=self._place.name, session_id=script.session_id, run_id=run, tmux=agent.tmux, address=agent.address,
            has_gt_attributes=has_attributes, has_agent_usage=has_usage, bead_id=self._bead(session) or None,
        )  # fmt: skip

    def flush(self, until: int) -> None:
        """Write what happened before `until`."""
        if self._rows is not None:
            self._rows.flush(until)

    def close(self) -> None:
        """Write the rest."""
        if self._rows is not None:
            self._rows.close()

    def _is_watched(self, session: Session) -> bool:
        return self._rows is not None and Dice(f"watched/{session.script.session_id}").chance(rate("session_has_telemetry"))

    def _bead(self, session: Session) -> str:
        return (session.episodes[0].bead if session.episodes else None) or ""

    def _writer(self, agent: Agent) -> Row:
        role = {"boot": "deacon/boot", "dog": "dog"}.get(agent.role, agent.address)
        found = {"gt.session": agent.tmux, "gt.role": role, "gt.town": self._place.town_name, "gt.actor": agent.address}
        return found | ({"gt.rig": agent.rig.name} if agent.rig else {})

    def _inside(self, session: Session) -> Row:
        bead = self._bead(session) if session.agent.role == "polecat" else ""
        prompt = f"[GAS TOWN] work for {session.agent.name}"
        found = self._writer(session.agent) | {"gt.topic": session.topic, "gt.prompt": prompt, "run.id": _run(session)}
        return found | ({"gt.issue": bead[:40]} if bead else {})

    def _claude(self, session: Session, dice: Dice, records: list[Row], has_attributes: bool) -> None:
        common: Row = {"session.id": session.script.session_id, "user.email": self._place.owner, "terminal.type": "tmux"}
        if has_attributes:
            common |= self._inside(session)
        answers = {record["message"]["id"]: record for record in records if record["type"] == "assistant"}
        chosen = list(answers.values())
        for answer in chosen[:: len(chosen) // _CALLS + 1]:
            usage, ms = answer["message"]["usage"], from_millis(answer["timestamp"])
            self._event(
                ms, "claude_code.api_request", common | _tokens(usage), model=answer["message"]["model"],
                duration_ms=900 + dice.randrange(4000), cost_usd=f"0.{1 + dice.randrange(99):03d}",
            )  # fmt: skip
            for block in answer["message"]["content"]:
                if block["type"] == "tool_use":
                    self._event(
                        ms + SECOND, "claude_code.tool_result", common, tool_name=block["name"], success="true", duration_ms=40,
                        tool_parameters=orjson.dumps(block["input"]).decode(),
                    )  # fmt: skip
        for prompt in [record for record in records if record["type"] == "user"][:1]:
            text = str(prompt["message"]["content"])
            self._event(from_millis(prompt["timestamp"]), "claude_code.user_prompt", common, prompt_length=len(text), prompt=text)

    def _usage(self, session: Session, run: str, records: list[Row]) -> None:
        """One per assistant record, so repeated for the records of one response."""
        for answer in [record for record in records if record["type"] == "assistant"][:_CALLS]:
            self._gt(
                from_millis(answer["timestamp"]), "agent.usage", _tokens(answer["message"]["usage"]), session=session.agent.tmux,
                native_session_id=session.script.session_id, **{"run.id": run},
            )  # fmt: skip

    def _gt(self, ms: int, event: str, attributes: Row, **fields: Any) -> None:
        self._event(ms, event, {**attributes, "service.name": "gastown", "service.version": "1.0.1"}, **fields)

    def _event(self, ms: int, event: str, common: Row, **fields: Any) -> None:
        if self._rows is not None:
            service = common.get("service.name", "claude-code")
            named = {"_msg": event, "_stream": f'{{service.name="{service}"}}', "service.name": service}
            self._rows.add(ms, common | named | {name: str(value) for name, value in fields.items()})


def _as_written(number: int, ms: int, row: Row) -> Row:
    """Nanoseconds tell records of one millisecond apart, as they do in a store."""
    return row | {"_time": f"{millis(ms)[:-1]}{number % 1_000_000:06d}Z"}


def _run(session: Session) -> str:
    """`GT_RUN`: one id for everything that is written for and in a session."""
    return Dice(f"run/{session.script.session_id}").uuid()


def _branch(records: list[Row]) -> str:
    """The branch a session was started on."""
    return next((record["gitBranch"] for record in records if record.get("gitBranch")), "")


def _tokens(usage: Row) -> Row:
    kinds = ("input", "output", "cache_read", "cache_creation")
    return {
        f"{kind}_tokens": str(usage[f"{kind}_input_tokens" if kind.startswith("cache") else f"{kind}_tokens"]) for kind in kinds
    }
