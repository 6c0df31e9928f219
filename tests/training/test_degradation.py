"""Promises of the review of champions: who got worse is named and, when asked, rolled back."""

from pathlib import Path

import duckdb
import pytest

from lake.duck import CATALOG
from lake.exit_codes import ExitCode
from tests.training.adapters import serving
from training.degradation import review
from training.registry import Registry


def outcomes(lake: Path, *rows: tuple[str, bool]) -> None:
    """An analysts' file that knows the outcomes of these adapters: id, degraded."""
    lake.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(lake / CATALOG)) as connection:
        connection.execute("""
            create table fct_adapter_outcomes (
                adapter_id varchar, role_family varchar, accepted_share double, accepted_share_high double,
                other_accepted_share double, other_accepted_share_low double, accepted_count bigint, rejected_count bigint,
                is_degraded boolean
            )""")
        for adapter_id, is_degraded in rows:
            values = [adapter_id, "mayor", 0.2, 0.4, 0.8, 0.7, 5, 20, is_degraded]
            connection.execute("insert into fct_adapter_outcomes values (?, ?, ?, ?, ?, ?, ?, ?, ?)", values)


def test_a_degraded_champion_is_told_and_left_to_serve_unless_asked(lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("b1", "b2"):
        serving(lake, name, "base/mayor")
    outcomes(lake, ("b2", True), ("b1", True), ("stranger", True))
    assert review(lake, apply=False) is ExitCode.FAILED
    assert "base/mayor: b2 is worse than everybody else: 20% of 25 episodes accepted" in capsys.readouterr().out
    assert Registry.read(lake).adapters["b2"].status == "champion"
    assert review(lake, apply=True) is ExitCode.OK
    champion = Registry.read(lake).champion(None, "mayor")
    assert champion is not None
    assert (champion.adapter_id, champion.reason.startswith("put back for b2: degraded: 20%")) == ("b1", True)


def test_who_is_not_degraded_is_left_alone(lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    serving(lake, "b1", "base/mayor")
    outcomes(lake, ("b1", False))
    assert review(lake, apply=True) is ExitCode.OK
    assert capsys.readouterr().out == "1 champions, none of them worse than everybody else\n"
