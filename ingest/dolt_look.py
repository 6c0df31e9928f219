"""One look at a town's database server: which databases and tables are there, and which rows are new, changed or gone.

What is compared is the rows themselves, never the database's history, which is flattened now and then. A *whole* look reads every
row. Between whole looks a polling process reads the rows whose times moved lately, and of the others the keys alone.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import orjson

from ingest.dolt_known import KnownTable
from ingest.dolt_schema import BEADS_TABLES, COMMONS, COMMONS_TABLES, PROJECT_ID, BeadsTable
from ingest.dolt_server import DoltConnection, Values, quoted
from ingest.lines import to_json
from ingest.reading import Counts
from ingest.redact_flat import records_of

MARGIN = timedelta(hours=27)
"""How far back "lately" reaches. Times that the server writes itself are in its own zone, up to 14 h from UTC either way."""
KEYS_PER_QUERY = 500


@dataclass(frozen=True, slots=True)
class Changes:
    """Rows of one table that are new or changed; the four lists belong together.

    `names`: the table's columns, sorted; `rows`: values in that order. `texts`: each row's canonical JSON (keys sorted, no nulls),
    what its digest is made of.
    """

    database: str
    project: str
    table: str
    names: tuple[str, ...]
    rows: list[Values]
    texts: list[bytes]
    identities: list[str]
    digests: list[str]

    @property
    def size(self) -> int:
        """Bytes of all canonical texts."""
        return sum(map(len, self.texts))


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

    `identities`: (project, table) → what gives a primary key its row's identity. `projects`: database → project id, where the
    database itself does not say one.
    """

    identities: Callable[[str, str], Callable[[Values], str]]
    digest: Callable[[bytes], str]
    known: Callable[[str, str], KnownTable]
    projects: Callable[[str], str | None]


def look(connection: DoltConnection, looker: Looker, since: datetime | None, counts: Counts) -> Iterator[Changes | Gone]:
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

    def changes(self, since: datetime | None) -> Iterator[Changes | Gone]:
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
        self._identity = self._looker.identities(project, table)
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

    def _compared(self, condition: str, arguments: Sequence[object], seen: set[str] | None) -> Iterator[Changes]:
        """Rows that the lake does not have as they are. Every row's identity is added to `seen`."""
        database, project, table = self._place
        known, identity, digest = self._known.digests, self._identity, self._looker.digest
        names = tuple(name for _, name in self._order)
        for columns in self._connection.stream_columns(f"select * {self._from} {condition}".rstrip(), arguments):
            rows = list(zip(*(columns[index] for index, _ in self._order), strict=True))
            texts = _canonical_texts(names, rows)
            identities = [identity(key) for key in zip(*(columns[index] for index in self._keys), strict=True)]
            digests = [digest(text) for text in texts]
            if seen is not None:
                seen.update(identities)
            found = Changes(database, project, table, names, rows, texts, identities, digests)
            self._counts.bytes_read += found.size
            if known:
                found = _only(found, [place for place, one in enumerate(identities) if known.get(one) != digests[place]])
            if found.rows:
                yield found

    def _by_keys(self, seen: set[str], *, can_skip: bool) -> Iterator[Changes | Gone]:
        """New rows among those not in `seen`, and rows that are gone, found by their keys alone.

        `can_skip`: as many rows as are known mean that nothing came or went; the next whole look sees when that was a coincidence.
        """
        digests = self._known.digests
        if can_skip and self._connection.all(f"select count(*) {self._from}")[0][0] == len(digests):
            return
        new: list[Values] = []
        keys = ", ".join(quoted(name) for name in self._spec.key)
        present: set[str] = set()
        for rows in self._connection.stream(f"select {keys} {self._from}"):
            for values in rows:
                identity = self._identity(values)
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


def _only(changes: Changes, places: list[int]) -> Changes:
    """Some of the rows."""
    if len(places) == len(changes.rows):
        return changes
    return replace(
        changes,
        rows=[changes.rows[place] for place in places],
        texts=[changes.texts[place] for place in places],
        identities=[changes.identities[place] for place in places],
        digests=[changes.digests[place] for place in places],
    )


def _canonical_texts(names: tuple[str, ...], rows: list[Values]) -> list[bytes]:
    """The rows' canonical texts. A row that JSON cannot write as it is (bytes) is changed in `rows` to what was written."""
    try:
        return [orjson.dumps(record) for record in records_of(names, rows)]
    except TypeError:  # bytes, or a number beyond 64 bits
        rows[:] = [tuple(_plain(value) for value in row) for row in rows]
        return [to_json(record).encode() for record in records_of(names, rows)]
