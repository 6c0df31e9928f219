"""Histories of beads that two towns and two sources show, in whatever order they come into the lake."""

import hashlib
import json
import random
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.dbt.growing_lake import Rows, raw_rows

START = datetime(2026, 3, 1, tzinfo=UTC)
TOWNS = ("a", "b")
PROJECT = "shared"
STATUSES = ("open", "hooked", "hooked", "in_progress", "closed")
HANDS = ("gastown/polecats/nux", "gastown/polecats/toast", "")
REASONS = ("Closed", "Merged to main", "Merged in gt-wisp-{}", "no-changes: done")
LABELS = ("gt:agent", "zfc", "from:mayor", "gt:merge-request")


def observed(
    town: str, table: str, key: str, bead: str, moment: datetime, value: dict[str, Any] | None, *, source: str
) -> dict[str, Any]:
    """A row of `raw.beads_rows`; without a value the row was missed."""
    record = None if value is None else json.dumps(value, sort_keys=True)
    changed = value.get("updated_at") or value.get("created_at") if value else None
    return {
        "town_id": town,
        "beads_project_id": PROJECT,
        "database": "gastown",
        "source": source,
        "table_name": table,
        "row_key": key,
        "bead_id": bead,
        "change": "delete" if value is None else "upsert",
        "observed_at": moment,
        "updated_at": datetime.fromisoformat(changed) if changed else None,
        "file_id": f"{town}-{source}-{table}",
        "generation": 0,
        "byte_offset": 0,
        "byte_length": 0,
        "record": record,
        "record_hash": hashlib.md5(record.encode(), usedforsecurity=False).hexdigest() if record else "gone",
    }


def _seen(dice: random.Random, moment: datetime) -> list[tuple[str, str, datetime]]:
    """Who shows a row that changed at `moment`, and when: a copy may lag by hours, or show nothing."""
    copies = [(town, source) for town in TOWNS for source in ("jsonl", "dolt") if dice.random() < 0.6]
    return [(town, source, moment + timedelta(minutes=dice.randint(1, 600))) for town, source in copies or [("a", "jsonl")]]


def written_at(bead: int, moment: datetime) -> str:
    """The time that a database's server gives to an event: it has its own clock, which is set back by an hour on the first night.

    Every fifth bead is changed in the copy of another town, whose server stands in another zone.
    """
    hours = -8 if bead % 5 == 0 else 11 if moment < START + timedelta(hours=5) else 10
    return (moment + timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ")


def _changed(dice: random.Random, number: int) -> dict[str, Any]:
    """The fields a change writes: a status, somebody's hands, a note about a merge that failed, or some of them."""
    fields: dict[str, Any] = {}
    if dice.random() < 0.8:
        fields["status"] = dice.choice(STATUSES)
    if fields.get("status") == "hooked" or not fields:
        fields["assignee"] = dice.choice(HANDS)
    if dice.random() < 0.2:
        branch = f"Branch: polecat/nux/gt-{number}@ab"
        fields["notes"] = dice.choice(["Merge failure (attempt 1): conflict - no", f"## MERGE REJECTION\n{branch}"])
    return fields


def _bead(dice: random.Random, number: int) -> list[dict[str, Any]]:
    bead, rows = f"gt-{number}", []
    moment = START + timedelta(minutes=7 * number)
    created = moment.isoformat()
    issue: dict[str, Any] = {"id": bead, "title": f"Bead {number}", "status": "open", "created_at": created, "issue_type": "task"}
    issue["updated_at"] = created
    for version in range(dice.randint(1, 6)):
        event = {"event_type": "created", "actor": "mayor", "old_value": "", "new_value": ""}
        if version:
            moment += timedelta(minutes=dice.randint(0, 90), seconds=dice.randint(0, 59))
            fields = _changed(dice, number)
            event |= {"actor": dice.choice(["mayor", "gastown/nux", "gastown/refinery", "dog"])}
            if fields.get("status") == "closed":
                reason = dice.choice(REASONS).format(number)
                event |= {"event_type": "closed", "new_value": reason}
                issue |= {"status": "closed", "close_reason": reason, "closed_at": moment.isoformat()}
            else:
                event |= {"event_type": "status_changed" if "status" in fields else "updated"}
                event |= {"old_value": json.dumps(issue), "new_value": json.dumps(fields)}
                issue |= fields
            issue["updated_at"] = moment.isoformat()
        event["created_at"] = written_at(number, moment)
        if dice.random() < 0.5:
            issue["labels"] = dice.sample(LABELS, 2)
            issue["dependencies"] = [{"issue_id": bead, "depends_on_id": f"gt-{dice.randint(0, 9)}", "type": "blocks"}]
            text = dice.choice([f"as of {version}", f"MR created: gt-wisp-{number}"])
            issue["comments"] = [{"id": version, "author": "gastown/polecats/nux", "text": text, "created_at": moment.isoformat()}]
        for town, source, at in _seen(dice, moment):
            rows.append(observed(town, "issues", bead, bead, at, dict(issue), source=source))
            rows.append(observed(town, "events", f"{number}{version}", bead, at, event, source=source))
            label = dice.choice(LABELS)
            gone = dice.random() < 0.3
            rows.append(observed(town, "labels", f"{bead}|{label}", bead, at, None if gone else {"label": label}, source=source))
            edge = {"depends_on_id": "gt-1", "type": dice.choice(["blocks", "tracks", "parent-child", "duplicates"])}
            edge["created_at"] = created
            rows.append(observed(town, "dependencies", f"{bead}|gt-1", bead, at, edge, source=source))
            if dice.random() < 0.2:
                rows.append(observed(town, "issues", bead, bead, at + timedelta(minutes=700), None, source=source))
    return rows + _agent_and_request(dice, number, moment)


def _agent_and_request(dice: random.Random, number: int, moment: datetime) -> list[dict[str, Any]]:
    """What the bead's worker writes into its own bead when it leaves, and the request to merge it, if a poll saw it."""
    rows, request, agent = [], f"gt-wisp-{number}", "gt-gastown-polecat-nux"
    at = moment - timedelta(minutes=dice.randint(0, 200))
    who = "role_type: polecat\nrig: gastown\n"
    before = {"id": agent, "description": f"{who}hook_bead: gt-{number}", "updated_at": at.isoformat()}
    after = {"description": f"{who}exit_type: COMPLETED\nmr_id: {request}\ncompletion_time: {at.isoformat()}"}
    event = {"event_type": "updated", "actor": "gastown/nux", "old_value": json.dumps(before), "new_value": json.dumps(after)}
    event["created_at"] = written_at(number, at)
    if dice.random() < 0.7:
        rows.append(observed("a", "events", f"agent{number}", agent, at, event, source="jsonl"))
    if dice.random() < 0.5:
        text = f"branch: polecat/nux/gt-{number}@ab\nsource_issue: gt-{dice.choice([number, 1])}\nrig: gastown\nworker: nux"
        row = {"id": request, "title": "Merge: it", "issue_type": "task", "ephemeral": 1, "description": text, "status": "open"}
        row |= {"created_at": at.isoformat(), "updated_at": at.isoformat()}
        rows.append(observed("a", "wisps", request, request, at, row, source="dolt"))
        rows.append(observed("a", "wisps", request, request, at + timedelta(hours=1), None, source="dolt"))
    return rows


def _town_event(dice: random.Random, number: int) -> dict[str, Any]:
    kind = dice.choice(["session_death", "mass_death", "nudge", "session_start", "done"])
    payload = {
        "session_death": {"session": f"gt-{dice.choice(['nux', 'witness'])}", "agent": "gastown/nux", "reason": "crash"},
        "mass_death": {"count": 2, "sessions": ["gt-crew-max", "hq-boot"]},
        "nudge": {"rig": "gastown", "target": dice.choice(["nux", "gastown/crew/max", "witness"]), "reason": "wake up"},
        "session_start": {"session_id": f"mayor-{number}", "role": "mayor", "cwd": "/home/u/gt/mayor"},
        "done": {"bead": "nux-abc", "branch": "polecat/nux-abc"},
    }[kind]
    return {
        "town_id": dice.choice(TOWNS),
        "event_hash": f"event-{number}",
        "occurrence": 0,
        "event_type": kind,
        "actor": dice.choice(["mayor", "gastown/nux", "gt"]),
        "recorded_at": START + timedelta(seconds=number),
        "record": json.dumps({"type": kind, "source": "gt", "payload": payload}),
    }


def history(seed: int, beads: int, steps: int) -> list[Rows]:
    """The loads of a lake in which every row comes at a random moment, so that old news may come last."""
    dice = random.Random(seed)
    loads: list[dict[str, list[dict[str, Any]]]] = [{"beads_rows": [], "town_events": []} for _ in range(steps)]
    known: set[tuple[Any, ...]] = set()
    for number in range(beads):
        for row in _bead(dice, number):
            key = tuple(row[name] for name in ("town_id", "source", "table_name", "row_key", "observed_at"))
            if key not in known:
                known.add(key)
                dice.choice(loads)["beads_rows"].append(row)
    for number in range(beads):
        dice.choice(loads)["town_events"].append(_town_event(dice, number))
    rigs = {"rigs": {"gastown": {"beads": {"prefix": "gt"}}}}
    file = {"town_id": "a", "kind": "rigs", "root_path": "mayor/rigs.json", "observed_at": START, "record_hash": "r"}
    named = raw_rows("town_files", [file | {"record": json.dumps(rigs)}])
    return [
        {name: raw_rows(name, rows) for name, rows in load.items()} | ({"town_files": named} if number == steps - 1 else {})
        for number, load in enumerate(loads)
    ]
