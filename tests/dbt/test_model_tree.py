"""Every model keeps the house rules: a twin file, a grain, a test, a scope, a config that fits."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.dbt.projects import REAL

SCOPES = {"scope:shard", "scope:global"}


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What dbt makes of the project, by unique id; parsing needs no lake."""
    folder = tmp_path_factory.mktemp("parsed")
    dbt = str(Path(sys.executable).with_name("dbt"))
    command = [dbt, "--no-use-colors", "parse", "--no-partial-parse", "--target-path", str(folder), "--log-path", str(folder)]
    done = subprocess.run(
        command, cwd=REAL, env={**os.environ, "FORGE_LAKE": str(folder / "lake")}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    assert not (folder / "lake").exists()
    manifest: dict[str, dict[str, Any]] = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    return manifest["nodes"]


def breaking(nodes: dict[str, dict[str, Any]], rule: Callable[[dict[str, Any]], bool]) -> list[str]:
    return sorted(node["original_file_path"] for node in nodes.values() if node["resource_type"] == "model" and not rule(node))


def test_every_model_has_a_twin_file(nodes: dict[str, dict[str, Any]]) -> None:
    assert (
        breaking(nodes, lambda node: (node["patch_path"] or "").endswith(node["original_file_path"].removesuffix(".sql") + ".yml"))
        == []
    )


def test_every_description_ends_with_the_grain(nodes: dict[str, dict[str, Any]]) -> None:
    assert breaking(nodes, lambda node: "One row per " in node["description"].strip().split(". ")[-1].split("\n")[-1]) == []


def test_every_model_has_a_test(nodes: dict[str, dict[str, Any]]) -> None:
    tested = {parent for node in nodes.values() if node["resource_type"] == "test" for parent in node["depends_on"]["nodes"]}
    assert breaking(nodes, lambda node: node["unique_id"] in tested) == []


def test_every_model_says_whether_it_can_be_sharded(nodes: dict[str, dict[str, Any]]) -> None:
    assert breaking(nodes, lambda node: len(SCOPES & set(node["tags"])) == 1) == []


def test_every_delta_model_names_its_grain(nodes: dict[str, dict[str, Any]]) -> None:
    assert breaking(nodes, lambda node: node["config"]["materialized"] != "delta" or bool(node["config"].get("unique_key"))) == []


def test_every_described_column_of_a_mart_has_a_meaning(nodes: dict[str, dict[str, Any]]) -> None:
    marts = {key: node for key, node in nodes.items() if node["original_file_path"].startswith("models/marts/")}
    assert breaking(marts, lambda node: bool(node["columns"]) and all(c["description"] for c in node["columns"].values())) == []
