"""No secret that stands in a town's files stands anywhere in the lake; ids that joins need stand there as they were."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import simtown
from ingest.run import run_ingest
from lake.key_scan import scan_keys
from lake.tables import RAW_TABLES


@pytest.fixture(scope="module")
def towns(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("towns")
    simtown.generate(folder, seed=11, size="small")
    return folder


@pytest.fixture(scope="module")
def loaded(towns: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    lake = tmp_path_factory.mktemp("loaded") / "lake"
    report = run_ingest(towns / "towns.yaml", lake, progress=False)
    assert report.exit_code == 0, report.lines()
    return lake


@pytest.fixture(scope="module")
def planted(towns: Path) -> list[dict[str, Any]]:
    """Every secret that the generator put somewhere."""
    found = [json.loads(text) for text in (towns / "truth/secrets.jsonl").read_text().splitlines()]
    assert len({secret["kind"] for secret in found}) >= 10
    return found


def all_text(lake: Path) -> str:
    """Every text in every raw table, and every file of the lake that is not data."""
    texts: list[str] = []
    for name, table in RAW_TABLES.items():
        columns = [column for column, (kind, _) in table.columns.items() if kind == pa.string()]
        for values in scan_keys(lake, name, columns, {}).select(columns).columns:
            texts += [value for value in values.to_pylist() if value is not None]
    texts += [path.read_text(errors="replace") for path in lake.rglob("*") if path.is_file() and path.suffix in (".json", ".lock")]
    return "\n".join(texts)


def test_no_planted_secret_is_in_the_lake(loaded: Path, planted: list[dict[str, Any]]) -> None:
    text = all_text(loaded)
    # A value inside JSON text stands there with its escapes.
    leaked = {secret["kind"] for secret in planted if secret["value"] in text or json.dumps(secret["value"])[1:-1] in text}
    assert leaked == set()


def test_every_planted_secret_of_a_transcript_has_its_row_in_redactions(loaded: Path, planted: list[dict[str, Any]]) -> None:
    rows = scan_keys(loaded, "redactions", ["record_key", "json_path"], {}).to_pylist()
    replaced = {(row["record_key"], row["json_path"]) for row in rows}
    keys: dict[str, set[str]] = {}  # forked sessions hold copies under the same uuid
    for row in scan_keys(loaded, "claude_records", ["uuid", "file_id", "generation", "byte_offset"], {}).to_pylist():
        keys.setdefault(row["uuid"], set()).add(f"{row['file_id']}:{row['generation']}:{row['byte_offset']}")
    missed = [
        secret["kind"]
        for secret in planted
        if secret["record_uuid"] in keys
        and secret["record_uuid"] is not None
        and not any((key, secret["json_path"]) in replaced for key in keys[secret["record_uuid"]])
    ]
    assert missed == []


def test_a_replacement_says_where_the_surrogate_stands(loaded: Path) -> None:
    columns = ["record_key", "json_path", "start", "end"]
    replacements = [row for row in scan_keys(loaded, "redactions", columns, {}).to_pylist() if row["json_path"] == "$.cwd"][:200]
    records = {
        f"{row['file_id']}:{row['generation']}:{row['byte_offset']}": json.loads(row["record"])
        for row in scan_keys(loaded, "claude_records", ["file_id", "generation", "byte_offset", "record"], {}).to_pylist()
    }
    names = {records[row["record_key"]]["cwd"][row["start"] : row["end"]] for row in replacements}
    # Both homes' owners became one name each, wherever they occur.
    assert names
    assert len(names) <= 2
    assert all("/" not in name for name in names)
