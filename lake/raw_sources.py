"""dbt's source file for the raw tables, written from `lake.tables`, so that a raw column is described in one place.

python -m lake.raw_sources > dbt_project/models/staging/_raw__sources.yml
"""

import sys
from typing import Any

import yaml

from lake.tables import RAW_TABLES, SEQUENCE


def raw_sources() -> dict[str, Any]:
    """The content of `_raw__sources.yml`."""
    tables = []
    for table in RAW_TABLES.values():
        columns = [{"name": name, "description": text} for name, (_, text) in table.columns.items()]
        columns.append({"name": SEQUENCE, "description": "The load that wrote the row; also the table's partition."})
        description = f"{table.description} One row per {', '.join(table.key)}."
        tables.append({"name": table.name, "description": description, "columns": columns})
    description = "The raw Delta tables at the versions the build pinned, without the rows of a load that is not complete."
    return {"version": 2, "sources": [{"name": "raw", "schema": "raw", "description": description, "tables": tables}]}


def render() -> str:
    """The same as YAML text."""
    return "# Written by `python -m lake.raw_sources` from lake/tables.py.\n" + yaml.safe_dump(
        raw_sources(), sort_keys=False, width=140, allow_unicode=True
    )


if __name__ == "__main__":
    sys.stdout.write(render())
