"""Which tables of a database server are loaded, and what the beads schema of today has in them.

Rows are read with `select *` and mapped by name, so a database of another version loads too: what it lacks is noted, what it has
beyond this list is loaded. Not loaded: `config` (it holds agents' memories and integrations' tokens), `federation_peers`
(encrypted passwords), `metadata` beyond the project id, and bookkeeping that says nothing about work (counters, snapshots, routes).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ingest.beads_export import PRIMARY_KEYS


@dataclass(frozen=True)
class BeadsTable:
    """One table: its primary key, the columns that the newest schema gives it, and the times by which a change is noticed.

    `changed_at`: columns of which one moves when a row changes; empty where rows are never changed in place. `is_append_only`:
    rows are written once, so a known key need not be looked at again.
    """

    key: tuple[str, ...]
    columns: frozenset[str]
    changed_at: tuple[str, ...] = ()
    is_append_only: bool = False


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_ISSUES = _names("""
    id content_hash title description design acceptance_criteria notes status priority issue_type assignee estimated_minutes
    created_at created_by owner updated_at closed_at closed_by_session external_ref spec_id compaction_level compacted_at
    compacted_at_commit original_size sender ephemeral wisp_type pinned is_template mol_type work_type source_system metadata
    source_repo close_reason event_kind actor target payload await_type await_id timeout_ns waiters hook_bead role_bead agent_state
    last_activity role_type rig due_at defer_until no_history started_at
    """)
_EVENTS = _names("id issue_id event_type actor old_value new_value comment created_at")
_COMMENTS = _names("id issue_id author text created_at")
_DEPENDENCIES = _names("issue_id depends_on_id type created_at created_by metadata thread_id")
_LABELS = frozenset(("issue_id", "label"))
_INTERACTIONS = _names(
    "id kind created_at actor issue_id model prompt response error tool_name exit_code parent_id label reason extra"
)

# The reaper closes wisps and stale issues with SQL of its own, which sets closed_at alone.
_BEAD = BeadsTable(PRIMARY_KEYS["issues"], _ISSUES, ("updated_at", "closed_at"))
_EVENT = BeadsTable(PRIMARY_KEYS["events"], _EVENTS, is_append_only=True)
_COMMENT = BeadsTable(PRIMARY_KEYS["comments"], _COMMENTS)
_DEPENDENCY = BeadsTable(PRIMARY_KEYS["dependencies"], _DEPENDENCIES)
_LABEL = BeadsTable(PRIMARY_KEYS["labels"], _LABELS)

BEADS_TABLES: Mapping[str, BeadsTable] = MappingProxyType(
    {
        "issues": _BEAD,
        "wisps": _BEAD,
        "events": _EVENT,
        "wisp_events": _EVENT,
        "comments": _COMMENT,
        "wisp_comments": _COMMENT,
        "dependencies": _DEPENDENCY,
        "wisp_dependencies": _DEPENDENCY,
        "labels": _LABEL,
        "wisp_labels": _LABEL,
        "interactions": BeadsTable(PRIMARY_KEYS["interactions"], _INTERACTIONS),
    }
)
"""Tables of a beads database, in the order they are read."""

COMMONS = "wl_commons"
"""The database of the Wasteland: a fork of one shared database, so its name is its identity where nothing else says one."""

COMMONS_TABLES: Mapping[str, BeadsTable] = MappingProxyType(
    {
        "completions": BeadsTable(("id",), _names("id wanted_id completed_by evidence validated_by stamp_id")),
        "stamps": BeadsTable(("id",), _names("id author subject valence confidence severity skill_tags message")),
    }
)
"""Tables of a Wasteland database that are loaded: what was done for whom, and what others thought of it."""

PROJECT_ID = "_project_id"
"""The key of a beads database's `metadata` table under which its project id stands."""
