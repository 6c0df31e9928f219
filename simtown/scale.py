"""How much is generated and how large its parts are: `small`, `demo`, `<N>MB`."""

import re
from dataclasses import dataclass

_BENCH = re.compile(r"(\d+)\s*MB", re.IGNORECASE)


@dataclass(frozen=True)
class Scale:
    """A size.

    `shifts`: working shifts over all towns (0: as many as `bytes_wanted` needs). `text`: factor on lengths of tool output.
    `hooks`: share of hook and shell progress records that is kept. `files`: source files per rig. `is_bench`: sessions grow to
    the sizes of real ones and one line per town exceeds 1 MB.
    """

    name: str
    shifts: int
    bytes_wanted: int
    text: float
    hooks: float
    files: int
    is_bench: bool


def parse_scale(name: str) -> Scale:
    """`small`, `demo` or a number of megabytes (10^6 bytes of transcripts) such as `20MB`. Errors: `ValueError`."""
    if name == "small":
        return Scale(name, 5, 0, 0.05, 0.15, 5, False)
    if name == "demo":
        return Scale(name, 36, 0, 0.08, 0.28, 12, False)
    found = _BENCH.fullmatch(name.strip())
    if found is None or int(found[1]) == 0:
        raise ValueError(f"unknown size {name!r}: use small, demo or a number of megabytes such as 100MB")
    return Scale(name, 0, int(found[1]) * 1_000_000, 1.0, 1.0, 40, True)
