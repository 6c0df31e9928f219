"""What models see of `ops.*`: the columns that the source file describes, empty before anything was recorded."""

from pathlib import Path

import yaml

from lake.duck import memory
from lake.record_views import TABLES, create_record_views
from lake.snapshot_tables import Member, write_members
from tests.dbt.projects import REAL


def test_a_table_that_nobody_wrote_is_empty_and_one_that_was_written_is_seen_as_it_was_then(tmp_path: Path) -> None:
    connection = memory()
    create_record_views(tmp_path, connection)
    assert connection.execute("select * from ops.snapshot_members").fetchall() == []
    member = Member("x", "e", None, "train", "base", None, "crew")
    write_members(tmp_path, "one", "1" * 16, [member])
    create_record_views(tmp_path, connection)
    write_members(tmp_path, "two", "2" * 16, [member])
    rows = connection.execute("select snapshot_name, episode_key, split from ops.snapshot_members").fetchall()
    assert rows == [("one", "e", "train")]


def test_the_source_file_describes_every_column() -> None:
    (source,) = yaml.safe_load((REAL / "models/staging/_ops__sources.yml").read_text())["sources"]
    described = {table["name"]: [column["name"] for column in table["columns"]] for table in source["tables"]}
    assert described == {Path(table.folder).name: table.schema.names for table in TABLES}
