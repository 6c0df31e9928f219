"""The files of a town that describe it, and the policies: `towns.yaml` and `governance.yaml`."""

import shutil
from pathlib import Path
from typing import Any

import orjson
import yaml

from simtown.beads import BeadsExport
from simtown.clock import at, millis, seconds
from simtown.places import Place, Rig
from simtown.truth import TruthWriter

_CONSENT = {"sfgastown": "shared", "mill": "shared", "orchard": "none"}
"""Startups from which others may learn, or nobody; all the rest only learn from themselves."""


def _json(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(orjson.dumps(content, option=orjson.OPT_INDENT_2) + b"\n")


def _metadata(database: str, project_id: str) -> dict[str, Any]:
    return {
        "backend": "dolt", "database": "dolt", "dolt_database": database, "dolt_mode": "server", "dolt_server_port": 3307,
        "project_id": project_id,
    }  # fmt: skip


def rig_beads(root: Path, rig: Rig) -> Path:
    """A rig's `.beads` folder."""
    return root / rig.name / "mayor" / "rig" / ".beads"


def write_identity(root: Path, place: Place) -> None:
    """`town.json`, `rigs.json`, `routes.jsonl`, metadata of every database, and the settings a loader must step over."""
    town = {
        "type": "town", "version": 2, "name": place.town_name, "owner": place.owner, "public_name": place.town_name,
        "created_at": place.created_at,
    }  # fmt: skip
    _json(root / "mayor" / "town.json", town)
    rigs = {
        rig.name: {
            "git_url": f"https://github.com/harbor/{rig.name}.git", "push_url": "", "upstream_url": "", "local_repo": "",
            "added_at": seconds(at(2026, 1, 3)), "beads": {"repo": "local", "prefix": rig.prefix},
        }
        for rig in place.rigs
    }  # fmt: skip
    _json(root / "mayor" / "rigs.json", {"version": 1, "rigs": rigs})
    _json(root / ".beads" / "metadata.json", _metadata("hq", place.project_id))
    routes = [{"prefix": "hq-", "path": "."}]
    routes += [{"prefix": f"{rig.prefix}-", "path": f"{rig.name}/mayor/rig"} for rig in place.rigs]
    (root / ".beads" / "routes.jsonl").write_bytes(b"".join(orjson.dumps(route) + b"\n" for route in routes))
    for rig in place.rigs:
        folder = rig_beads(root, rig)
        folder.mkdir(parents=True, exist_ok=True)
        if rig.has_metadata:
            _json(folder / "metadata.json", _metadata(rig.database, rig.project_id))
    if not place.is_pruned:
        (root / ".krc.yaml").write_bytes(orjson.dumps({"default_ttl": 31_536_000_000_000_000, "ttls": {}}) + b"\n")


def towns_yaml(out: Path, places: tuple[Place, ...]) -> None:
    """`towns.yaml`, ready to load from its own folder."""
    towns = []
    for place in places:
        beads: list[dict[str, str]] = [{"path": f"{place.name}/gt/.beads/backup", "database": "hq"}]
        for rig in place.rigs:
            entry = {"path": f"{place.name}/gt/{rig.name}/mayor/rig/.beads/backup", "database": rig.database}
            if not rig.has_metadata:
                entry["beads_project"] = rig.project_id
            beads.append(entry)
        homes = {"claude": [f"{place.name}/home/.claude", f"{place.name}/home/.claude-2"]}
        for home in homes["claude"]:  # a small town may not have used its second account yet
            (out / home / "projects").mkdir(parents=True, exist_ok=True)
        towns.append(
            {"name": place.name, "root": f"{place.name}/gt", "recorded_root": place.recorded_root,
             "extra_roots": list(place.extra_roots), "homes": homes, "beads": beads}
        )  # fmt: skip
    (out / "towns.yaml").write_text(yaml.safe_dump({"towns": towns}, sort_keys=False), "utf-8")


def startups_of(place: Place) -> list[tuple[str, list[str], str]]:
    """The startups with rigs in a town, its own agents' first: name, rigs, and who may learn from them."""
    found: list[tuple[str, list[str], str]] = [(f"{place.name}/hq", [], "shared")]
    for startup in sorted({rig.startup for rig in place.rigs}):
        found.append((startup, [rig.name for rig in place.rigs if rig.startup == startup], _CONSENT.get(startup, "own")))
    return found


def governance_yaml(out: Path, places: tuple[Place, ...]) -> None:
    """`governance.yaml`: what the ground truth says of startups, as the policy that a lake of these towns is built with."""
    startups: dict[str, dict[str, Any]] = {}
    for place in places:
        for name, rigs, learn in startups_of(place):
            entry = startups.setdefault(name, {"name": name})
            if rigs:
                entry.setdefault("rigs", {})[place.name] = rigs
            entry["learn"] = learn
    (out / "governance.yaml").write_text(yaml.safe_dump({"startups": list(startups.values())}, sort_keys=False), "utf-8")


def copy_database(source: BeadsExport, target: Path, until: int) -> None:
    """A federated town's older copy of a database: beads untouched since `until`, byte for byte."""
    target.mkdir(parents=True, exist_ok=True)
    limit = seconds(until)
    kept: set[str] = set()
    with (source.folder / "issues.jsonl").open("rb") as lines, (target / "issues.jsonl").open("wb") as copy:
        for line in lines:
            row = orjson.loads(line)
            if row["updated_at"] < limit:
                kept.add(row["id"])
                copy.write(line)
    for table in ("events", "comments", "dependencies", "labels"):
        with (source.folder / f"{table}.jsonl").open("rb") as lines, (target / f"{table}.jsonl").open("wb") as copy:
            copy.writelines(line for line in lines if orjson.loads(line)["issue_id"] in kept)
    shutil.copyfile(source.folder / "interactions.jsonl", target / "interactions.jsonl")


def write_facts(truth: TruthWriter, places: tuple[Place, ...], exports: list[tuple[Place, BeadsExport]], as_of: int) -> None:
    """Ground truth about towns, startups, databases, clocks, and the names that must not survive redaction."""
    for place in places:
        truth.add(
            "towns", town=place.name, owner=place.owner, town_name=place.town_name, created_at=place.created_at,
            hq_project_id=place.project_id, recorded_roots=[place.recorded_root, *place.extra_roots], as_of=millis(as_of),
        )  # fmt: skip
        for kind, value in (("email", place.owner), ("home_name", place.user), ("person", place.person)):
            truth.add("identities", town=place.name, kind=kind, value=value)
        for startup, rigs, learn in startups_of(place):
            truth.add("startups", town=place.name, startup=startup, rigs=rigs, learn=learn)
        for rig in place.rigs:
            truth.add(
                "databases", town=place.name, rig=rig.name, database=rig.database, project_id=rig.project_id,
                has_metadata=rig.has_metadata, is_copy=rig.is_copy,
            )  # fmt: skip
    for place, export in exports:
        for (month, hours), (events, created, deviating) in sorted(export.offsets.items()):
            truth.add(
                "clock_offsets", town=place.name, database=export.name, project_id=export.project_id, month=month,
                offset_hours=hours, events=events, created=created, deviating=deviating,
            )  # fmt: skip
