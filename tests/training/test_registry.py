"""Promises of the registry: who serves, why, and that what is out of service stays out."""

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from tests.training.adapters import adapter, serving
from training.adapter_table import Neighbour
from training.registry import (
    Registry,
    RegistryError,
    note_neighbour,
    promote,
    register,
    retire,
    roll_back,
    set_alias,
    taint,
)
from training.registry_file import registry_file


def answer(lake: Path, startup: str = "mill", role: str = "mayor") -> tuple[str, str | None]:
    found = Registry.read(lake).resolve(startup, role)
    return found.source, found.adapter.adapter_id if found.adapter else None


def test_an_empty_registry_says_at_each_step_why_it_has_nothing(lake: Path) -> None:
    found = Registry.read(lake).resolve("mill", "mayor")
    assert (found.source, found.adapter) == ("none", None)
    assert [(step.looked_at, step.found) for step in found.steps] == [("overlay", False), ("neighbour", False), ("base", False)]
    assert [step.why for step in found.steps] == [
        "no adapter of overlay/mill/mayor was ever trained",
        "no startup is known to be like mill in the role mayor",
        "base/mayor has no champion",
    ]


def test_the_overlay_serves_before_the_base_and_the_base_before_nothing(lake: Path) -> None:
    serving(lake, "b1", "base/mayor")
    assert answer(lake) == ("base", "b1")
    assert answer(lake, role="polecat") == ("none", None)
    serving(lake, "o1", "overlay/mill/mayor", learn="own", parent="b1")
    assert answer(lake) == ("overlay", "o1")
    assert answer(lake, startup="orchard") == ("base", "b1")


def test_a_candidate_never_serves(lake: Path) -> None:
    register(lake, adapter("c1", "overlay/mill/mayor"))
    found = Registry.read(lake).resolve("mill", "mayor")
    assert found.source == "none"
    assert "1 candidate" in found.steps[0].why


def test_the_most_alike_neighbour_whose_data_was_shared_stands_in_and_is_called_a_cold_start(lake: Path) -> None:
    serving(lake, "b1", "base/mayor")
    serving(lake, "o1", "overlay/orchard/mayor", parent="b1")
    serving(lake, "o2", "overlay/ferry/mayor", learn="own", parent="b1")
    note_neighbour(lake, Neighbour("mill", "mayor", "orchard", 0.6, "alike eval tasks"))
    note_neighbour(lake, Neighbour("mill", "mayor", "ferry", 0.9, "alike eval tasks"))
    found = Registry.read(lake).resolve("mill", "mayor")
    assert found.adapter is not None
    assert (found.source, found.adapter.adapter_id, found.is_cold_start) == ("neighbour", "o1", True)
    assert "0.60" in found.steps[1].why
    note_neighbour(lake, Neighbour("mill", "mayor", "orchard", 0.0, "taken back"))
    found = Registry.read(lake).resolve("mill", "mayor")
    assert found.source == "base"
    assert "o2 of ferry learned from data that is not shared" in found.steps[1].why


def test_a_neighbour_on_a_parent_that_learned_from_own_data_is_refused(lake: Path) -> None:
    serving(lake, "b1", "base/mayor", learn="own")
    serving(lake, "o1", "overlay/orchard/mayor", parent="b1")
    serving(lake, "o2", "overlay/ferry/mayor", parent="not-registered")
    for startup in ("orchard", "ferry"):
        note_neighbour(lake, Neighbour("mill", "mayor", startup, 0.9, "alike"))
    found = Registry.read(lake).resolve("mill", "mayor")
    assert found.source == "base"
    assert found.steps[1].why.count("not shared") == 2


def test_a_similarity_outside_0_to_1_is_refused(lake: Path) -> None:
    with pytest.raises(ValueError, match="0 to 1"):
        note_neighbour(lake, Neighbour("mill", "mayor", "orchard", 1.5, "typo"))


def test_a_promotion_retires_who_served_and_a_rollback_puts_him_back(lake: Path) -> None:
    serving(lake, "b1", "base/mayor")
    serving(lake, "b2", "base/mayor")
    registry = Registry.read(lake)
    assert [(a.adapter_id, a.status) for a in registry.adapters.values()] == [("b1", "retired"), ("b2", "champion")]
    assert registry.adapters["b1"].reason == "b2 took over: won 3 to 1"
    before = roll_back(lake, None, "mayor", "more rework")
    assert before is not None
    assert answer(lake) == ("base", "b1")
    assert Registry.read(lake).adapters["b2"].status == "retired"
    # The one before was tainted meanwhile: nobody serves rather than it.
    serving(lake, "b3", "base/mayor")
    taint(lake, "b1", "forgotten")
    taint(lake, "b2", "forgotten")
    assert roll_back(lake, None, "mayor", "worse") is None
    assert answer(lake) == ("none", None)
    with pytest.raises(RegistryError, match="no champion to roll back"):
        roll_back(lake, None, "mayor", "again")


def test_taint_reaches_all_that_stands_on_the_adapter_and_is_for_good(lake: Path) -> None:
    serving(lake, "b1", "base/mayor")
    serving(lake, "o1", "overlay/mill/mayor", parent="b1")
    serving(lake, "o2", "overlay/mill/polecat")
    set_alias(lake, "ferry", "mayor", "o1", "alike")
    assert [each.adapter_id for each in taint(lake, "b1", "the row was forgotten")] == ["b1", "o1", "alias/ferry/mayor"]
    assert taint(lake, "b1", "again") == []
    assert answer(lake) == ("none", None)
    assert answer(lake, role="polecat") == ("overlay", "o2")
    for tainted in ("b1", "o1"):
        with pytest.raises(RegistryError, match="cannot be promoted"):
            promote(lake, tainted, "please")
    register(lake, adapter("o3", "overlay/mill/mayor", parent="b1"))
    with pytest.raises(RegistryError, match="stands on b1, which is tainted"):
        promote(lake, "o3", "please")
    with pytest.raises(RegistryError, match="tainted already"):
        retire(lake, "b1", "again")


def test_an_alias_serves_as_long_as_its_adapter_does(lake: Path) -> None:
    serving(lake, "o1", "overlay/orchard/mayor")
    set_alias(lake, "mill", "mayor", "o1", "one team")
    assert answer(lake) == ("overlay", "o1")
    retire(lake, "o1", "old")
    found = Registry.read(lake).resolve("mill", "mayor")
    assert found.source == "none"
    assert found.steps[0].why == "overlay/mill/mayor is an alias of o1, which is retired"
    with pytest.raises(RegistryError, match="an alias needs a champion of mayor"):
        set_alias(lake, "mill", "mayor", "o1", "one team")


def test_an_alias_of_an_adapter_that_is_not_shared_does_not_serve_another_startup(lake: Path) -> None:
    serving(lake, "o1", "overlay/orchard/mayor", learn="own")
    set_alias(lake, "mill", "mayor", "o1", "one team")
    found = Registry.read(lake).resolve("mill", "mayor")
    assert found.source == "none"
    assert "not shared" in found.steps[0].why


def test_registering_again_does_nothing_and_other_files_under_the_same_id_are_refused(lake: Path) -> None:
    made = adapter("b1", "base/mayor")
    register(lake, made)
    promote(lake, "b1", "won")
    register(lake, made)
    assert Registry.read(lake).adapters["b1"].status == "champion"
    with pytest.raises(RegistryError, match="already registered as base/mayor with other files"):
        register(lake, replace(made, artefact_hash="others"))
    with pytest.raises(RegistryError, match="a new adapter is a candidate"):
        register(lake, replace(made, adapter_id="b9", status="champion"))


def test_an_unknown_or_ambiguous_id_is_told_with_what_is_registered(lake: Path) -> None:
    for name in ("b1", "b2"):
        register(lake, adapter(name, "base/mayor"))
    with pytest.raises(RegistryError, match="2 adapters have an id that begins with b; registered: b1, b2"):
        promote(lake, "b", "won")
    with pytest.raises(RegistryError, match="no adapters have an id that begins with x"):
        retire(lake, "x", "gone")


def test_the_readable_copy_says_what_the_tables_say(lake: Path) -> None:
    serving(lake, "b1", "base/mayor")
    serving(lake, "o1", "overlay/mill/mayor", learn="own", parent="b1")
    register(lake, adapter("b2", "base/mayor"))
    read = yaml.safe_load(registry_file(lake).read_text(encoding="utf-8"))
    assert list(read) == ["base/mayor", "overlay/mill/mayor"]
    assert {name: each["status"] for name, each in read["base/mayor"].items()} == {"b1": "champion", "b2": "candidate"}
    assert read["overlay/mill/mayor"]["o1"]["parent_adapter_id"] == "b1"
