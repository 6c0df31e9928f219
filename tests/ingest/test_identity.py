"""A town's id comes from what its installation wrote once, and never changes afterwards."""

import json
from pathlib import Path
from uuid import uuid4

import fsspec
import pytest

from ingest.identity import TownIdentityError, TownUnreachable, beads_project_id, identify, identify_all
from ingest.towns import Town, load_towns

TOWN = {"type": "town", "version": 2, "name": "gt", "owner": "dev@example.com", "created_at": "2026-02-01T08:00:00Z"}


def install(root: Path, project: str | None = "p-1", **changes: object) -> None:
    (root / "mayor").mkdir(parents=True)
    (root / "mayor/town.json").write_text(json.dumps(TOWN | changes))
    if project is not None:
        (root / ".beads").mkdir()
        (root / ".beads/metadata.json").write_text(json.dumps({"dolt_database": "hq", "project_id": project}))


def declare(folder: Path, text: str = "name: a, root: gt") -> Town:
    (folder / "towns.yaml").write_text(f"towns:\n  - {{{text}}}\n")
    return load_towns(folder / "towns.yaml").towns[0]


def test_the_id_is_a_hash_of_owner_name_creation_and_hq_project(tmp_path: Path) -> None:
    install(tmp_path / "gt")
    identity = identify(declare(tmp_path))
    # sha256 of ["dev@example.com","gt","2026-02-01T08:00:00Z","p-1"]: changing this changes the id of every town in every lake
    assert identity.town_id == "6d979e19b88a90ec"
    assert (identity.has_role_paths, identity.hq_project_id, identity.town_json) == (True, "p-1", TOWN)


def test_the_id_does_not_depend_on_name_and_place_in_towns_yaml(tmp_path: Path) -> None:
    install(tmp_path / "one/gt")
    install(tmp_path / "two/moved")
    (tmp_path / "one/towns.yaml").write_text("towns: [{name: a, root: gt}]")
    (tmp_path / "two/towns.yaml").write_text("towns: [{name: b, root: moved, recorded_root: /x/gt}]")
    ids = {identify(load_towns(tmp_path / f / "towns.yaml").towns[0]).town_id for f in ("one", "two")}
    assert len(ids) == 1


@pytest.mark.parametrize("change", [{"owner": "x"}, {"name": "x"}, {"created_at": "x"}, {"project": "p-2"}])
def test_each_part_changes_the_id(change: dict[str, str], tmp_path: Path) -> None:
    install(tmp_path / "gt", **change)
    assert identify(declare(tmp_path)).town_id != "6d979e19b88a90ec"


def test_a_declared_project_gives_the_same_id_as_the_file_that_comes_later(tmp_path: Path) -> None:
    install(tmp_path / "gt", project=None)
    town = declare(tmp_path, "name: a, root: gt, beads: [{path: export, database: hq, beads_project: p-1}]")
    before = identify(town).town_id
    (tmp_path / "gt/.beads").mkdir()
    (tmp_path / "gt/.beads/metadata.json").write_text('{"project_id": "p-1"}')
    assert identify(town).town_id == before == "6d979e19b88a90ec"


def test_without_a_project_id_nothing_is_guessed(tmp_path: Path) -> None:
    install(tmp_path / "gt", project=None)
    with pytest.raises(TownIdentityError, match=r"declare `beads_project` .* or give the town an `id`"):
        identify(declare(tmp_path))


def test_a_declared_id_holds_whatever_appears_later(tmp_path: Path) -> None:
    (tmp_path / "gt").mkdir()
    town = declare(tmp_path, "name: a, root: gt, id: mine")
    assert (identify(town).town_id, identify(town).has_role_paths) == ("mine", False)
    install(tmp_path / "gt" / "later")
    (tmp_path / "gt/later/mayor").rename(tmp_path / "gt/mayor")
    assert (identify(town).town_id, identify(town).has_role_paths) == ("mine", True)


def test_a_folder_without_town_json_needs_a_declared_id(tmp_path: Path) -> None:
    (tmp_path / "gt").mkdir()
    with pytest.raises(TownIdentityError, match=r"has no mayor/town.json.* `id` in towns.yaml \(line 2\)"):
        identify(declare(tmp_path))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is not JSON"),
        ("[]", "must hold a JSON object"),
        ('{"name": 7}', "`name` of its identity files must be text"),
        ('{"type": "town"}', "no owner, name or created_at"),
    ],
)
def test_a_broken_town_json_is_named(content: str, message: str, tmp_path: Path) -> None:
    install(tmp_path / "gt")
    (tmp_path / "gt/mayor/town.json").write_text(content)
    with pytest.raises(TownIdentityError, match=message):
        identify(declare(tmp_path))


def test_file_and_declaration_must_agree(tmp_path: Path) -> None:
    install(tmp_path / "gt")
    town = declare(tmp_path, "name: a, root: gt, beads: [{path: export, database: hq, beads_project: p-9}]")
    with pytest.raises(TownIdentityError, match=r"declares beads_project p-9 for hq, but .* says p-1"):
        identify(town)


def test_an_export_takes_its_project_from_the_metadata_beside_it(tmp_path: Path) -> None:
    install(tmp_path / "gt", project="p-7")
    for path in ("gt/.beads/backup", "gt/.beads", "gt/.beads/issues.jsonl", "gt/.beads/backup/issues.jsonl"):
        town = declare(tmp_path, f"name: a, root: gt, beads: [{{path: {path}, database: rig}}]")
        assert beads_project_id(town, town.beads[0]) == "p-7"


def test_an_export_without_any_project_says_what_to_declare(tmp_path: Path) -> None:
    install(tmp_path / "gt")
    town = declare(tmp_path, "name: a, root: gt, beads: [{path: export, database: rig}]")
    with pytest.raises(TownIdentityError, match=r"declare `beads_project` for rig in towns.yaml \(line 2\)"):
        beads_project_id(town, town.beads[0])


def test_an_unreachable_town_does_not_stop_the_others(tmp_path: Path) -> None:
    install(tmp_path / "gt")
    (tmp_path / "towns.yaml").write_text(
        "towns:\n- {name: a, root: gt}\n- {name: b, root: gone}\n- {name: c, root: 'memory://gone', recorded_root: /c}\n"
        "- {name: d, root: 'nosuch://x/gt', recorded_root: /d}\n"
    )
    found, unreachable = identify_all(load_towns(tmp_path / "towns.yaml").towns)
    assert [identity.town.name for identity in found] == ["a"]
    assert [error.town for error in unreachable] == ["b", "c", "d"]
    assert "No such file or directory" in str(unreachable[0])
    assert "does not exist" in str(unreachable[1])


def test_two_entries_of_one_town_are_told(tmp_path: Path) -> None:
    install(tmp_path / "gt")
    (tmp_path / "towns.yaml").write_text("towns:\n- {name: a, root: gt}\n- {name: b, root: ./gt}\n")
    with pytest.raises(TownIdentityError, match=r"a \(line 2\) and b \(line 3\) are the same town"):
        identify_all(load_towns(tmp_path / "towns.yaml").towns)


def test_a_town_behind_a_url_is_identified_like_a_local_one(tmp_path: Path) -> None:
    root = f"memory://{uuid4()}/gt"
    filesystem = fsspec.filesystem("memory")
    filesystem.pipe(f"{root}/mayor/town.json", json.dumps(TOWN).encode())
    filesystem.pipe(f"{root}/.beads/metadata.json", b'{"project_id": "p-1"}')
    town = declare(tmp_path, f"name: a, root: '{root}', recorded_root: /gt")
    assert identify(town).town_id == "6d979e19b88a90ec"


def test_a_home_town_that_cannot_be_read_is_unreachable(tmp_path: Path) -> None:
    (tmp_path / "gt").write_text("a file, not a folder")
    with pytest.raises(TownUnreachable, match="Not a directory"):
        identify(declare(tmp_path))
