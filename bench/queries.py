"""Three analysts' queries through forge.duckdb: seconds to the first row, in a new process each."""

from bench.lakes import environment, forge, loaded_lake, sources, transcript_mb
from bench.measure import python, run, table

QUERIES = {
    "failing tools per role": """
        select s.role, c.tool_name, count(*) as calls, avg(case when c.is_error then 1.0 else 0.0 end) as failed
        from fct_tool_calls c join dim_sessions s using (session_key) group by 1, 2 order by calls desc""",
    "tokens per model and day": """
        select u.model, cast(s.started_at as date) as day, sum(u.output_tokens) as tokens
        from fct_session_usage u join dim_sessions s using (session_key) group by 1, 2 order by 2, 1""",
    "longest sessions of each rig": """
        select rig, session_id, message_count, row_number() over (partition by rig order by message_count desc) as place
        from dim_sessions order by place, rig limit 50""",
}

FIRST_ROW = """
import sys, time
from pathlib import Path
from lake.duck import connect
with connect(Path(sys.argv[1])) as connection:
    begun = time.perf_counter()
    connection.execute(sys.argv[2]).fetchone()
    print(time.perf_counter() - begun)
"""


def first_rows(megabytes: int) -> str:
    """Seconds to the first row of each query on a lake of this size."""
    folder = sources(megabytes)
    lake = loaded_lake("queries", folder)
    forge(lake, "build")
    forge(lake, "catalog")
    rows: list[tuple[str, str]] = []
    for name, query in QUERIES.items():
        seconds = [float(run(python("-c", FIRST_ROW, str(lake), query), environment()).output.split()[-1]) for _ in range(3)]
        rows.append((name, f"{sorted(seconds)[1]:.2f} s"))
    return table(f"First row over {transcript_mb(folder):.0f} MB of transcripts, median of 3 new processes", rows)
