"""The question every model of a project must answer well: do builds that go on give the rows one full build gives?"""

from pathlib import Path

from lake.releases import find_release
from tests.dbt.growing_lake import append_load, cut_into_loads, differing_models
from tests.dbt.projects import Built, dbt


def grow(project: Path, source: Path, lake: Path, *, steps: int) -> list[Built]:
    """Build `lake` once per load, while the rows of the lake `source` come in as `steps` loads."""
    builds = []
    for number, rows in enumerate(cut_into_loads(source, steps), start=1):
        append_load(lake, number, rows)
        builds.append(dbt(project, lake))
        assert builds[-1].exit_code == 0, builds[-1].output
    return builds


def differences_to_full_build(project: Path, source: Path, lake: Path, folder: Path, *, steps: int) -> dict[str, tuple[int, int]]:
    """Models whose rows in `lake` (grown from `source` in `steps` loads) are not those of one full build of the same loads.

    Gives model → (rows only in the grown lake, rows only in the full build). `folder`: where the other lake may be.
    """
    for number, rows in enumerate(cut_into_loads(source, steps), start=1):
        append_load(folder / "lake", number, rows)
    built = dbt(project, folder / "lake", "--full-refresh")
    assert built.exit_code == 0, built.output
    assert find_release(folder / "lake").is_full
    return differing_models(lake, folder / "lake")
