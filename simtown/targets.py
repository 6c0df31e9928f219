"""How large sessions are meant to become."""

from simtown.dice import between, halton
from simtown.scale import Scale

# Bytes of files, evenly spaced quantiles. Small: triage and patrols; large: whoever works or coordinates; side: sub-agents.
_SMALL = (6_000.0, 10_000.0, 18_000.0, 26_000.0, 40_000.0, 120_000.0)
_LARGE = (40_000.0, 120_000.0, 300_000.0, 900_000.0, 2_300_000.0, 2_800_000.0, 3_100_000.0, 3_500_000.0)
_SIDE = (2_000.0, 40_000.0, 60_000.0, 120_000.0, 160_000.0, 230_000.0, 300_000.0)
_TABLES = {
    "boot": _SMALL, "dog": _SMALL, "deacon": _SMALL, "witness": _LARGE,
    "refinery": _LARGE, "mayor": _LARGE, "polecat": _LARGE, "crew": _LARGE,
}  # fmt: skip
# Toy worlds must hold every role and outcome in a few megabytes.
_TOY = (1_000.0, 4_000.0, 8_000.0, 12_000.0, 26_000.0)


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

    def side(self) -> int:
        """The size the next sub-agent's file should reach."""
        if not self._scale.is_bench:
            return 4_000
        number = self._dealt.get("side", 0)
        self._dealt["side"] = number + 1
        return int(between(_SIDE, halton(number)))
