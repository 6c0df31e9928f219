"""Rows over SQL, beside a bare driver that streams the same table into Arrow, in one run."""

import shutil

from bench.lakes import OUT, forge, fresh_lake
from bench.measure import Measured, python, run, table
from tests.ingest.beads_schema import today
from tests.ingest.sql_servers import PASSWORD, SqlServer, running_server

VARIABLE = "BENCH_SQL_PASSWORD"
ROWS_PER_MB = 1_000
CHUNK = 50_000


def events_over_the_wire(megabytes: int) -> str:
    """Time and peak memory of a first load of a quarter, half and all of the events (1,000 a megabyte), and of an idle look."""
    folder = OUT / "sql-server"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    count = megabytes * ROWS_PER_MB
    (folder / "town").mkdir()
    with running_server(folder) as server:
        towns = folder / "towns.yaml"
        towns.write_text(
            f"towns:\n  - name: sql\n    id: sql\n    root: town\n    dolt: {{port: {server.port}, password_env: {VARIABLE}}}\n"
        )
        server.create("hq", *today("bench"))
        _fill(server, 0, count // 4)
        quarter = _load("dolt-quarter", str(towns))
        _fill(server, count // 4, count // 2)
        half = _load("dolt-half", str(towns))
        _fill(server, count // 2, count)
        bare = _bare(server)
        whole = _load("dolt-whole", str(towns))
        again = _bare(server)
        idle = forge(OUT / "dolt-whole", *_arguments(str(towns)), extra={VARIABLE: PASSWORD})
    middle = (bare.seconds + again.seconds) / 2
    return table(
        f"{count:,} event rows over SQL",
        [
            ("bare driver into Arrow, before and after", f"{bare.seconds:.1f} and {again.seconds:.1f} s, {bare.peak_mb:.0f} MB"),
            ("forge ingest, redacted, into Delta", f"{whole.seconds:.1f} s, peak {whole.peak_mb:.0f} MB in all processes"),
            ("ratio (time)", f"{whole.seconds / middle:.2f}"),
            ("ratio (CPU time of reader and loader)", f"{whole.cpu_seconds / ((bare.cpu_seconds + again.cpu_seconds) / 2):.2f}"),
            ("half the rows", f"{half.seconds:.1f} s, peak {half.peak_mb:.0f} MB"),
            ("a quarter of the rows", f"{quarter.seconds:.1f} s, peak {quarter.peak_mb:.0f} MB"),
            ("an idle look at all of them", f"{idle.seconds:.1f} s, peak {idle.peak_mb:.0f} MB"),
        ],
    )


def _arguments(towns: str) -> tuple[str, ...]:
    return "ingest", "--towns", towns, "--only", "dolt", "--no-progress"


def _load(name: str, towns: str) -> Measured:
    return forge(fresh_lake(name), *_arguments(towns), extra={VARIABLE: PASSWORD})


def _bare(server: SqlServer) -> Measured:
    return run(python("-m", "bench.bare_sql", str(server.port), PASSWORD))


def _fill(server: SqlServer, start: int, stop: int) -> None:
    """Events as bd writes them when a bead's status changes: the old bead and the changed fields."""
    old = (
        '{{"id":"hq-{0}","title":"Work item number {0}","description":"Make step {0} of the mill turn, and say in the notes how.",'
        '"status":"open","priority":2,"issue_type":"task","owner":"mayor","created_at":"2026-02-26T00:59:22Z",'
        '"updated_at":"2026-02-26T00:59:22Z"}}'
    )
    for chunk in range(start, stop, CHUNK):
        rows = [
            {
                "id": f"{number:08x}-0000-4000-8000-{number:012x}",
                "issue_id": f"hq-{number // 6}",
                "event_type": "status_changed",
                "actor": f"mill/polecats/p{number % 9}",
                "old_value": old.format(number // 6),
                "new_value": f'{{"assignee":"mill/polecats/p{number % 9}","status":"hooked"}}',
                "created_at": f"2026-03-{number % 28 + 1:02d} {number % 24:02d}:00:00",
            }
            for number in range(chunk, min(chunk + CHUNK, stop))
        ]
        server.insert("hq", "events", *rows)
