"""Copies of snapshots: verified, resumable, pinned."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from lake.snapshot_erase import erase_rows
from lake.snapshot_fetch import FetchError, FolderSource, HttpSource
from lake.snapshot_manifest import ManifestError
from lake.snapshot_pull import pull, read_pin, record_pull, write_pin
from lake.snapshot_tables import PULLS
from lake.snapshot_verify import verify
from lake.tell import Told
from tests.lake.folder_server import FolderServer, folder_server
from tests.lake.tiny_snapshot import make_snapshot, sft_row

TRAIN = "data/base/polecat/sft/train"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[FolderServer]:
    make_snapshot(tmp_path / "source")
    with folder_server(tmp_path / "source") as running:
        yield running


def content(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_copy_over_http_is_the_folder(server: FolderServer, tmp_path: Path) -> None:
    pulled = pull(HttpSource(server.url), tmp_path / "copy")
    assert content(tmp_path / "copy") == content(server.folder)
    assert (pulled.is_new, pulled.verification.rows) == (True, 11)
    again = pull(HttpSource(server.url), tmp_path / "copy")
    assert (again.is_new, again.bytes_copied) == (False, 0)


def test_a_copy_of_a_folder_is_the_folder(server: FolderServer, tmp_path: Path) -> None:
    pull(FolderSource(server.folder), tmp_path / "copy")
    assert content(tmp_path / "copy") == content(server.folder)


@pytest.mark.parametrize("has_ranges", [True, False])
def test_a_transfer_that_breaks_off_goes_on_where_it_was(server: FolderServer, tmp_path: Path, has_ranges: bool) -> None:
    server.has_ranges, server.break_after = has_ranges, [1000, 500]
    pulled = pull(HttpSource(server.url), tmp_path / "copy")
    assert content(tmp_path / "copy") == content(server.folder)
    first = [asked for name, asked in server.asked if name == pulled.manifest.files[0].path]
    assert first == [None, "bytes=1000-", "bytes=1500-" if has_ranges else "bytes=500-"]


def test_a_pull_that_was_killed_goes_on_with_what_is_there(server: FolderServer, tmp_path: Path) -> None:
    server.break_after = [1000] * 20
    with pytest.raises(FetchError, match="pull again to go on"):
        pull(HttpSource(server.url), tmp_path / "copy")
    assert not (tmp_path / "copy/manifest.json").exists()
    (part,) = (tmp_path / "copy").rglob("*.part")
    begun = part.stat().st_size
    server.break_after, server.asked = [], []
    pull(HttpSource(server.url), tmp_path / "copy")
    assert content(tmp_path / "copy") == content(server.folder)
    assert f"bytes={begun}-" in [asked for _, asked in server.asked]


def test_what_is_not_what_the_manifest_says_is_refused_and_not_kept(server: FolderServer, tmp_path: Path) -> None:
    path = server.folder / f"{TRAIN}.parquet"
    damaged = bytearray(path.read_bytes())
    damaged[50] ^= 1
    path.write_bytes(damaged)
    with pytest.raises(FetchError, match=r"train\.parquet is not what the manifest says"):
        pull(HttpSource(server.url), tmp_path / "copy")
    assert not (tmp_path / "copy" / f"{TRAIN}.parquet").exists()
    assert not (tmp_path / "copy/manifest.json").exists()


def test_a_manifest_with_other_checksums_does_not_get_past_the_proof(server: FolderServer, tmp_path: Path) -> None:
    make_snapshot(tmp_path / "other", [sft_row(f"e{number}", outcome="closed") for number in range(4)])
    manifest = json.loads((server.folder / "manifest.json").read_text())
    other = json.loads((tmp_path / "other/manifest.json").read_text())
    foreign = {file["path"]: file for file in other["files"]}
    manifest["files"] = [foreign.get(file["path"], file) for file in manifest["files"]]
    (server.folder / "manifest.json").write_text(json.dumps(manifest))
    (server.folder / f"{TRAIN}.parquet").write_bytes((tmp_path / "other" / f"{TRAIN}.parquet").read_bytes())
    with pytest.raises(Told, match="the row e0 is not what it was"):
        pull(HttpSource(server.url), tmp_path / "copy")
    assert not (tmp_path / "copy/manifest.json").exists()


@pytest.mark.parametrize("path", ["../outside", "/etc/passwd", "a/../../b", "..\\b"])
def test_no_manifest_can_write_outside_of_the_copy(server: FolderServer, tmp_path: Path, path: str) -> None:
    manifest = json.loads((server.folder / "manifest.json").read_text())
    manifest["others"][0]["path"] = path
    (server.folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ManifestError, match="leads out of the snapshot"):
        pull(HttpSource(server.url), tmp_path / "copy")


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"layout": 99}', "<html>"])
def test_what_is_no_manifest_is_said_to_be_none(server: FolderServer, tmp_path: Path, text: str) -> None:
    (server.folder / "manifest.json").write_text(text)
    with pytest.raises(ManifestError, match=r"manifest\.json"):
        pull(HttpSource(server.url), tmp_path / "copy")


def test_jsonl_has_the_same_rows_and_proof(server: FolderServer, tmp_path: Path) -> None:
    pulled = pull(HttpSource(server.url), tmp_path / "copy", form="jsonl")
    assert pulled.verification.rows == 11
    assert not list((tmp_path / "copy/data").rglob("*.parquet"))
    rows = [json.loads(line) for line in (tmp_path / "copy" / f"{TRAIN}.jsonl").read_text().splitlines()]
    assert [row["example_key"] for row in rows] == ["e0", "e1", "e2", "e3"]
    assert "reasoning_content" not in rows[0]["messages"][0]
    again = pull(HttpSource(server.url), tmp_path / "copy", form="jsonl")
    assert (again.is_new, again.bytes_copied) == (False, 0)


def test_what_was_erased_does_not_come_back(server: FolderServer, tmp_path: Path) -> None:
    erase_rows(server.folder, {"e1"}, "asked for")
    pulled = pull(HttpSource(server.url), tmp_path / "copy")
    assert (pulled.verification.rows, pulled.verification.erased) == (10, 1)
    assert verify(tmp_path / "copy").is_whole
    erase_rows(server.folder, {"e2"}, "asked for")
    with pytest.raises(Told, match="erased here or there"):
        pull(HttpSource(server.url), tmp_path / "copy")


def test_another_snapshot_is_not_pulled_over_one_that_is_there(server: FolderServer, tmp_path: Path) -> None:
    make_snapshot(tmp_path / "other", [sft_row("e1")])
    before = content(tmp_path / "other")
    with pytest.raises(Told, match="name another folder"):
        pull(HttpSource(server.url), tmp_path / "other")
    assert content(tmp_path / "other") == before


def test_only_the_pinned_snapshot_is_taken(server: FolderServer, tmp_path: Path) -> None:
    pins = tmp_path / "snapshots.lock"
    assert read_pin(pins) is None
    pulled = pull(HttpSource(server.url), tmp_path / "copy")
    write_pin(pins, pulled.manifest)
    assert read_pin(pins) == read_pin(pins, "tiny") == ("tiny", pulled.manifest.id)
    assert read_pin(pins, "another") is None
    other = make_snapshot(tmp_path / "other", [sft_row("e1")], name="other")
    write_pin(pins, other)
    assert list(json.loads(pins.read_text())["snapshots"]) == ["other", "tiny"]
    with pytest.raises(Told, match="pins other, tiny"):
        read_pin(pins)
    with pytest.raises(Told, match="is pinned"):
        pull(FolderSource(tmp_path / "other"), tmp_path / "third", expected_id=pulled.manifest.id)
    pins.write_text("[]")
    with pytest.raises(Told, match="is no lock file"):
        read_pin(pins)


def test_pulls_are_known_where_there_is_a_lake(server: FolderServer, tmp_path: Path, lake: Path) -> None:
    source = HttpSource(server.url)
    pulled = pull(source, tmp_path / "copy")
    record_pull(lake, source, pulled, "parquet")
    assert not lake.exists()
    (lake / "ops").mkdir(parents=True)
    record_pull(lake, source, pulled, "parquet")
    (row,) = PULLS.rows(lake)
    assert (row["snapshot_id"], row["source"], row["bytes_copied"]) == (pulled.manifest.id, "http", pulled.bytes_copied)


def test_what_is_secret_in_an_address_is_not_said(tmp_path: Path) -> None:
    source = HttpSource("http://user:hidden@127.0.0.1:9/snapshots?token=hidden")
    assert source.place == "http://127.0.0.1:9/snapshots"
    with pytest.raises(FetchError) as error:
        source.read("manifest.json")
    assert "hidden" not in str(error.value)
    with pytest.raises(FetchError, match="ftp:// is no address"):
        HttpSource("ftp://example.invalid/x")
