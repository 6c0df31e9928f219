"""Fields whose value stays as it is while it has its shape: joins hang on them.

The last key of the path decides, the whole value must match. A value without the shape is text like any other.
"""

import re
from collections.abc import Mapping

_UUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_API_ID = r"(?:msg|req|toolu|srvtoolu|call|resp|chatcmpl|gen)[-_][A-Za-z0-9_-]{4,64}"
_BEAD_ID = r"[a-z][a-z0-9]{0,15}(?:-[a-z0-9]{1,16}){1,4}(?:\.[0-9]{1,4}){0,4}"
_SHA = r"[0-9a-f]{7,64}"
_TIME = r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9:.]{5,18}(?:Z|[+-][0-9:]{2,6})?)?"
_BASE64 = r"[A-Za-z0-9+/_-]{16,}={0,2}"
_WORD = r"[A-Za-z]{1,24}(?:[_-][A-Za-z]{1,24}){0,6}"
_MODEL = r"<synthetic>|[a-z]{1,16}(?:[-.:/@][a-z0-9]{1,12}){0,8}(?:\[[0-9a-z]{1,4}\])?"
_VERSION = r"v?[0-9]{1,5}(?:\.[0-9]{1,8}){0,4}(?:[-+][A-Za-z0-9]{1,12}(?:\.[A-Za-z0-9]{1,12}){0,4})?"

_UUIDS = (
    "uuid parentUuid logicalParentUuid sessionId session_id leafUuid messageId promptId planId parentSessionId "
    "sourceToolAssistantUUID beads_project_id project_id toolUseID parentToolUseID sourceToolUseID tool_use_id toolUseId "
    "requestId request_id session.id native_session_id run.id gt.run_id prompt.id"
)
_BEADS = "id issue_id bead depends_on_id parent_id mr convoy_id epic_id wisp_id molecule_id gt.issue gt.work_bead"
_SHAS = "agentId agent_id commit commit_sha git_commit sha hash content_hash record_hash gitCommit oid fingerprint"
_TIMES = (
    "_time event.timestamp timestamp ts created_at updated_at closed_at started_at ended_at deleted_at due_at observed_at "
    "backupTime added_at"
)
_WORDS = "type subtype role level stop_reason userType permissionMode status issue_type"


def _table() -> dict[str, re.Pattern[str]]:
    shapes: dict[str, str] = {}
    for keys, shape in (
        (_UUIDS, f"{_UUID}|{_API_ID}|agent[-_][A-Za-z0-9_-]{{1,64}}"),
        (_BEADS, f"{_UUID}|{_API_ID}|{_BEAD_ID}|[0-9]{{1,20}}"),
        (_SHAS, f"{_SHA}|(?:sha256|sha1|blake2b):{_SHA}|agent-{_SHA}"),
        (_TIMES, _TIME),
        (_WORDS, _WORD),
        ("model", _MODEL),
        ("version", _VERSION),
        ("signature", _BASE64),
    ):
        for key in keys.split():
            shapes[key] = shape
    return {key: re.compile(shape, re.ASCII) for key, shape in shapes.items()}


# Claude Code's and beads' fields share one table: no key means one thing here and a secret there.
STRUCTURAL: Mapping[str, re.Pattern[str]] = _table()
