"""Everything a release says about one session or one bead, row by row: the material of `forge explain`.

Rows come as dictionaries with all their columns, so whatever a model learns to say is in `--json` at once.
"""

from typing import Any

import duckdb

from lake.tell import Told
from lake.transcript import SessionId

Row = dict[str, Any]

_WHOSE = {
    "session": "select * from dim_sessions where session_key = $1",
    "identity_votes": "select * from intermediate.int_session_identity_votes where session_key = $1 order by bridge_rank, bridge",
    "episodes": "select * from fct_episodes where session_key = $1 order by episode_number",
    "links": "select * from fct_episode_links where session_key = $1",
    "beads": "select * from bridge_episode_bead where session_key = $1 order by link_kind desc, confidence desc, bead_id",
    "votes": "select * from fct_episode_bead_votes where session_key = $1 order by bead_id, confidence desc, bridge",
    "outcomes": "select * from fct_outcomes where session_key = $1",
    "evidence": "select * from fct_outcome_evidence where session_key = $1 order by evidence_number",
    "components": "select * from fct_score_components where session_key = $1 order by weight desc, component",
    "scores": "select * from fct_episode_scores where session_key = $1",
    "selections": "select * from fct_selection where session_key = $1",
    "labels": "select * from fct_labels where session_key = $1 order by labelled_at",
}
_BEAD = {
    "timeline": "select * from fct_bead_events where beads_project_id = $1 and bead_id = $2 order by change_number",
    "attempts": "select * from fct_attempts where beads_project_id = $1 and bead_id = $2 order by attempt_number",
    "merge_requests": "select * from fct_merge_requests where beads_project_id = $1 and bead_id = $2 order by first_seen_at",
    "episodes": """
        select
            links.*, sessions.session_id, episodes.role, episodes.agent_address, episodes.kind, episodes.started_at,
            outcomes.outcome, scores.is_gate_passed, scores.rank_score
        from bridge_episode_bead as links
        inner join fct_episodes as episodes on links.episode_key = episodes.episode_key
        left join dim_sessions as sessions on episodes.session_key = sessions.session_key
        left join fct_outcomes as outcomes on links.episode_key = outcomes.episode_key
        left join fct_episode_scores as scores on links.episode_key = scores.episode_key
        where links.beads_project_id = $1 and links.bead_id = $2
        order by episodes.started_at, links.episode_key
    """,
}
_OF_AN_EPISODE = ("links", "beads", "votes", "outcomes", "evidence", "components", "scores", "selections", "labels")
_SINGLE = {"links": "link", "outcomes": "outcome", "scores": "score", "selections": "selection"}


def explain_session(connection: duckdb.DuckDBPyConnection, session: SessionId) -> Row:
    """`session` (who ran it), `identity_votes`, and `episodes`: each with its `link`, `beads`, `votes`, `outcome`, `evidence`,
    `components`, `score`, `selection` and `labels`; what does not exist is None or an empty list."""
    found = {name: _rows(connection, query, [session.session_key]) for name, query in _WHOSE.items()}
    episodes = []
    for episode in found["episodes"]:
        parts: Row = {}
        for name in _OF_AN_EPISODE:
            rows = [row for row in found[name] if row["episode_key"] == episode["episode_key"]]
            if name in _SINGLE:
                parts[_SINGLE[name]] = rows[0] if rows else None
            else:
                parts[name] = rows
        episodes.append({"episode": episode, **parts})
    who = found["session"][0] if found["session"] else {"session_key": session.session_key, "session_id": session.session_id}
    return {"session": who | {"town": session.town}, "identity_votes": found["identity_votes"], "episodes": episodes}


def find_beads(connection: duckdb.DuckDBPyConnection, bead_id: str) -> list[Row]:
    """The beads of this id: one, or one in each database that uses the id."""
    return _rows(connection, "select * from dim_beads where bead_id = $1 order by beads_project_id", [bead_id])


def explain_bead(connection: duckdb.DuckDBPyConnection, bead: Row) -> Row:
    """`bead` with its `timeline`, `attempts`, `merge_requests`, and the `episodes` that worked on it."""
    key = [bead["beads_project_id"], bead["bead_id"]]
    return {"bead": bead, **{name: _rows(connection, query, key) for name, query in _BEAD.items()}}


def _rows(connection: duckdb.DuckDBPyConnection, query: str, values: list[Any]) -> list[Row]:
    try:
        result = connection.execute(query, values)
    except duckdb.CatalogException as error:
        raise Told("this release does not know yet what became of the work: run `forge build` and `forge catalog`") from error
    names = [column[0] for column in result.description or ()]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]
