"""What of a telemetry record is kept: who, when, for which bead, how it went. Never what was said.

Gas Town switches on prompts and tool content in Claude Code's telemetry, and gt's own records hold rendered prompts and command
output. All of it stands in transcripts already, where it is read with their care; here it would only be one more copy.
"""

from ingest.lines import JsonObject

CONTENT = (
    "prompt",
    "gt.prompt",
    "content",
    "tool_input",
    "tool_parameters",
    "tool_output",
    "response",
    "formula",
    "keys",
    "args",
    "stdout",
    "stderr",
    "msg.subject",
    "msg.body",
)
"""Fields that the store is told not to send, and that are dropped should they come."""

_PRIVATE = ("user.", "organization.", "host.", "os.", "process.", "telemetry.", "_stream")
"""Beginnings of names that say whose machine and account it was. `_stream` repeats other fields."""
_PRIVATE_NAMES = frozenset({"town_root", *CONTENT})

_CLAUDE = "claude_code."
_CLAUDE_KEPT = frozenset(
    [
        *("_time", "_msg", "session.id", "event.name", "event.timestamp", "event.sequence", "prompt.id", "prompt_length"),
        *("gt.session", "gt.role", "gt.rig", "gt.actor", "gt.agent", "gt.town", "gt.topic", "gt.issue", "gt.run_id", "run.id"),
        *("gt.work_rig", "gt.work_bead", "gt.work_mol", "model", "speed", "cost_usd", "duration_ms", "status_code", "attempt"),
        *("input_tokens", "output_tokens", "cache_read_tokens", "cache_creation_tokens", "request_id", "tool_name", "success"),
        *("decision", "decision_type", "decision_source", "source", "tool_result_size_bytes"),
        *("service.name", "service.version", "app.version"),
    ]
)
"""All that is kept of Claude Code's own events, whatever else a later version sends."""
_CLAUDE_ERROR = "claude_code.api_error"


def kept(event: str, record: JsonObject) -> tuple[JsonObject, list[str]]:
    """(what is kept of a record, with sorted keys; names of what is left out). `event`: the record's name."""
    if event.startswith(_CLAUDE):
        # An API's error is about the service; a tool's error is its output.
        wanted = {name for name in record if name in _CLAUDE_KEPT or (name == "error" and event == _CLAUDE_ERROR)}
    else:
        wanted = {name for name in record if name not in _PRIVATE_NAMES and not name.startswith(_PRIVATE)}
    return {name: record[name] for name in sorted(wanted)}, sorted(record.keys() - wanted)
