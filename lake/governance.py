"""`governance.yaml`: who may learn from whose work, and what for.

The file names startups: the rigs that belong to one owner, and what that owner allows. What is allowed may change at dates, and may
differ by trained role. See docs/governance.md for the file and `lake/policy_tables.py` for how models see it.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import yaml

from ingest.positioned_yaml import PolicyFileError

PROJECT = Path(__file__).resolve().parent.parent / "dbt_project"
ENVIRONMENT = "FORGE_GOVERNANCE"
FILE = "governance.yaml"
LEARN = ("none", "own", "shared")
PURPOSES = ("train", "eval", "synthetic")
ROLES = ("crew", "deacon", "mayor", "polecat", "refinery", "witness")
"""The trained roles, as the seed `role_families` names them."""
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
"""Since when a startup's first settings hold: always."""


class LostGovernanceError(ValueError):
    """The policy of the last release is gone, and nobody said so."""


class GovernanceFileError(PolicyFileError):
    """governance.yaml cannot be used; `problems` holds every mistake with its line."""


@dataclass(frozen=True)
class Settings:
    """What an owner allows. `source_models`: patterns of model names, `*` for any text. `expires_at`: None for never."""

    learn: str = "own"
    purposes: tuple[str, ...] = ("train", "eval")
    cross_town: bool = True
    source_models: tuple[str, ...] = ("*",)
    expires_at: datetime | None = None


@dataclass(frozen=True)
class Change:
    """Settings that differ from `valid_from` on: for all roles, and for single ones (role → setting → value)."""

    valid_from: datetime
    settings: dict[str, Any]
    roles: dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Startup:
    """One startup. `rigs`: (town, rig); `changes` begin with what holds from the beginning, in the order of their dates."""

    name: str
    owner: str | None
    rigs: tuple[tuple[str, str], ...]
    changes: tuple[Change, ...]
    line: int


@dataclass(frozen=True)
class Consent:
    """What holds for one startup and role from `valid_from` to `valid_until` (None: until further notice).

    `startup` is None in the rows for startups that the file does not name.
    """

    startup: str | None
    role_family: str
    valid_from: datetime
    valid_until: datetime | None
    settings: Settings


@dataclass(frozen=True)
class Governance:
    """A whole governance.yaml; without a file everything is learned from by its own startup alone.

    `text`: the file as it is. `unnamed`: what holds for startups that it does not name; `is_unnamed_said`: whether it says so.
    """

    path: Path | None = None
    text: str = ""
    startups: tuple[Startup, ...] = ()
    unnamed: Settings = field(default_factory=Settings)
    is_unnamed_said: bool = False

    def consents(self) -> Iterator[Consent]:
        """What holds when, for every startup and role; first for the startups that the file does not name."""
        for role in ROLES:
            yield Consent(None, role, BEGINNING, None, self.unnamed)
        for startup in self.startups:
            for role in ROLES:
                yield from self._consents(startup, role)

    def _consents(self, startup: Startup, role: str) -> Iterator[Consent]:
        general = self.unnamed
        special: dict[str, Any] = {}
        for index, change in enumerate(startup.changes):
            general = replace(general, **change.settings)
            # What is said of all roles holds for every role, but lifts no restriction that was said of one of them.
            special = {
                name: value
                for name, value in special.items()
                if name not in change.settings or _is_narrower(name, value, getattr(general, name))
            }
            special |= change.roles.get(role, {})
            following = startup.changes[index + 1].valid_from if index + 1 < len(startup.changes) else None
            yield Consent(startup.name, role, change.valid_from, following, replace(general, **special))


def _is_narrower(name: str, special: Any, general: Any) -> bool:
    """Whether a role's value of a setting allows nothing that the one for all roles forbids."""
    if name == "learn":
        return LEARN.index(special) < LEARN.index(general)
    if name == "purposes":
        return set(special) < set(general)
    if name == "source_models":
        return all(any(fnmatchcase(pattern, wider) for wider in general) for pattern in special)
    if name == "expires_at":
        return special is not None and (general is None or special < general)
    return bool(special < general)  # cross_town: no is narrower than yes


def refuse_lost_policy(governance: Governance, before: str, release_id: str) -> None:
    """A build that finds no startup where the last release knew some has most likely not found the right file.

    Plain `dbt build` reads the file of the clone, not the one beside the towns file; it must not undo what somebody withheld.
    `before`: the text of the governance.yaml that the release was built with, empty when there was none.
    Errors: `LostGovernanceError`.
    """
    known = yaml.safe_load(before) if before else None
    names = [startup["name"] for startup in (known or {}).get("startups") or []]
    if names and not governance.startups and not governance.is_unnamed_said:
        shown = ", ".join(names[:3]) + (" …" if len(names) > 3 else "")
        found = f"{governance.path} names no startup" if governance.path else f"there is no {FILE}"
        raise LostGovernanceError(
            f"{found}, but release {release_id} was built with a policy that names {shown}; name that file in {ENVIRONMENT} or, "
            f"if nothing shall be withheld any more, write `unknown_rigs: own` into {FILE}"
        )


def find_governance(project: Path) -> Path | None:
    """The file that a build of this dbt project reads: the one FORGE_GOVERNANCE names, else the one beside it, else none."""
    named = os.environ.get(ENVIRONMENT)
    if named:
        return Path(named).expanduser().absolute()
    beside = project.parent / FILE
    return beside if beside.exists() else None


def governance_file(given: Path | None, towns_file: Path) -> Path | None:
    """The governance.yaml that a verb's build reads, checked; None when there is none.

    It is the one given, else the one that FORGE_GOVERNANCE names, else the one beside the towns file, else the one of this clone.
    Errors: `GovernanceFileError`.
    """
    beside = towns_file.absolute().parent / FILE
    if given is not None:
        path: Path | None = given.expanduser().absolute()
    elif not os.environ.get(ENVIRONMENT) and beside.exists():
        path = beside
    else:
        path = find_governance(PROJECT)
    load_governance(path)
    return path


def load_governance(path: Path | None) -> Governance:
    """Read and check a governance.yaml; without a path, what holds without a file.

    Errors: `GovernanceFileError` with every mistake in the file.
    """
    from lake.governance_file import GovernanceReader

    if path is None:
        return Governance()
    reader = GovernanceReader(path)
    governance = reader.read()
    if reader.reader.problems:
        raise GovernanceFileError(path, reader.reader.problems)
    return governance
