"""Promises of handing adapters from town to town."""

import json
from pathlib import Path

import pytest
import yaml

from lake.exit_codes import ExitCode
from tests.training.adapters import adapter, serving
from training.registry import Registry, register
from training.registry_file import FORMAT, ImportFileError, export_registry, read_export
from training.registry_text import tell_export, tell_import


def test_what_one_town_exports_another_imports_as_candidates_with_their_provenance(lake: Path, tmp_path: Path) -> None:
    serving(lake, "b1", "base/mayor", on_hub=True)
    serving(lake, "o1", "overlay/mill/mayor", parent="b1", on_hub=True)
    file, other = tmp_path / "export.yaml", tmp_path / "other"
    assert tell_export(lake, file, "alpha") is ExitCode.OK
    tell_import(other, file)
    found = Registry.read(other).adapters
    assert {each.target: each.status for each in found.values()} == {"base/mayor": "candidate", "overlay/mill/mayor": "candidate"}
    imported = found["o1"]
    assert (imported.hub_repository, imported.parent_adapter_id, imported.reason) == ("towns/o1", "b1", "imported from alpha")
    assert imported.local_path is None
    assert imported.provenance is not None
    provenance = json.loads(imported.provenance)
    assert provenance["town"] == "alpha"
    assert provenance["reason"] == "won 3 to 1"
    tell_import(other, file)
    assert len(Registry.read(other).adapters) == 2


def test_what_is_not_shared_or_on_no_hub_or_no_champion_is_not_exported(lake: Path, tmp_path: Path) -> None:
    serving(lake, "b1", "base/mayor")
    serving(lake, "o1", "overlay/mill/mayor", learn="own", on_hub=True)
    register(lake, adapter("b2", "base/mayor"))
    left_out = export_registry(Registry.read(lake), tmp_path / "export.yaml", "alpha")
    assert left_out == [
        "base/mayor: b1 is on no hub; publish it first",
        "overlay/mill/mayor: o1 learned from data that is not shared",
    ]
    assert yaml.safe_load((tmp_path / "export.yaml").read_text(encoding="utf-8"))["adapters"] == []


GOOD = """\
adapter_id: a1
    role: mayor
    learn: shared
    base_model: tiny
    artefact_hash: abc
    hub_repository: towns/a1
    hub_revision: "12"
    reason: won
"""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("- a\n", "must be a mapping"),
        ("town: alpha\nadapters: []\n", ":1: lacks the key format"),
        ("format: other/9\ntown: alpha\nadapters: []\n", f":1: format: must be {FORMAT}; it is other/9"),
        (f"format: {FORMAT}\ntown: alpha\nadapters:\n  - role: mayor\n", ":4: adapters[0]: lacks the key adapter_id"),
        (f"format: {FORMAT}\ntown: alpha\nadapters:\n  - {GOOD.replace('shared', 'all')}", "must be one of shared, own; it is all"),
        (f"format: {FORMAT}\ntown: alpha\nadapters:\n  - {GOOD.replace('reason', 'raeson')}", "did you mean 'reason'?"),
        (f"format: {FORMAT}\ntown: alpha\nadapters:\n  - {GOOD.replace('towns/a1', '[1]')}", "hub_repository: must be text"),
    ],
)
def test_a_file_that_is_no_good_export_is_told_by_line_and_key(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "export.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ImportFileError) as told:
        read_export(file)
    assert message in str(told.value)


def test_the_good_file_of_the_cases_above_is_accepted(tmp_path: Path) -> None:
    file = tmp_path / "export.yaml"
    file.write_text(f"format: {FORMAT}\ntown: alpha\nadapters:\n  - {GOOD}", encoding="utf-8")
    assert [each.adapter_id for each in read_export(file)] == ["a1"]
