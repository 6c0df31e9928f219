"""What every test stands on: a home of its own, a lake of its own, the real data where it is at hand."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

TREE = Path(__file__).resolve().parent.parent


def missing(what: str) -> None:
    """Skip with a message that names what is missing; where the suite must be complete (FORGE_CI=1), fail instead."""
    if os.environ.get("FORGE_CI") == "1":
        pytest.fail(f"{what}, and FORGE_CI=1 does not allow to skip it")
    pytest.skip(what)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Where tests run in several processes: who shares an expensive fixture stays together, and so does every file."""
    for item in items:
        shared = "towns_lake" if "towns_lake" in getattr(item, "fixturenames", ()) else item.nodeid.partition("::")[0]
        item.add_marker(pytest.mark.xdist_group(shared))


@pytest.fixture(scope="session", autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home folder for the whole run, so that no test reads or writes the user's; also a redaction key."""
    home = tmp_path_factory.mktemp("home")
    cache = os.environ.get("KF_RULE_CACHE_DIR") or str(Path.home() / ".cache" / "lora-forge" / "kingfisher")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(home))
        patch.setenv("FORGE_REDACTION_KEY_FILE", str(home / "redaction.key"))
        # Compiled rules hold nothing of the user's; compiling them again for every run would take longer than most tests.
        patch.setenv("KF_RULE_CACHE_DIR", cache)
        for name in ("FORGE_LAKE", "FORGE_GOVERNANCE", "FORGE_TOKENIZER", "FORGE_KILL_AT", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
            patch.delenv(name, raising=False)
        yield home


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """Where a test's own lake goes; nothing is there yet."""
    return tmp_path / "lake"


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real public data, from FORGE_REAL_DATA or beside the checkout."""
    folder = Path(os.environ.get("FORGE_REAL_DATA") or TREE.parent / "shared" / "real")
    if not (folder / "expected.json").is_file():
        missing(f"no real data at {folder} (set FORGE_REAL_DATA)")
    return folder
