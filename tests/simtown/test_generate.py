"""What the generator promises about its output as a whole."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ingest.towns import load_towns
from lake.governance import load_governance
from simtown import Truth, generate
from simtown.scale import parse_scale


def digest(folder: Path) -> str:
    total = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        total.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return total.hexdigest()


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def test_same_seed_gives_same_bytes_whatever_the_locale_zone_and_hash_seed(small: tuple[Path, Truth], tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONHASHSEED": "4711", "TZ": "Asia/Tokyo", "LC_ALL": "C"}
    out = tmp_path / "again"
    command = [sys.executable, "-m", "simtown", str(out), "--size", "small"]
    subprocess.run(command, check=True, env=environment, cwd=Path(__file__).parents[2], capture_output=True)
    assert digest(out) == digest(small[0])


def test_another_seed_gives_another_world(small: tuple[Path, Truth], tmp_path: Path) -> None:
    generate(tmp_path / "other", seed=8, size="small")
    assert digest(tmp_path / "other") != digest(small[0])


def test_towns_yaml_is_ready_to_load(demo: tuple[Path, Truth]) -> None:
    towns = load_towns(demo[0] / "towns.yaml")
    assert [town.name for town in towns.towns] == ["alpha", "beta"]
    for town in towns.towns:
        assert Path(town.root, "mayor", "town.json").is_file()
        for export in town.beads:
            assert Path(export.path, "issues.jsonl").is_file()
            assert (export.beads_project is not None) != Path(export.path).parent.joinpath("metadata.json").is_file()


def test_governance_yaml_says_what_the_truth_says(tmp_path: Path) -> None:
    truth = generate(tmp_path / "three", towns=3, size="small").all("startups")
    governance = load_governance(tmp_path / "three/governance.yaml")
    assert {startup.name for startup in governance.startups} == {row["startup"] for row in truth}
    rigs = {(town, rig, startup.name) for startup in governance.startups for town, rig in startup.rigs}
    assert rigs == {(row["town"], rig, row["startup"]) for row in truth for rig in row["rigs"]}
    learn = {(consent.startup, consent.settings.learn) for consent in governance.consents() if consent.startup}
    assert learn == {(row["startup"], row["learn"]) for row in truth}
    assert {"none", "own", "shared"} == {row["learn"] for row in truth}


def test_sizes_are_as_promised(small: tuple[Path, Truth], demo: tuple[Path, Truth], tmp_path: Path) -> None:
    assert size_of(small[0]) < 3_000_000
    assert 12_000_000 < size_of(demo[0]) < 19_000_000
    generate(tmp_path / "bench", size="20MB")
    transcripts = sum(size_of(folder) for folder in (tmp_path / "bench").glob("*/home"))
    assert 14_000_000 < transcripts < 32_000_000


def test_a_bench_world_has_one_line_over_a_megabyte_per_town(tmp_path: Path) -> None:
    generate(tmp_path / "bench", size="10MB")
    for town in ("alpha", "beta"):
        files = (tmp_path / "bench" / town / "home").rglob("*.jsonl")
        assert sum(len(line) > 1_000_000 for file in files for line in file.read_bytes().split(b"\n")) == 1


def test_more_towns_have_their_own_ids(tmp_path: Path) -> None:
    truth = generate(tmp_path / "four", towns=4, size="small")
    rows = truth.all("towns")
    assert len(rows) == 4
    assert len({row["hq_project_id"] for row in rows}) == 4
    assert len({(row["owner"], row["town_name"], row["created_at"]) for row in rows}) == 4


@pytest.mark.parametrize("size", ["large", "", "0MB", "-3MB", "1GB"])
def test_an_unknown_size_is_refused(size: str) -> None:
    with pytest.raises(ValueError, match="use small, demo or a number of megabytes"):
        parse_scale(size)


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "keep.txt").write_text("mine", "utf-8")
    with pytest.raises(FileExistsError, match="choose a new folder"):
        generate(tmp_path, size="small")
    assert [path.name for path in tmp_path.iterdir()] == ["keep.txt"]
