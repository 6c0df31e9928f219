"""The beads schema as its migrations leave it, today's and that of early 2026, for databases of loader tests."""

_ISSUE_COLUMNS = """
    id varchar(255) primary key, content_hash varchar(64), title varchar(500) not null, description text not null,
    design text not null, acceptance_criteria text not null, notes text not null, status varchar(32) not null default 'open',
    priority int not null default 2, issue_type varchar(32) not null default 'task', assignee varchar(255), estimated_minutes int,
    created_at datetime not null default current_timestamp, created_by varchar(255) default '', owner varchar(255) default '',
    updated_at datetime not null default current_timestamp, closed_at datetime, closed_by_session varchar(255) default '',
    external_ref varchar(255), spec_id varchar(1024), compaction_level int default 0, compacted_at datetime,
    compacted_at_commit varchar(64), original_size int, sender varchar(255) default '', ephemeral tinyint(1) default 0,
    wisp_type varchar(32) default '', pinned tinyint(1) default 0, is_template tinyint(1) default 0,
    mol_type varchar(32) default '', work_type varchar(32) default 'mutex',
    source_system varchar(255) default '', metadata json default (json_object()),
    source_repo varchar(512) default '', close_reason text default (''), event_kind varchar(32) default '',
    actor varchar(255) default '', target varchar(255) default '', payload text default (''), await_type varchar(32) default '',
    await_id varchar(255) default '', timeout_ns bigint default 0, waiters text default (''), hook_bead varchar(255) default '',
    role_bead varchar(255) default '', agent_state varchar(32) default '', last_activity datetime, role_type varchar(32) default '',
    rig varchar(255) default '', due_at datetime, defer_until datetime
"""
_NEW_COLUMNS = "no_history tinyint(1) default 0, started_at datetime"
_OLD_COLUMNS = "crystallizes tinyint(1) default 0, quality_score double"


def _history(prefix: str, new_ids: bool) -> list[str]:
    identity = "char(36) primary key default (uuid())" if new_ids else "bigint primary key auto_increment"
    return [
        f"create table {prefix}events (id {identity}, issue_id varchar(255) not null, event_type varchar(32) not null, "
        "actor varchar(255) not null, old_value text, new_value text, comment text, "
        "created_at datetime not null default current_timestamp)",
        f"create table {prefix}comments (id {identity}, issue_id varchar(255) not null, author varchar(255) not null, "
        "text text not null, created_at datetime not null default current_timestamp)",
        f"create table {prefix}labels (issue_id varchar(255) not null, label varchar(255) not null, primary key (issue_id, label))",
        f"create table {prefix}dependencies (issue_id varchar(255) not null, depends_on_id varchar(255) not null, "
        "type varchar(32) not null default 'blocks', created_at datetime not null default current_timestamp, "
        "created_by varchar(255) not null, metadata json default (json_object()), thread_id varchar(255) default '', "
        "primary key (issue_id, depends_on_id))",
    ]


_SETTINGS = [
    "create table config (`key` varchar(255) primary key, value text not null)",
    "create table metadata (`key` varchar(255) primary key, value text not null)",
]


def today(project: str) -> list[str]:
    """Tables of a database with all migrations; its project id is `project`."""
    issues = [f"create table {name} ({_ISSUE_COLUMNS}, {_NEW_COLUMNS})" for name in ("issues", "wisps")]
    interactions = (
        "create table interactions (id varchar(32) primary key, kind varchar(64) not null, created_at datetime not null, "
        "actor varchar(255), issue_id varchar(255), model varchar(255), prompt text, response text, error text, "
        "tool_name varchar(255), exit_code int, parent_id varchar(32), label varchar(64), reason text, extra json)"
    )
    own = f"insert into metadata values ('_project_id', '{project}')"
    return [*issues, *_history("", new_ids=True), *_history("wisp_", new_ids=True), interactions, *_SETTINGS, own]


def early_2026() -> list[str]:
    """Tables of schema version 6: no wisps, numbered events, two columns that are gone since, no project id."""
    return [f"create table issues ({_ISSUE_COLUMNS}, {_OLD_COLUMNS})", *_history("", new_ids=False), *_SETTINGS]


def commons() -> list[str]:
    """Tables of a Wasteland database."""
    return [
        "create table completions (id varchar(64) primary key, wanted_id varchar(64), completed_by varchar(255), evidence text, "
        "validated_by varchar(255), stamp_id varchar(64), completed_at timestamp)",
        "create table stamps (id varchar(64) primary key, author varchar(255) not null, subject varchar(255) not null, "
        "valence json not null, confidence float, severity varchar(16), skill_tags json, message text, created_at timestamp)",
        "create table rigs (handle varchar(255) primary key, owner_email varchar(255))",
    ]
