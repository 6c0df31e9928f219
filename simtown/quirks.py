"""What happens to sessions besides their story."""

from simtown.town import Town


class Quirks:
    """Applied to the sessions of a shift before they are written."""

    def __init__(self, town: Town) -> None:
        self.town = town

    def apply(self) -> None:
        """Let the sessions of the shift have their accidents."""
        for session in self.town.open_sessions:
            if session.script.dice.chance(0.05):
                session.script.ends_with_newline = False
