"""How models see governance.yaml: schema `policy` of the build's database, made anew when a build begins.

The tables are as large as the file and hold what the file says, nothing that depends on the lake or the clock.
"""

import re

import duckdb
import pyarrow as pa

from lake.governance import Governance

_text, _time, _flag = pa.string(), pa.timestamp("us", "UTC"), pa.bool_()
SCHEMA = "policy"
STARTUPS = pa.schema([("startup", _text), ("owner", _text)])
STARTUP_RIGS = pa.schema([("startup", _text), ("town", _text), ("rig", _text)])
CONSENTS = pa.schema(
    [
        ("startup", _text),
        ("role_family", _text),
        ("valid_from", _time),
        ("valid_until", _time),
        ("learn", _text),
        ("can_train", _flag),
        ("can_eval", _flag),
        ("can_synthesise", _flag),
        ("is_cross_town", _flag),
        ("source_models", _text),
        ("source_model_pattern", _text),
        ("expires_at", _time),
    ]
)


def model_pattern(patterns: tuple[str, ...]) -> str:
    """One regular expression for patterns in which `*` stands for any text; it means the same in RE2 and Java."""
    return f"^({'|'.join(re.sub('[^A-Za-z0-9]', _as_expression, pattern) for pattern in patterns)})$"


def _as_expression(match: re.Match[str]) -> str:
    return ".*" if match.group() == "*" else f"[{match.group()}]"


def policy_tables(governance: Governance) -> dict[str, pa.Table]:
    """The tables of schema `policy` by name."""
    consents = [
        {
            "startup": consent.startup,
            "role_family": consent.role_family,
            "valid_from": consent.valid_from,
            "valid_until": consent.valid_until,
            "learn": consent.settings.learn,
            "can_train": "train" in consent.settings.purposes,
            "can_eval": "eval" in consent.settings.purposes,
            "can_synthesise": "synthetic" in consent.settings.purposes,
            "is_cross_town": consent.settings.cross_town,
            "source_models": ", ".join(consent.settings.source_models),
            "source_model_pattern": model_pattern(consent.settings.source_models),
            "expires_at": consent.settings.expires_at,
        }
        for consent in governance.consents()
    ]
    startups = [{"startup": startup.name, "owner": startup.owner} for startup in governance.startups]
    rigs = [{"startup": startup.name, "town": town, "rig": rig} for startup in governance.startups for town, rig in startup.rigs]
    return {
        "startups": pa.Table.from_pylist(startups, schema=STARTUPS),
        "startup_rigs": pa.Table.from_pylist(rigs, schema=STARTUP_RIGS),
        "consents": pa.Table.from_pylist(consents, schema=CONSENTS),
    }


def create_policy_tables(governance: Governance, connection: duckdb.DuckDBPyConnection) -> None:
    """Schema `policy`: what governance.yaml says, as tables of the build's database."""
    connection.execute(f"create schema if not exists {SCHEMA}")
    for name, table in policy_tables(governance).items():
        connection.register("policy_rows", table)
        connection.execute(f"create or replace table {SCHEMA}.{name} as select * from policy_rows")
        connection.unregister("policy_rows")
