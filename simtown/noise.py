"""The checked-in table of noise rates (`noise.yaml`), with where each rate comes from."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

_TABLE = Path(__file__).with_name("noise.yaml")


@dataclass(frozen=True)
class Noise:
    """One rate (0–1), its source (a section of the data reference, `measured` or `assumed`) and what it stands for."""

    rate: float
    source: str
    note: str


@cache
def noise_table() -> dict[str, Noise]:
    """Every rate by name. Errors: `ValueError` for a rate outside 0–1 or an entry without source."""
    table: dict[str, Noise] = {}
    for name, entry in yaml.safe_load(_TABLE.read_text("utf-8")).items():
        noise = Noise(float(entry["rate"]), str(entry["source"]), str(entry["note"]))
        if not 0 <= noise.rate <= 1 or not noise.source:
            raise ValueError(f"{_TABLE.name}: {name} needs a rate between 0 and 1 and a source")
        table[name] = noise
    return table


def rate(name: str) -> float:
    """The rate of one kind of noise. Errors: `KeyError` for an unknown name."""
    return noise_table()[name].rate
