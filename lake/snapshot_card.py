"""The dataset card: what is in a snapshot, for people and for a hub (whose header names the files of each config)."""

from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Any

import yaml

from lake.snapshot_layout import Part
from lake.snapshot_manifest import DataFile, Manifest

_BAR = 30

_LIMITS = """\
- Every row is the work of agents in Gas Town installations, with their prompts and habits; the answers were written by the models
  that ran them. Outcomes are judged by evidence (merges, closed beads, patrols), not by reading: an accepted episode may hold bad
  turns.
- `train` says which assistant turns are learned from. Failed calls, loops, reverted edits and interrupted turns are context only.
- Secrets and personal data were replaced by surrogates of the same shape before anything was stored. Detection is not perfect;
  surrogates are not learned from, and what is not recognised as one would be.
- `eval` and `test` were frozen by group when first seen; `temporal_eval` holds the newest groups. None of them shares a group with
  `train` in this snapshot. A later snapshot may train on what is `temporal_eval` here, never on `eval` or `test`.
- Rows of an overlay may only train the adapter of their own startup.
"""


def card(manifest: Manifest) -> str:
    """The card's text, Markdown with a YAML header. Depends on the manifest alone; names no row."""
    header = {
        "pretty_name": manifest.name,
        "tags": ["lora-forge", "agent-trajectories", "tool-use"],
        "configs": [
            {"config_name": name, "data_files": [{"split": file.part.split, "path": file.path} for file in files]}
            for name, files in _configs(manifest.files)
        ],
    }
    counts = manifest.counts
    release = manifest.release
    lines = [
        "---",
        yaml.safe_dump(header, sort_keys=False, allow_unicode=True).rstrip(),
        "---",
        "",
        f"# {manifest.name}",
        "",
        f"Snapshot `{manifest.id}`: {manifest.rows:,} rows, cut from release `{release.get('release_id')}`"
        f" (data up to {release.get('as_of')}). The id is a Merkle root over the rows; `forge snapshot verify` proves it.",
        "",
        "## Files",
        "",
        *_table(
            ("scope", "role", "format", "split", "rows", "examples", "tokens", "learned tokens"),
            (
                (
                    _scope(file.part),
                    file.part.role,
                    file.part.format,
                    file.part.split,
                    file.rows,
                    file.examples,
                    file.token_count,
                    file.target_token_count,
                )
                for file in manifest.files
            ),
        ),
        "",
        f"Tokens are those of the tokenizer `{str(manifest.tokenizer.get('hash'))[:12]}`, examples are cut to at most"
        f" {manifest.tokenizer.get('max_tokens')} of them. Rows count over-sampled session starts again, examples do not.",
        "",
        "## Where the rows come from",
        "",
        f"{counts.get('examples', 0):,} examples of {counts.get('chosen_episodes', 0):,} episodes in {counts.get('groups', 0):,}"
        f" groups, from {counts.get('towns', 0)} towns. Of the episodes that were looked at:",
        "",
        *_mix(counts.get("episodes", {}), ("episode", "count")),
        "",
        *_section("Examples of kept episodes that are not in the files", counts.get("left_out", {}), ("scope and reason", "count")),
        *_section("Outcomes", counts.get("outcomes", {}), ("outcome", "examples")),
        *_section("Roles", counts.get("roles", {}), ("role", "examples")),
        "## Tokens per example",
        "",
        "```text",
        *_histogram(counts.get("tokens", [])),
        "```",
        "",
        *_section("Consent", counts.get("consent", {}), ("startups that allow", "count")),
        *_section("Redaction: values replaced in these towns", counts.get("redactions", {}), ("rule", "count")),
        "## Limits",
        "",
        _LIMITS,
    ]
    return "\n".join(lines)


def config_name(part: Part) -> str:
    """Name of a part's config on a hub: everything but the split."""
    return "-".join(part.path.split("/")[1:-1])


def _configs(files: Iterable[DataFile]) -> Iterable[tuple[str, list[DataFile]]]:
    for name, found in groupby(files, lambda file: config_name(file.part)):
        yield name, list(found)


def _scope(part: Part) -> str:
    return "base" if part.startup is None else f"overlay: {part.startup}"


def _cell(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value).replace("|", "\\|")


def _table(head: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> list[str]:
    return [
        "| " + " | ".join(head) + " |",
        "|" + "---|" * len(head),
        *("| " + " | ".join(map(_cell, row)) + " |" for row in rows),
    ]


def _mix(counts: Mapping[str, int], head: tuple[str, str]) -> list[str]:
    whole = sum(counts.values())
    return _table((*head, "share"), ((name, number, f"{100 * number / whole:.1f} %") for name, number in counts.items()))


def _section(title: str, counts: Mapping[str, int], head: tuple[str, str]) -> list[str]:
    return [f"## {title}", "", *_mix(counts, head), ""] if counts else []


def _histogram(steps: list[Any]) -> list[str]:
    most = max((number for _, number in steps), default=0)
    return [f"{low:>7,} and more  {'#' * round(_BAR * number / most):<{_BAR}} {number:,}" for low, number in steps if most]
