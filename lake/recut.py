"""A release's examples cut again for another tokenizer: the project's own SQL over the release's own tables.

    with open_release(lake, release, work, memory) as connection:
        recut(connection, release, Path("model/tokenizer.json"), work=work, max_tokens=4096)
        connection.execute("select ... from main.fct_examples")

`connection` is one of `lake.release_views.open_release`: its database is a private file of views. The relations in `MODELS`, whose
rows depend on tokens, become tables there, with the columns and under the names they have in the release; views over them
(`snapshot_rows`) show the new rows. The lake is not written to. Everything else is the release's: consent, candidates, rules. An
example keeps its key where its block begins with the same turn; `tokenizer_hash` is the other tokenizer's.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import duckdb

from lake.build import PROJECT
from lake.code_hash import code_hash
from lake.location import ENVIRONMENT
from lake.releases import Release
from lake.tell import Told
from lake.tokens import load_counter, register

# In the order in which one reads the other.
MODELS = (
    ("intermediate", "int_block_tokens"),
    ("intermediate", "int_session_prompts"),
    ("intermediate", "int_turn_contents"),
    ("intermediate", "int_conversation_turns"),
    ("intermediate", "int_example_units"),
    ("main", "fct_examples"),
    ("main", "fct_preference_pairs"),
)
_SCRATCH = '"forge_scratch".'


def compiled_models(work: Path, project: Path = PROJECT) -> dict[str, str]:
    """The SQL of `MODELS` as a full build runs it, by name. `work`: a folder for what dbt writes. Errors: Told with dbt's words."""
    target = work / "target"
    target.mkdir(exist_ok=True)
    parsed = Path(os.environ.get("DBT_TARGET_PATH", project / "target")) / "partial_parse.msgpack"
    if parsed.is_file():  # dbt checks whether it still holds
        shutil.copy(parsed, target)
    dbt = str(Path(sys.executable).with_name("dbt"))
    names = [name for _, name in MODELS]
    command = [dbt, "--no-use-colors", "compile", "--quiet", "--project-dir", str(project), "--profiles-dir", str(project)]
    command += ["--target-path", str(target), "--log-path", str(work / "logs"), "--select", *names]
    # What a full build runs depends on no lake: an empty one of its own spares this one's lock.
    environment = {**os.environ, ENVIRONMENT: str(work / "lake"), "DO_NOT_TRACK": "1"}
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Told(f"the models that count tokens cannot be compiled; dbt says:\n{done.stdout}{done.stderr}")
    found = {path.stem: path for path in (target / "compiled").rglob("*.sql") if path.stem in names}
    return {name: found[name].read_text(encoding="utf-8").replace(_SCRATCH, "") for name in names}


def recut(
    connection: duckdb.DuckDBPyConnection,
    release: Release,
    tokenizer: Path,
    *,
    work: Path,
    max_tokens: int | None = None,
    overheads: Mapping[str, float] | None = None,
    project: Path = PROJECT,
) -> str:
    """Cut the open release's examples by another tokenizer; returns the tokenizer's hash.

    `max_tokens`: no example may be longer, whatever the budget of its role. `overheads`: values of `example_rules`
    (message_tokens, call_tokens, …) of the chat template that will be used. `work`: an existing folder. Errors: Told when the
    tokenizer cannot be read, or when the release was built by other code than this project.
    """
    counter = load_counter(tokenizer)
    if code_hash(project) != release.code_hash:
        raise Told(
            f"release {release.release_id} was built by other code, or counted by another tokenizer, than this project would: "
            "examples can be cut anew by the same code only; run `forge build` and name the new release"
        )
    register(connection, counter)
    if max_tokens is not None:
        _replace(
            connection, "seeds", "example_budgets",
            f"select role_family, least(max_tokens, {int(max_tokens)}) as max_tokens, description from seeds.example_budgets",
        )  # fmt: skip
    if overheads:
        changed = " ".join(f"when '{name}' then {float(value)}" for name, value in sorted(overheads.items()))
        _replace(
            connection, "seeds", "example_rules",
            f"select rule, case rule {changed} else value end as value, description from seeds.example_rules",
        )  # fmt: skip
    sql = compiled_models(work, project)
    for schema, name in MODELS:
        _replace(connection, schema, name, sql[name])
    return counter.hash


def _replace(connection: duckdb.DuckDBPyConnection, schema: str, name: str, sql: str) -> None:
    """Put a table of the query's rows in the place of a view of the release."""
    connection.execute(f'create table "{schema}"."{name}__recut" as {sql}')
    connection.execute(f'drop view "{schema}"."{name}"')
    connection.execute(f'alter table "{schema}"."{name}__recut" rename to "{name}"')
