"""`forge calibrate`: people say which episodes were good work, so that the scores can be held against them."""

import getpass
import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import duckdb
from rich.console import Console

from ingest.label_journal import Label, LabelJournal
from ingest.redaction_key import RedactionKey, load_key
from ingest.run import StreamReport, load_labels
from lake.duck import connect
from lake.exit_codes import ExitCode
from lake.locks import lock
from lake.tell import Told, complain, say, width
from training.calibration_rules import CalibrationRules, read_rules
from training.keyboard import Keyboard
from training.label_file import read_verdicts
from training.labelled import Known, known_verdicts, newest_cycle
from training.review import Task, review
from training.review_screen import show_task
from training.sample import Drawn, Judged, cycle_sample, judged_episodes

_ROLES = "select distinct role_family from seeds.role_families order by role_family"
AGENT_VARIABLES = ("GT_ROLE", "BD_ACTOR", "CLAUDECODE", "CLAUDE_CODE_SESSION_ID")
"""What Gas Town and Claude Code set for the agents they run, and for every program that these start."""


def run_calibration(
    lake: Path, *, role: str | None, cycle: int | None, labeller: str | None, source: Path | None, limit: int | None
) -> ExitCode:
    """Let somebody judge episodes and bring the verdicts into the lake.

    `role`: a trained role, all by default. `cycle`: default the newest one begun. `labeller`: the name to sign with. `source`: a
    file of verdicts instead of a terminal. `limit`: at most so many episodes in this sitting. Errors: `Told`, `NoCatalogError`,
    `RedactionKeyError`, `LockHeldError` when the same name is judging elsewhere.
    """
    if source is None and not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise Told(
            "people judge at a terminal; give verdicts of a program with --from FILE, or --from - for a pipe", ExitCode.USAGE
        )
    key = load_key(lake)
    kind = labeller_kind(is_file=source is not None, environment=os.environ)
    name = labeller or account(key)
    with connect(lake) as connection, lock(lake, f"review-{key.digest('reviewer', name.encode()).hex()[:12]}"):
        load_labels(lake, key)  # what an earlier sitting left behind when it was killed
        rules = read_rules(connection)
        roles = trained_roles(connection, role)
        with LabelJournal(lake, key, name) as journal:
            sitting = Sitting(lake, connection, rules, journal, kind)
            try:
                if source is None:
                    sitting.review(roles, cycle, limit)
                else:
                    sitting.take(roles, cycle, source)
            except KeyboardInterrupt:
                complain("interrupted; every verdict that was confirmed is kept")
                raise
        return _brought_in(journal, kind, load_labels(lake, key))


def labeller_kind(*, is_file: bool, environment: Mapping[str, str]) -> str:
    """Who is judging: an agent when one runs this program, a script when verdicts come from a file, else a human."""
    if any(environment.get(name) for name in AGENT_VARIABLES):
        return "agent"
    return "script" if is_file else "human"


def account(key: RedactionKey) -> str:
    """A name for who gave none: a keyed hash of the account's name, the same every day and silent about the person."""
    return f"reviewer-{key.digest('labeller', getpass.getuser().encode()).hex()[:8]}"


def trained_roles(connection: duckdb.DuckDBPyConnection, role: str | None) -> list[str]:
    """All trained roles, or the one that was named. Errors: `Told` when there is none of that name."""
    roles = [row[0] for row in connection.execute(_ROLES).fetchall()]
    if role is None:
        return roles
    if role not in roles:
        raise Told(f"no trained role '{role}'; trained roles: {', '.join(roles)}", ExitCode.USAGE)
    return [role]


class Sitting:
    """One labeller before one release."""

    def __init__(
        self, lake: Path, connection: duckdb.DuckDBPyConnection, rules: CalibrationRules, journal: LabelJournal, kind: str
    ) -> None:
        self._lake, self._connection, self._rules, self._journal, self._kind = lake, connection, rules, journal, kind
        self._known = known_verdicts(lake)
        self._episodes: dict[str, dict[str, Judged]] = {}
        self._cycles: dict[str, int] = {}
        self._samples: dict[tuple[str, int], dict[str, Drawn]] = {}

    def review(self, roles: list[str], cycle: int | None, limit: int | None) -> None:
        """Show the samples' episodes that this labeller has not judged yet, and keep each verdict as it is given."""
        queue = [task for role in roles for task in self._queue(role, cycle)]
        if not queue:
            say("Nothing is left to judge here; `--cycle` with the next number begins another sample.")
            return
        console = Console(width=width(), highlight=False, soft_wrap=False)
        with Keyboard() as keys:
            review(
                queue[:limit],
                keys,
                lambda task, place, total, is_full: show_task(self._connection, console, task, place, total, is_full),
                self._keep,
                lambda line: console.print(line, style="cyan"),
            )

    def take(self, roles: list[str], cycle: int | None, source: Path) -> None:
        """Keep the verdicts of a file; one that is known already is passed over, so a file can be given twice."""
        episodes = {key: episode for role in roles for key, episode in self._judged(role).items()}
        for given in read_verdicts(source, episodes):
            task = self._task(episodes[given.episode_key], cycle)
            known = Known(self._journal.labeller, self._kind, task.cycle, given.episode_key, given.verdict)
            if known not in self._known:
                self._keep(task, given.verdict, given.reason)
                self._known.add(known)

    def _queue(self, role: str, cycle: int | None) -> list[Task]:
        episodes, number = self._judged(role), cycle or self._cycle(role)
        judged = {
            item.episode_key
            for item in self._known
            if (item.labeller, item.labeller_kind, item.cycle) == (self._journal.labeller, self._kind, number)
        }
        # An episode that has gone since the sample was drawn (it grew into another, or was erased) cannot be shown.
        return [
            Task(number, episodes[key], drawn)
            for key, drawn in self._sample(role, number).items()
            if key in episodes and key not in judged
        ]

    def _task(self, episode: Judged, cycle: int | None) -> Task:
        number = cycle or self._cycle(episode.role_family)
        return Task(number, episode, self._sample(episode.role_family, number).get(episode.episode_key))

    def _judged(self, role: str) -> dict[str, Judged]:
        if role not in self._episodes:
            self._episodes[role] = judged_episodes(self._connection, role)
        return self._episodes[role]

    def _cycle(self, role: str) -> int:
        if role not in self._cycles:
            self._cycles[role] = newest_cycle(self._known, set(self._judged(role)))
        return self._cycles[role]

    def _sample(self, role: str, cycle: int) -> dict[str, Drawn]:
        if (role, cycle) not in self._samples:
            drawn = cycle_sample(self._lake, self._connection, role, cycle, self._rules)
            self._samples[role, cycle] = {item.episode_key: item for item in drawn}
        return self._samples[role, cycle]

    def _keep(self, task: Task, verdict: str, reason: str | None) -> None:
        self._journal.append(
            Label(
                town_id=task.episode.town_id,
                episode_key=task.episode.episode_key,
                session_key=task.episode.session_key,
                cycle=task.cycle,
                labeller=self._journal.labeller,
                labeller_kind=self._kind,
                verdict=verdict,
                reason=reason,
                labelled_at=datetime.now(UTC),
                judged=task.episode.judgement(task.drawn),
            )
        )


def _brought_in(journal: LabelJournal, kind: str, report: StreamReport) -> ExitCode:
    """Say what became of the sitting's verdicts."""
    if journal.count == 0:
        say("No new verdict.")
        return ExitCode.OK
    counted = "" if kind == "human" else f" As verdicts of {kind}s they do not count as people's."
    if report.status in ("loaded", "unchanged"):
        say(f"{journal.count} verdicts by {journal.labeller} ({kind}) are in the lake; `forge build` measures agreement.{counted}")
        return ExitCode.OK
    complain(f"{journal.count} verdicts are kept but not loaded yet ({report.status}: {report.reason}); the next load takes them")
    return ExitCode.PARTIAL
