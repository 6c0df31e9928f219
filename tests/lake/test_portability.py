"""The lint finds what another engine would read differently, and says nothing of what both share."""

from pathlib import Path

import pytest

from lake.portability import check_project, check_text

PROJECT = Path(__file__).resolve().parent.parent.parent / "dbt_project"


def advice(sql: str, *, is_staging: bool = False) -> list[str]:
    return [f"{finding.line}: {finding.advice}" for finding in check_text(Path("m.sql"), sql, is_staging=is_staging)]


@pytest.mark.parametrize(
    "sql",
    [
        "select a from b qualify row_number() over (order by a) = 1",
        "select a, b from (select * exclude (c) from d)",
        "select a, count(*) as n from b group by all",
        "select a, count(*) as n from b group by 1",
        "select distinct on (a) a from b",
        "select a->>'b' as c from d",
        "select a -> 'b' as c from d",
        "with recursive t as (select 1 as a) select a from t",
        "select a::bigint as a from b",
        "select sum(a) as a from b",
        "select coalesce(avg(a), 0) as a from b",
        "select length(a) as n from b",
        "select a from b where regexp_extract(a, '\\s+', 0) <> ''",
        "select 'it''s' as a",
        "select 'a\"b' as a",
        "select unnest(a) as a from b",
        "select list_transform(a, x -> x) as a from b",
        "select string_agg(a, ',') as a from b",
        "select epoch_ms(a) as a from b",
        "select now() as a",
        "select current_date as a",
        "select * from {{ ref('a') }}",
        "select a.*, 1 as b from a",
        "select {{ json_text('record', '$.a') }} as a from b",
    ],
)
def test_a_breach_is_found(sql: str) -> None:
    assert advice(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "with a as (select b, row_number() over (partition by c order by d) as rn from e) select b from a where rn = 1",
        "with source as (select * from {{ ref('a') }}), final as (select a from source) select * from final",
        "select cast(sum(a) as bigint) as a, cast(coalesce(avg(b), 0) as double) as b from c",
        "select cast(sum(a) over (partition by b) as bigint) as a from c",
        "select a from b where length(a) > 3 and length(c) between 1 and 2",
        "select a -- now() and a::bigint, it's a comment\nfrom b",
        "{# sum(a)::bigint #} select a from b",
        "select 'a::b and now()' as a",
        "select a from b {% if is_incremental() %} where {{ new_rows() }} {% endif %}",
        "select {{ seconds_between('a', 'b') }} as seconds from c",
    ],
)
def test_what_both_engines_share_passes(sql: str) -> None:
    assert advice(sql) == []


def test_a_finding_names_its_line() -> None:
    assert advice("select a\nfrom b\nqualify 1 = 1") == [
        "3: no QUALIFY: number the rows in a CTE and filter outside with `where rn = 1`"
    ]


def test_json_is_parsed_in_staging() -> None:
    assert advice("select {{ json_text('record', '$.a') }} as a from b", is_staging=True) == []


def test_the_models_of_this_project_are_portable() -> None:
    assert [str(finding) for finding in check_project(PROJECT)] == []
