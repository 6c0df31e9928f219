"""Building the models, beside one query that only extracts their columns; and what little new data costs."""

import random
import shutil
from pathlib import Path

from bench.growth import continue_session, main_files
from bench.lakes import OUT, environment, forge, fresh_lake, loaded_lake, sources, transcript_mb
from bench.measure import Measured, python, run, table
from lake.location import raw_path

EXTRACT = """
import sys
from pathlib import Path
from lake.duck import memory
query = Path(sys.argv[1]).read_text().replace(":raw", sys.argv[2]).replace(":out", sys.argv[3])
memory().execute(query)
"""


def _extract(lake: Path) -> Measured:
    query = Path(__file__).parent / "extract_columns.sql"
    out = OUT / "extracted.parquet"
    return run(python("-c", EXTRACT, str(query), str(raw_path(lake, "claude_records")), str(out)), environment())


def full_and_incremental(megabytes: int) -> str:
    """Seconds of a full build net of an empty one, of the extraction query, and of builds after 1 % of the sessions grew."""
    folder = OUT / "build-sources"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(sources(megabytes), folder)
    empty = forge(fresh_lake("empty"), "build")
    lake = loaded_lake("build", folder)
    extract = _extract(lake)
    full = forge(lake, "build")
    extract_again = _extract(lake)
    query = (extract.seconds + extract_again.seconds) / 2
    net = full.seconds - empty.seconds
    sessions = main_files(folder)
    some = max(1, len(sessions) // 100)
    newest = _after_growth(lake, folder, [path for _, path in sessions[-some:]])
    dice = random.Random(7)
    anywhere = _after_growth(lake, folder, [path for _, path in dice.sample(sessions, some)])
    nothing = forge(lake, "build")
    return table(
        f"Building the models of {transcript_mb(folder):.0f} MB of transcripts, {len(sessions)} sessions",
        [
            ("empty lake", f"{empty.seconds:.1f} s"),
            ("full build", f"{full.seconds:.1f} s, net {net:.1f} s, peak {full.peak_mb:.0f} MB"),
            ("extraction query, before and after", f"{extract.seconds:.1f} and {extract_again.seconds:.1f} s"),
            ("net build / extraction query", f"{net / query:.2f}"),
            ("build with nothing new", f"{nothing.seconds:.1f} s"),
            (f"newest 1 % of sessions grown ({some})", _share(newest, nothing, net)),
            (f"a random 1 % grown ({some})", _share(anywhere, nothing, net)),
        ],
    )


def _share(measured: Measured, nothing: Measured, net: float) -> str:
    own = measured.seconds - nothing.seconds
    return f"{measured.seconds:.1f} s, net {own:.1f} s = {100 * own / net:.1f} % of the full build"


def _after_growth(lake: Path, folder: Path, paths: list[Path]) -> Measured:
    for path in paths:
        continue_session(path)
    forge(lake, "ingest", "--towns", str(folder / "towns.yaml"), "--no-progress")
    return forge(lake, "build")
