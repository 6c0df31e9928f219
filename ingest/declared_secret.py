"""A password or token that `towns.yaml` does not hold itself: it names the environment variable or the file that does."""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from ingest.positioned_yaml import PolicyReader

Locate = Callable[[yaml.Node, str, str], str | None]
"""(node, key, what is accepted) → an absolute path; a mistake is noted with the reader."""

_ENVIRONMENT_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class SecretMissingError(ValueError):
    """The secret cannot be read from where towns.yaml says it is. The message never holds the secret."""


@dataclass(frozen=True)
class DeclaredSecret:
    """Where a secret is found. `what`: password or token; `line`: where towns.yaml declares its owner."""

    what: str
    line: int
    variable: str | None = None
    file: str | None = None

    def read(self) -> str:
        """The secret, read anew each time so that a changed one holds; '' where none is declared.

        Errors: `SecretMissingError` when the variable is not set or the file cannot be read.
        """
        if self.variable is not None:
            found = os.environ.get(self.variable)
            if found is None:
                raise SecretMissingError(f"the environment variable {self.variable} (towns.yaml line {self.line}) is not set")
            return found
        if self.file is None:
            return ""
        try:
            return Path(self.file).read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "is not UTF-8"
            # The decoding error would quote the file.
            raise SecretMissingError(f"{self.what} file {self.file} (towns.yaml line {self.line}): {why}") from None


def read_secret(
    reader: PolicyReader, entries: Mapping[str, yaml.Node], key: str, what: str, line: int, locate: Locate
) -> DeclaredSecret:
    """Read `<what>_env` or `<what>_file` of an entry; mistakes are noted with the reader."""
    variable, file = f"{what}_env", f"{what}_file"
    if variable in entries and file in entries:
        reader.problem(entries[file], f"{key}.{file}", f"stands beside {variable}; keep one of them")
    return DeclaredSecret(
        what,
        line,
        variable=_variable(reader, entries[variable], f"{key}.{variable}", what) if variable in entries else None,
        file=locate(entries[file], f"{key}.{file}", f"the file that holds the {what}") if file in entries else None,
    )


def _variable(reader: PolicyReader, node: yaml.Node, key: str, what: str) -> str | None:
    """A variable's name. The value is not repeated in a complaint: somebody may have written the secret itself here."""
    if not isinstance(node, yaml.ScalarNode) or not _ENVIRONMENT_NAME.fullmatch(str(node.value)):
        reader.problem(node, key, f"must be the name of an environment variable (letters, digits, '_'), not the {what} itself")
        return None
    return str(node.value)
