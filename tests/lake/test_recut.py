"""Which models are made again for another tokenizer, and when that cannot be. The cutting itself is tested on the golden lake."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lake.duck import memory
from lake.recut import MODELS, recut
from lake.releases import Release
from lake.tell import Told
from lake.tokens import DEFAULT
from tests.dbt.projects import REAL


def test_every_model_whose_rows_depend_on_tokens_is_made_again_up_to_what_snapshots_read() -> None:
    texts = {path.stem: path.read_text(encoding="utf-8") for path in (REAL / "models").rglob("*.sql")}
    parents = {name: set(re.findall(r"ref\('([a-z_]+)'\)", text)) for name, text in texts.items()}
    counted = {name for name, text in texts.items() if re.search(r"\b(argument_)?token_count\(|\btokenizer_hash\(", text)}
    read = {"fct_examples", "fct_preference_pairs"}
    for _ in range(8):
        counted |= {name for name, refs in parents.items() if refs & (counted - read)}
    assert counted == {name for _, name in MODELS}


def test_a_model_is_made_again_after_those_it_reads() -> None:
    names = [name for _, name in MODELS]
    for place, name in enumerate(names):
        (path,) = (REAL / "models").rglob(f"{name}.sql")
        read = set(re.findall(r"ref\('([a-z_]+)'\)", path.read_text(encoding="utf-8")))
        assert read.isdisjoint(names[place:])


def test_a_release_of_other_code_is_not_cut_again(tmp_path: Path) -> None:
    release = Release(
        release_id="r1", sequence=1, created_at=datetime(2026, 1, 1, tzinfo=UTC), as_of=None, load_seq=1, code_hash="other",
        policies_hash="", seeds_hash="", raw={}, models={}, project_version="1", is_full=True, is_audited=True,
    )  # fmt: skip
    with memory() as connection, pytest.raises(Told, match=r"release r1 was built by other code.*forge build"):
        recut(connection, release, DEFAULT, work=tmp_path)
