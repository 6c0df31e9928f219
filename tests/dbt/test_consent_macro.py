"""A model that exports rows without asking for consent fails the build."""

import shutil
from pathlib import Path

from tests.dbt.projects import REAL, dbt, toy_project

RULE = "assert_every_export_model_asks_for_consent"
EXPORT = "{{ config(unique_key=['episode_key'], tags=['export', 'scope:shard']) }}\n"
ROWS = "select cast('e' as varchar) as episode_key, true as is_base_allowed, true as is_overlay_allowed"


def test_an_export_model_that_does_not_ask_fails_and_one_that_asks_does_not(tmp_path: Path, lake: Path) -> None:
    project = toy_project(tmp_path / "project")
    marts = project / "models/marts"
    (marts / "int_episode_consent.sql").write_text("{{ config(unique_key=['episode_key']) }}\n" + ROWS)
    (marts / "fct_asking.sql").write_text(
        EXPORT + "select episodes.episode_key from {{ ref('int_episode_consent') }} as episodes where {{ consented('episodes') }}"
    )
    # It speaks of the macro, and even of the table, without asking.
    (marts / "fct_leaking.sql").write_text(
        EXPORT + "{# consented('episodes') #}\nselect episode_key from {{ ref('int_episode_consent') }} -- {{ 'consented' }}"
    )
    shutil.copy(REAL / f"tests/consent/{RULE}.sql", project / "tests")
    bad = dbt(project, lake, "test", "--select", RULE)
    assert bad.exit_code == 1
    assert "Got 1 result" in bad.output
    compiled = (project / f"target/compiled/forge/tests/{RULE}.sql").read_text()
    assert "fct_leaking" in compiled
    assert "fct_asking" not in compiled
