"""How numbers, times and names are written on the page of `forge report`."""

from datetime import UTC, date, datetime


def number(value: float | None) -> str:
    """`12,345`; a dash for what is not known."""
    return "–" if value is None else f"{value:,.0f}"


def percent(value: float | None, digits: int = 0) -> str:
    """A share (0 to 1) as `41 %`; what is more than nothing is never written as 0 %, what is less than all never as 100 %."""
    if value is None:
        return "–"
    step, text = 1 / 10**digits, f"{100 * value:.{digits}f}"
    if value > 0 and float(text) == 0:
        return f"< {step:g} %"
    if value < 1 and float(text) == 100:
        return f"> {100 - step:g} %"
    return f"{text} %"


def words(name: object) -> str:
    """A name of the tables as words: `outcome_not_accepted` → `outcome not accepted`."""
    return str(name).replace("_", " ")


def day(value: date | datetime | None) -> str:
    """`2026-04-25`, UTC."""
    if isinstance(value, datetime):
        value = value.astimezone(UTC)
    return "–" if value is None else f"{value:%Y-%m-%d}"


def minute(value: datetime | None) -> str:
    """`2026-04-25 09:04 UTC`."""
    return "–" if value is None else f"{value.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def size(count: float | None) -> str:
    """Bytes as `1.2 GB`, in powers of ten."""
    if count is None:
        return "–"
    for factor, unit in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if count >= factor:
            return f"{count / factor:.1f} {unit}"
    return f"{count:.0f} B"


FILTERS = {"number": number, "percent": percent, "words": words, "day": day, "minute": minute, "size": size}
