"""Sessions written by hand become exactly the examples written by hand, however they came into the lake."""

import json
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from ingest.run import run_ingest
from lake.recut import recut
from lake.release_views import open_release
from lake.releases import find_release
from lake.tables import RAW_TABLES, open_raw
from lake.tokens import DEFAULT, file_hash
from simtown import generate
from tests.dbt.golden_lake import expected, load_golden, released, with_call_names
from tests.dbt.growing_lake import Rows, append_load, cut_into_loads, differing_models
from tests.dbt.projects import REAL, dbt

pytestmark = pytest.mark.slow

# Where a row of int_block_tokens and int_surrogate_spans lies (`placed_at`) depends on the build that wrote it.
MODELS = ("example", "conversation", "int_turn_", "session_prompts", "attempt_pairs", "preference")
COLUMNS = (
    "example_key, conversation_key, episode_key, role_family, agent_key, is_subagent, parent_example_key, example_number, "
    "context_segment, is_session_start, copies, turn_count, target_turn_count, token_count, target_token_count, "
    "system_prompt_hash, messages, content_hash, unusable_reason"
)


@pytest.fixture(scope="module")
def golden(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A lake with a release of the five sessions alone. The project that built it lies beside it: it is the same for every test."""
    folder = tmp_path_factory.mktemp("golden")
    shutil.copytree(REAL, folder / "project", ignore=shutil.ignore_patterns("target", "logs"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FORGE_REDACTION_KEY_FILE", str(folder / "town/redaction.key"))
        load_golden(folder / "town", folder / "lake")
        settings = {"FORGE_GOVERNANCE": str(folder / "town/governance.yaml"), "DBT_TARGET_PATH": str(folder / "target")}
        built = dbt(folder / "project", folder / "lake", **settings)
        assert built.exit_code == 0, built.output
        yield folder / "lake"


def test_five_sessions_become_the_examples_written_by_hand(golden: Path) -> None:
    with released(golden) as connection:
        rows = connection.execute(
            "select cast(left(sessions.session_id, 8) as int), examples.agent_key, context_segment, is_session_start, copies, "
            "example_key, parent_example_key, messages, tools, unusable_reason, tokenizer_hash "
            "from fct_examples as examples inner join dim_sessions as sessions using (session_key)"
        ).fetchall()
    wanted = expected().examples
    names = {(row[0], row[1], row[2]): row[5] for row in rows}
    keys = {example["name"]: names.get((example["session"], example["agent"], example["context_segment"])) for example in wanted}
    found = {row[5]: row for row in rows}
    assert len(rows) == len(wanted) == len(set(keys.values()))
    for example in wanted:
        row = found[keys[example["name"]]]
        calls = [call["id"] for message in example["messages"] for call in message.get("tool_calls", ())]
        assert with_call_names(json.loads(row[7]), calls) == example["messages"], example["name"]
        parent = keys[example["parent"]] if example["parent"] else None
        assert row[3:5] == (example["is_session_start"], example["copies"])
        assert row[6] == parent
        assert row[8:] == (None, None, file_hash(DEFAULT))


def test_every_turn_of_a_model_that_is_not_learned_from_says_why(golden: Path) -> None:
    with released(golden) as connection:
        rows = connection.execute(
            "select cast(left(sessions.session_id, 8) as int), turns.not_target_reason, "
            "concat(said.text, (select string_agg(tool_input, ' ') from int_tool_calls_paired as calls "
            "inner join stg_claude__content_blocks as blocks using (record_key, block_index) "
            "where coalesce(calls.response_key, calls.message_key) = turns.turn_key)) "
            "from int_conversation_turns as turns inner join fct_turns as said using (turn_key) "
            "inner join dim_sessions as sessions on sessions.session_key = turns.session_key "
            "where turns.role = 'assistant' and not turns.is_target order by 1, turns.turn_number"
        ).fetchall()
        excluded = connection.execute(
            "select cast(left(sessions.session_id, 8) as int), excluded_reason from int_episode_candidates "
            "inner join dim_sessions as sessions using (session_key) where not is_candidate"
        ).fetchall()
    wanted = expected()
    assert [(row[0], row[1]) for row in rows] == [(turn["session"], turn["reason"]) for turn in wanted.not_learned]
    for row, turn in zip(rows, wanted.not_learned, strict=True):
        assert turn["says"] in row[2]
    assert excluded == [(each["session"], each["reason"]) for each in wanted.not_candidates]


def test_five_sessions_have_the_splits_written_by_hand(golden: Path) -> None:
    with released(golden) as connection:
        rows = connection.execute(
            "select distinct cast(left(sessions.session_id, 8) as int), splits.split from fct_splits as splits "
            "inner join dim_sessions as sessions using (session_key) "
            "where episode_key in (select episode_key from fct_examples)"
        ).fetchall()
    assert dict(rows) == {example["session"]: example["split"] for example in expected().examples}


def shuffled(rows: Rows, dice: random.Random) -> Rows:
    """The rows of each table in another order."""
    return {name: table.take(pa.array(dice.sample(range(table.num_rows), table.num_rows))) for name, table in rows.items()}


def golden_examples(lake: Path) -> list[tuple[Any, ...]]:
    """The examples of the five sessions."""
    with released(lake) as connection:
        return connection.execute(
            f"select {COLUMNS} from fct_examples where session_key in (select session_key from dim_sessions "
            "where agent_address like 'mill/crew/%' and session_id like '0000000_-0000-4000-8000-00000000000_') "
            "order by example_key"
        ).fetchall()


def test_examples_do_not_change_when_rows_come_shuffled_in_two_loads_with_those_of_other_towns(
    golden: Path, tmp_path: Path
) -> None:
    dice = random.Random(7)
    generate(tmp_path / "others", size="small", towns=1)
    assert run_ingest(tmp_path / "others/towns.yaml", tmp_path / "others_lake", progress=False).exit_code == 0
    for name in RAW_TABLES:  # what this town does not have is an empty table
        open_raw(tmp_path / "others_lake", name)
    beginnings, ends = (shuffled(rows, dice) for rows in cut_into_loads(golden, 2))
    others = cut_into_loads(tmp_path / "others_lake", 1)[0]
    both = {
        name: pa.concat_tables([rows[name] for rows in (others, ends) if name in rows], promote_options="permissive")
        for name in {*others, *ends}
    }
    settings = {"FORGE_GOVERNANCE": str(golden.parent / "town/governance.yaml"), "DBT_TARGET_PATH": str(tmp_path / "target")}
    for number, rows in enumerate((beginnings, both), start=1):
        append_load(tmp_path / "lake", number, rows)
        built = dbt(golden.parent / "project", tmp_path / "lake", **settings)
        assert built.exit_code == 0, built.output
    assert built.log["mode"] == "incremental"
    assert golden_examples(tmp_path / "lake") == golden_examples(golden)
    with released(tmp_path / "lake") as connection:
        assert connection.execute("select count(*) > 20 from fct_examples").fetchone() == (True,)
    # What builds that go on make of them is what one full build makes.
    shutil.copytree(tmp_path / "lake/raw", tmp_path / "whole/raw")
    built = dbt(golden.parent / "project", tmp_path / "whole", **settings)
    assert built.exit_code == 0, built.output
    differing = differing_models(tmp_path / "lake", tmp_path / "whole")
    assert {model: rows for model, rows in differing.items() if any(part in model for part in MODELS)} == {}


def test_a_release_cut_again_by_its_own_tokenizer_has_the_same_examples(golden: Path, tmp_path: Path) -> None:
    release = find_release(golden)
    with open_release(golden, release, tmp_path, "1GB") as connection:
        before = connection.execute("from main.fct_examples order by example_key").fetchall()
        assert recut(connection, release, DEFAULT, work=tmp_path, project=golden.parent / "project") == file_hash(DEFAULT)
        assert connection.execute("from main.fct_examples order by example_key").fetchall() == before


def test_a_release_cut_again_for_another_tokenizer_keeps_calls_with_results_and_every_target_once(
    golden: Path, tmp_path: Path
) -> None:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(vocab_size=300, initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()), show_progress=False)
    tokenizer.train_from_iterator(["The other tokenizer of another model."], trainer)
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    release = find_release(golden)
    with open_release(golden, release, tmp_path, "1GB") as connection:
        query = "select messages, token_count, unusable_reason, target_turn_count from main.fct_examples"
        before = connection.execute(query).fetchall()
        found = recut(
            connection, release, tmp_path / "tokenizer.json", work=tmp_path, max_tokens=700, project=golden.parent / "project"
        )
        after = connection.execute(query).fetchall()
        assert connection.execute("select distinct tokenizer_hash from main.fct_examples").fetchall() == [(found,)]
        over = connection.execute(
            "select count(*) from intermediate.int_conversation_turns inner join intermediate.int_episode_candidates "
            "using (episode_key) where is_candidate and not_target_reason = 'over_budget'"
        ).fetchone()
    usable = [row for row in after if row[2] is None]
    assert len(usable) > len(before)
    assert max(row[1] for row in usable) <= 700
    assert over is not None
    assert sum(row[3] for row in usable) == sum(row[3] for row in before) - over[0]
    for row in usable:
        messages = json.loads(row[0])
        called = {call["id"] for message in messages for call in message.get("tool_calls", ())}
        answered = {message["tool_call_id"] for message in messages if message["role"] == "tool"}
        assert answered == called
