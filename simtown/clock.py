"""Times of the simulated world: milliseconds since 1970 UTC, and the spellings real sources give them."""

from functools import lru_cache

SECOND = 1000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


def at(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> int:
    """Milliseconds of a UTC date (proleptic Gregorian; no time zone data is consulted, so every machine agrees)."""
    shifted = month - 3 if month > 2 else month + 9
    years = year if month > 2 else year - 1
    era_days = 365 * years + years // 4 - years // 100 + years // 400
    days = era_days + (153 * shifted + 2) // 5 + day - 1 - 719468
    return days * DAY + hour * HOUR + minute * MINUTE


@lru_cache(maxsize=4096)
def _date(day: int) -> str:
    number = day + 719468
    era = number // 146097
    of_era = number - era * 146097
    year_of_era = (of_era - of_era // 1460 + of_era // 36524 - of_era // 146096) // 365
    of_year = of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    shifted = (5 * of_year + 2) // 153
    day_of_month = of_year - (153 * shifted + 2) // 5 + 1
    month = shifted + 3 if shifted < 10 else shifted - 9
    return f"{year_of_era + era * 400 + (month <= 2):04d}-{month:02d}-{day_of_month:02d}"


def millis(ms: int) -> str:
    """RFC 3339 UTC with milliseconds, as transcripts write it: `2026-02-12T16:02:23.545Z`."""
    rest = ms % DAY
    seconds, milli = divmod(rest, SECOND)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    return f"{_date(ms // DAY)}T{hour:02d}:{minute:02d}:{second:02d}.{milli:03d}Z"


def from_millis(text: str) -> int:
    """Milliseconds of what `millis` wrote."""
    day = at(int(text[:4]), int(text[5:7]), int(text[8:10]), int(text[11:13]), int(text[14:16]))
    return day + int(text[17:19]) * SECOND + int(text[20:23])


def seconds(ms: int) -> str:
    """RFC 3339 UTC with seconds, as `.events.jsonl` and beads write it: `2026-02-12T16:02:23Z`."""
    return millis(ms)[:19] + "Z"


def local_minute(ms: int, offset_hours: int) -> str:
    """Local time to the minute without a zone, as startup beacons write it: `2026-02-12T16:02`."""
    return millis(ms + offset_hours * HOUR)[:16]
