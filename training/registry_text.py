"""What the verbs of the registry print."""

import json
from dataclasses import asdict
from pathlib import Path

from lake.exit_codes import ExitCode
from lake.tell import Told, complain, say
from training.adapter_table import CHAMPION, Adapter, history
from training.registry import Registry, register, roll_back
from training.registry_file import export_registry, read_export, registry_file
from training.registry_http import resolution_json

BASE = "base"
"""What stands for "no startup" on the command line."""


def _place(adapter: Adapter) -> str:
    if adapter.hub_repository is not None:
        return f"{adapter.hub_repository}@{adapter.hub_revision}"
    return adapter.local_path or "no files known"


def tell_resolution(lake: Path, startup: str, role: str, *, as_json: bool) -> ExitCode:
    """Print which adapter serves, where its files are, and each step that led there. FAILED when none may serve."""
    found = Registry.read(lake).resolve(startup, role)
    if as_json:
        say(json.dumps(resolution_json(found), indent=2, default=str))
    else:
        if found.adapter is None:
            say(f"{role} of {startup}: no adapter may serve; use the model as it is")
        else:
            cold = " (cold start: never judged on this startup's work)" if found.is_cold_start else ""
            say(f"{role} of {startup}: {found.adapter.adapter_id} from {found.adapter.target}{cold}")
            say(f"  model     {found.adapter.base_model}")
            say(f"  files     {_place(found.adapter)}")
            say(f"  snapshot  {found.adapter.snapshot_name or '-'} {found.adapter.snapshot_id or ''}".rstrip())
        for step in found.steps:
            say(f"  {step.looked_at:9} {'yes' if step.found else 'no'}: {step.why}")
    return ExitCode.OK if found.adapter is not None else ExitCode.FAILED


def tell_adapters(lake: Path, *, as_json: bool) -> None:
    """Print every adapter in its present state, by target, champions first."""
    adapters = Registry.read(lake).adapters.values()
    ranked = sorted(adapters, key=lambda adapter: (adapter.target, adapter.status != CHAMPION, adapter.adapter_id))
    if as_json:
        say(json.dumps([asdict(adapter) for adapter in ranked], indent=2))
        return
    if not ranked:
        say("no adapter is registered yet")
    for adapter in ranked:
        stands_for = f" -> {adapter.alias_of}" if adapter.alias_of else ""
        say(f"{adapter.target:40} {adapter.status:9} {adapter.adapter_id}{stands_for}  {adapter.reason}")
    if ranked:
        say(f"the same as YAML: {registry_file(lake)}")


def tell_history(lake: Path, adapter_id: str) -> None:
    """Print the states of one adapter, oldest first."""
    adapter = Registry.read(lake).find(adapter_id)
    say(f"{adapter.adapter_id} of {adapter.target}")
    for row in history(lake):
        if row["adapter_id"] == adapter.adapter_id:
            decided = f"  (decision {row['decision_id']})" if row["decision_id"] else ""
            say(f"  {row['changed_at']:%Y-%m-%d %H:%M} {row['status']:9} {row['reason']}{decided}")


def tell_rollback(lake: Path, startup: str, role: str, reason: str) -> None:
    """Roll back and print which adapter serves now."""
    before = roll_back(lake, None if startup == BASE else startup, role, reason)
    say(f"{before.adapter_id} serves {before.target} again" if before else f"nobody serves {role} of {startup} now")


def tell_publication(
    lake: Path, adapter_id: str, repository: str, *, public: bool, endpoint: str | None, token: str | None
) -> None:
    """Publish and print where the adapter lies now. Errors: `Told` when it may not be published, or the hub refuses."""
    from huggingface_hub.errors import HfHubHTTPError

    from training.adapter_hub import publish_adapter

    try:
        adapter = publish_adapter(lake, adapter_id, repository, public=public, endpoint=endpoint, token=token)
    except HfHubHTTPError as error:
        raise Told(f"the hub refused {repository}: {error}") from error
    say(f"{adapter.adapter_id} of {adapter.target} is {_place(adapter)}")


def tell_export(lake: Path, file: Path, town: str) -> ExitCode:
    """Write the export and print what was left out. PARTIAL when something was."""
    left_out = export_registry(Registry.read(lake), file, town)
    for line in left_out:
        complain(f"left out: {line}")
    say(f"wrote {file}")
    return ExitCode.PARTIAL if left_out else ExitCode.OK


def tell_import(lake: Path, file: Path) -> None:
    """Register another town's adapters as candidates and print them."""
    for adapter in read_export(file):
        register(lake, adapter)
        say(f"{adapter.adapter_id} of {adapter.target} is a candidate: {adapter.reason}")
