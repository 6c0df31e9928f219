"""The ledger stays small however often files grow, and tells growth from rewriting."""

import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import ingest.ledger
from ingest.redaction_key import RedactionKey, load_key
from ingest.run import run_ingest
from ingest.source_files import WHOLE_BYTES, fingerprint
from lake.tables import open_raw
from tests.ingest.lake_rows import line_numbers, rows
from tests.ingest.towns_on_disk import line, make_town


def test_outdated_states_are_folded_away(tmp_path: Path, lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingest.ledger, "FOLD_ROWS", 4)
    town = make_town(tmp_path / "towns")
    paths = [town.transcript(f"-srv-gt/0000000{n}-3b4a-4c5d-8e6f-7a8b9c0d1e2f.jsonl") for n in range(2)]
    for number in range(6):
        for path in paths:
            with path.open("ab") as handle:
                handle.write(line(10 * number + paths.index(path)))
        run_ingest(town.towns_file, lake, only=["claude"], progress=False)
    assert len(rows(lake, "files")) < 6
    assert open_raw(lake, "files").transaction_version("load_seq") == 6
    assert len(line_numbers(lake)) == 12
    assert run_ingest(town.towns_file, lake, only=["claude"], progress=False).streams[0].status == "unchanged"


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> RedactionKey:
    return load_key(tmp_path_factory.mktemp("key") / "lake", create=True)


@given(st.binary(min_size=1, max_size=2_000), st.binary(max_size=100), st.data())
def test_growth_keeps_the_fingerprint_and_any_change_before_it_breaks_it(
    key: RedactionKey, content: bytes, more: bytes, data: st.DataObject
) -> None:  # fmt: skip
    before = fingerprint(io.BytesIO(content), len(content), key)
    assert fingerprint(io.BytesIO(content + more), len(content), key) == before
    place = data.draw(st.integers(0, len(content) - 1))
    changed = content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]
    assert fingerprint(io.BytesIO(changed + more), len(content), key) != before


def test_a_large_file_is_probed_at_its_ends_and_between(key: RedactionKey) -> None:
    size = 4 * WHOLE_BYTES
    content = bytearray(size)
    before = fingerprint(io.BytesIO(content), size, key)
    for place in (0, size - 1):
        content[place] ^= 1
        assert fingerprint(io.BytesIO(content), size, key) != before
        content[place] ^= 1
    # A stretch that is longer than the distance between probes cannot be changed unseen.
    content[size // 2 : size // 2 + size // 32] = b"x" * (size // 32)
    assert fingerprint(io.BytesIO(content), size, key) != before


def test_a_home_and_a_town_may_be_urls(tmp_path: Path, lake: Path) -> None:
    town = make_town(tmp_path / "towns")
    town.towns_file.write_text(
        f"towns:\n  - name: alpha\n    id: alpha\n    root: file://{town.root}\n    recorded_root: /srv/gt\n"
        f"    homes:\n      claude: ['file://{town.folder}/home']\n"
    )
    (town.root / ".events.jsonl").write_text('{"ts":"2026-04-27T09:00:00Z","type":"halt","actor":"mayor"}\n')
    path = town.transcript("-srv-gt/00000000-3b4a-4c5d-8e6f-7a8b9c0d1e2f.jsonl")
    path.write_bytes(line(1) + line(2)[:30])
    report = run_ingest(town.towns_file, lake, progress=False)
    assert report.exit_code == 0, report.lines()
    path.write_bytes(line(1) + line(2))
    run_ingest(town.towns_file, lake, progress=False)
    assert line_numbers(lake) == [1, 2]
    assert len(rows(lake, "town_events")) == 1
