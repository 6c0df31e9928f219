"""`forge status`: is the lake fed, built and fresh?

Two questions that are easily confused are kept apart. *Behind* is about the data: how far a town's newest record lies behind the
newest record of the whole lake; a town whose agents rest falls behind, and nothing is wrong. *Stale* is about the machinery and
judged by the clock: a town that no run looked at, or a lake that no build finished on, for longer than `max_age_hours`. Only
staleness changes the exit code.
"""

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from lake.exit_codes import ExitCode
from lake.releases import Release, releases
from lake.runs import last_good_build, looks
from lake.status_learning import Learning, find_learning, learning_lines
from lake.tell import ago, say
from lake.town_news import TownNews, town_news


@dataclass(frozen=True)
class TownStatus:
    """One line of the status. `town` is None for rows that belong to no town; times are UTC."""

    town: str | None
    town_id: str | None
    newest_at: datetime | None
    behind_seconds: float | None
    rows: int
    quarantined: int
    looked_at: datetime | None
    is_stale: bool


@dataclass(frozen=True)
class Status:
    """The whole answer. `release_id`, `release_at`: what analysts see; `built_at`: the last complete green build."""

    lake: str
    towns: tuple[TownStatus, ...]
    release_id: str | None
    release_at: datetime | None
    release_as_of: datetime | None
    built_at: datetime | None
    is_build_stale: bool
    learning: Learning

    @property
    def is_stale(self) -> bool:
        """Whether anything is."""
        return self.is_build_stale or any(town.is_stale for town in self.towns)


def find_status(lake: Path, declared: list[str], now: datetime, max_age_hours: float) -> Status:
    """The lake's status. `declared`: names of the towns in towns.yaml, the only ones that can be stale."""
    seen = looks(lake)
    news = town_news(lake)
    name_of: dict[str | None, str] = {look.town_id: look.town for look in seen.values()}
    newest = max((item.newest_at for item in news.values() if item.newest_at), default=None)

    def is_stale(at: datetime | None) -> bool:
        return at is None or (now - at).total_seconds() > max_age_hours * 3600

    towns = []
    for name in declared:
        look = seen.get(name)
        item = news.get(look.town_id) if look else None
        at = look.at if look else None
        towns.append(_town(name, look.town_id if look else None, item, newest, at, is_stale(at)))
    shown = {town.town_id for town in towns}
    for town_id, item in sorted(news.items(), key=lambda pair: pair[0] or "~"):
        if town_id not in shown or (town_id is None and item.rows + item.quarantined):
            once = name_of.get(town_id)
            towns.append(_town(once, town_id, item, newest, seen[once].at if once else None, stale=False))
    known = releases(lake)
    last: Release | None = known[-1] if known else None
    built_at = max(filter(None, (last_good_build(lake), last.created_at if last else None)), default=None)
    return Status(
        str(lake),
        tuple(towns),
        last.release_id if last else None,
        last.created_at if last else None,
        last.as_of if last else None,
        built_at,
        is_stale(built_at),
        find_learning(lake, last) if last else Learning(),
    )


def _town(
    name: str | None, town_id: str | None, item: TownNews | None, newest: datetime | None, looked_at: datetime | None, stale: bool
) -> TownStatus:
    at = item.newest_at if item else None
    behind = (newest - at).total_seconds() if newest and at else None
    return TownStatus(name, town_id, at, behind, item.rows if item else 0, item.quarantined if item else 0, looked_at, stale)


def print_status(lake: Path, towns_file: Path, *, max_age_hours: float, as_json: bool) -> ExitCode:
    """Print the status and return the exit code: OK or STALE. Errors: `TownsFileError`."""
    from ingest.towns import load_towns

    now = datetime.now(UTC)
    status = find_status(lake, [town.name for town in load_towns(towns_file).towns], now, max_age_hours)
    if as_json:
        say(json.dumps(asdict(status) | {"is_stale": status.is_stale}, default=lambda value: value.isoformat(), indent=1))
    else:
        for line in status_lines(status, now, max_age_hours):
            say(line)
    return ExitCode.STALE if status.is_stale else ExitCode.OK


def status_lines(status: Status, now: datetime, max_age_hours: float) -> list[str]:
    """The status as aligned lines."""
    rows = [("town", "newest data (UTC)", "behind", "rows", "quarantined", "looked at")]
    for town in status.towns:
        rows.append(
            (
                town.town or town.town_id or "(no town)",
                f"{town.newest_at:%Y-%m-%d %H:%M}" if town.newest_at else "-",
                ago(town.behind_seconds) if town.behind_seconds is not None else "-",
                f"{town.rows:,}",
                f"{town.quarantined:,}",
                (f"{ago((now - town.looked_at).total_seconds())} ago" if town.looked_at else "never")
                + (" STALE" if town.is_stale else ""),
            )
        )
    sizes = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    right = (2, 3, 4)
    lines = [f"lake     {status.lake}", ""]
    for row in rows:
        cells = (
            cell.rjust(size) if column in right else cell.ljust(size)
            for column, (cell, size) in enumerate(zip(row, sizes, strict=True))
        )
        lines.append("  ".join(cells).rstrip())
    lines += ["", f"release  {_release(status, now)}"]
    built = f"{ago((now - status.built_at).total_seconds())} ago" if status.built_at else "never"
    lines.append(f"built    {built}{' STALE' if status.is_build_stale else ''}")
    lines += learning_lines(status.learning, now)
    if status.is_stale:
        lines += [
            "",
            f"STALE: older than {max_age_hours:g} hours. `forge nightly` brings it up to date; `forge doctor` looks for the cause.",
        ]
    return lines


def _release(status: Status, now: datetime) -> str:
    if status.release_id is None or status.release_at is None:
        return "none yet: run `forge build`"
    as_of = f", data up to {status.release_as_of:%Y-%m-%d %H:%M}" if status.release_as_of else ""
    return f"{status.release_id}, published {ago((now - status.release_at).total_seconds())} ago{as_of}"
