"""The model card of a published adapter: what it learned from, who consented, how it was judged, what it stands on."""

from collections.abc import Sequence
from typing import Any

import yaml

from lake.snapshot_manifest import DataFile, Manifest
from training.adapter_table import Adapter

_CONSENT = {
    "shared": "Every episode it and its parents learned from belongs to a startup that shares with all (`learn: shared`).",
    "own": "It learned from data that its startup keeps to itself (`learn: own`). It must serve that startup alone.",
}
_LIMITS = (
    "## Limits\n\nIt learned how agents of these towns work: their tools, commands and habits. It knows no other and was judged on"
    " work like that alone. Names, addresses and secrets in its training data were replaced by surrogates before they were stored."
)


def adapter_card(adapter: Adapter, lineage: Sequence[Adapter], decision: dict[str, Any] | None, manifest: Manifest | None) -> str:
    """The card as Markdown with the hub's header.

    `lineage`: its ancestors, youngest first. `decision`: its row of `train.decisions`, None when it was never judged. `manifest`:
    of the snapshot it was trained on, None when that is not at hand.
    """
    header = {
        "library_name": "peft",
        "base_model": adapter.base_model,
        "pipeline_tag": "text-generation",
        "tags": ["lora-forge", f"role:{adapter.role}", f"learn:{adapter.learn}"],
    }
    whose = f"agents of the startup {adapter.startup}" if adapter.startup else "agents of every startup"
    parts = [
        f"---\n{yaml.safe_dump(header, sort_keys=False, allow_unicode=True)}---",
        f"# {adapter.target}",
        f"A QLoRA adapter of `{adapter.base_model}` for {whose} in the role {adapter.role}, made by LoRA Forge.",
        _facts(adapter),
        f"## Consent\n\n{_CONSENT[adapter.learn]}",
        _data(adapter, manifest),
        _evaluation(decision),
        _parents(lineage),
        _LIMITS,
    ]
    return "\n\n".join(parts) + "\n"


def _facts(adapter: Adapter) -> str:
    facts = {
        "adapter": adapter.adapter_id,
        "files (SHA-256)": adapter.artefact_hash,
        "status when published": f"{adapter.status}: {adapter.reason}",
        "snapshot": f"{adapter.snapshot_name} {adapter.snapshot_id}" if adapter.snapshot_id else None,
        "training run": adapter.run_id,
        "tokenizer (hash)": adapter.tokenizer_hash,
    }
    return _table(["what", "value"], [[name, _cell(value)] for name, value in facts.items() if value])


def _data(adapter: Adapter, manifest: Manifest | None) -> str:
    if manifest is None:
        return "## Training data\n\nIts snapshot was not at hand when this card was written."
    rows = [
        [file.part.split, file.part.format, f"{file.examples:,}", f"{file.token_count:,}", f"{file.target_token_count:,}"]
        for file in manifest.files
        if _is_own(adapter, file)
    ]
    head = ["split", "format", "examples", "tokens", "learned tokens"]
    return f"## Training data\n\nThe snapshot's files of this target; only `train` was learned from.\n\n{_table(head, rows)}"


def _is_own(adapter: Adapter, file: DataFile) -> bool:
    wanted = "base" if adapter.startup is None else "overlay"
    return (file.part.scope, file.part.role, file.part.startup) == (wanted, adapter.role, adapter.startup)


def _evaluation(decision: dict[str, Any] | None) -> str:
    if decision is None:
        return "## Evaluation\n\nIt was never judged against another."
    rows = [
        [
            _cell(each["opponent"]),
            f"{each['challenger_loss']:.4f}",
            f"{each['opponent_loss']:.4f}",
            f"{each['loss_difference']:+.4f} ({each['low']:+.4f} to {each['high']:+.4f})",
            f"{each['accuracy_difference']:+.4f}",
        ]
        for each in decision["comparisons"]
    ]
    head = ["against", "its loss", "the other's", "difference (interval)", "token accuracy"]
    told = (
        f"{decision['outcome']}: {decision['reason']}. Loss in nats per learned token, on {decision['eval_group_count']} groups of"
        f" work that none of them was trained on ({decision['excluded_group_count']} groups left out); paired bootstrap over them."
    )
    return f"## Evaluation\n\n{told}\n\n{_table(head, rows)}"


def _parents(lineage: Sequence[Adapter]) -> str:
    if not lineage:
        return "## Parents\n\nNone: its training began from the model itself."
    lines = [
        f"- `{each.adapter_id}` of {each.target}" + (f", {each.hub_repository}@{each.hub_revision}" if each.hub_repository else "")
        for each in lineage
    ]
    return "## Parents\n\nIts training went on from:\n\n" + "\n".join(lines)


def _cell(value: object) -> str:
    return str(value).replace("|", "\\|").replace("\n", " ")


def _table(head: list[str], rows: list[list[str]]) -> str:
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [head, ["---"] * len(head), *rows])
