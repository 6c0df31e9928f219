"""towns.yaml: what it accepts, and that every mistake is named with its line and what to write instead."""

from pathlib import Path
from textwrap import dedent

import pytest

from ingest.towns import Towns, TownsFileError, load_towns

WHOLE = """\
# two towns of one user
towns:
  - name: alpha
    root: alpha/gt
    recorded_root: /home/dev/gt
    extra_roots: [/Users/me/gt, 'C:\\gt']
    id: my-town
    homes:
      claude: [alpha/claude, ~/.claude]
    beads:
      - path: alpha/gt/.beads/backup
        database: hq
        beads_project: 7f3c
      - path: s3://bucket/rig
        database: rig
  - name: beta
    root: memory://beta/gt
    recorded_root: /srv/gt
    homes:
      claude: [alpha/claude]
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "towns.yaml"
    path.write_text(dedent(text))
    return path


def load(folder: Path, text: str) -> Towns:
    return load_towns(write(folder, text))


def test_a_whole_file_becomes_typed_towns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/reader")
    alpha, beta = load(tmp_path, WHOLE).towns
    assert (alpha.name, alpha.root, alpha.declared_id, alpha.line) == ("alpha", str(tmp_path / "alpha/gt"), "my-town", 3)
    assert alpha.recorded_roots == ("/home/dev/gt", "/Users/me/gt", "C:\\gt")
    assert alpha.homes == {"claude": (str(tmp_path / "alpha/claude"), "/home/reader/.claude")}
    assert [(b.path, b.database, b.beads_project, b.line) for b in alpha.beads] == [
        (str(tmp_path / "alpha/gt/.beads/backup"), "hq", "7f3c", 11),
        ("s3://bucket/rig", "rig", None, 14),
    ]
    assert (beta.root, beta.recorded_roots, beta.declared_id, beta.beads) == ("memory://beta/gt", ("/srv/gt",), None, ())


def test_a_home_of_several_towns_appears_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/reader")
    homes = load(tmp_path, WHOLE).homes()
    assert [(h.harness, h.path, h.towns) for h in homes] == [
        ("claude", str(tmp_path / "alpha/claude"), ("alpha", "beta")),
        ("claude", "/home/reader/.claude", ("alpha",)),
    ]


def test_a_home_reached_through_a_link_is_the_same_home(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    towns = load(
        tmp_path,
        """\
        towns:
          - {name: a, root: a, homes: {claude: [real]}}
          - {name: b, root: b, homes: {claude: [link]}}
        """,
    )
    assert [home.towns for home in towns.homes()] == [("a", "b")]


def test_a_local_root_is_its_own_recorded_root_with_and_without_links(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "gt").symlink_to(tmp_path / "real")
    (town,) = load(tmp_path, "towns: [{name: a, root: gt}]").towns
    assert town.recorded_roots == (str(tmp_path / "gt"), str(tmp_path / "real"))


def test_a_file_url_is_a_path(tmp_path: Path) -> None:
    (town,) = load(tmp_path, "towns: [{name: a, root: 'file:///srv/gt'}]").towns
    assert (town.root, town.recorded_roots) == ("/srv/gt", ("/srv/gt",))


def test_a_url_root_without_homes_needs_no_recorded_root(tmp_path: Path) -> None:
    (town,) = load(tmp_path, "towns: [{name: a, root: 's3://bucket/gt'}]").towns
    assert town.recorded_roots == ()


def test_no_towns_are_valid(tmp_path: Path) -> None:
    assert load(tmp_path, "towns: []").towns == ()


BAD = {
    "empty file": ("", 1, "", "is empty"),
    "only a comment": ("# nothing\n", 1, "", "is empty"),
    "no towns key": ("{}\n", 1, "towns", "is missing"),
    "a list at the top": ("- name: a\n", 1, "", "must be a mapping with the keys towns; it is a list"),
    "misspelt towns": ("town:\n  - name: a\n", 1, "town", "did you mean 'towns'? "),
    "towns without value": ("towns:\n", 1, "towns", "has no value"),
    "towns is a mapping": ("towns:\n  a: b\n", 2, "towns", "must be a list of towns; it is a mapping"),
    "a town that is text": ("towns:\n  - alpha\n", 2, "towns[0]", "must be a mapping with the keys name, root,"),
    "an empty town": ("towns:\n  - {}\n", 2, "towns[0]", "at least `name` and `root`"),
    "unknown key with a near one": (
        "towns:\n  - name: a\n    root: a\n    recorded_rot: /a\n",
        4,
        "towns[0].recorded_rot",
        "did you mean 'recorded_root'?; accepted: name, root, recorded_root, extra_roots, id, homes, beads",
    ),
    "unknown key with none near": (
        "towns:\n  - name: a\n    root: a\n    colour: red\n",
        4,
        "towns[0].colour",
        "is no known key; accepted",
    ),
    "key twice": ("towns:\n  - name: a\n    root: a\n    root: b\n", 4, "towns[0].root", "(first on line 3)"),
    "name missing": ("towns:\n  - root: a\n", 2, "towns[0].name", "is missing"),
    "name is a number": ("towns:\n  - name: 7\n    root: a\n", 2, "towns[0].name", "it is int 7 (put quotes around it"),
    "name is a yes": ("towns:\n  - name: yes\n    root: a\n", 2, "towns[0].name", "it is bool yes (put quotes"),
    "name with a slash": ("towns:\n  - name: a/b\n    root: a\n", 2, "towns[0].name", "'a/b' is not accepted"),
    "name twice": ("towns:\n  - {name: a, root: a}\n  - {name: a, root: b}\n", 3, "towns[1].name", "taken by the town on line 2"),
    "id twice": (
        "towns:\n  - {name: a, root: a, id: x}\n  - {name: b, root: b, id: x}\n",
        3,
        "towns[1].id",
        "taken by the town on line 2",
    ),
    "root missing": ("towns:\n  - name: a\n", 2, "towns[0].root", "is missing"),
    "root empty": ("towns:\n  - name: a\n    root: ''\n", 3, "towns[0].root", "it is empty"),
    "root is a list": ("towns:\n  - name: a\n    root: [a]\n", 3, "towns[0].root", "it is a list"),
    "root of an unknown user": ("towns:\n  - name: a\n    root: ~nobody-here/gt\n", 3, "towns[0].root", "names a user"),
    "root is everything": ("towns:\n  - name: a\n    root: /\n", 3, "towns[0].root", "would claim every path"),
    "relative recorded root": (
        "towns:\n  - name: a\n    root: a\n    recorded_root: gt\n",
        4,
        "towns[0].recorded_root",
        "'gt' is not absolute",
    ),
    "recorded root with a tilde": (
        "towns:\n  - name: a\n    root: a\n    recorded_root: ~/gt\n",
        4,
        "towns[0].recorded_root",
        "'~/gt' is not absolute",
    ),
    "recorded root twice": (
        "towns:\n  - name: a\n    root: a\n    recorded_root: /a/b\n    extra_roots:\n      - /c\n      - /a//b/\n",
        7,
        "towns[0].extra_roots[1]",
        "already a recorded root",
    ),
    "windows root twice in another case": (
        "towns:\n  - name: a\n    root: a\n    extra_roots: ['C:\\gt', 'c:/GT']\n",
        4,
        "towns[0].extra_roots[1]",
        "already a recorded root",
    ),
    "extra roots as text": (
        "towns:\n  - name: a\n    root: a\n    extra_roots: /a\n",
        4,
        "towns[0].extra_roots",
        "must be a list of",
    ),
    "url root with homes": (
        "towns:\n  - name: a\n    root: s3://b/gt\n    homes: {claude: [s3://b/claude]}\n",
        2,
        "towns[0].recorded_root",
        "`root` is a URL",
    ),
    "unknown harness": (
        "towns:\n  - name: a\n    root: a\n    homes:\n      claud: [b]\n",
        5,
        "towns[0].homes.claud",
        "did you mean 'claude'?",
    ),
    "home as text": (
        "towns:\n  - name: a\n    root: a\n    homes:\n      claude: b\n",
        5,
        "towns[0].homes.claude",
        "must be a list of",
    ),
    "home twice": (
        "towns:\n  - name: a\n    root: a\n    homes:\n      claude:\n        - b\n        - ./b/\n",
        7,
        "towns[0].homes.claude[1]",
        "already a home",
    ),
    "beads without path": (
        "towns:\n  - name: a\n    root: a\n    beads:\n      - database: hq\n",
        5,
        "towns[0].beads[0].path",
        "is missing",
    ),
    "beads without database": (
        "towns:\n  - name: a\n    root: a\n    beads:\n      - path: b\n",
        5,
        "towns[0].beads[0].database",
        "is missing",
    ),
    "beads project a number": (
        "towns:\n  - name: a\n    root: a\n    beads:\n      - path: b\n        database: hq\n        beads_project: 12\n",
        7,
        "towns[0].beads[0].beads_project",
        "it is int 12",
    ),
    "beads database twice": (
        "towns:\n  - name: a\n    root: a\n    beads:\n      - {path: b, database: hq}\n      - {path: c, database: hq}\n",
        6,
        "towns[0].beads[1].database",
        "already exported on line 5",
    ),
    "beads path twice": (
        "towns:\n  - name: a\n    root: a\n    beads:\n      - {path: b, database: hq}\n      - {path: b/, database: rig}\n",
        6,
        "towns[0].beads[1].path",
        "is the export of line 5 again",
    ),
    "a tab": ("towns:\n\t- name: a\n", 2, "", "is indented with a tab"),
    "an unclosed bracket": ("towns: [\n  {name: a}\n", 3, "", "is not YAML"),
    "two documents": ("towns: []\n---\ntowns: []\n", 2, "", "is not YAML"),
    "a control character": ("towns: []\n# \x07\n", 2, "", "U+0007"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_mistake_is_named_with_its_line_and_key(case: str, tmp_path: Path) -> None:
    text, line, key, message = BAD[case]
    path = tmp_path / "towns.yaml"
    path.write_text(text)
    with pytest.raises(TownsFileError) as raised:
        load_towns(path)
    assert [(p.line, p.key) for p in raised.value.problems] == [(line, key)]
    assert message.strip() in raised.value.problems[0].message
    assert f"{path}:{line}: " in str(raised.value)


def test_bytes_that_are_no_utf8_are_named_with_their_line(tmp_path: Path) -> None:
    path = tmp_path / "towns.yaml"
    path.write_bytes(b"towns: []\n# \xff\n")
    with pytest.raises(TownsFileError, match=r"towns\.yaml:2: is not UTF-8"):
        load_towns(path)


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(TownsFileError) as raised:
        load(
            tmp_path,
            """\
            towns:
              - name: a
                colour: red
                recorded_root: gt
              - root: b
                homes: {codex: [x]}
            """,
        )
    assert [p.line for p in raised.value.problems] == [2, 3, 4, 5, 6]
    assert len(str(raised.value).splitlines()) == 5


def test_a_missing_file_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(TownsFileError, match=r"towns\.yaml does not exist; `forge init` writes one"):
        load_towns(tmp_path / "towns.yaml")


def test_a_folder_is_no_towns_file(tmp_path: Path) -> None:
    with pytest.raises(TownsFileError, match="cannot be read: Is a directory"):
        load_towns(tmp_path)


EXAMPLE = Path(__file__).parents[2] / "ingest/towns_example.yaml"


def test_the_example_is_valid_and_is_the_file_of_a_fresh_clone() -> None:
    assert load_towns(EXAMPLE).towns == ()


def test_the_example_is_still_valid_with_its_hash_signs_removed(tmp_path: Path) -> None:
    text = EXAMPLE.read_text()
    path = tmp_path / "towns.yaml"
    path.write_text(text.replace("towns: []", "towns:").replace("\n#  ", "\n  "))
    assert [(town.name, sorted(town.homes)) for town in load_towns(path).towns] == [
        ("alpha", ["claude"]),
        ("plain-projects", ["claude"]),
    ]
