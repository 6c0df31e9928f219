"""Tokens are counted by the tokenizer that is named, exactly as it would cut the whole text."""

import itertools
import json
import shutil
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Regex, Tokenizer, models, pre_tokenizers, trainers

from lake.code_hash import code_hash
from lake.duck import memory
from lake.tell import Told
from lake.token_pieces import cuts_at_line_ends, pieces_of
from lake.tokens import DEFAULT, VARIABLE, load_counter, register
from simtown.tokenizer import SPECIAL_TOKENS, write_tokenizer
from tests.dbt.projects import REAL

SIGNS = ["a", "B", "é", "東", "0", "7", " ", "\n", "\r", "\t", "\u00a0", "\u2028", "\u0301", "'s", ".", "/", "<|im_end|>", "\x00"]
TEXTS = st.lists(st.sampled_from(SIGNS), max_size=40).map("".join) | st.text(max_size=60)


def tokenizer_file(folder: Path, pre_tokenizer: object) -> Path:
    """A tokenizer of the GPT-2 family with another way to cut texts."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizer  # type: ignore[assignment]
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        special_tokens=["<|im_end|>"],
        show_progress=False,
    )
    tokenizer.train_from_iterator(["a b\n\n  B. a's\n/x 00 7 .\r\n"] * 3, trainer)
    path = folder / "tokenizer.json"
    tokenizer.save(str(path))
    return path


@settings(deadline=None)
@given(st.lists(TEXTS, max_size=6))
def test_pieces_have_as_many_tokens_as_the_texts_they_are_cut_from(texts: list[str]) -> None:
    counter = load_counter(DEFAULT)
    assert counter.at_line_ends is True
    whole = [len(encoded.ids) for encoded in counter.tokenizer.encode_batch(texts, add_special_tokens=False)]
    assert counter.count(texts) == whole


@settings(deadline=None)
@given(texts=st.lists(TEXTS, max_size=6))
def test_pieces_of_gpt_2_s_own_pattern_have_as_many_tokens_as_the_texts(
    texts: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "gpt2" / "tokenizer.json"
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        tokenizer_file(path.parent, pre_tokenizers.ByteLevel(add_prefix_space=False))
    counter = load_counter(path)
    assert counter.at_line_ends is False
    assert counter.count(texts) == [len(encoded.ids) for encoded in counter.tokenizer.encode_batch(texts)]


@settings(deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=6), st.booleans())
def test_pieces_make_up_the_texts(texts: list[str], at_line_ends: bool) -> None:
    pieces, begins = pieces_of(pa.array(texts), at_line_ends=at_line_ends)
    found = pieces.to_pylist()
    assert ["".join(found[begin:end]) for begin, end in itertools.pairwise(begins)] == texts


def test_texts_of_an_unknown_pattern_are_counted_whole(tmp_path: Path) -> None:
    unknown = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(r"[a-z ]+|."), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    path = tokenizer_file(tmp_path, unknown)
    assert cuts_at_line_ends(path.read_text()) is None
    assert load_counter(path).count(["a b a b"]) == [len(Tokenizer.from_file(str(path)).encode("a b a b").ids)]


def test_sql_counts_texts_and_arguments_as_templates_write_them() -> None:
    counter = load_counter(DEFAULT)
    with memory() as connection:
        register(connection)
        text, arguments = "one two\nthree", '{"command":"ls -l","n":[1,2]}'
        row = connection.execute(
            "select token_count($1), argument_token_count($2), token_count(null), "
            "argument_token_count('no json'), tokenizer_hash()",
            [text, arguments],
        ).fetchone()
    written = json.dumps(json.loads(arguments))
    assert row == (*counter.count([text, written]), None, *counter.count(["no json"]), counter.hash)


def test_every_row_of_many_is_counted_by_itself() -> None:
    with memory() as connection:
        register(connection)
        wrong = connection.execute(
            "select count(*) from (select i, token_count(repeat('ab ', i % 7)) as n from range(10000) as t(i)) "
            "where n is distinct from token_count(repeat('ab ', i % 7))"
        ).fetchone()
        some = connection.execute("select token_count(case when i % 3 > 0 then 'a b' end) from range(5000) as t(i)").fetchall()
    assert wrong == (0,)
    assert {row[0] for row in some} == {None, load_counter(DEFAULT).count(["a b"])[0]}


def test_another_tokenizer_makes_the_next_build_a_full_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = code_hash(REAL)
    monkeypatch.setenv(VARIABLE, str(tokenizer_file(tmp_path, pre_tokenizers.ByteLevel(add_prefix_space=False))))
    assert code_hash(REAL) != before
    monkeypatch.setenv(VARIABLE, str(shutil.copy(DEFAULT, tmp_path / "same.json")))
    assert code_hash(REAL) == before


@pytest.mark.parametrize(("content", "says"), [(None, "No such file"), ("{}", "no tokenizer.json")])
def test_a_tokenizer_that_cannot_be_read_is_named(tmp_path: Path, content: str | None, says: str) -> None:
    path = tmp_path / "broken.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(Told, match=says):
        load_counter(path)


def test_training_the_shipped_tokenizer_again_gives_the_same_file(tmp_path: Path) -> None:
    assert write_tokenizer(tmp_path).read_bytes() == DEFAULT.read_bytes()
    tokenizer = Tokenizer.from_file(str(DEFAULT))
    for token in SPECIAL_TOKENS:
        assert tokenizer.encode(f"a{token}b").tokens[1] == token
