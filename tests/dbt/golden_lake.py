"""Five tiny sessions written by hand (`tests/data/golden`), what they must become, and lakes that hold them."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from ingest.run import run_ingest
from lake.duck import load_delta
from lake.location import model_path
from lake.releases import find_release

GOLDEN = Path(__file__).resolve().parent.parent / "data" / "golden"
# The surrogates in the expected texts are this key's.
KEY = "0" * 64


@dataclass(frozen=True)
class Expected:
    """`examples`: name, session, agent, context_segment, is_session_start, copies, parent, messages, split. `not_learned`: session,
    says, reason of every turn of a model that is no target. `not_candidates`: session and reason of episodes without example.
    """

    examples: list[dict[str, Any]]
    not_learned: list[dict[str, Any]]
    not_candidates: list[dict[str, Any]]


def expected() -> Expected:
    """What stands in `expected.json`, beside the sessions."""
    content = json.loads((GOLDEN / "expected.json").read_text(encoding="utf-8"))
    del content["about"]
    return Expected(**content)


def write_town(folder: Path) -> Path:
    """Write the town's towns.yaml and governance.yaml, and the redaction key; returns the towns.yaml. `folder`: new."""
    (folder / "alpha").mkdir(parents=True)
    (folder / "redaction.key").write_text(KEY)
    (folder / "redaction.key").chmod(0o600)
    (folder / "towns.yaml").write_text(
        "towns:\n  - name: alpha\n    id: alpha\n    root: alpha\n    recorded_root: /srv/gt\n"
        f"    homes:\n      claude: [{GOLDEN / 'home'}]\n"
    )
    (folder / "governance.yaml").write_text(
        "startups:\n- {name: mill, rigs: {alpha: [mill]}, learn: shared}\n- {name: alpha/hq, learn: shared}\n"
    )
    return folder / "towns.yaml"


def load_golden(folder: Path, lake: Path) -> None:
    """Load the sessions as any town's, through the loader."""
    report = run_ingest(write_town(folder), lake, progress=False)
    assert report.exit_code == 0, report.lines()


def with_call_names(messages: list[dict[str, Any]], names: list[str]) -> list[dict[str, Any]]:
    """The messages with `names` instead of the ids of their calls, in the order of the calls."""
    ids = [call["id"] for message in messages for call in message.get("tool_calls", ())]
    assert len(set(ids)) == len(ids) == len(names)
    named = dict(zip(ids, names, strict=True))
    found: list[dict[str, Any]] = json.loads(json.dumps(messages))
    for message in found:
        for call in message.get("tool_calls", ()):
            call["id"] = named[call["id"]]
        if message["role"] == "tool":
            message["tool_call_id"] = named[message["tool_call_id"]]
    return found


def released(lake: Path) -> duckdb.DuckDBPyConnection:
    """A connection that knows the newest release's models by their names."""
    connection = duckdb.connect()
    load_delta(connection)
    for name, version in find_release(lake).models.items():
        connection.execute(f"create view \"{name}\" as from delta_scan('{model_path(lake, name)}', version => {version})")
    return connection
