"""A bead's explanation as lines: its life, its attempts, its merge requests, and the sessions that worked on it."""

from collections.abc import Iterator

from rich.text import Text

from lake.explain_text import at, head, line, number, said, short
from lake.explanation import Row

_CHANGES = ("is_hook", "is_close", "is_reopen", "close_reason", "merge_failure", "merge_failure_type")


def bead_lines(found: Row) -> Iterator[Text]:
    """The bead of `lake.explanation.explain_bead`, styled."""
    bead = found["bead"]
    yield head(f"bead {bead['bead_id']} ({bead['kind']}, {bead['status']})  {short(bead['title'])}")
    yield line(f"of rig {bead['rig'] or 'unknown'}, database {bead['beads_project_id']}", style="dim")
    facts = said(
        bead, "assignee_address", "created_at", "last_closed_at", "close_reason", "close_count", "reopen_count", "attempt_count",
        "parent_bead_id", "convoy_id", "superseded_by", "duplicate_of", "is_gone",
    )  # fmt: skip
    if facts:
        yield line(facts)
    yield Text()
    yield head(f"timeline: {len(found['timeline'])} changes")
    for change in found["timeline"]:
        yield _change(change)
    yield Text()
    yield head(f"attempts: {len(found['attempts'])}")
    for attempt in found["attempts"]:
        until = at(attempt["ended_at"]) if attempt["end_kind"] != "open" else "now"
        whose = attempt["assignee_address"] or "unknown agent"
        yield line(f"{attempt['attempt_number']}. {whose}  {at(attempt['hooked_at'])} to {until}  {attempt['end_kind']}")
        facts = said(attempt, "exit_type", "branch", "merge_request_id", "close_reason", "reopen_count")
        if facts:
            yield line(facts, depth=2)
    yield Text()
    yield head(f"merge requests: {len(found['merge_requests'])}")
    for request in found["merge_requests"]:
        yield line(
            f"{request['merge_request_id']} {request['state']}  {at(request['created_at'])}  {request['branch'] or 'no branch'}"
        )
        facts = said(request, "state_evidence", "reason", "merge_commit", "conflict_task_id", "superseded_by", "evidence")
        if facts:
            yield line(facts, depth=2)
    yield Text()
    yield head(f"episodes that worked on it: {len(found['episodes'])}")
    for episode in found["episodes"]:
        yield _episode(episode)


def _change(change: Row) -> Text:
    moved = f"{change['from_status'] or '?'} to {change['to_status']}" if change["to_status"] else change["event_type"]
    to = f", for {change['to_assignee_address']}" if change["to_assignee_address"] else ""
    by = f" by {change['actor_address'] or change['actor']}" if change["actor"] else ""
    facts = said(change, *_CHANGES)
    return line(f"{at(change['occurred_at'])}  {moved}{to}{by}{f': {facts}' if facts else ''}")


def _episode(episode: Row) -> Text:
    gate = {True: "let in", False: "left out"}.get(episode["is_gate_passed"], "not scored")
    worth = f"{gate}, score {number(episode['rank_score'])}" if episode["rank_score"] is not None else gate
    whose = f"{episode['agent_address'] or 'unknown agent'}  session {episode['session_id']}"
    link = f"{episode['link_kind']} {number(episode['confidence'])}"
    return line(f"{at(episode['started_at'])}  {link}  {whose}  {episode['outcome'] or 'no outcome'}  {worth}")
