"""governance.yaml: what it means, and that every mistake in it is told with its file, line and what is accepted."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from lake.governance import (
    BEGINNING,
    ROLES,
    Consent,
    Governance,
    GovernanceFileError,
    LostGovernanceError,
    governance_file,
    load_governance,
    refuse_lost_policy,
)
from lake.policy_tables import model_pattern, policy_tables

TREE = Path(__file__).resolve().parents[2]
ACME = "startups:\n- name: acme\n  rigs: {town: [rig]}\n  learn: own\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "governance.yaml"


def consents(path: Path, text: str, startup: str | None, role: str = "crew") -> list[Consent]:
    path.write_text(text)
    return [found for found in load_governance(path).consents() if (found.startup, found.role_family) == (startup, role)]


def day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# One mistake each: text, line, key, and words of what is said.
BAD: dict[str, tuple[str, int, str, str]] = {
    "empty file": ("# nothing\n", 1, "", "is empty; write `startups:`"),
    "no YAML": ("startups: [\n", 2, "", "is not YAML"),
    "tab": ("startups:\n\t- name: a\n", 2, "", "indented with a tab"),
    "unknown key": (
        ACME + "startup: []\n",
        5,
        "startup",
        "did you mean 'startups'?; accepted: startups, unknown_rigs, source_models",
    ),
    "no startups": ("unknown_rigs: own\n", 1, "startups", "is missing; write `startups:`"),
    "no list": ("startups: acme\n", 1, "startups", "must be a list of startups; it is text"),
    "unnamed": ("startups:\n- {rigs: {town: [rig]}, learn: own}\n", 2, "startups[0].name", "is missing; write 1 to 63 letters"),
    "bad name": ("startups:\n- {name: a/b, rigs: {town: [rig]}, learn: own}\n", 2, "startups[0].name", "'a/b' is not accepted"),
    "name taken": (
        ACME + "- {name: Acme, rigs: {town: [other]}, learn: own}\n",
        5,
        "startups[1].name",
        "taken by the startup on line 2",
    ),
    "no learn": (
        "startups:\n- {name: a, rigs: {town: [rig]}}\n",
        2,
        "startups[0].learn",
        "is missing; accepted: none, own, shared",
    ),
    "unknown learn": (
        "startups:\n- name: a\n  rigs: {town: [rig]}\n  learn: share\n",
        4,
        "startups[0].learn",
        "'share' is not accepted; did you mean 'shared'?; write one of none, own, shared",
    ),
    "YAML's own no": (ACME.replace("own", "no"), 4, "startups[0].learn", "must be one of none, own, shared; it is bool no"),
    "no rigs": ("startups:\n- {name: a, learn: own}\n", 2, "startups[0].rigs", "is missing; write each town's rigs"),
    "rigs without town": (
        "startups:\n- {name: a, learn: own, rigs: [rig]}\n",
        2,
        "startups[0].rigs",
        "a mapping of towns to lists",
    ),
    "rig taken": (ACME + "- {name: b, rigs: {town: [rig]}, learn: own}\n", 5, "startups[1].rigs.town[0]", "taken by line 3"),
    "rigs of an hq": ("startups:\n- {name: t/hq, rigs: {t: [r]}, learn: own}\n", 2, "startups[0].rigs", "is not accepted here"),
    "unknown role": (ACME + "  roles: {polcat: {learn: none}}\n", 5, "startups[0].roles.polcat", "did you mean 'polecat'?"),
    "unknown purpose": (ACME + "  purposes: [train, test]\n", 5, "startups[0].purposes[1]", "write one of train, eval, synthetic"),
    "no purpose": (ACME + "  purposes: []\n", 5, "startups[0].purposes", "name at least one of train, eval, synthetic"),
    "bad date": (ACME + "  expires: 2027-02-30\n", 5, "startups[0].expires", "'2027-02-30' is no day of the calendar"),
    "no date": (ACME + "  expires: soon\n", 5, "startups[0].expires", "must be a day such as 2027-01-31, or never: 'soon'"),
    "no flag": (ACME + "  cross_town: maybe\n", 5, "startups[0].cross_town", "must be true or false; it is text"),
    "bad model": (ACME + '  source_models: ["gpt 4"]\n', 5, "startups[0].source_models[0]", "'gpt 4' is not accepted"),
    "undated change": (ACME + "  changes:\n  - learn: none\n", 6, "startups[0].changes[0].from", "is missing; write the first day"),
    "empty change": (
        ACME + "  changes:\n  - from: 2027-01-01\n",
        6,
        "startups[0].changes[0]",
        "changes nothing; write what differs",
    ),
    "changes out of order": (
        ACME + "  changes:\n  - {from: 2027-01-02, learn: none}\n  - {from: 2027-01-01, learn: own}\n",
        7,
        "startups[0].changes[1].from",
        "is not later than what stands before it",
    ),
    "shared without a name": (ACME + "unknown_rigs: shared\n", 5, "unknown_rigs", "write one of own, none"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_mistake_is_told_with_its_line_its_key_and_what_is_accepted(path: Path, name: str) -> None:
    text, line, key, words = BAD[name]
    path.write_text(text)
    with pytest.raises(GovernanceFileError) as caught:
        load_governance(path)
    (problem,) = caught.value.problems
    assert (problem.line, problem.key) == (line, key)
    assert words in problem.message
    assert str(caught.value).startswith(f"{path}:{line}:")


def test_all_mistakes_of_a_file_are_told_at_once(path: Path) -> None:
    path.write_text("startups:\n- {name: a, learn: all}\n- {name: b/c, rigs: {t: [r]}, learn: own, expires: x}\n")
    with pytest.raises(GovernanceFileError) as caught:
        load_governance(path)
    assert [(problem.line, problem.key) for problem in caught.value.problems] == [
        (2, "startups[0].learn"),
        (2, "startups[0].rigs"),
        (3, "startups[1].expires"),
        (3, "startups[1].name"),
    ]


def test_a_file_that_is_named_must_exist(path: Path) -> None:
    with pytest.raises(GovernanceFileError, match="does not exist; `forge init` writes one"):
        load_governance(path)


def test_without_a_file_everything_teaches_itself_alone() -> None:
    found = list(load_governance(None).consents())
    assert {(consent.startup, consent.settings.learn) for consent in found} == {(None, "own")}
    assert [consent.role_family for consent in found] == list(ROLES)


def test_the_file_of_a_fresh_clone_says_the_same_and_its_example_is_accepted(path: Path) -> None:
    shipped = TREE / "governance.yaml"
    assert shipped.read_text() == (TREE / "lake/governance_example.yaml").read_text()
    assert list(load_governance(shipped).consents()) == list(load_governance(None).consents())
    example = shipped.read_text().split("#\n# startups:")[1].removesuffix("\nstartups: []\n")
    path.write_text("startups:" + example.replace("\n# ", "\n").replace("\n#\n", "\n\n"))
    governance = load_governance(path)
    assert [startup.name for startup in governance.startups] == ["acme", "mytown/hq"]
    assert governance.unnamed.learn == "none"


def test_the_roles_are_those_of_the_models() -> None:
    seed = (TREE / "dbt_project/seeds/role_families.csv").read_text().splitlines()[1:]
    assert sorted({line.split(",")[1] for line in seed}) == list(ROLES)


def test_changes_follow_each_other_and_keep_what_they_do_not_name(path: Path) -> None:
    text = (
        ACME
        + "  purposes: [train]\n  changes:\n  - {from: 2027-01-01, learn: shared}\n  - {from: 2027-06-01, expires: 2028-01-01}\n"
    )
    found = consents(path, text, "acme")
    assert [(row.valid_from, row.valid_until, row.settings.learn, row.settings.expires_at) for row in found] == [
        (BEGINNING, day("2027-01-01"), "own", None),
        (day("2027-01-01"), day("2027-06-01"), "shared", None),
        (day("2027-06-01"), None, "shared", day("2028-01-01")),
    ]
    assert {row.settings.purposes for row in found} == {("train",)}


def test_a_withdrawal_holds_for_every_role_whatever_was_said_of_it(path: Path) -> None:
    text = ACME + "  roles: {crew: {learn: shared}}\n  changes:\n  - {from: 2027-01-01, learn: none}\n"
    assert [row.settings.learn for row in consents(path, text, "acme")] == ["shared", "none"]


def test_a_wider_consent_lifts_no_restriction_of_a_role(path: Path) -> None:
    narrow = "learn: none, purposes: [eval], source_models: ['claude-opus-*'], expires: 2027-01-01, cross_town: false"
    wide = "learn: shared, purposes: [train, eval], source_models: ['claude-*'], expires: never, cross_town: true"
    text = ACME + f"  roles:\n    crew: {{{narrow}}}\n  changes:\n  - {{from: 2026-01-01, {wide}}}\n"
    first, last = (row.settings for row in consents(path, text, "acme"))
    assert last == first
    assert [row.settings.learn for row in consents(path, text, "acme", "mayor")] == ["own", "shared"]


def test_a_change_may_speak_of_a_role_again(path: Path) -> None:
    text = ACME + "  roles: {crew: {learn: none}}\n  changes:\n  - {from: 2026-01-01, learn: shared, roles: {crew: {learn: own}}}\n"
    assert [row.settings.learn for row in consents(path, text, "acme")] == ["none", "own"]


def test_models_for_all_are_those_of_every_startup_that_names_none(path: Path) -> None:
    text = "source_models: ['claude-*']\n" + ACME + "- {name: b, rigs: {t: [r]}, learn: own, source_models: ['*']}\n"
    assert consents(path, text, "acme")[0].settings.source_models == ("claude-*",)
    assert consents(path, text, "b")[0].settings.source_models == ("*",)
    assert consents(path, text, None)[0].settings.source_models == ("claude-*",)


def test_patterns_of_models_mean_text_but_for_the_star() -> None:
    assert model_pattern(("claude-*", "gpt.4")) == "^(claude[-].*|gpt[.]4)$"


def test_the_tables_hold_what_the_file_says(path: Path) -> None:
    path.write_text(ACME + "  owner: Ada\n")
    tables = policy_tables(load_governance(path))
    assert tables["startups"].to_pylist() == [{"startup": "acme", "owner": "Ada"}]
    assert tables["startup_rigs"].to_pylist() == [{"startup": "acme", "town": "town", "rig": "rig"}]
    assert tables["consents"].num_rows == 2 * len(ROLES)


def test_the_file_beside_the_towns_file_is_found_unless_another_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    towns, beside, named = (tmp_path / name for name in ("towns.yaml", "governance.yaml", "named.yaml"))
    named.write_text(ACME)
    assert governance_file(None, towns) == TREE / "governance.yaml"
    beside.write_text(ACME)
    assert governance_file(None, towns) == beside
    monkeypatch.setenv("FORGE_GOVERNANCE", str(named))
    assert governance_file(None, towns) == named
    assert governance_file(beside, towns) == beside


def test_a_build_that_finds_another_policy_without_startups_is_refused_unless_that_is_meant(path: Path) -> None:
    path.write_text("startups: []\n")
    with pytest.raises(
        LostGovernanceError, match=f"{path} names no startup, but release r1 was built with a policy that names acme"
    ):
        refuse_lost_policy(load_governance(path), ACME, "r1")
    with pytest.raises(LostGovernanceError, match=r"there is no governance[.]yaml, but release r1"):
        refuse_lost_policy(Governance(), ACME, "r1")
    refuse_lost_policy(Governance(), "startups: []\n", "r1")
    refuse_lost_policy(Governance(), "", "r1")
    path.write_text("startups: []\nunknown_rigs: own\n")
    refuse_lost_policy(load_governance(path), ACME, "r1")
