"""Policy files are YAML that people edit: this reads them so that every complaint names a file, a line and a key.

A `PolicyReader` walks the composed nodes of one document and collects problems instead of stopping at the first, so that a
file with three mistakes is mended in one round. Duplicate keys and tabs, which YAML libraries let pass or report darkly, are
problems like any other.
"""

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

_TEXT = "tag:yaml.org,2002:str"
_NULL = "tag:yaml.org,2002:null"


@dataclass(frozen=True, order=True)
class Problem:
    """One mistake: its line (from 1; 0 when there is no file), the key it stands at (`towns[0].root`; empty for the whole file),
    and what to write instead.
    """

    line: int
    key: str
    message: str


class PolicyFileError(ValueError):
    """A policy file that cannot be used. `problems` holds every mistake found, in the order of the file."""

    def __init__(self, path: Path, problems: Iterable[Problem]) -> None:
        self.path = path
        self.problems = tuple(sorted(problems))
        super().__init__("\n".join(f"{path}{self._place(problem)} {problem.message}" for problem in self.problems))

    @staticmethod
    def _place(problem: Problem) -> str:
        return (f":{problem.line}:" if problem.line else "") + (f" {problem.key}:" if problem.key else "")


def kind_of(node: yaml.Node) -> str:
    """What a node is, in the words of an error message."""
    if isinstance(node, yaml.MappingNode):
        return "a mapping"
    if isinstance(node, yaml.SequenceNode):
        return "a list"
    if node.tag == _NULL:
        return "nothing"
    if node.tag == _TEXT:
        return "text"
    return f"{node.tag.rsplit(':', 1)[-1]} {node.value}"


def nearest(word: str, known: Sequence[str]) -> str:
    """`; did you mean 'x'?` for a word close to a known one, else nothing."""
    close = difflib.get_close_matches(word.lower(), known, n=1, cutoff=0.6)
    return f"; did you mean '{close[0]}'?" if close else ""


class PolicyReader:
    """Reads one YAML document and collects its problems.

    The methods return a harmless empty value where the file is wrong and note the problem; the caller goes on and, at the end,
    raises its own `PolicyFileError` with `problems`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problems: list[Problem] = []

    def problem(self, node: yaml.Node | int, key: str, message: str) -> None:
        """Note a mistake at a node, or at a line counted from 1."""
        line = node if isinstance(node, int) else node.start_mark.line + 1
        self.problems.append(Problem(line, key, message))

    def document(self) -> yaml.Node | None:
        """The root node; None for an empty file, and for one that cannot be read or is no YAML (then a problem is noted)."""
        try:
            data = self.path.read_bytes()
        except OSError as error:
            self.problem(0, "", f"cannot be read: {error.strerror or type(error).__name__}")
            return None
        try:
            source = data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            self.problem(data[: error.start].count(b"\n") + 1, "", "is not UTF-8; save the file as UTF-8")
            return None
        for number, line in enumerate(source.splitlines(), 1):
            if re.match(r" *\t", line):
                self.problem(number, "", "is indented with a tab; YAML accepts spaces only")
        if self.problems:
            return None
        try:
            return yaml.compose(source, Loader=yaml.SafeLoader)
        except yaml.reader.ReaderError as error:
            before = source[: error.position]
            self.problem(
                before.count("\n") + 1, "", f"holds the character U+{error.character:04X}, which YAML does not accept; remove it"
            )
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            self.problem(mark.line + 1 if mark else 1, "", f"is not YAML: {error.problem or error.context}")
        return None

    def mapping(self, node: yaml.Node, key: str, accepted: Sequence[str]) -> dict[str, yaml.Node]:
        """The entries of a mapping, without unknown, duplicate and empty ones (each of them is a problem)."""
        if not isinstance(node, yaml.MappingNode):
            self.problem(node, key, f"must be a mapping with the keys {', '.join(accepted)}; it is {kind_of(node)}")
            return {}
        entries: dict[str, yaml.Node] = {}
        for name_node, value in node.value:
            name = str(name_node.value) if isinstance(name_node, yaml.ScalarNode) else "?"
            full = f"{key}.{name}" if key else name
            if name not in accepted:
                self.problem(name_node, full, f"is no known key{nearest(name, accepted)}; accepted: {', '.join(accepted)}")
            elif name in entries:
                first = entries[name].start_mark.line + 1
                self.problem(name_node, full, f"stands here a second time (first on line {first}); keep one")
            elif isinstance(value, yaml.ScalarNode) and value.tag == _NULL:
                self.problem(name_node, full, "has no value; write one or remove the key")
            else:
                entries[name] = value
        return entries

    def items(self, node: yaml.Node, key: str, of: str) -> list[yaml.Node]:
        """The items of a list; `of` says in an error what the list holds."""
        if not isinstance(node, yaml.SequenceNode):
            self.problem(node, key, f"must be a list of {of}; it is {kind_of(node)}")
            return []
        return list(node.value)

    def text(self, node: yaml.Node, key: str, what: str) -> str | None:
        """The text of a scalar; `what` says in an error what is accepted."""
        if not isinstance(node, yaml.ScalarNode):
            self.problem(node, key, f"must be {what}; it is {kind_of(node)}")
        elif node.tag != _TEXT:
            self.problem(node, key, f"must be {what}; it is {kind_of(node)} (put quotes around it to make it text)")
        elif not node.value.strip():
            self.problem(node, key, f"must be {what}; it is empty")
        else:
            return str(node.value)
        return None

    def texts(self, node: yaml.Node, key: str, what: str) -> list[tuple[str, yaml.Node]]:
        """The texts of a list with their nodes."""
        found: list[tuple[str, yaml.Node]] = []
        for index, item in enumerate(self.items(node, key, what)):
            value = self.text(item, f"{key}[{index}]", what)
            if value is not None:
                found.append((value, item))
        return found
