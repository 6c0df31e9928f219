"""The demo's folder, and its questions. That the whole of it runs is shown by the README's own test."""

import os
from pathlib import Path

import pytest

import ingest.run
import simtown
from ingest.run import IngestReport, StreamReport
from lake.demo import demo_queries, run_demo
from lake.exit_codes import ExitCode
from lake.tell import Told
from simtown import Truth


@pytest.fixture(autouse=True)
def _nothing_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loading ends at once, with a failure, so that each test sees what was there before; the environment comes back."""
    monkeypatch.setattr(
        ingest.run, "run_ingest", lambda *_, **__: IngestReport([StreamReport("beads", "alpha", "failed", reason="x")])
    )
    for name in ("FORGE_LAKE", "FORGE_REDACTION_KEY_FILE"):
        monkeypatch.setenv(name, os.environ.get(name, ""))


def write_towns(out: Path, **_: object) -> Truth:
    """Stands in for the generator."""
    out.mkdir()
    (out / "towns.yaml").write_text("towns: []")
    return Truth(out)


def test_it_asks_three_questions() -> None:
    assert [question[-1] for question, _ in demo_queries()] == ["?"] * 3
    assert all(sql.startswith("select\n") and ";" not in sql for _, sql in demo_queries())


def test_a_failed_load_ends_it_and_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(simtown, "generate", write_towns)
    with pytest.raises(Told, match="could not be loaded") as told:
        run_demo(tmp_path / "demo", 7)
    assert told.value.exit_code is ExitCode.FAILED
    assert "beads of alpha: failed: x" in capsys.readouterr().out


def test_its_lake_and_its_key_are_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simtown, "generate", write_towns)
    with pytest.raises(Told):
        run_demo(tmp_path / "demo", 7)
    assert os.environ["FORGE_LAKE"] == str(tmp_path / "demo/lake")
    assert os.environ["FORGE_REDACTION_KEY_FILE"] == str(tmp_path / "demo/redaction.key")


def test_towns_that_are_there_are_used_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simtown, "generate", write_towns)
    with pytest.raises(Told):
        run_demo(tmp_path / "demo", 7)
    monkeypatch.setattr(simtown, "generate", None)
    with pytest.raises(Told, match="could not be loaded"):
        run_demo(tmp_path / "demo", 7)


def test_towns_of_another_seed_are_not_mixed_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simtown, "generate", write_towns)
    with pytest.raises(Told, match="could not be loaded"):
        run_demo(tmp_path / "demo", 7)
    with pytest.raises(Told, match="holds the towns of seed 7; remove it, or name another folder") as told:
        run_demo(tmp_path / "demo", 8)
    assert told.value.exit_code is ExitCode.USAGE


def test_half_generated_towns_are_generated_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(out: Path, **_: object) -> Truth:
        write_towns(out)
        raise KeyboardInterrupt

    monkeypatch.setattr(simtown, "generate", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run_demo(tmp_path / "demo", 7)
    assert not (tmp_path / "demo/towns").exists()
    monkeypatch.setattr(simtown, "generate", write_towns)
    with pytest.raises(Told, match="could not be loaded"):
        run_demo(tmp_path / "demo", 7)
    assert (tmp_path / "demo/towns/towns.yaml").exists()
