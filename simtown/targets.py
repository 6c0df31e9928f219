"""How large sessions are meant to become."""

from simtown.dice import between, halton
from simtown.scale import Scale

# Bytes of main files, evenly spaced quantiles. Small: triage and patrols; large: whoever works or coordinates.
_SMALL = (6_000.0, 12_000.0, 20_000.0, 27_000.0, 36_000.0, 60_000.0)
_MIDDLE = (20_000.0, 40_000.0, 90_000.0, 150_000.0, 230_000.0, 400_000.0)
_LARGE = (60_000.0, 130_000.0, 260_000.0, 900_000.0, 2_500_000.0, 3_000_000.0, 3_400_000.0)
_TABLES = {
    "boot": _SMALL, "dog": _SMALL, "deacon": _MIDDLE, "witness": _MIDDLE,
    "refinery": _LARGE, "mayor": _LARGE, "polecat": _LARGE, "crew": _LARGE,
}  # fmt: skip
# Toy worlds must hold every role and outcome in a few megabytes.
_TOY = (2_000.0, 6_000.0, 10_000.0, 16_000.0, 30_000.0)


class Targets:
    """Deals session sizes in bytes so that few sessions already spread over the whole distribution."""

    def __init__(self, scale: Scale) -> None:
        self._scale = scale
        self._dealt: dict[str, int] = {}

    def next(self, role: str) -> int:
        """The size the next session of a role should reach."""
        table = _TABLES[role] if self._scale.is_bench else _TOY
        key = str(id(table)) if not self._scale.is_bench else role
        number = self._dealt.get(key, 0)
        self._dealt[key] = number + 1
        return int(between(table, halton(number)))
