"""A lake whose analysts' file holds episodes with scores, made by hand: what calibration reads, without a build."""

import os
from dataclasses import dataclass
from pathlib import Path

import duckdb

from ingest.redaction_key import load_key
from lake.duck import CATALOG

RULES = {
    "gate_kappa": 0.6,
    "gated_cycles": 3,
    "minimum_verdicts": 30,
    "interval_level": 0.95,
    "resamples": 200,
    "sample_size": 12,
    "disputed_share": 0.34,
    "sample_seed": 1,
}
SCHEMA = """
create schema intermediate;
create schema seeds;
create table seeds.calibration_rules (rule varchar, value double);
create table seeds.role_families (role varchar, role_family varchar);
insert into seeds.role_families values ('polecat', 'polecat'), ('crew', 'crew'), ('boot', 'deacon'), ('deacon', 'deacon');
create table dim_towns (town_id varchar, name varchar);
insert into dim_towns values ('t1', 'alpha');
create table dim_sessions (session_key varchar, session_id varchar, agent_address varchar);
create table dim_beads (beads_project_id varchar, bead_id varchar, title varchar, kind varchar, priority bigint);
insert into dim_beads values ('p', 'gt-1', 'Mend the roof', 'task', 2);
create table intermediate.int_sessions (session_key varchar, session_id varchar, town_id varchar, session_started_at timestamptz);
create table intermediate.int_messages (
    message_key varchar, message_number bigint, session_key varchar, session_started_at timestamptz, agent_key varchar,
    origin varchar, injection_kind varchar, model varchar, is_compaction boolean, is_on_live_path boolean, recorded_at timestamptz
);
create table intermediate.int_content_blocks (
    message_key varchar, block_index bigint, session_key varchar, session_started_at timestamptz, message_number bigint,
    block_type varchar, injection_kind varchar, text varchar, call_id varchar, tool_name varchar, tool_input varchar,
    is_error boolean
);
create table fct_episodes (
    episode_key varchar, session_key varchar, town_id varchar, role varchar, agent_address varchar, kind varchar,
    started_at timestamptz, first_message_number bigint, last_message_number bigint, turn_count bigint
);
create table fct_episode_links (episode_key varchar, primary_beads_project_id varchar, primary_bead_id varchar);
create table fct_outcomes (episode_key varchar, outcome varchar, outcome_class varchar);
create table fct_episode_scores (
    episode_key varchar, tier varchar, rules_version bigint, gate_reason varchar, is_gate_passed boolean, rank_score double,
    confidence double
);
create table fct_labels (
    episode_key varchar, labeller varchar, labeller_kind varchar, is_human boolean, verdict varchar, reason varchar,
    is_current boolean, cycle bigint, role_family varchar
);
create table fct_calibration_pairs (
    episode_key varchar, role_family varchar, outcome varchar, tier varchar, gate_reason varchar, is_accepted boolean,
    rank_score double, is_good boolean, weight double
);
create table fct_judge_agreement (
    judge_kind varchar, judge varchar, role_family varchar, pair_count bigint, observed_agreement double, kappa double
);
"""


@dataclass
class JudgedLake:
    """The lake's folder and what was put into it. Episode `n` has the key `episode-nnn` and the score n/100."""

    lake: Path
    count: int

    def keys(self) -> list[str]:
        return [f"episode-{number:03d}" for number in range(self.count)]

    def execute(self, sql: str) -> None:
        with duckdb.connect(str(self.lake / CATALOG)) as connection:
            connection.execute(sql)


# Accepted from the middle on, but for the very best three. Four messages a session, of which two are the episode.
EPISODES = """
create temporary table made as
select
    number, printf('episode-%03d', number) as key, printf('session-%03d', number) as session, printf('id-%03d', number) as id,
    number >= $count // 2 and number < $count - 3 as accepted,
    timestamptz '2026-02-01 08:00:00+00' + number * interval 1 hour as begun
from (select unnest(range($count)) as number)
"""
ROWS = """
insert into intermediate.int_sessions select session, id, 't1', begun from made;
insert into dim_sessions select session, id, 'rig/polecats/toast' from made;
insert into fct_episodes select key, session, 't1', 'polecat', 'rig/polecats/toast', 'attempt', begun, 2, 3, 2 from made;
insert into fct_outcomes
select key, if(accepted, 'merged', 'rejected'), if(accepted, 'accepted', 'rejected') from made;
insert into fct_episode_links select key, 'p', 'gt-1' from made;
insert into fct_episode_scores
select key, 'bead', 1, if(accepted, null, 'outcome_not_accepted'), accepted, number / 100, 0.9 from made;
insert into intermediate.int_messages
select concat(key, '-', n), n, session, begun, 'main', 'human', null, null, false, true, begun
from made cross join (select unnest([1, 2, 3, 4]) as n);
insert into intermediate.int_content_blocks
select concat(key, '-', n), 0, session, begun, n, 'text', null, concat('message ', n, ' of ', key), null, null, null, false
from made cross join (select unnest([1, 2, 3, 4]) as n);
"""


def make_judged_lake(lake: Path, count: int = 100) -> JudgedLake:
    """`count` episodes of polecats in as many sessions."""
    lake.mkdir(parents=True)
    load_key(lake, create=True)
    with duckdb.connect(str(lake / CATALOG)) as connection:
        connection.execute(SCHEMA)
        connection.executemany("insert into seeds.calibration_rules values (?, ?)", list(RULES.items()))
        connection.execute(EPISODES, {"count": count})
        connection.execute(ROWS)
    return JudgedLake(lake, count)


def as_a_person() -> dict[str, str]:
    """The environment of somebody who sits at a terminal, whatever runs the tests."""
    from training.calibrate import AGENT_VARIABLES

    return {name: value for name, value in os.environ.items() if name not in (*AGENT_VARIABLES, "NO_COLOR")}
