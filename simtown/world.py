"""The simulated world: towns work in shifts, a shift being one round of requests from the mayor's desk to the merge queue."""

from pathlib import Path

from simtown.beads import BeadsExport
from simtown.clock import DAY, HOUR, MINUTE, at
from simtown.crew import OUTCOMES, crew_day
from simtown.dice import Deck, Dice, weighted
from simtown.events import TownEvents
from simtown.mayor import Dispatch, dispatch_shift
from simtown.patrols import CYCLES, boot_triage, deacon_patrol, dog_errand, town_noise, witness_patrol
from simtown.places import Place, Rig, places
from simtown.polecat import attempt_work
from simtown.quirks import Quirks
from simtown.refinery import process_queue
from simtown.scale import Scale, parse_scale
from simtown.session import Session
from simtown.targets import Targets
from simtown.telemetry import TownTelemetry
from simtown.town import Town
from simtown.transcript import set_modified
from simtown.truth import Truth, TruthWriter
from simtown.work import AGAIN, PLANS, Attempt, WorkItem, sling
from simtown.write import copy_database, governance_yaml, rig_beads, towns_yaml, write_facts, write_identity

BEGIN = at(2026, 1, 5, 6)
END = at(2026, 4, 26)
_TAIL = 6 * DAY
"""What a shift sets in motion is over after so long."""
_SHIFT_BYTES = 12_500_000
"""What a shift of bench size writes, roughly."""


DUTIES = ("deacon", "boot", "dog", "crew", "boot")


class Shifts:
    """Plays the shifts of one town."""

    def __init__(self, town: Town, dice: Dice) -> None:
        self.town = town
        self.plans = Deck(dice, weighted(PLANS))
        self.cycles = {role: Deck(dice, weighted(CYCLES)) for role in ("witness", "deacon", "boot", "dog")}
        self.crew = Deck(dice, weighted(OUTCOMES))
        rigs = town.place.own_rigs
        sets: list[list[Rig]] = [[rigs[0]]] * 6 + [[rigs[0], rigs[0]]] + [[rig] for rig in rigs[1:]]
        sets += [[rigs[0], rigs[1]], []]
        self.requests = Deck(dice, sets)
        self.patrolled = Deck(dice, rigs)
        self.duties = Deck(dice, DUTIES)
        self.extra = Deck[tuple[str, ...]](dice, [("dog",), (), ()])
        self.has_left_open = False
        self.is_short = town.scale.is_bench
        self.quirks = Quirks(town)

    def play(self, start: int, is_last: bool) -> None:
        """One shift: requests, attempts, merges, patrols, a crew's day."""
        town = self.town
        town_noise(town, start)
        wanted = [self.requests.deal() for _ in range(1 if self.is_short else 3 if town.place.name == "alpha" else 2)]
        plans = [[self._plan(is_last) for _ in rigs] for rigs in wanted]
        dispatches, attempts = dispatch_shift(town, start, wanted, plans)
        items = [item for dispatch in dispatches for item in dispatch.items]
        self._rounds(items, attempts)
        duties = [self.duties.deal(), self.duties.deal()] if self.is_short else [*DUTIES, *self.extra.deal()]
        for duty in duties:
            self._duty(duty, start)
        self._settle(start, dispatches, items)

    def last_day(self, start: int) -> None:
        """The day before everything is read: patrols and a crew, whose traces no retention has touched yet."""
        for duty in ("deacon", "boot", "crew"):
            self._duty(duty, start)
        self.quirks.apply(start)
        self.town.settle()

    def _plan(self, is_last: bool) -> str:
        """What becomes of the next attempt. Only the last shift leaves work open: nobody leaves a bead on a hook for months."""
        if is_last and not self.has_left_open:
            self.has_left_open = True
            return "open"
        plan = self.plans.deal()
        return "abandoned" if plan == "open" else plan

    def _duty(self, duty: str, start: int) -> None:
        """What goes on beside the requests."""
        town, dice = self.town, self.town.dice
        if duty == "deacon":
            deacon_patrol(town, start + HOUR, self.cycles["deacon"], 2)
        elif duty == "boot":
            boot_triage(town, start + (2 + dice.randrange(7)) * HOUR, self.cycles["boot"])
        elif duty == "dog":
            dog_errand(town, start + 3 * HOUR, self.cycles["dog"])
        else:
            crew_day(town, self.patrolled.deal(), start + HOUR, self.crew, 1 + dice.randrange(2))

    def _rounds(self, items: list[WorkItem], attempts: list[Attempt]) -> None:
        town = self.town
        current = list(zip(items, attempts, strict=True))
        for number in range(2):
            parked: dict[str, Session] = {}
            for place, (item, attempt) in enumerate(current):
                is_expected = any(other.follows and other.agent == attempt.agent for _, other in current[place + 1 :])
                attempt_work(town, item, attempt, parked, is_expected)
            for session in parked.values():
                town.close(session)
            touched = sorted({item.rig.name for item, _ in current})
            for rig in (rig for rig in town.place.own_rigs if rig.name in touched):
                here = [(item, attempt) for item, attempt in current if item.rig is rig]
                requests = [attempt.merge_request for _, attempt in here if attempt.merge_request]
                requests = [request for request in requests if request.state == "open"]
                if requests:
                    requests.sort(key=lambda request: request.created_at)
                    process_queue(town, rig, requests)
                lost = [item for item, attempt in here if attempt.outcome in ("abandoned", "crashed")]
                last = max(town.free_at[attempt.agent.address] for _, attempt in here)
                witness_patrol(town, rig, last + 10 * MINUTE, lost, self.cycles["witness"], 0 if lost else 1)
            current = [(item, self._again(item)) for item, attempt in current if attempt.outcome in AGAIN]
            if not current or number:
                break

    def _again(self, item: WorkItem) -> Attempt:
        """The bead goes into somebody's hands again; the second attempt ends well."""
        town, last = self.town, item.attempts[-1]
        free = town.free_at.get(f"{item.rig.name}/refinery", 0)
        when = max(last.ended_at, free if last.merge_request else 0) + 20 * MINUTE
        by = "mayor" if last.outcome in ("deferred", "abandoned", "crashed") else f"{item.rig.name}/refinery"
        same = last.agent if last.outcome in ("superseded", "rejected") else None
        return sling(town, item, when, by, "merged", same)

    def _settle(self, start: int, dispatches: list[Dispatch], items: list[WorkItem]) -> None:
        for dispatch in dispatches:
            dispatch.settle()
        for item in items:
            item.write_truth(self.town)
        self.quirks.apply(start)
        self.town.settle()


def generate(
    out: Path, *, seed: int = 7, towns: int = 2, size: str = "demo", with_dolt_dump: bool = False, with_telemetry: bool = False
) -> Truth:
    """Write `towns` synthetic towns and their ground truth under `out`; the same arguments give the same bytes everywhere.

    `with_dolt_dump` adds `<town>/dolt/<database>/wisps.jsonl`: versions of merge-request rows (`valid_from`, `valid_to`) as a poll
    of the database would have seen them; what was purged before any poll is missing.
    `with_telemetry` adds `<town>/telemetry/logsql.ndjson`: log records of a share of the sessions, as a query would give them.

    Errors: `ValueError` for an unknown size or fewer than one town; `FileExistsError` when `out` holds something.
    """
    scale = parse_scale(size)
    if towns < 1:
        raise ValueError("towns must be at least 1")
    out = Path(out)
    if out.exists() and any(out.iterdir()):
        raise FileExistsError(f"{out} is not empty: choose a new folder")
    out.mkdir(parents=True, exist_ok=True)
    chosen = places(towns)
    truth = TruthWriter(out / "truth")
    shares = [(2 if place.name == "alpha" else 1) / (towns + 1) for place in chosen]
    pace = [_pace(scale, share) for share in shares]
    end = max(END, *(BEGIN + step * (shifts - 1) + _TAIL for shifts, step in pace))
    exports: list[tuple[Place, BeadsExport]] = []
    by_database: dict[str, BeadsExport] = {}
    for place, share, (shifts, step) in zip(chosen, shares, pace, strict=True):
        dice = Dice(f"{seed}/{size}/{place.name}")
        town = _town(out, place, scale, dice, truth, end, with_dolt_dump, with_telemetry)
        exports += [(place, export) for export in town.exports.values()]
        by_database.update({export.project_id: export for export in town.exports.values()})
        _run(town, dice, step, 0 if scale.is_bench else shifts, int(scale.bytes_wanted * share))
    for place in chosen:
        for rig in place.rigs:
            if rig.is_copy and rig.project_id in by_database:
                target = rig_beads(out / place.name / "gt", rig) / "backup"
                copy_database(by_database[rig.project_id], target, end - 40 * DAY)
    write_facts(truth, chosen, exports, end)
    towns_yaml(out, chosen)
    governance_yaml(out, chosen)
    truth_read = truth.close()
    for path in [
        out / "towns.yaml",
        out / "governance.yaml",
        *(path for place in chosen for path in (out / place.name / "gt").rglob("*") if path.is_file()),
    ]:
        set_modified(path, end)
    return truth_read


def _pace(scale: Scale, share: float) -> tuple[int, int]:
    """How many shifts a town with this share of the world is expected to play, and the ms between their starts."""
    if not scale.is_bench:
        shifts = max(2, round(scale.shifts * share))
        return shifts, (END - BEGIN - _TAIL) // (shifts - 1)
    # Shifts differ in size; room for an eighth more keeps the last one within the months.
    shifts = 2 + int(scale.bytes_wanted * share / _SHIFT_BYTES * 9 / 8)
    return shifts, max((END - BEGIN - _TAIL) // shifts, 3 * HOUR)


def _town(
    out: Path, place: Place, scale: Scale, dice: Dice, truth: TruthWriter, as_of: int, has_dump: bool, has_telemetry: bool
) -> Town:
    root = out / place.name / "gt"
    write_identity(root, place)
    events = TownEvents(root / ".events.jsonl", place.name, as_of, place.is_pruned, truth)
    telemetry = TownTelemetry(out / place.name / "telemetry" if has_telemetry else None, place, truth)
    dump = out / place.name / "dolt"
    exports = {}
    for name, database, prefix, project_id, folder in [
        ("hq", "hq", "hq", place.project_id, root / ".beads"),
        *((rig.name, rig.database, rig.prefix, rig.project_id, rig_beads(root, rig)) for rig in place.own_rigs),
    ]:
        own = Dice(f"{dice.random()}/{name}")
        target = dump / database if has_dump else None
        exports[name] = BeadsExport(database, prefix, project_id, place, folder / "backup", own, target)
    return Town(place, out, dice, scale, truth, events, exports, Targets(scale), as_of, telemetry, has_dump=has_dump)


def _run(town: Town, dice: Dice, step: int, shifts: int, bytes_wanted: int) -> None:
    """Play shifts until there are enough of them or of bytes."""
    played, start = 0, BEGIN
    story = Shifts(town, dice)
    while played < shifts if shifts else town.bytes_written + town.bytes_written // (2 * played or 1) < bytes_wanted:
        is_last = played == shifts - 1 if shifts else town.bytes_written + 2 * _SHIFT_BYTES > bytes_wanted
        story.play(start + dice.randrange(max(1, min(step // 2, 5 * HOUR))), is_last)
        played += 1
        start += step
        town.flush(start)
    if shifts:
        story.last_day(END - 26 * HOUR)
    town.finish()
