"""Where the secrets of a batch are: what the rules found, and the same values wherever else they stand in it."""

import re
from collections.abc import Sequence, Set
from itertools import accumulate

from ingest.secret_scan import SEPARATOR, SecretScanner, Span, merged
from ingest.secret_words import is_worth_seeking
from ingest.surrogates import SECRET

NAMED_RULE = "forge.secret.named"

# An id that a rule took for a secret stays where it is an id, so it must stay everywhere else, too.
_ID = re.compile(
    r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[0-9a-f]{40}|[0-9a-f]{64}|(?:msg|req|toolu|srvtoolu)_\w+", re.ASCII
)
_ENCODED_RULE = "forge.home.encoded"
_HOME_RULES = ("forge.home.path", "forge.home.windows")

# Up to so many values are looked for one after the other; more of them in one pass over all positions.
_FEW = 48
_HEAD = 8


def find_spans(scanner: SecretScanner, strings: Sequence[str], named_values: Set[str]) -> dict[int, list[Span]]:
    """Spans by position in `strings`. `named_values` are secrets already known from the keys above them."""
    found = scanner.scan(strings)
    _widen_encoded_names(strings, found.spans)
    rules: dict[str, str] = dict.fromkeys(named_values, NAMED_RULE)
    rules.update(found.hidden)
    for place, spans in found.spans.items():
        for span in spans:
            if span.family == SECRET:
                value = strings[place][span.start : span.end]
                rules[value] = min(rules.get(value, span.rule), span.rule)
    rules = {value: rule for value, rule in rules.items() if is_worth_seeking(value) and not _ID.fullmatch(value)}
    if rules:
        for place, again in _occurrences(strings, rules).items():
            found.spans[place] = merged(strings[place], [*again, *found.spans.get(place, [])])
    return found.spans


def _occurrences(strings: Sequence[str], rules: dict[str, str]) -> dict[int, list[Span]]:
    text = SEPARATOR.join(strings)
    hits = _one_by_one(text, rules) if len(rules) <= _FEW else _all_at_once(text, rules)
    hits.sort()
    starts = list(accumulate([len(string) + len(SEPARATOR) for string in strings], initial=0))
    spans: dict[int, list[Span]] = {}
    place = 0
    for start, value in hits:
        while starts[place + 1] <= start:
            place += 1
        begin = start - starts[place]
        if begin + len(value) <= len(strings[place]):
            spans.setdefault(place, []).append(Span(begin, begin + len(value), rules[value], SECRET))
    return spans


def _one_by_one(text: str, values: dict[str, str]) -> list[tuple[int, str]]:
    hits = []
    for value in values:
        start = text.find(value)
        while start >= 0:
            hits.append((start, value))
            start = text.find(value, start + len(value))
    return hits


def _all_at_once(text: str, values: dict[str, str]) -> list[tuple[int, str]]:
    """Linear in the text however many values there are: every position's first characters are looked up in a table."""
    lengths: dict[str, set[int]] = {}
    for value in values:
        lengths.setdefault(value[:_HEAD], set()).add(len(value))
    candidates = [place for place in range(len(text) - _HEAD + 1) if text[place : place + _HEAD] in lengths]
    hits = []
    for place in candidates:
        for length in sorted(lengths[text[place : place + _HEAD]], reverse=True):
            if text[place : place + length] in values:
                hits.append((place, text[place : place + length]))
                break
    return hits


def _widen_encoded_names(strings: Sequence[str], spans: dict[int, list[Span]]) -> None:
    """`-home-jo-doe-gt` names jo.doe if the batch also has `/home/jo.doe`: a folder name alone does not say where a name ends."""
    encoded: dict[str, set[str]] = {}
    for place, found in spans.items():
        for span in found:
            if span.rule in _HOME_RULES:
                name = re.sub(r"[^A-Za-z0-9]", "-", strings[place][span.start : span.end])
                encoded.setdefault(name.split("-")[0], set()).add(name)
    for place, found in spans.items():
        for number, span in enumerate(found):
            if span.rule != _ENCODED_RULE:
                continue
            string = strings[place]
            for name in sorted(encoded.get(string[span.start : span.end], ()), key=len, reverse=True):
                end = span.start + len(name)
                if string.startswith(name, span.start) and not string[end : end + 1].isalnum():
                    found[number] = Span(span.start, end, span.rule, span.family)
                    break
