"""Snapshots of simtown's towns: two lakes of the same sources give the same id, and nobody's data goes where it may not."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from tokenizers import pre_tokenizers

from lake.duck import load_delta
from lake.location import model_path
from lake.snapshot_create import Created, Order, create_snapshot
from lake.snapshot_diff import difference
from lake.snapshot_erase import erase_rows, examples_of_episodes
from lake.snapshot_source import Wanted
from lake.snapshot_verify import verify
from lake.tokens import file_hash
from simtown import generate
from tests.lake.test_tokens import tokenizer_file

pytestmark = pytest.mark.slow
EVERYTHING = Wanted(formats=("sft", "preference"))


@dataclass(frozen=True)
class Cut:
    """A lake with a release, its snapshot, and the policy it was built under."""

    lake: Path
    created: Created
    policy: dict[str, Any]

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Answer of a query in which `sft` and `preference` are all rows of the snapshot, and models have their names."""
        with duckdb.connect() as connection:
            load_delta(connection)
            for kind in ("sft", "preference"):
                files = f"{self.created.folder}/data/**/{kind}/*.parquet"
                connection.execute(f"create view {kind} as select * from read_parquet('{files}')")
            for model in ("fct_selection", "int_episode_consent", "fct_splits", "fct_outcomes"):
                connection.execute(f"create view {model} as select * from delta_scan('{model_path(self.lake, model)}')")
            return connection.execute(sql).fetchall()


def cut(world: Path, lake: Path) -> Created:
    """Load, build, publish, cut."""
    for verb in (["ingest", "--towns", str(world / "towns.yaml"), "--no-progress"], ["build"]):
        command = [sys.executable, "-m", "forge", "--lake", str(lake), *verb]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    return create_snapshot(lake, Order("pool", EVERYTHING))


@pytest.fixture(scope="module")
def cuts(tmp_path_factory: pytest.TempPathFactory) -> tuple[Cut, Cut]:
    folder = tmp_path_factory.mktemp("cuts")
    generate(folder / "world")
    policy = yaml.safe_load((folder / "world/governance.yaml").read_text())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FORGE_GOVERNANCE", str(folder / "world/governance.yaml"))
        one, other = (Cut(folder / name, cut(folder / "world", folder / name), policy) for name in ("one", "other place"))
    return one, other


def test_a_fresh_lake_of_the_same_sources_gives_the_same_id(cuts: tuple[Cut, Cut]) -> None:
    one, other = cuts
    assert one.created.manifest.id == other.created.manifest.id
    assert one.created.manifest.rows > 500
    assert verify(one.created.folder).problems == []


def test_own_data_is_in_no_base_and_refused_data_nowhere(cuts: tuple[Cut, Cut]) -> None:
    learn = {startup["name"]: startup["learn"] for startup in cuts[0].policy["startups"]}
    assert {"own", "shared", "none"} <= set(learn.values())
    for kind in ("sft", "preference"):
        found = cuts[0].rows(f"select distinct scope, startup from {kind}")
        assert found
        in_bases = {startup for scope, startup in found if scope == "base"}
        assert all(learn.get(startup, "own") == "shared" for startup in in_bases if startup is not None)
        assert all(learn.get(startup) != "none" for _, startup in found)
    overlays = cuts[0].rows("select distinct startup from sft where scope = 'overlay'")
    assert "own" in {learn[startup] for (startup,) in overlays}


def test_the_files_hold_what_was_kept_once_each(cuts: tuple[Cut, Cut]) -> None:
    kept = {key for (key,) in cuts[0].rows("select episode_key from fct_selection where is_kept")}
    shown = {key for (key,) in cuts[0].rows("select distinct episode_key from sft")}
    assert shown <= kept
    left = duckdb.sql(f"select distinct episode_key from '{cuts[0].created.folder}/excluded.parquet'").fetchall()
    assert kept - shown <= {key for (key,) in left}
    assert cuts[0].rows("select example_key from sft group by example_key, scope, copy having count(*) > 1") == []


def test_nothing_that_is_trained_on_is_evaluated(cuts: tuple[Cut, Cut]) -> None:
    both = "select group_key, split from sft union select group_key, split from preference"
    assert cuts[0].rows(f"select group_key from ({both}) group by group_key having count(*) > 1") == []
    assert {split for (split,) in cuts[0].rows("select distinct split from sft")} == {"train", "eval", "test", "temporal_eval"}
    frozen = cuts[0].rows(
        "select sft.split, fct_splits.split from sft inner join fct_splits on sft.episode_key = fct_splits.episode_key group by all"
    )
    assert set(frozen) == {("train", "train"), ("eval", "eval"), ("test", "test"), ("temporal_eval", "train")}


def test_the_newest_work_is_evaluated_and_all_older_trained_on(cuts: tuple[Cut, Cut]) -> None:
    ((newest_train, oldest_eval),) = cuts[0].rows("""
        select
            max(splits.group_admitted_ended_at) filter (where sft.split = 'train'),
            min(splits.group_admitted_ended_at) filter (where sft.split = 'temporal_eval')
        from sft
        inner join fct_splits as splits on sft.episode_key = splits.episode_key
    """)
    assert newest_train <= oldest_eval


def test_a_session_of_the_towns_can_be_erased_from_the_snapshot(cuts: tuple[Cut, Cut]) -> None:
    folder = cuts[1].created.folder
    ((episode,),) = cuts[1].rows("select min(episode_key) from sft")
    keys = examples_of_episodes(folder, {episode})
    assert erase_rows(folder, keys, "a test") >= 1
    result = verify(folder)
    assert result.problems == []
    assert result.erased >= 1
    assert cuts[1].rows(f"select 1 from sft where episode_key = '{episode}'") == []


def test_another_tokenizer_counts_and_cuts_anew_and_holds_back_nothing_else(cuts: tuple[Cut, Cut], tmp_path: Path) -> None:
    lake, tokenizer = cuts[0].lake, tokenizer_file(tmp_path, pre_tokenizers.ByteLevel())
    ours = create_snapshot(lake, Order("pool", EVERYTHING, tokenizer, max_tokens=1024))
    assert ours.manifest.id != cuts[0].created.manifest.id
    assert ours.manifest.tokenizer == {"hash": file_hash(tokenizer), "max_tokens": 1024}
    assert verify(ours.folder).problems == []
    other = Cut(lake, ours, cuts[0].policy)
    ((most, examples),) = other.rows("select max(token_count), count(distinct example_key) from sft")
    assert 0 < most <= 1024
    # A coarser tokenizer and a smaller window: the same conversations in more pieces.
    assert examples > cuts[0].rows("select count(distinct example_key) from sft")[0][0]
    found = {(change.change, change.reason) for change in difference(cuts[0].created.folder, ours.folder).changes}
    assert ("changed", "recut") in found
    again = create_snapshot(lake, Order("pool", EVERYTHING, tokenizer, max_tokens=1024))
    assert (again.is_new, again.manifest.id) == (False, ours.manifest.id)
