"""The program from outside: how it starts, how it fails, what it tells the shell."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from lake.exit_codes import ExitCode, expected
from lake.locks import LockHeldError
from lake.tell import Told

TREE = Path(__file__).parents[1]


def forge(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(TREE / "forge.py"), *arguments]
    return subprocess.run(
        command, cwd=cwd, env={**os.environ, **environment}, capture_output=True, text=True, timeout=120, check=False
    )


def test_help_comes_at_once(tmp_path: Path) -> None:
    """Judged by the processor time it takes: what else the machine does is not its fault."""
    forge("--help", cwd=tmp_path)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert forge("--help", cwd=tmp_path).returncode == 0
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 0.4


def test_no_verb_imports_what_it_does_not_need() -> None:
    code = (
        "import forge, sys; print(sorted({'duckdb', 'dlt', 'deltalake', 'pyarrow', 'rich', 'fsspec', 'yaml'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=TREE, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "arguments", [["nonsense"], ["sql"], ["sql", "select 1", "--format", "xml"], ["status", "--max-age-hours", "-1"]]
)
def test_a_wrong_command_line_is_a_usage_error(arguments: list[str], tmp_path: Path) -> None:
    assert forge(*arguments, cwd=tmp_path).returncode == ExitCode.USAGE


def test_a_bad_towns_file_is_told_with_line_and_key_and_without_a_traceback(tmp_path: Path) -> None:
    (tmp_path / "towns.yaml").write_text("towns:\n  - name: a\n    rot: b\n")
    done = forge("ingest", cwd=tmp_path, FORGE_LAKE=str(tmp_path / "lake"))
    assert done.returncode == ExitCode.USAGE
    assert "forge: towns.yaml:2: towns[0].root: is missing" in done.stderr
    assert "towns.yaml:3: towns[0].rot: is no known key; did you mean 'root'?" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("verb", ["status", "build", "nightly"])
def test_a_bad_governance_file_is_told_before_anything_is_done(verb: str, tmp_path: Path) -> None:
    (tmp_path / "towns.yaml").write_text("towns: []\n")
    (tmp_path / "governance.yaml").write_text("startups:\n- {name: a, rigs: {t: [r]}, learn: all}\n")
    done = forge(verb, cwd=tmp_path, FORGE_LAKE=str(tmp_path / "lake"))
    assert done.returncode == ExitCode.USAGE
    told = "governance.yaml:2: startups[0].learn: 'all' is not accepted; write one of none, own, shared"
    assert done.stderr == f"forge: {tmp_path}/{told}\n"
    assert not (tmp_path / "lake").exists()


def test_a_missing_towns_file_says_how_to_get_one(tmp_path: Path) -> None:
    done = forge("ingest", "--towns", "none.yaml", cwd=tmp_path, FORGE_LAKE=str(tmp_path / "lake"))
    assert (done.returncode, done.stderr) == (
        2,
        "forge: none.yaml does not exist; `forge init` writes one, `--towns` names another\n",
    )


def test_a_url_as_lake_is_a_usage_error(tmp_path: Path) -> None:
    done = forge("sql", "select 1", cwd=tmp_path, FORGE_LAKE="s3://bucket/lake")
    assert done.returncode == ExitCode.USAGE
    assert "must be a folder" in done.stderr


def test_an_empty_lake_says_what_to_run(tmp_path: Path) -> None:
    done = forge("--lake", str(tmp_path / "lake"), "sql", "select 1", cwd=tmp_path)
    assert done.returncode == ExitCode.FAILED
    assert "run `forge build`" in done.stderr


def test_status_of_a_lake_that_nobody_feeds_is_stale(tmp_path: Path) -> None:
    (tmp_path / "towns.yaml").write_text("towns: [{name: a, root: gt, id: a}]")
    done = forge("status", cwd=tmp_path, FORGE_LAKE=str(tmp_path / "lake"))
    assert done.returncode == ExitCode.STALE
    assert "never STALE" in done.stdout


def test_init_then_doctor_leads_on(tmp_path: Path) -> None:
    environment = {"FORGE_LAKE": str(tmp_path / "lake"), "FORGE_REDACTION_KEY_FILE": str(tmp_path / "key")}
    assert forge("init", cwd=tmp_path, **environment).returncode == ExitCode.OK
    done = forge("doctor", cwd=tmp_path, **environment)
    assert done.returncode == ExitCode.FAILED
    assert "fail  towns.yaml declares no town\n      -> name one; the file says how\n" in done.stdout


def test_a_reader_that_closes_the_pipe_causes_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "lake").mkdir()
    make = "import duckdb; duckdb.connect('lake/forge.duckdb').execute('create table t as select range as i from range(300000)')"
    subprocess.run([sys.executable, "-c", make], cwd=tmp_path, check=True)
    command = f'"{sys.executable}" "{TREE / "forge.py"}" --lake lake sql -f csv "from t" | head -n 2'
    done = subprocess.run(["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("i\n0\n", "")


def test_failures_that_can_be_told_have_their_exit_code() -> None:
    assert expected(LockHeldError("x")) is ExitCode.LOCKED
    assert expected(Told("x", ExitCode.STALE)) is ExitCode.STALE
    assert expected(RuntimeError("a bug")) is None
