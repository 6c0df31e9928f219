"""A working directory belongs to the town whose recorded root holds it, whatever its spelling."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.attribution import OUTSIDE, Attribution, Place
from ingest.towns import Town


def town(name: str, *roots: str) -> Town:
    return Town(name, f"/somewhere/{name}", roots, None, {}, (), 1)


def attribution(**towns: str) -> Attribution:
    return Attribution([(town(name, root), f"id-{name}") for name, root in towns.items()])


CASES = [
    ("/home/dev/gt", "."),
    ("/home/dev/gt/", "."),
    ("//home//dev/gt/.", "."),
    ("/home/dev/gt/mayor", "mayor"),
    ("/home/dev/gt/rig/crew/../polecats/toast/rig/", "rig/polecats/toast/rig"),
    ("/home/dev/other/../gt/x", "x"),
    ("/../home/dev/gt", "."),
    ("/home/dev/gt/a b/ü", "a b/ü"),
]


@pytest.mark.parametrize(("cwd", "root_path"), CASES)
def test_a_path_under_the_root_is_in_the_town(cwd: str, root_path: str) -> None:
    assert attribution(a="/home/dev/gt/").of(cwd) == Place("id-a", root_path, "cwd")


@pytest.mark.parametrize(
    "cwd",
    [
        "/home/dev/gta",
        "/home/dev",
        "/home/dev/gt/..",
        "/home/Dev/gt",
        "",
        "gt",
        "./gt",
        "home/dev/gt",
        "~/gt",
        "C:\\home\\dev\\gt",
        "\0",
    ],
)
def test_any_other_path_is_outside(cwd: str) -> None:
    assert attribution(a="/home/dev/gt").of(cwd) == OUTSIDE


def test_the_longest_root_wins() -> None:
    both = attribution(outer="/gt", inner="/gt/rig/crew/dev/gt")
    assert both.of("/gt/rig/crew/dev/gt/mayor") == Place("id-inner", "mayor", "cwd")
    assert both.of("/gt/rig/crew/dev") == Place("id-outer", "rig/crew/dev", "cwd")


def test_a_root_of_two_towns_is_ambiguous_and_says_whose() -> None:
    place = attribution(b="/gt", a="/gt/").of("/gt/mayor")
    assert place == Place(None, "mayor", "ambiguous", "claimed by a, b")


def test_two_entries_of_one_town_are_not_ambiguous() -> None:
    same = Attribution([(town("a", "/gt"), "x"), (town("b", "/gt"), "x")])
    assert same.of("/gt/mayor") == Place("x", "mayor", "cwd")


def test_a_town_that_was_not_identified_leaves_its_paths_open() -> None:
    known = Attribution([(town("a", "/gt"), "x"), (town("b", "/gt/b"), None), (town("c", "/gt"), None)])
    assert known.of("/gt/b/z").kind == "unidentified"
    assert known.of("/gt/mayor") == Place(None, "mayor", "unidentified", "claimed by a, c, not all identified in this run")


@pytest.mark.parametrize(
    ("cwd", "root_path"),
    [
        ("C:\\Users\\me\\gt\\rig\\Crew", "rig/Crew"),
        ("c:/users/ME/GT/rig", "rig"),
        ("C:\\Users\\me\\gt\\", "."),
        ("C:\\Users\\me\\gt\\a\\..\\b", "b"),
    ],
)
def test_windows_paths_are_compared_the_windows_way(cwd: str, root_path: str) -> None:
    assert attribution(a="C:\\Users\\me\\gt").of(cwd) == Place("id-a", root_path, "cwd")


def test_a_windows_share_is_a_root() -> None:
    assert attribution(a="\\\\host\\share\\gt").of("\\\\HOST\\share\\gt\\x") == Place("id-a", "x", "cwd")


def test_extra_roots_count_like_the_first() -> None:
    moved = Attribution([(town("a", "/home/dev/gt", "/Users/me/gt"), "x")])
    assert moved.of("/Users/me/gt/mayor").root_path == moved.of("/home/dev/gt/mayor").root_path == "mayor"


def test_a_relative_recorded_root_is_refused() -> None:
    with pytest.raises(ValueError, match="town a: recorded root 'gt' is not absolute"):
        attribution(a="gt")


part = st.text(st.characters(blacklist_characters="/\0", blacklist_categories=("Cs",)), min_size=1).filter(
    lambda p: p not in (".", "..")
)
noise = st.sampled_from(["/", "//", "/./", "/x/../"])


@given(st.lists(part, min_size=1, max_size=4), st.lists(part, max_size=4), st.data())
def test_spelling_does_not_matter(root: list[str], below: list[str], data: st.DataObject) -> None:
    spelt = "".join(data.draw(noise) + p for p in [*root, *below]) + data.draw(noise)
    if spelt.startswith("//"):
        spelt = spelt[1:]
    place = attribution(a="/" + "/".join(root)).of(spelt)
    assert place == Place("id-a", "/".join(below) or ".", "cwd")


@given(st.text())
def test_no_text_breaks_it_and_what_is_found_lies_under_the_root(cwd: str) -> None:
    place = attribution(a="/gt", b="C:\\gt").of(cwd)
    assert place.kind in ("cwd", "outside")
    assert (place.root_path is None) == (place.kind == "outside")
    assert place.root_path is None or ".." not in Path(place.root_path).parts
