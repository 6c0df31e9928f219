"""`forge init` makes what is missing and touches nothing that exists."""

from pathlib import Path

import pytest

from ingest.towns import load_towns
from lake.governance import load_governance
from lake.setup import TOWNS_EXAMPLE, set_up


@pytest.fixture(autouse=True)
def _own_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORGE_REDACTION_KEY_FILE", str(tmp_path / "key"))


def test_it_writes_valid_policy_files_a_lake_and_a_key(tmp_path: Path, lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    set_up(tmp_path / "here", lake)
    assert load_towns(tmp_path / "here/towns.yaml").towns == ()
    assert load_governance(tmp_path / "here/governance.yaml").startups == ()
    assert lake.is_dir()
    assert (tmp_path / "key").stat().st_mode & 0o077 == 0
    out = capsys.readouterr().out
    assert "back it up" in out.lower()
    assert (tmp_path / "key").read_text().strip() not in out


def test_a_second_time_changes_nothing(tmp_path: Path, lake: Path) -> None:
    set_up(tmp_path, lake)
    (tmp_path / "towns.yaml").write_text("towns: [{name: mine, root: gt}]")
    (tmp_path / "governance.yaml").write_text("startups: [] # mine")
    key = (tmp_path / "key").read_bytes()
    set_up(tmp_path, lake)
    assert (tmp_path / "towns.yaml").read_text() == "towns: [{name: mine, root: gt}]"
    assert (tmp_path / "governance.yaml").read_text() == "startups: [] # mine"
    assert (tmp_path / "key").read_bytes() == key


def test_a_fresh_clone_has_the_example_already() -> None:
    assert (TOWNS_EXAMPLE.parents[1] / "towns.yaml").read_text() == TOWNS_EXAMPLE.read_text()
