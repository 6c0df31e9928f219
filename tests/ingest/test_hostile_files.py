"""Whatever happens to a file between two loads: every whole line of every generation is a row once, or in quarantine once."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.lines import is_blank, parse_object
from ingest.run import run_ingest
from tests.ingest.lake_rows import rows
from tests.ingest.towns_on_disk import line, make_town

GOOD = st.integers(1, 60).map(lambda number: line(number))
HOSTILE = st.one_of(
    st.binary(max_size=60).map(lambda content: content.replace(b"\n", b"") + b"\n"),
    st.integers(1, 60).map(lambda number: b"\0" * 7 + line(number)),
    st.integers(1, 60).map(lambda number: line(number).replace(b"number", b"\xf0\x9f")),
    st.sampled_from([b"\n", b"{}\n", b"[]\n", b"null\n", b'{"message":[1]}\n', b'{"cwd":7}\n', b"\r\n", b'{"a":"\\ud800"}\n']),
)
LINES = st.lists(st.one_of(GOOD, HOSTILE), max_size=8).map(b"".join)
STEP = st.tuples(st.sampled_from(["append", "append", "truncate", "rewrite"]), LINES, st.booleans())


def expected_of(content: bytes) -> tuple[int, int]:
    """(rows, quarantined lines) that a file with this content must give, by its whole lines and a whole object at its end."""
    kept = bad = 0
    *whole, last = content.split(b"\n")
    for text in whole:
        if not is_blank(text):
            is_object = parse_object(text).value is not None
            kept, bad = kept + is_object, bad + (not is_object)
    return kept + (not is_blank(last) and parse_object(last).value is not None), bad


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.lists(STEP, min_size=1, max_size=4))
def test_every_line_of_every_generation_is_accounted_for_once(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, bytes, bool]]
) -> None:  # fmt: skip
    folder = tmp_path_factory.mktemp("hostile")
    town, lake = make_town(folder / "towns"), folder / "lake"
    path = town.transcript("-home-dev-gt/00000000-3b4a-4c5d-8e6f-7a8b9c0d1e2f.jsonl")
    content = line(1)
    generations = [content]
    path.write_bytes(content)
    run_ingest(town.towns_file, lake, only=["claude"], progress=False)
    for number, (action, new, torn) in enumerate(steps):
        if action == "append":
            content += new[: len(new) // 2] if torn else new
            if content.startswith(generations[-1]):
                generations[-1] = content
        else:
            # The first line keeps a cwd; a different number makes it another file under the same name.
            content = line(100 + number) + (new if action == "rewrite" else b"")
            generations.append(content)
        path.write_bytes(content)
        report = run_ingest(town.towns_file, lake, only=["claude"], progress=False)
        assert report.exit_code == 0, report.lines()
    totals = [expected_of(generation) for generation in generations]
    assert len(rows(lake, "claude_records")) == sum(kept for kept, _ in totals)
    assert len(rows(lake, "quarantine")) == sum(bad for _, bad in totals)
    keys = [
        (row["file_id"], row["generation"], row["byte_offset"]) for row in rows(lake, "claude_records") + rows(lake, "quarantine")
    ]
    assert len(keys) == len(set(keys))
