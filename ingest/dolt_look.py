"""One look at a town's database server: which databases and tables are there, and which rows are new, changed or gone.

What is compared is the rows themselves, never the database's history, which is flattened now and then. A *whole* look reads every
row. Between whole looks a polling process reads the rows whose times moved lately, and of the others the keys alone.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import orjson

from ingest.dolt_known import KnownTable
from ingest.dolt_schema import BEADS_TABLES, COMMONS, COMMONS_TABLES, PROJECT_ID, BeadsTable
from ingest.dolt_server import DoltConnection, Values, quoted
from ingest.lines import JsonObject, to_json
from ingest.reading import Counts

MARGIN = timedelta(hours=27)
"""How far back "lately" reaches. Times that the server writes itself are in its own zone, up to 14 h from UTC either way."""
KEYS_PER_QUERY = 500


@dataclass(frozen=True, slots=True)
class Change:
    """A row that is new or changed. `text`: its canonical JSON (keys sorted, no nulls), what its digest is made of."""

    database: str
    project: str
    table: str
    identity: str
    text: bytes
    digest: str
    row: JsonObject


@dataclass(frozen=True, slots=True)
class Gone:
    """A row that the lake has and the server has no more."""

    database: str
    project: str
    table: str
    identity: str
    row_key: str
    bead_id: str | None
    digest: str


@dataclass(frozen=True)
class Looker:
    """What a look needs to know of the lake: identities and digests of rows, known tables, declared project ids.

    `projects`: database → project id, where the database itself does not say one.
    """

    identity: Callable[[str, str, tuple[object, ...]], str]
    digest: Callable[[bytes], str]
    known: Callable[[str, str], KnownTable]
    projects: Callable[[str], str | None]


def look(connection: DoltConnection, looker: Looker, since: datetime | None, counts: Counts) -> Iterator[Change | Gone]:
    """Everything that changed. `since`: rows whose times are older are not compared again; None compares every row.

    What is missing is told in `counts`: `notes` for what an older schema lacks, `problems` for what cannot be loaded.
    """
    taken: dict[str, str] = {}
    for database in connection.databases():
        tables = connection.tables(database)
        wanted = COMMONS_TABLES if database == COMMONS or not tables >= {"issues", "events"} else BEADS_TABLES
        if not tables & wanted.keys():
            continue  # not a database of beads
        project = _project(connection, database, tables, looker)
        if project is None:
            counts.problems.append(
                f"database {database} has no project id, neither in its `metadata` nor in a metadata.json of the town; declare it "
                "under `dolt.databases` in towns.yaml"
            )
            continue
        if taken.setdefault(project, database) != database:
            counts.problems.append(f"database {database} has the project id of {taken[project]}; only {taken[project]} is read")
            continue
        lacking = [name for name in wanted if name not in tables]
        if lacking:
            counts.notes.append(f"database {database} lacks the tables {', '.join(lacking)}")
        for table in wanted:
            if table in tables:
                yield from _TableLook(connection, looker, database, project, table, wanted[table], counts).changes(since)


def _project(connection: DoltConnection, database: str, tables: set[str], looker: Looker) -> str | None:
    if "metadata" in tables:
        place = f"{quoted(database)}.{quoted('metadata')}"
        found = connection.all(f"select {quoted('value')} from {place} where {quoted('key')} = %s", (PROJECT_ID,))
        if found and found[0][0]:
            return str(found[0][0])
    return looker.projects(database) or (COMMONS if database == COMMONS else None)


def _plain(value: object) -> object:
    """Bytes of a binary column as text, or in hex when they are none."""
    if not isinstance(value, bytes):
        return value
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.hex()


class _TableLook:
    """Looks at one table."""

    def __init__(
        self,
        connection: DoltConnection,
        looker: Looker,
        database: str,
        project: str,
        table: str,
        spec: BeadsTable,
        counts: Counts,
    ) -> None:
        self._connection = connection
        self._looker = looker
        self._place = (database, project, table)
        self._spec = spec
        self._counts = counts
        self._from = f"from {quoted(database)}.{quoted(table)}"

    def changes(self, since: datetime | None) -> Iterator[Change | Gone]:
        database, project, table = self._place
        spec, counts = self._spec, self._counts
        names = self._connection.columns(database, table)
        counts.files_seen += 1
        if not set(spec.key) <= set(names):
            counts.problems.append(
                f"{database}.{table} is not loaded: it lacks the key column {', '.join(sorted(set(spec.key) - set(names)))}"
            )
            return
        lacking = sorted(spec.columns - set(names))
        if lacking:
            counts.notes.append(f"{database}.{table} lacks the columns {', '.join(lacking)}")
        self._order = [(index, name) for name, index in sorted((name, index) for index, name in enumerate(names))]
        self._keys = [names.index(name) for name in spec.key]
        known = self._known = self._looker.known(project, table)
        times = [name for name in spec.changed_at if name in names]
        if spec.is_append_only and known.digests:
            yield from self._by_keys(set(), can_skip=since is not None)
        elif since is not None and times and known.digests:
            moment = since.replace(tzinfo=None).isoformat(" ", "seconds")
            condition = " or ".join(f"{quoted(name)} >= %s" for name in times)
            seen: set[str] = set()
            yield from self._compared(f"where {condition}", (moment,) * len(times), seen)
            yield from self._by_keys(seen, can_skip=False)
        elif known.digests:
            seen = set()
            yield from self._compared("", (), seen)
            yield from self._gone(seen)
        else:
            # Nothing is known, so nothing can be gone, and the first load of a large table holds nothing in memory.
            yield from self._compared("", (), None)

    def _compared(self, condition: str, arguments: Sequence[object], seen: set[str] | None) -> Iterator[Change]:
        """Rows that the lake does not have as they are. Every row's identity is added to `seen`."""
        database, project, table = self._place
        order, key_places, digests = self._order, self._keys, self._known.digests
        identity_of, digest_of = self._looker.identity, self._looker.digest
        for rows in self._connection.stream(f"select * {self._from} {condition}".rstrip(), arguments):
            for values in rows:
                row = {name: value for index, name in order if (value := values[index]) is not None}
                text, row = _canonical(row)
                identity = identity_of(project, table, tuple(values[index] for index in key_places))
                if seen is not None:
                    seen.add(identity)
                digest = digest_of(text)
                self._counts.bytes_read += len(text)
                if digests.get(identity) != digest:
                    yield Change(database, project, table, identity, text, digest, row)

    def _by_keys(self, seen: set[str], *, can_skip: bool) -> Iterator[Change | Gone]:
        """New rows among those not in `seen`, and rows that are gone, found by their keys alone.

        `can_skip`: as many rows as are known mean that nothing came or went; the next whole look sees when that was a coincidence.
        """
        _, project, table = self._place
        digests = self._known.digests
        if can_skip and self._connection.all(f"select count(*) {self._from}")[0][0] == len(digests):
            return
        new: list[Values] = []
        keys = ", ".join(quoted(name) for name in self._spec.key)
        present: set[str] = set()
        for rows in self._connection.stream(f"select {keys} {self._from}"):
            for values in rows:
                identity = self._looker.identity(project, table, values)
                present.add(identity)
                if identity not in digests and identity not in seen:
                    new.append(values)
        for start in range(0, len(new), KEYS_PER_QUERY):
            wanted = [values[0] for values in new[start : start + KEYS_PER_QUERY]]
            # Tables that are looked at this way have a key of one column.
            condition = f"where {quoted(self._spec.key[0])} in ({', '.join(['%s'] * len(wanted))})"
            yield from self._compared(condition, wanted, None)
        yield from self._gone(present)

    def _gone(self, present: set[str]) -> Iterator[Gone]:
        database, project, table = self._place
        gone = self._known.digests.keys() - present
        if gone:
            for identity, row_key, bead in self._known.names(gone):
                yield Gone(database, project, table, identity, row_key, bead, self._known.digests[identity])


def _canonical(row: JsonObject) -> tuple[bytes, JsonObject]:
    """The row's canonical text, and the row as it was written there."""
    try:
        return orjson.dumps(row), row
    except TypeError:  # bytes, or a number beyond 64 bits
        plain = {name: _plain(value) for name, value in row.items()}
        return to_json(plain).encode(), plain
