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
STATUSES = ("open", "hooked", "in_progress", "closed")
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


def _bead(dice: random.Random, number: int) -> list[dict[str, Any]]:
    bead, rows = f"gt-{number}", []
    moment = START + timedelta(minutes=7 * number)
    created = moment.isoformat()
    status = "open"
    for version in range(dice.randint(1, 5)):
        moment += timedelta(minutes=dice.randint(0, 90))
        after = dice.choice(STATUSES)
        event = {
            "event_type": "created" if version == 0 else "status_changed",
            "actor": dice.choice(["mayor", "gastown/nux", "dog"]),
            "old_value": json.dumps({"status": status}) if version else "",
            "new_value": json.dumps({"status": after}) if version else "",
            "created_at": moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        status = after if version else "open"
        issue: dict[str, Any] = {"id": bead, "title": f"Bead {number}", "status": status, "created_at": created}
        issue |= {"updated_at": moment.isoformat(), "issue_type": "task"}
        if dice.random() < 0.5:
            issue["labels"] = dice.sample(LABELS, 2)
            issue["dependencies"] = [{"issue_id": bead, "depends_on_id": f"gt-{dice.randint(0, 9)}", "type": "blocks"}]
            issue["comments"] = [{"id": 1, "author": "mayor", "text": f"as of {version}", "created_at": created}]
        for town, source, at in _seen(dice, moment):
            rows.append(observed(town, "issues", bead, bead, at, issue, source=source))
            rows.append(observed(town, "events", f"{number}{version}", bead, at, event, source=source))
            label = dice.choice(LABELS)
            gone = dice.random() < 0.3
            rows.append(observed(town, "labels", f"{bead}|{label}", bead, at, None if gone else {"label": label}, source=source))
            edge = {"depends_on_id": "gt-1", "type": dice.choice(["blocks", "tracks"]), "created_at": created}
            rows.append(observed(town, "dependencies", f"{bead}|gt-1", bead, at, edge, source=source))
            if dice.random() < 0.2:
                rows.append(observed(town, "issues", bead, bead, at + timedelta(minutes=700), None, source=source))
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
