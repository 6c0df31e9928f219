"""`forge doctor` finds what would stop the next load, and always says what to do."""

import os
from pathlib import Path

import duckdb
import pytest

from ingest.redaction_key import load_key
from lake import doctor
from lake.doctor import Check, checks, print_checks
from lake.duck import CATALOG
from lake.exit_codes import ExitCode
from lake.location import ops_path
from lake.locks import held_locks, lock
from tests.ingest.logsql_server import running_logsql
from tests.ingest.sql_servers import free_port


@pytest.fixture(autouse=True)
def _healthy(lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lake with its own key, and a machine whose packages are not looked at."""
    monkeypatch.setenv("FORGE_LAKE", str(lake))
    monkeypatch.setenv("FORGE_REDACTION_KEY_FILE", str(tmp_path / "key"))
    lock_file = tmp_path / "requirements.lock"
    lock_file.write_text("# nothing\n")
    monkeypatch.setattr(doctor, "LOCK_FILE", lock_file)
    lake.mkdir()
    load_key(lake, create=True)


@pytest.fixture
def towns(tmp_path: Path) -> Path:
    """A towns file with one healthy town."""
    (tmp_path / "gt").mkdir()
    (tmp_path / "claude").mkdir()
    path = tmp_path / "towns.yaml"
    path.write_text("towns: [{name: a, root: gt, id: a, homes: {claude: [claude]}}]")
    return path


def found(towns: Path, state: str) -> list[Check]:
    return [check for check in checks(towns) if check.state == state]


def test_a_healthy_lake_passes(towns: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert print_checks(towns) is ExitCode.OK
    assert "checks passed" in capsys.readouterr().out


def test_a_failed_check_makes_the_command_fail_and_says_what_to_do(
    towns: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "key").unlink()
    assert print_checks(towns) is ExitCode.FAILED
    out = capsys.readouterr().out
    assert "fail  redaction key: " in out
    assert "1 of " in out


def test_every_failed_check_and_every_note_has_advice(tmp_path: Path, lake: Path) -> None:
    towns = tmp_path / "towns.yaml"
    towns.write_text(
        "towns:\n- {name: a, root: gone}\n- {name: b, root: '.'}\n"
        "- {name: c, root: '.', id: c, homes: {claude: [none]}, beads: [{path: x, database: hq, beads_project: p}]}\n"
    )
    ops_path(lake, "intents").mkdir(parents=True)
    (ops_path(lake, "intents") / "000000000001.json").write_text("{}")
    (ops_path(lake, "work") / "claude-1").mkdir(parents=True)
    (tmp_path / "requirements.lock").write_text("duckdb==0.0.1\nno-such-package==1\n")
    bad = [check for check in checks(towns) if check.state != "ok"]
    text = "\n".join(check.what for check in bad)
    for part in (
        "duckdb 1.5.5 (not 0.0.1), no-such-package missing (not 1)",
        "1 load(s) half committed",
        "1 unfinished load(s)",
        "town a is unreachable",
        "town b: ",
        "town c: " + str(tmp_path / "x"),
        "claude home " + str(tmp_path / "none"),
        "no release yet",
    ):
        assert part in text
    assert all(check.advice for check in bad)


def test_a_lock_is_told_with_its_holder(towns: Path, lake: Path) -> None:
    with lock(lake, "build"):
        assert list(held_locks(lake)) == ["build"]
        (note,) = [check for check in found(towns, "note") if "locked" in check.what]
    assert f"build is locked by process {os.getpid()} on " in note.what
    assert held_locks(lake) == {}


def test_looking_at_a_lock_does_not_take_it(lake: Path) -> None:
    with lock(lake, "build"):
        pass
    held_locks(lake)
    with lock(lake, "build"):
        held_locks(lake)
        assert list(held_locks(lake)) == ["build"]


def test_little_free_space_is_a_failure(towns: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "FREE_BYTES", 10**18)
    assert [check for check in found(towns, "fail") if "GB free" in check.what]


def test_a_url_as_lake_is_told(towns: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORGE_LAKE", "s3://bucket/lake")
    assert found(towns, "fail")[-1].advice == "set FORGE_LAKE to a folder"


def test_a_missing_lake_and_a_bad_towns_file_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORGE_LAKE", str(tmp_path / "elsewhere"))
    (tmp_path / "towns.yaml").write_text("town: []\n")
    text = [check.what for check in found(tmp_path / "towns.yaml", "fail")]
    assert any("elsewhere does not exist" in what for what in text)
    assert any("towns.yaml:1: town: is no known key" in what for what in text)


def test_a_check_that_breaks_down_is_a_finding_of_its_own(towns: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "LOCK_FILE", Path("/no/such/file"))
    (check,) = found(towns, "fail")
    assert check.what.startswith("packages could not be checked: FileNotFoundError")


def test_nothing_is_written_by_looking(towns: Path, lake: Path) -> None:
    before = sorted(lake.rglob("*"))
    list(checks(towns))
    assert sorted(lake.rglob("*")) == before


def test_servers_that_a_town_declares_are_asked(towns: Path) -> None:
    with running_logsql() as store:
        towns.write_text(
            "towns: [{name: a, root: gt, id: a, dolt: {port: " + str(free_port()) + "}, telemetry: {url: '" + store.url + "'}}]"
        )
        (fail,) = [check for check in found(towns, "fail") if "town a" in check.what]
        assert "database server 127.0.0.1:" in fail.what
        assert fail.advice.startswith("start it, or correct `dolt`")
        assert f"town a: telemetry store 127.0.0.1:{store.port} answers" in [check.what for check in found(towns, "ok")]
        store.dies_after = 0
        asked = len(store.asked)
        assert any("telemetry store" in check.what for check in found(towns, "fail"))
        assert len(store.asked) == asked + 1


def test_a_policy_that_cannot_be_used_is_told_and_so_are_names_nobody_knows(towns: Path, lake: Path) -> None:
    policy = towns.with_name("governance.yaml")
    policy.write_text("startups:\n- {name: x, rigs: {a: [ap, web]}, learn: all}\n- {name: b/hq, learn: own}\n")
    (fail,) = found(towns, "fail")
    assert fail.what.startswith(f"{policy}:2: startups[0].learn: 'all' is not accepted")
    policy.write_text(policy.read_text().replace("all", "own"))
    assert found(towns, "fail") == []
    with duckdb.connect(str(lake / CATALOG)) as connection:
        connection.execute("create table dim_towns as select 'id-a' as town_id, 'a' as name")
        connection.execute("create table dim_rigs as select 'id-a' as town_id, unnest(['api', 'web']) as rig")
    notes = [check.what for check in found(towns, "note") if "governance" in check.what]
    assert notes == [f"{policy}: a has no rig ap; did you mean 'api'?", f"{policy}: the lake has no town b"]
