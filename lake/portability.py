"""Is the project's SQL what DuckDB and Spark share?

    python -m lake.portability dbt_project

It reads models, singular tests and macros as text, without running anything: comments and Jinja are blanked, literals are looked
into. What differs between engines belongs into `macros/engine.sql`, which is not checked; nor are the macros that are no SQL.
"""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

UNCHECKED = {"engine.sql", "delta.sql", "schemas.sql", "touched_tests.sql"}

_PATTERNS: list[tuple[str, str]] = [
    (r"\bqualify\b", "no QUALIFY: number the rows in a CTE and filter outside with `where rn = 1`"),
    (r"\*\s*(exclude|except|replace|rename)\b", "name the columns instead of `* exclude`"),
    (r"\b(group|order)\s+by\s+all\b", "name the columns of GROUP BY and ORDER BY"),
    (r"\bgroup\s+by\s+\d", "group by column names, not by their numbers"),
    (r"\bdistinct\s+on\b", "no DISTINCT ON: number the rows and filter outside"),
    (r"->>?", "no -> or ->>: JSON is parsed in staging with the macros of engine.sql"),
    (r"\bwith\s+recursive\b", "no recursive CTE"),
    (r"::", "write cast(x as type) instead of ::"),
    (r"\b(asof|positional)\s+join\b|\b(pivot|unpivot)\b|\busing\s+sample\b", "this clause exists in DuckDB only"),
    (r"\b(now|current_date|current_timestamp|current_time|today)\b(?!\s*\.)", "never the clock: use {{ as_of() }}"),
    (
        r"\b(list|array|struct|map|json)_[a-z_]+\s*\(|\b(unnest|list|string_agg|group_concat|strftime|strptime|generate_series|range|"
        r"epoch|epoch_ms|epoch_us|date_diff|datediff|arg_max|arg_min|max_by|min_by|regexp_matches|from_json|to_json|strlen)\s*\(",
        "this function is not the same on every engine: use or add a macro in engine.sql",
    ),
]
_RULES = [(re.compile(pattern), advice) for pattern, advice in _PATTERNS]
_JSON_MACROS = re.compile(r"\{[{%][^}]*?\b(json_[a-z]+|nth_text)\s*\(")
_STAR = re.compile(r"select\s+(distinct\s+)?(\w+\.)?\*")
_STAR_OF_CTE = re.compile(r"select\s+\*\s+from\s+(\w+)")
_NEEDS_CAST = {"sum", "avg", "length"}
_TOKEN = re.compile(r"(?P<name>[a-z_][a-z_0-9]*)\s*\(|\(|\)")
_COMPARED = re.compile(r"\s*(=|<|>|!=|between\b|is\b|in\b)")


@dataclass(frozen=True)
class Finding:
    """One place that another engine reads differently. `line` counts from 1."""

    path: Path
    line: int
    advice: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.advice}"


def _blank(match: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", match[0])


def _without_comments(text: str) -> str:
    text = re.sub(r"\{#.*?#\}", _blank, text, flags=re.DOTALL)
    # A comment ends at the line's end; a literal before it may hold two dashes.
    return re.sub(r"('(?:[^']|'')*')|--[^\n]*|/\*.*?\*/", lambda m: m[1] if m[1] else _blank(m), text, flags=re.DOTALL)


def _without_jinja(text: str) -> str:
    return re.sub(
        r"""\{\{(?:"[^"]*"|'[^']*'|(?!\}\}).)*\}\}|\{%.*?%\}""",
        lambda m: re.sub(r"[^\n]", "j", m[0]) if m[0][1] == "{" else _blank(m),
        text,
        flags=re.DOTALL,
    )


def _literals(sql: str) -> Iterator[tuple[int, str]]:
    for match in re.finditer(r"'((?:[^']|'')*)'", sql):
        yield match.start(), match[1]


def _uncast(sql: str) -> Iterator[tuple[int, str]]:
    """Sums, averages and lengths that neither stand inside a cast nor are only compared."""
    stack: list[tuple[str, int]] = []
    for match in _TOKEN.finditer(sql):
        if match[0] != ")":
            stack.append((match["name"] or "", match.start()))
            continue
        if not stack:
            continue
        name, start = stack.pop()
        inside = any(outer in ("cast", "try_cast") for outer, _ in stack)
        if name in _NEEDS_CAST and not inside and not _COMPARED.match(sql, match.end()):
            yield start, name


def _open_stars(sql: str) -> Iterator[int]:
    """Stars in the outermost select, other than `select * from <CTE>`: they let a table's columns change unseen."""
    depth = 0
    for match in re.finditer(r"[()]|\bselect\b", sql):
        if match[0] != "select":
            depth += 1 if match[0] == "(" else -1
        elif depth == 0 and _STAR.match(sql, match.start()):
            cte = _STAR_OF_CTE.match(sql, match.start())
            if cte is None or set(cte[1]) == {"j"}:  # what Jinja puts there is no CTE
                yield match.start()


def check_text(path: Path, text: str, *, is_staging: bool) -> list[Finding]:
    """Findings in one file's text. `is_staging`: JSON macros are allowed."""
    found: list[tuple[int, str]] = []
    commented = _without_comments(text)
    if not is_staging:
        found += [(m.start(), f"JSON is parsed in staging only, not by {m[1]} here") for m in _JSON_MACROS.finditer(commented)]
    sql = _without_jinja(commented)
    for start, content in _literals(sql):
        if "\\" in content:
            found.append((start, "no backslash in a literal: engines escape differently"))
        if "'" in content or '"' in content:
            found.append((start, "no quote inside a literal: engines escape differently"))
    bare = re.sub(r"'(?:[^']|'')*'", _blank, sql).lower()
    for pattern, advice in _RULES:
        found += [(match.start(), advice) for match in pattern.finditer(bare)]
    found += [(start, "name the model's columns, or take them all from its last CTE") for start in _open_stars(bare)]
    found += [(start, f"cast({name}(…) as …): engines give {name} different types") for start, name in _uncast(bare)]
    return [Finding(path, text.count("\n", 0, start) + 1, advice) for start, advice in sorted(set(found))]


def check_project(project: Path) -> list[Finding]:
    """Findings in all models, singular tests and macros of a dbt project."""
    findings: list[Finding] = []
    for folder in ("models", "tests", "macros"):
        for path in sorted((project / folder).rglob("*.sql")):
            if folder == "macros" and path.name in UNCHECKED:
                continue
            is_staging = folder == "macros" or "staging" in path.relative_to(project).parts
            findings += check_text(path, path.read_text(encoding="utf-8"), is_staging=is_staging)
    return findings


if __name__ == "__main__":
    problems = check_project(Path(sys.argv[1] if len(sys.argv) > 1 else "dbt_project"))
    for problem in problems:
        print(problem)
    sys.exit(1 if problems else 0)
