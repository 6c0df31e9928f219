"""An analysts' file over models that were built but not published, for programs that read one."""

from pathlib import Path

import duckdb

from ingest.redaction_key import load_key
from lake.duck import CATALOG, load_delta
from lake.location import model_path, ops_path
from tests.dbt.projects import REAL

SCHEMAS = {"intermediate": "intermediate", "marts": "main", "staging": "staging"}


def write_analysts_file(folder: Path, lake: Path) -> Path:
    """Write `<folder>/forge.duckdb` with a view for every model that `lake` holds as a table; `folder` can then pass for a lake."""
    folder.mkdir(parents=True, exist_ok=True)
    load_key(folder, create=True)
    with duckdb.connect(str(folder / CATALOG)) as connection:
        load_delta(connection)
        for schema in ("intermediate", "staging", "seeds"):
            connection.execute(f"create schema {schema}")
        for layer, schema in SCHEMAS.items():
            for file in sorted((REAL / "models" / layer).rglob("*.sql")):
                table = model_path(lake, file.stem)
                if table.is_dir():
                    connection.execute(f"create view {schema}.{file.stem} as select * from delta_scan('{table}')")
        connection.execute(_view_of_blocks(lake))
        for seed in sorted((REAL / "seeds").glob("*.csv")):
            connection.execute(f"create view seeds.{seed.stem} as select * from read_csv('{seed}')")
    return folder


def _view_of_blocks(lake: Path) -> str:
    """The one model that transcripts are read from and that is a view over others, as the build's own database has it."""
    with duckdb.connect(str(ops_path(lake, "scratch") / "forge_scratch.duckdb"), read_only=True) as connection:
        ((base, sql),) = connection.execute(
            "select database_name, sql from duckdb_views() where view_name = 'int_content_blocks'"
        ).fetchall()
    return str(sql).replace(f"{base}.", "")
