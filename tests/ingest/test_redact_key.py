"""One key per lake, outside it; the wrong one stops the load and no message shows a key."""

import json
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ingest.redaction_key import ENVIRONMENT, RedactionKey, RedactionKeyError, fingerprint_file, key_file, load_key


@pytest.fixture(autouse=True)
def own_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "config" / "redaction.key"
    monkeypatch.setenv(ENVIRONMENT, str(path))
    return path


def test_a_new_lake_gets_a_key_that_only_its_owner_can_read(lake: Path, own_key: Path) -> None:
    key = load_key(lake, create=True)
    assert stat.S_IMODE(own_key.stat().st_mode) == 0o600
    assert bytes.fromhex(own_key.read_text()) == key.secret
    assert json.loads(fingerprint_file(lake).read_text()) == {"fingerprint": key.fingerprint()}
    assert load_key(lake) == key
    assert load_key(lake, create=True) == key


def test_the_key_is_nowhere_in_the_lake(lake: Path, own_key: Path) -> None:
    key = load_key(lake, create=True)
    for path in lake.rglob("*"):
        if path.is_file():
            assert key.secret.hex() not in path.read_text()


def test_without_create_nothing_is_written(lake: Path, own_key: Path) -> None:
    with pytest.raises(RedactionKeyError, match="no redaction key; `forge init` makes one"):
        load_key(lake)
    assert not own_key.exists()
    assert not lake.exists()


def test_a_key_file_that_is_there_serves_a_second_lake(tmp_path: Path, lake: Path) -> None:
    assert load_key(lake, create=True) == load_key(tmp_path / "second", create=True)


def test_a_lost_key_is_not_replaced(lake: Path, own_key: Path) -> None:
    key = load_key(lake, create=True)
    own_key.unlink()
    for create in (False, True):
        with pytest.raises(RedactionKeyError, match="restore that file from its backup") as raised:
            load_key(lake, create=create)
        assert key.fingerprint() in str(raised.value)
    assert not own_key.exists()


def test_another_lakes_key_is_refused_without_being_shown(lake: Path, own_key: Path) -> None:
    load_key(lake, create=True)
    other = "ab" * 32
    own_key.write_text(other)
    with pytest.raises(RedactionKeyError, match="this key has the fingerprint") as raised:
        load_key(lake, create=True)
    assert other not in str(raised.value)


@pytest.mark.parametrize("text", ["", "zz" * 32, "ab" * 31, "ab" * 33, "é" * 64, "secret words"])
def test_a_damaged_key_file_is_refused_without_being_shown(lake: Path, own_key: Path, text: str) -> None:
    own_key.parent.mkdir()
    own_key.write_text(text)
    with pytest.raises(RedactionKeyError, match="must hold 64 hex characters") as raised:
        load_key(lake, create=True)
    assert not text or text not in str(raised.value)
    assert raised.value.__cause__ is None


def test_a_damaged_fingerprint_stops_the_load(lake: Path) -> None:
    load_key(lake, create=True)
    fingerprint_file(lake).write_text("{}")
    with pytest.raises(RedactionKeyError, match="not a fingerprint note"):
        load_key(lake)


def test_a_key_inside_the_lake_is_refused(lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENVIRONMENT, str(lake / "redaction.key"))
    with pytest.raises(RedactionKeyError, match="must not lie inside the lake"):
        load_key(lake, create=True)


def test_of_loads_that_start_together_all_get_the_same_key(lake: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        keys = list(pool.map(lambda _: load_key(lake, create=True), range(16)))
    assert len(set(keys)) == 1
    assert not [path for path in key_file().parent.iterdir() if path != key_file()]


def test_digests_depend_on_key_purpose_and_value_and_a_key_is_not_shown() -> None:
    one, other = RedactionKey(bytes(32)), RedactionKey(bytes(range(32)))
    digests = {key.digest(purpose, value) for key in (one, other) for purpose in ("a", "ab") for value in (b"c", b"bc")}
    assert len(digests) == 8
    assert one.fingerprint() != other.fingerprint()
    assert other.secret.hex() not in repr(other)
    assert str(other.secret) not in repr(other)
    with pytest.raises(RedactionKeyError):
        RedactionKey(b"short")
