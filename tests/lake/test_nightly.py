"""A night: what fails in one town does not cost the others their release, and the exit code tells the worst of it."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

import ingest.run
import lake.build as lake_build
import lake.catalog as lake_catalog
import lake.dictionary as lake_dictionary
from ingest.run import IngestReport, StreamReport
from lake.build import BuildResult
from lake.exit_codes import ExitCode
from lake.location import ops_path
from lake.nightly import dbt_output, load, run_nightly
from lake.releases import Release
from lake.runs import looks
from lake.tell import Told


@pytest.fixture
def towns(tmp_path: Path) -> Path:
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
    path = tmp_path / "towns.yaml"
    path.write_text("towns:\n- {name: a, root: a, id: id-a}\n- {name: b, root: b, id: id-b}\n- {name: c, root: c, id: id-c}\n")
    return path


@pytest.fixture
def night(towns: Path, lake: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[ExitCode, list[str]]]:
    """Runs a night whose loading and building end as told; returns its exit code and the steps that were taken."""

    def run(streams: list[StreamReport], outcome: str = "published") -> tuple[ExitCode, list[str]]:
        steps: list[str] = []

        def run_ingest(*_: object, **__: object) -> IngestReport:
            steps.append("load")
            return IngestReport(streams, {name: f"id-{name}" for name in "abc"})

        def run_build(*_: object, **__: object) -> BuildResult:
            steps.append("build quietly" if os.environ.get("DBT_QUIET") else "build")
            folder = ops_path(lake, "builds")
            folder.mkdir(parents=True, exist_ok=True)
            models = {"dim_sessions": {"rows_written": 1234, "is_changed": True}, "still": {"rows_written": 0, "is_changed": False}}
            (folder / "000001.json").write_text(json.dumps({"models": models}))
            return BuildResult(outcome, 0 if outcome != "failed" else 1, "abc" if outcome != "failed" else None, 1)

        monkeypatch.setattr(ingest.run, "run_ingest", run_ingest)
        monkeypatch.setattr(lake_build, "run_build", run_build)
        monkeypatch.setattr(lake_catalog, "write_catalog", lambda *_, **__: steps.append("catalog"))
        monkeypatch.setattr(lake_dictionary, "write_dictionary", lambda *_, **__: steps.append("dictionary"))
        monkeypatch.setattr("lake.releases.find_release", lambda *_: _release())
        return run_nightly(towns, lake, only=None, audit=False, progress=False), steps

    return run


def _release() -> Release:
    return Release("abc", 1, None, None, 1, "", "", "", {}, {}, "1", True, True)  # type: ignore[arg-type]


def loaded(label: str, source: str = "town_files") -> StreamReport:
    return StreamReport(source, label, "loaded")


def unreachable(label: str, source: str = "town") -> StreamReport:
    return StreamReport(source, label, "unreachable", reason="not mounted")


def test_a_good_night_does_everything_in_order(night: Callable[..., tuple[ExitCode, list[str]]]) -> None:
    assert night([loaded("a")]) == (ExitCode.OK, ["load", "build quietly", "catalog", "dictionary"])


def test_a_town_that_cannot_be_reached_does_not_stop_the_build(night: Callable[..., tuple[ExitCode, list[str]]]) -> None:
    assert night([loaded("a"), unreachable("b")]) == (ExitCode.PARTIAL, ["load", "build quietly", "catalog", "dictionary"])


def test_a_failed_load_still_builds_what_there_is(night: Callable[..., tuple[ExitCode, list[str]]]) -> None:
    code, steps = night([StreamReport("claude", "home of a", "failed", reason="x")])
    assert (code, steps[1]) == (ExitCode.FAILED, "build quietly")


def test_a_failed_build_leaves_the_analysts_file_alone(night: Callable[..., tuple[ExitCode, list[str]]]) -> None:
    assert night([loaded("a")], "failed") == (ExitCode.FAILED, ["load", "build quietly"])


def test_the_summary_says_what_changed(
    night: Callable[..., tuple[ExitCode, list[str]]], capsys: pytest.CaptureFixture[str]
) -> None:
    night([loaded("a")])
    out = capsys.readouterr().out
    assert "Published release abc.\n  dim_sessions: 1,234 rows written\n" in out
    assert "still" not in out


def test_only_towns_that_were_read_through_count_as_looked_at(night: Callable[..., tuple[ExitCode, list[str]]], lake: Path) -> None:
    night([loaded("a"), loaded("b"), unreachable("c"), unreachable("home of b, c", "claude")])
    assert {name: look.town_id for name, look in looks(lake).items()} == {"a": "id-a"}


def test_a_file_without_towns_says_so(tmp_path: Path, lake: Path) -> None:
    (tmp_path / "towns.yaml").write_text("towns: []")
    with pytest.raises(Told, match="declares no town yet") as told:
        load(tmp_path / "towns.yaml", lake, only=None, progress=None)
    assert told.value.exit_code is ExitCode.USAGE


def test_an_unknown_source_is_told_with_those_that_exist(towns: Path, lake: Path) -> None:
    with pytest.raises(Told, match=f"no source 'cluade'; sources: {', '.join(ingest.run.SOURCES)}"):
        load(towns, lake, only=["cluade"], progress=None)


@pytest.mark.parametrize("before", [None, "false"])
def test_dbts_silence_ends_with_the_block(before: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DBT_QUIET", raising=False)
    if before is not None:
        monkeypatch.setenv("DBT_QUIET", before)
    with dbt_output(quiet=True):
        assert os.environ["DBT_QUIET"] == "true"
    assert os.environ.get("DBT_QUIET") == before


@pytest.mark.parametrize(("is_terminal", "no_color", "is_plain"), [(True, "", False), (True, "1", True), (False, "", True)])
def test_colours_are_for_terminals_that_want_them(
    is_terminal: bool, no_color: str, is_plain: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DBT_USE_COLORS", raising=False)
    monkeypatch.setenv("NO_COLOR", no_color)
    monkeypatch.setattr("sys.stdout.isatty", lambda: is_terminal)
    with dbt_output(quiet=False):
        assert os.environ.get("DBT_USE_COLORS") == ("false" if is_plain else None)


def test_names_that_nobody_has_seen_are_told(
    night: Callable[..., tuple[ExitCode, list[str]]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("lake.governance_names.unseen_names", lambda *_: ["a has no rig ap; did you mean 'api'?"])
    night([])
    assert "a has no rig ap; did you mean 'api'?; what nobody names teaches itself" in capsys.readouterr().out
