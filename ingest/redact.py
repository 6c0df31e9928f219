"""Redaction at the door: every record passes here before anything of it is written.

A batch of parsed JSON values is read once for its distinct strings and keys, these are scanned together in one buffer, and only the
values that hold something are built anew. The scan sees decoded strings, so no JSON escape hides a secret.
"""

import gc
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from ingest.json_leaves import read_leaves, scannable
from ingest.json_rebuild import Rebuilder, Redacted, Replacement
from ingest.named_secrets import read_named
from ingest.redaction_key import RedactionKey
from ingest.secret_scan import SecretScanner, Span
from ingest.secret_spans import NAMED_RULE, find_spans
from ingest.structural import STRUCTURAL
from ingest.surrogates import SECRET, Surrogates

__all__ = ["STRUCTURAL", "Redactor", "Replacement"]


@contextmanager
def without_cycle_search() -> Iterator[None]:
    """A batch is many objects without one cycle; Python would search them for cycles over and over, for a quarter of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


class Redactor:
    """Replaces secrets and personal data by surrogates made with one lake's key.

    `rules`: a rule file instead of `ingest/rules.yml`. Making one is cheap; the rules compile at the first use, or in `prepare`.
    """

    def __init__(self, key: RedactionKey, rules: Path | None = None) -> None:
        self._scanner = SecretScanner(rules)
        self._surrogates = Surrogates(key)

    def prepare(self) -> None:
        """Compile the rules, or load them from the user's cache. Call it before starting workers, so that they find the cache."""
        self._scanner.prepare()

    def redact(
        self, values: list[object], structural: Mapping[str, re.Pattern[str]] = STRUCTURAL
    ) -> list[tuple[object, list[Replacement]]]:
        """Redact a batch of parsed JSON values.

        Returns one (value, replacements) per value, in order; a value without replacements is returned as it came, another one as a
        new object. `structural`: last key → shape of values that stay. Batches of 8 to 16 MB of text are fastest. Secrets are found
        in each string by itself; a value found anywhere in a batch is replaced in all of it.
        """
        with without_cycle_search():
            return self._redact(values, structural)

    def replaced(self, strings: Sequence[str]) -> dict[str, Redacted]:
        """What becomes of those of `strings`, distinct texts of one batch, that hold something."""
        with without_cycle_search():
            wanted = scannable(strings)
            found = find_spans(self._scanner, wanted, set())
            return {wanted[place]: self._redacted(wanted[place], spans) for place, spans in found.items()}

    def redact_text(self, text: str) -> str:
        """`text` redacted: for paths and messages that people read."""
        redacted, _ = self.redact([text])[0]
        assert isinstance(redacted, str)
        return redacted

    def _redact(self, values: list[object], structural: Mapping[str, re.Pattern[str]]) -> list[tuple[object, list[Replacement]]]:
        leaves = read_leaves(values)
        named = read_named(leaves)
        strings = leaves.to_scan()
        spans = find_spans(self._scanner, strings, {secret.value for secret in named})
        if not spans and not named:
            return [(value, []) for value in values]
        by_string = {strings[place]: self._redacted(strings[place], found) for place, found in spans.items()}
        by_name = {
            (secret.number, secret.place): self._redacted(
                secret.string, [Span(secret.start, len(secret.string), NAMED_RULE, SECRET)]
            )
            for secret in named
        }
        return Rebuilder(leaves, by_string, by_name, structural).rebuild(values)

    def _redacted(self, string: str, spans: list[Span]) -> Redacted:
        parts: list[str] = []
        surrogates: list[tuple[int, int, str, str]] = []
        length = done = 0
        for span in spans:
            surrogate = self._surrogates.of(span.family, string[span.start : span.end])
            length += span.start - done
            surrogates.append((length, length + len(surrogate.text), span.rule, surrogate.id))
            parts += (string[done : span.start], surrogate.text)
            length += len(surrogate.text)
            done = span.end
        parts.append(string[done:])
        return Redacted("".join(parts), tuple(surrogates))
