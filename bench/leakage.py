"""How much of validation is in train: samples cut as windows from a list, beside the splits of the same lake.

The window cutter is the common one: windows of 16 turns of a session that overlap by half, a list per role in the order of the
sessions, the last tenth of each list for validation.
"""

from pathlib import Path

import duckdb

from bench.lakes import environment, forge, loaded_lake, sources, transcript_mb
from bench.measure import table
from lake.duck import connect

TURNS = 16
STEP = 8
VALIDATION = 0.1
LONG = 200

_WINDOWS = f"""
    create temp table turns as
    select turns.session_key, coalesce(sessions.role_family, '') as role_family, turns.turn_number, turns.role,
        md5(turns.text) as text_hash, coalesce(length(turns.text), 0) as characters,
        row_number() over (partition by turns.session_key order by turns.turn_number) - 1 as place
    from main.fct_turns as turns
    inner join main.dim_sessions as sessions on turns.session_key = sessions.session_key
    where turns.role in ('user', 'assistant') and not turns.is_subagent and turns.is_on_live_path
        and (turns.text is not null or turns.tool_call_count > 0);

    create temp table windows as
    select session_key, first_place, row_number() over (partition by role_family order by session_key, first_place) as number,
        role_family, count(*) over (partition by role_family) as window_count
    from (
        select session_key, role_family, unnest(range(0, greatest(max(place) + 1 - {STEP}, 1), {STEP})) as first_place
        from turns group by session_key, role_family
    );

    create temp table samples as
    select windows.role_family || ':' || windows.number as number,
        windows.number > window_count * (1 - {VALIDATION}) as is_validation, turns.session_key,
        turns.session_key || ':' || turns.turn_number as turn, turns.role, turns.text_hash, turns.characters
    from windows
    inner join turns on windows.session_key = turns.session_key
        and turns.place >= windows.first_place and turns.place < windows.first_place + {TURNS};
"""

_EXAMPLES = """
    create temp table samples as
    select examples.example_key as number, splits.split <> 'train' as is_validation, examples.session_key,
        turns.turn_key as turn, said.role, md5(said.text) as text_hash, coalesce(length(said.text), 0) as characters
    from main.fct_examples as examples
    inner join main.fct_splits as splits on examples.episode_key = splits.episode_key
    inner join main.fct_selection as selection on examples.episode_key = selection.episode_key
    inner join intermediate.int_conversation_turns as turns on examples.conversation_key = turns.conversation_key
    inner join main.fct_turns as said on turns.turn_key = said.turn_key
    where selection.is_kept and examples.unusable_reason is null
"""

_COUNTS = f"""
    with trained as (select * from samples where not is_validation),
    validated as (select * from samples where is_validation)
    select
        (select count(distinct number) from trained),
        (select count(distinct number) from validated),
        (select count(distinct number) from validated where turn in (select turn from trained)),
        (select count(distinct number) from validated where session_key in (select session_key from trained)),
        (
            select count(distinct number) from validated
            where role = 'assistant' and characters >= {LONG}
                and text_hash in (select text_hash from trained where role = 'assistant')
        )
"""


def windows_against_groups(megabytes: int) -> str:
    """Validation samples that share a turn, a session or a long answer with train, by either way of cutting one lake."""
    folder = sources(megabytes)
    lake = loaded_lake("leakage", folder)
    forge(lake, "build", extra={"FORGE_GOVERNANCE": str(folder / "governance.yaml")})
    forge(lake, "catalog", extra=environment())
    rows = [("samples", "train, validation: sharing a turn, a session, a word-for-word answer of 200 characters")]
    rows += [(name, _told(lake, made)) for name, made in (("windows", _WINDOWS), ("groups", _EXAMPLES))]
    return table(f"Validation that is in train, of {transcript_mb(folder):.0f} MB of transcripts", rows)


def _told(lake: Path, made: str) -> str:
    with connect(lake) as connection:
        train, validation, turns, sessions, answers = _counts(connection, made)
    return f"{train:,}, {validation:,}: {turns:,}, {sessions:,}, {answers:,}"


def _counts(connection: duckdb.DuckDBPyConnection, made: str) -> tuple[int, int, int, int, int]:
    connection.execute(made)
    row = connection.execute(_COUNTS).fetchone()
    assert row is not None
    train, validation, turns, sessions, answers = row
    return int(train), int(validation), int(turns), int(sessions), int(answers)
