"""How large sessions are meant to become."""

from simtown.dice import between, halton
from simtown.scale import Scale

# Bytes of files, evenly spaced quantiles. Small: triage and patrols; large: whoever works or coordinates; side: sub-agents.
_SMALL = (6_000.0, 10_000.0, 18_000.0, 26_000.0, 40_000.0, 120_000.0)
_MIDDLE = (25_000.0, 80_000.0, 140_000.0, 220_000.0, 320_000.0)
_LARGE = (20_000.0, 90_000.0, 300_000.0, 2_300_000.0, 2_700_000.0, 2_900_000.0, 3_200_000.0, 3_500_000.0)
_SIDE = (1_000.0, 25_000.0, 90_000.0, 140_000.0, 190_000.0, 260_000.0, 340_000.0)
_SILENT = (300.0, 4_000.0, 8_000.0, 9_500.0, 11_000.0, 12_500.0, 14_000.0)
_TABLES = {
    "boot": _SMALL, "dog": _SMALL, "deacon": _MIDDLE, "witness": _LARGE,
    "refinery": _LARGE, "mayor": _LARGE, "polecat": _LARGE, "crew": _LARGE,
}  # fmt: skip
# Toy worlds must hold every role and outcome in a few megabytes.
_TOY_SILENT = (100.0, 400.0, 1_200.0)
_TOY = (1_000.0, 4_000.0, 8_000.0, 12_000.0, 26_000.0)


class Targets:
    """Deals session sizes in bytes so that few sessions already spread over the whole distribution."""

    def __init__(self, scale: Scale) -> None:
        self._scale = scale
        self._dealt: dict[str, int] = {}

    def next(self, role: str) -> int:
        """The size the next session of a role should reach."""
        return self._deal(role, _TABLES[role]) if self._scale.is_bench else self._deal("toy", _TOY)

    def side(self) -> int:
        """The size the next sub-agent's file should reach."""
        return self._deal("side", _SIDE) if self._scale.is_bench else 4_000

    def silent(self) -> int:
        """The length of the prompt that the next session without an answer was left with, in characters."""
        return self._deal("silent", _SILENT if self._scale.is_bench else _TOY_SILENT)

    def _deal(self, name: str, table: tuple[float, ...]) -> int:
        number = self._dealt.get(name, 0)
        self._dealt[name] = number + 1
        return int(between(table, halton(number)))
