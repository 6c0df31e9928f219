"""The registry: which adapter serves a (startup, role), and why.

A question is answered by walking overlay → neighbour → base → none; every step says what it found. Changes go through the functions
below, one at a time (lock `registry`), each as one commit, and the readable copy `train/registry.yaml` is written after it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from lake.locks import lock
from lake.tell import Told
from training.adapter_table import (
    ALIAS,
    CANDIDATE,
    CHAMPION,
    RETIRED,
    STATUSES,
    TAINTED,
    Adapter,
    Neighbour,
    history,
    read_adapters,
    read_neighbours,
    write_neighbour,
    write_states,
)

SHARED = "shared"
_LOCK = "registry"


class RegistryError(Told):
    """What was asked of the registry cannot be done; the message says why and what can."""


@dataclass(frozen=True)
class Step:
    """One step of an answer: where it looked (overlay, neighbour, base), whether it found an adapter, and why or why not."""

    looked_at: str
    found: bool
    why: str


@dataclass(frozen=True)
class Resolution:
    """The answer for (startup, role). `adapter` is None when nothing may serve; `source`: overlay, neighbour, base or none.

    A neighbour's adapter is a `cold_start`: it was never judged on this startup's work.
    """

    startup: str
    role: str
    source: str
    adapter: Adapter | None
    steps: tuple[Step, ...]

    @property
    def is_cold_start(self) -> bool:
        """Whether another startup's overlay stands in."""
        return self.source == "neighbour"


class Registry:
    """The registry as it stood when it was read. Reading it again is what sees a change."""

    def __init__(self, adapters: Iterable[Adapter], neighbours: Iterable[Neighbour]) -> None:
        self.adapters = {adapter.adapter_id: adapter for adapter in adapters}
        self.neighbours = list(neighbours)

    @classmethod
    def read(cls, lake: Path) -> "Registry":
        """The registry of a lake; empty when nothing was ever registered."""
        return cls(read_adapters(lake), read_neighbours(lake))

    def find(self, adapter_id: str) -> Adapter:
        """The adapter whose id begins so. Errors: `RegistryError` when there is none or more than one."""
        fitting = [adapter for adapter in self.adapters.values() if adapter.adapter_id.startswith(adapter_id)]
        if len(fitting) != 1:
            known = ", ".join(sorted(self.adapters)) or "none"
            raise RegistryError(f"{len(fitting) or 'no'} adapters have an id that begins with {adapter_id}; registered: {known}")
        return fitting[0]

    def champion(self, startup: str | None, role: str) -> Adapter | None:
        """The adapter that serves exactly this target (`startup` None: the base of the role)."""
        serving = (a for a in self.adapters.values() if a.status == CHAMPION and (a.startup, a.role) == (startup, role))
        return next(serving, None)

    def lineage(self, adapter: Adapter) -> list[Adapter]:
        """The adapter and what it was trained on top of, youngest first. An ancestor that is not registered ends the list."""
        line = [adapter]
        while (parent := self.adapters.get(line[-1].parent_adapter_id or "")) is not None and parent not in line:
            line.append(parent)
        return line

    def descendants(self, adapter: Adapter) -> list[Adapter]:
        """What was trained on top of it, directly or not, and the aliases that stand for any of them."""
        found = {adapter.adapter_id}
        grown = True
        while grown:
            more = {a.adapter_id for a in self.adapters.values() if a.parent_adapter_id in found or a.alias_of in found}
            grown = not more <= found
            found |= more
        return [a for a in self.adapters.values() if a.adapter_id in found - {adapter.adapter_id}]

    def _only_shared(self, adapter: Adapter) -> bool:
        """Whether the adapter and all it stands on learned from shared data alone; what is not registered is not known to have."""
        line = self.lineage(adapter)
        return all(each.learn == SHARED for each in line) and line[-1].parent_adapter_id is None

    def _overlay(self, startup: str, role: str) -> tuple[Adapter | None, str]:
        if (own := self.champion(startup, role)) is not None:
            return own, f"{own.adapter_id} is the champion of overlay/{startup}/{role}: {own.reason}"
        alias = next((a for a in self.adapters.values() if a.status == ALIAS and (a.startup, a.role) == (startup, role)), None)
        if alias is not None:
            target = self.adapters.get(alias.alias_of or "")
            if target is None:
                return None, f"overlay/{startup}/{role} is an alias of {alias.alias_of}, which is not registered"
            if target.status != CHAMPION:
                return None, f"overlay/{startup}/{role} is an alias of {target.adapter_id}, which is {target.status}"
            if target.startup not in (None, startup) and not self._only_shared(target):
                return (
                    None,
                    f"overlay/{startup}/{role} is an alias of {target.adapter_id}, which learned from data that is not shared",
                )
            return target, f"overlay/{startup}/{role} is an alias of {target.adapter_id}: {alias.reason}"
        others = [a for a in self.adapters.values() if (a.startup, a.role) == (startup, role)]
        if not others:
            return None, f"no adapter of overlay/{startup}/{role} was ever trained"
        counts = {status: sum(a.status == status for a in others) for status in STATUSES}
        said = ", ".join(f"{count} {status}" for status, count in counts.items() if count)
        return None, f"none of overlay/{startup}/{role} is champion ({said}); the newest: {others[-1].reason}"

    def _neighbour(self, startup: str, role: str) -> tuple[Adapter | None, str]:
        near = [neighbour for neighbour in self.neighbours if (neighbour.startup, neighbour.role) == (startup, role)]
        refused = []
        for neighbour in near:
            there = self.champion(neighbour.neighbour_startup, role)
            if there is None:
                refused.append(f"{neighbour.neighbour_startup} has no champion")
            elif not self._only_shared(there):
                refused.append(f"{there.adapter_id} of {neighbour.neighbour_startup} learned from data that is not shared")
            else:
                return there, (
                    f"{there.adapter_id} of {neighbour.neighbour_startup} stands in"
                    f" (similarity {neighbour.similarity:.2f}: {neighbour.reason})"
                )
        return None, "; ".join(refused) or f"no startup is known to be like {startup} in the role {role}"

    def resolve(self, startup: str, role: str) -> Resolution:
        """Which adapter serves (startup, role): its overlay's champion, else a neighbour's, else the role's base, else none."""
        steps = []
        base = self.champion(None, role)
        said_of_base = (
            f"{base.adapter_id} is the champion of base/{role}: {base.reason}" if base else f"base/{role} has no champion"
        )
        for source, (adapter, why) in (
            ("overlay", self._overlay(startup, role)),
            ("neighbour", self._neighbour(startup, role)),
            ("base", (base, said_of_base)),
        ):
            steps.append(Step(source, adapter is not None, why))
            if adapter is not None:
                return Resolution(startup, role, source, adapter, tuple(steps))
        return Resolution(startup, role, "none", None, tuple(steps))


def register(lake: Path, adapter: Adapter) -> None:
    """Add a new adapter as candidate. Registering the same adapter again does nothing.

    Errors: `RegistryError` when it is no candidate, or its id is taken by an adapter of another target or run.
    """
    if adapter.status != CANDIDATE:
        raise RegistryError(f"{adapter.adapter_id}: a new adapter is a candidate, not {adapter.status}; promote it afterwards")
    with lock(lake, _LOCK, wait=True):
        known = Registry.read(lake).adapters.get(adapter.adapter_id)
        if known is None:
            _write(lake, [adapter])
        elif (known.target, known.artefact_hash) != (adapter.target, adapter.artefact_hash):
            raise RegistryError(f"{adapter.adapter_id} is already registered as {known.target} with other files")


def promote(lake: Path, adapter_id: str, reason: str, decision_id: str | None = None) -> Adapter:
    """Make a candidate (or a retired champion) the one that serves its target; who served before retires in the same commit.

    Errors: `RegistryError` for an unknown, tainted or alias adapter, or one that stands on a tainted one.
    """
    with lock(lake, _LOCK, wait=True):
        registry = Registry.read(lake)
        adapter = registry.find(adapter_id)
        if adapter.status in (TAINTED, ALIAS):
            raise RegistryError(f"{adapter.adapter_id} is {adapter.status} ({STATUSES[adapter.status]}): it cannot be promoted")
        if bad := next((each for each in registry.lineage(adapter) if each.status == TAINTED), None):
            raise RegistryError(f"{adapter.adapter_id} stands on {bad.adapter_id}, which is tainted: it cannot be promoted")
        if adapter.status == CHAMPION:
            return adapter
        chosen = replace(adapter, status=CHAMPION, reason=reason, decision_id=decision_id)
        before = registry.champion(adapter.startup, adapter.role)
        gone = [replace(before, status=RETIRED, reason=f"{adapter.adapter_id} took over: {reason}")] if before else []
        _write(lake, [*gone, chosen])
        return chosen


def retire(lake: Path, adapter_id: str, reason: str, decision_id: str | None = None) -> Adapter:
    """Take an adapter out of service, or a candidate out of the running. Errors: `RegistryError` when it is tainted or unknown."""
    with lock(lake, _LOCK, wait=True):
        adapter = Registry.read(lake).find(adapter_id)
        if adapter.status == TAINTED:
            raise RegistryError(f"{adapter.adapter_id} is tainted already; there is nothing to retire")
        retired = replace(adapter, status=RETIRED, reason=reason, decision_id=decision_id)
        _write(lake, [retired])
        return retired


def taint(lake: Path, adapter_id: str, reason: str) -> list[Adapter]:
    """Take an adapter and everything that stands on it out of service for good; returns what was tainted by this."""
    with lock(lake, _LOCK, wait=True):
        registry = Registry.read(lake)
        adapter = registry.find(adapter_id)
        below = [
            replace(each, status=TAINTED, reason=f"stands on {adapter.adapter_id}: {reason}")
            for each in registry.descendants(adapter)
            if each.status != TAINTED
        ]
        above = [replace(adapter, status=TAINTED, reason=reason)] if adapter.status != TAINTED else []
        if above or below:
            _write(lake, [*above, *below])
        return [*above, *below]


def roll_back(lake: Path, startup: str | None, role: str, reason: str) -> Adapter | None:
    """Retire the champion of a target and put back the one that served before it, if it may still serve; returns that one.

    Errors: `RegistryError` when the target has no champion.
    """
    with lock(lake, _LOCK, wait=True):
        registry = Registry.read(lake)
        champion = registry.champion(startup, role)
        if champion is None:
            raise RegistryError(f"{role} of {startup or 'the base'} has no champion to roll back")
        served = [
            row["adapter_id"] for row in history(lake) if row["status"] == CHAMPION and row["adapter_id"] in registry.adapters
        ]
        earlier = [registry.adapters[each] for each in reversed(served) if each != champion.adapter_id]
        usable = (
            each
            for each in earlier
            if each.target == champion.target
            and each.status == RETIRED
            and not any(ancestor.status == TAINTED for ancestor in registry.lineage(each))
        )
        before = next(usable, None)
        states = [replace(champion, status=RETIRED, reason=f"rolled back: {reason}", decision_id=None)]
        if before is not None:
            before = replace(before, status=CHAMPION, reason=f"put back for {champion.adapter_id}: {reason}", decision_id=None)
            states.append(before)
        _write(lake, states)
        return before


def note_place(lake: Path, adapter_id: str, repository: str, revision: str) -> Adapter:
    """Write down where an adapter was published; its status stays. Published there already, nothing is written."""
    with lock(lake, _LOCK, wait=True):
        adapter = Registry.read(lake).find(adapter_id)
        placed = replace(adapter, hub_repository=repository, hub_revision=revision)
        if placed != adapter:
            _write(lake, [placed])
        return placed


def set_alias(lake: Path, startup: str, role: str, adapter_id: str, reason: str) -> Adapter:
    """Let a registered adapter stand for (startup, role), which has none of its own.

    Errors: `RegistryError` when the target has a champion, the adapter is of another role, or is no champion.
    """
    with lock(lake, _LOCK, wait=True):
        registry = Registry.read(lake)
        target = registry.find(adapter_id)
        if (own := registry.champion(startup, role)) is not None:
            raise RegistryError(f"overlay/{startup}/{role} has a champion of its own, {own.adapter_id}: retire it first")
        if target.role != role or target.status != CHAMPION:
            raise RegistryError(f"{target.adapter_id} is {target.status} of {target.target}; an alias needs a champion of {role}")
        alias = Adapter(
            adapter_id=f"alias/{startup}/{role}",
            role=role,
            startup=startup,
            status=ALIAS,
            reason=reason,
            learn=target.learn,
            base_model=target.base_model,
            alias_of=target.adapter_id,
        )
        _write(lake, [alias])
        return alias


def note_neighbour(lake: Path, neighbour: Neighbour) -> None:
    """Write down that a startup's work is like another's (similarity 0 takes it back)."""
    with lock(lake, _LOCK, wait=True):
        write_neighbour(lake, neighbour)


def _write(lake: Path, states: list[Adapter]) -> None:
    from training.registry_file import write_registry_file

    write_states(lake, states)
    write_registry_file(lake, Registry.read(lake))
