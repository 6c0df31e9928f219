"""How an episode looks to who judges it: who worked on what, then the transcript. No outcome and no score: they would lead."""

from collections.abc import Iterator

import duckdb
from rich.console import Console
from rich.text import Text

from lake.show import plain, render_entries
from lake.transcript import find_session, read_transcript
from training.review import Task

_BEAD = "select title, kind, priority from dim_beads where beads_project_id = $1 and bead_id = $2"


def show_task(connection: duckdb.DuckDBPyConnection, console: Console, task: Task, place: int, total: int, is_full: bool) -> None:
    """Print one task of the queue."""
    for text in task_lines(connection, task, place, total, is_full=is_full):
        console.print(text)


def task_lines(connection: duckdb.DuckDBPyConnection, task: Task, place: int, total: int, *, is_full: bool) -> Iterator[Text]:
    """The task as styled lines: a head, the bead it is linked to, and the episode's part of the transcript."""
    episode = task.episode
    started = f"{episode.started_at:%Y-%m-%d %H:%M} UTC" if episode.started_at else "no time"
    whose = f"{episode.agent_address or 'unknown agent'} of {episode.town or 'unknown town'}"
    yield Text(f"\n{'─' * 40}", style="dim")
    head = f"{place} of {total}  {episode.role} {episode.kind or ''}  {whose}  {started}  {episode.turn_count or 0} turns"
    yield Text(plain(head), style="bold")
    yield Text(plain(f"episode {episode.episode_key} of session {episode.session_id}"), style="dim")
    if episode.primary_bead_id is not None:
        found = connection.execute(_BEAD, [episode.primary_beads_project_id, episode.primary_bead_id]).fetchone()
        title, kind, priority = found or ("not in the lake", None, None)
        about = " ".join(str(part) for part in (kind, None if priority is None else f"P{priority}") if part is not None)
        yield Text(plain(f"bead {episode.primary_bead_id} ({about or 'unknown kind'}): {title}"), style="bold")
    entries = read_transcript(connection, find_session(connection, episode.session_key))
    part = [entry for entry in entries if episode.first_message_number <= entry.number <= episode.last_message_number]
    yield from render_entries(part, full=is_full)
    yield Text("")
