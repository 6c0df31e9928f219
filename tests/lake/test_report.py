"""`forge report` counts what a release holds, says what it lacks, and never takes data for markup."""

import re
from html.parser import HTMLParser
from pathlib import Path

import duckdb
import pytest

from lake.named_queries import NamedQuery, named_queries, read_answers
from lake.report import QUERIES, report_page
from lake.report_charts import histograms, stacked, stage
from lake.report_text import percent, size
from lake.status_learning import QUERIES as STATUS_QUERIES
from tests.lake.report_world import RELEASE, report_world

HOSTILE = "<script>alert('x')</script>\"><img src=x onerror=alert(1)>{{ 7*7 }}&amp;</style>"


class Text(HTMLParser):
    """The page's tags and the text between them, styles left out."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(page)
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        # The style's own text comes in one piece, right after its tag.
        if self.cdata_elem != "style":
            self.words.append(data)


@pytest.fixture(scope="module")
def page() -> Text:
    return Text(report_page(RELEASE, read_answers(report_world(), QUERIES)))


def test_every_query_has_a_name_and_says_what_it_needs() -> None:
    queries = named_queries(QUERIES)
    text = QUERIES.read_text()
    assert len(queries) == text.count("-- name: ") == len({query.name for query in queries})
    assert all(query.needs and ";" not in query.sql for query in queries)


@pytest.mark.parametrize("query", [*named_queries(QUERIES), *named_queries(STATUS_QUERIES)], ids=lambda query: query.name)
def test_a_query_needs_what_it_reads_and_nothing_else(query: NamedQuery) -> None:
    made = set(re.findall(r"(\w+) as \(\n", query.sql))
    read = set(re.findall(r"\b(?:from|join) ([a-z_.]+)", query.sql)) - made
    assert set(query.needs) == {name if "." in name else f"main.{name}" for name in read}


def test_the_road_says_how_many_go_on_and_why_the_others_do_not() -> None:
    answers = read_answers(report_world(), QUERIES)
    road = {name: stage(name, answers[name]) for name in answers if name.startswith("funnel_")}
    assert {name: (step.kept, dict(step.losses)) for name, step in road.items() if step} == {
        "funnel_files": (2, {"of_other_projects": 1}),
        "funnel_records": (95, {"repeated": 5, "quarantined": 2}),
        "funnel_sessions": (4, {"no_answer": 1}),
        "funnel_candidates": (5, {"no_consent": 1, "not_mature": 1, "outcome_not_accepted": 1}),
        "funnel_kept": (4, {"duplicate_near": 1}),
        "funnel_examples": (3, {"no_target": 1}),
        "funnel_bases": (4, {"not_shared": 1}),
        "funnel_overlays": (5, {}),
    }


def test_the_page_tells_the_numbers_in_words_and_tables(page: Text) -> None:
    for sentence in (
        "Release 0123456789abcdef , data up to 2026-03-01 09:30 UTC",
        "Kept episodes 4 50 % of all",
        "Examples 3 60 tokens to learn",
        "2 quarantined",
        "polecat 6 4 1 0 0 1",
        "duplicate duplicate near 1",
        "▲ 0.42 0.30–0.50",
        "alpha, polecat, tool mix: mcp__own__shell is 50 % here and 0 % elsewhere. kept out of shared bases",
        "0.20 too few episodes",
        "no other town",
        "kept out: group too large",
        "base 1 · 1 · 1 · 1 acme 2 · 1 · 1 · 1",
        "dropped",
        "withdrawn: 3 no consent , 1 erased",
        "acme ann shared 2027-01-01 6 4",
    ):
        assert sentence in page.text, sentence


def test_the_page_stands_alone(page: Text) -> None:
    assert not {tag for tag, _ in page.tags} & {"script", "link", "img", "iframe", "object", "embed", "form", "base"}
    links = [attrs["href"] for tag, attrs in page.tags if tag == "a"]
    ids = {attrs["id"] for _, attrs in page.tags if "id" in attrs}
    assert links
    assert all(link and link.startswith("#") and link[1:] in ids for link in links)
    assert not [attrs for _, attrs in page.tags if any(name.startswith("on") or name == "src" for name in attrs)]


def test_names_from_data_are_text_and_nothing_else() -> None:
    plain = Text(report_page(RELEASE, read_answers(report_world(), QUERIES)))
    hostile = Text(report_page(RELEASE, read_answers(report_world(town=HOSTILE, startup=HOSTILE, tool=HOSTILE), QUERIES)))
    assert [tag for tag, _ in hostile.tags] == [tag for tag, _ in plain.tags]
    assert [sorted(attrs) for _, attrs in hostile.tags] == [sorted(attrs) for _, attrs in plain.tags]
    assert hostile.text.count(HOSTILE) == 5


def test_a_release_without_later_tables_says_so_and_shows_the_rest() -> None:
    connection = duckdb.connect()
    connection.execute(
        "create table fct_link_coverage as select 'crew' as role, date '2026-01-01' as month_started_on, "
        "cast(null as varchar) as unlinked_reason, 1 as episode_count, 1 as linked_count, 0 as sure_count"
    )
    answers = read_answers(connection, QUERIES)
    assert [name for name, rows in answers.items() if rows is not None] == ["links", "link_months"]
    page = Text(report_page(RELEASE, answers))
    assert "This release ends here: it has no table of what comes next." in page.text
    assert "No selection in this release." in page.text
    assert "No snapshot was cut from this lake yet." in page.text
    assert "1 episodes linked" in page.text


def test_a_release_whose_tables_are_all_empty_has_a_page() -> None:
    connection = report_world()
    for schema, name in connection.execute("select table_schema, table_name from information_schema.tables").fetchall():
        connection.execute(f"delete from {schema}.{name}")
    page = Text(report_page(RELEASE, read_answers(connection, QUERIES)))
    assert "Towns 0" in page.text
    assert "Nothing to compare in this release." in page.text


def test_too_many_towns_are_cut_to_those_that_differ_most_and_the_rest_is_counted() -> None:
    connection = report_world()
    connection.execute(
        "insert into fct_town_drift select 'u' || i, 'crew', 'tool_mix', i / 1000.0, 0, 1, 0.1, 30, false, false, null, "
        "'Read', 0.2, 0.1 from range(100) as t(i)"
    )
    page = Text(report_page(RELEASE, read_answers(connection, QUERIES)))
    assert "43 more lines differ less." in page.text
    assert "u99" in page.text
    assert "u10 " not in page.text
    assert "▲ 0.42" in page.text


def test_of_many_snapshots_and_startups_the_newest_and_largest_are_shown() -> None:
    connection = report_world()
    connection.execute(
        "insert into ops.snapshots select 10 + i, 'nightly', 'n' || i, timestamptz '2026-03-01 00:00:00+00' + to_hours(cast(i as "
        "integer)), 'created', 'r', 1 from range(70) as t(i)"
    )
    connection.execute("insert into dim_startups select 'small ' || i, null, 'own', null from range(70) as t(i)")
    page = Text(report_page(RELEASE, read_answers(connection, QUERIES)))
    assert "13 more are older." in page.text
    assert "13 more have less." in page.text
    assert " n69 " in page.text
    assert " n9 " not in page.text


def test_categories_beyond_the_limit_are_put_together() -> None:
    rows = [{"role": "crew", "reason": f"r{number}", "count": number} for number in range(1, 6)]
    names, bars = stacked(rows, bar="role", part="reason", order=["r1"], limit=3)
    assert names == ["r1", "r5", "other"]
    assert [(part.name, part.count, part.place) for part in bars[0].parts] == [("r1", 1, 0), ("r5", 5, 1), ("other", 9, 2)]
    assert sum(part.share for part in bars[0].parts) == pytest.approx(1)


def test_columns_stand_on_the_axis_and_on_each_other() -> None:
    rows = [{"role": "crew", "bin": 0, "kept": 1, "others": 3}, {"role": "crew", "bin": 1, "kept": 2, "others": 0}]
    (chart,) = histograms(rows, series=("kept", "others"), labels={0: "a", 1: "b"}, ticks={0: "0", 2: "1"})
    assert (chart.total, chart.highest) == (6, 4)
    assert chart.columns[0].rectangles == ((0, 90.5, 27.5, 1), (1, 8.0, 82.5, 3))
    assert chart.columns[1].rectangles == ((0, 63.0, 55.0, 2),)
    assert chart.ticks == ((34.0, "0"), (334.0, "1"))


def test_shares_and_sizes_are_written_short() -> None:
    assert [percent(share) for share in (None, 0, 0.0001, 0.5, 0.999, 1)] == ["–", "0 %", "< 1 %", "50 %", "> 99 %", "100 %"]
    assert [percent(share, 1) for share in (0.0001, 0.0123, 0.9999)] == ["< 0.1 %", "1.2 %", "> 99.9 %"]
    assert [size(count) for count in (None, 12, 1_500, 2_000_000_000)] == ["–", "12 B", "1.5 kB", "2.0 GB"]


def test_the_picture_in_the_docs_is_there_and_small() -> None:
    docs = Path(__file__).parents[2] / "docs"
    assert "](report.png)" in (docs / "report.md").read_text(encoding="utf-8")
    picture = (docs / "report.png").read_bytes()
    assert picture[:8] == b"\x89PNG\r\n\x1a\n"
    assert 20_000 < len(picture) < 300_000
