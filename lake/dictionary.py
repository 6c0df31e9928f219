"""The data dictionary: one self-contained HTML page about a release's tables, from the same comments the analysts' file carries."""

import html
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lake.release_description import read_description
from lake.releases import find_release

PAGE = "dictionary.html"
_SCHEMAS = {
    "main": "Marts: start here",
    "intermediate": "Intermediate: how the marts come about",
    "staging": "Staging: raw records in typed columns",
    "seeds": "Seeds: weights, thresholds and maps",
    "raw": "Raw: what was loaded, redacted",
}
_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2em auto; max-width: 70em; padding: 0 1em }
body { color: #222; background: #fff }
h2 { border-bottom: 2px solid #ccc; margin-top: 2.5em } h3 { font-family: ui-monospace, monospace; margin: 2em 0 .2em }
table { border-collapse: collapse; width: 100%; margin: .6em 0 }
td, th { text-align: left; vertical-align: top; padding: .25em .8em .25em 0 }
tr + tr td { border-top: 1px solid #e5e5e5 }
td:nth-child(-n+2) { font: 13px/1.6 ui-monospace, monospace; white-space: nowrap }
.lineage, .kind { color: #555; font-size: 13px }
nav a { margin-right: 1em; white-space: nowrap }
@media (prefers-color-scheme: dark) { body { color: #ddd; background: #181818 } a { color: #8bf } .lineage, .kind { color: #aaa } }
"""


def write_dictionary(lake: Path, *, release: str | None = None, path: Path | None = None) -> Path:
    """Write the dictionary of a release (default the newest) to `path` (default `<lake>/dictionary.html`) and return the path.

    Raises `NoReleaseError`.
    """
    chosen = find_release(lake, release)
    target = path or lake / PAGE
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f".{target.name}.unfinished")
    unfinished.write_text(_page(read_description(lake, chosen.release_id)), encoding="utf-8")
    unfinished.replace(target)
    return target


def _page(description: Mapping[str, Any]) -> str:
    relations: list[dict[str, Any]] = description["relations"]
    used_by: dict[str, list[str]] = {}
    for relation in relations:
        for parent in relation["depends_on"]:
            used_by.setdefault(parent, []).append(_name(relation))
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8><title>LoRA Forge: data dictionary</title>",
        f"<style>{_STYLE}</style><h1>Data dictionary</h1>",
        f"<p>Release <code>{html.escape(description['release_id'])}</code>, as of {html.escape(str(description['as_of']))}.</p>",
    ]
    schemas = [*_SCHEMAS, *sorted({relation["schema"] for relation in relations} - set(_SCHEMAS))]
    for schema in schemas:
        inside = sorted((relation for relation in relations if relation["schema"] == schema), key=lambda relation: relation["name"])
        if inside:
            parts.append(f"<h2>{html.escape(_SCHEMAS.get(schema, schema))}</h2><nav>")
            parts += [_link(_name(relation)) for relation in inside]
            parts.append("</nav>")
            parts += [_section(relation, used_by) for relation in inside]
    return "\n".join(parts) + "\n"


def _name(relation: Mapping[str, Any]) -> str:
    return f"{relation['schema']}.{relation['name']}"


def _link(name: str) -> str:
    escaped = html.escape(name)
    return f'<a href="#{escaped}">{escaped.removeprefix("main.")}</a>'


def _section(relation: Mapping[str, Any], used_by: Mapping[str, list[str]]) -> str:
    name = _name(relation)
    kind = "a view" if relation["kind"] == "view" else f"a Delta table, version {relation['version']}"
    rows = [
        f"<tr><td>{html.escape(column['name'])}<td>{html.escape(column['type'].lower())}<td>{html.escape(column['description'])}"
        for column in relation["columns"]
    ]
    lineage = [
        f"{label} " + ", ".join(_link(other) for other in sorted(others))
        for label, others in (("Made from", relation["depends_on"]), ("Used by", used_by.get(name, [])))
        if others
    ]
    return (
        f'<h3 id="{html.escape(name)}">{html.escape(name.removeprefix("main."))}</h3><div class=kind>{kind}</div>'
        f"<p>{html.escape(relation['description'])}</p>"
        f"<table><tr><th>column<th>type<th>meaning{''.join(rows)}</table><p class=lineage>{'. '.join(lineage)}</p>"
    )
