"""Deals accidents to sessions and strays to shifts."""

from simtown.accidents import ACCIDENTS, Accident, compaction, new_sub_agent
from simtown.clock import HOUR, MINUTE
from simtown.dice import Deck
from simtown.noise import rate
from simtown.scale import Scale
from simtown.session import Session
from simtown.strays import foreign_file, fork, lost_main, silent_file
from simtown.town import Town

_BLANKS = {"small": 0, "demo": 26}
_MEGABYTE = 1_000_000


class Quirks:
    """Sessions draw their accidents when they open; a shift gets its strays before it is written."""

    def __init__(self, town: Town) -> None:
        self.town = town
        blanks: list[Accident | None] = [None] * _BLANKS.get(town.scale.name, 10)
        self._deck = Deck(town.dice, [*ACCIDENTS, *blanks])
        self._forks = Deck(town.dice, ["fork", "resume"])
        self._shifts = 0
        self._has_long_line = not town.scale.is_bench
        town.on_open = self._deal

    def _deal(self, session: Session) -> None:
        """The accidents of one session, more in a larger one."""
        count = 1 + session.target_bytes // _MEGABYTE
        cards = [self._deck.deal() for _ in range(count)]
        session.accidents = [(lambda card=card: card(self.town, session)) for card in cards if card is not None]  # type: ignore[misc]
        if self.town.scale.is_bench:
            sides = _sides(self.town.scale, session.target_bytes)
            session.accidents += [lambda: new_sub_agent(self.town, session)] * sides
            if session.target_bytes > 2 * _MEGABYTE:
                session.accidents.append(lambda: compaction(self.town, session))

    def apply(self, start: int) -> None:
        """Before a shift is written: last newlines, the long line, forks, strays."""
        town, dice = self.town, self.town.dice
        for session in list(town.open_sessions):
            if dice.chance(0.05):
                session.script.ends_with_newline = False
        if not self._has_long_line:
            self._has_long_line = True
            largest = max(town.open_sessions, key=lambda session: session.target_bytes)
            largest.worker.bash("cat build/bundle.js", largest.worker.library.text.source(dice, 600_000).replace("\n", ";"))
        self._shifts += 1
        crews = [session for session in town.open_sessions if session.agent.role in ("crew", "mayor", "polecat")]
        if town.scale.name == "small" or self._shifts % 3 == 1:
            fork(town, dice.choice(crews), self._forks.deal())
        if self._shifts % 9 == 1:
            lost_main(town, start + 4 * HOUR)
        share = rate("no_assistant_file")
        silent = (len(town.open_sessions) + town.side_files) * share / (1 - share)
        town.side_files = 0
        for number in range(int(silent) + dice.chance(silent % 1)):
            silent_file(town, start + (3 + 37 * number) * MINUTE)
        if self._shifts % 3 == 1:
            foreign_file(town, start + 5 * HOUR)


def _sides(scale: Scale, target: int) -> int:
    """How many sub-agents a session of bench size has: as measured on real sets, none below 100 kB, two above 1 MB."""
    if target < 100_000:
        return 0
    return 1 if target < _MEGABYTE else 2
