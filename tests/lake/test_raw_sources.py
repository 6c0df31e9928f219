"""dbt's source file says of the raw tables what lake/tables.py says."""

from pathlib import Path

import yaml

from lake.raw_sources import raw_sources

SOURCES = Path(__file__).resolve().parent.parent.parent / "dbt_project" / "models" / "staging" / "_raw__sources.yml"


def test_sources_agree_with_the_tables() -> None:
    assert yaml.safe_load(SOURCES.read_text(encoding="utf-8")) == raw_sources(), (
        "run: python -m lake.raw_sources > dbt_project/models/staging/_raw__sources.yml"
    )
