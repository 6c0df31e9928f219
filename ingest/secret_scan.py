"""Finds secrets and personal data in many strings with one scan over one large buffer."""

import bisect
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from pathlib import Path

from kingfisher_sdk import DetectionPolicy, Finding, Rules, Scanner

from ingest.plausible import JUDGES, anything
from ingest.secret_words import is_worth_seeking
from ingest.surrogates import EMAIL, HOME, IPV4, IPV6, PEM, SECRET

RULES = Path(__file__).with_name("rules.yml")

# No rule's pattern crosses it: U+001E is no white space to the engine and no part of any value.
SEPARATOR = "\n\x1e\n"

_PERSONAL = {"forge.email.": EMAIL, "forge.home.": HOME, "forge.ipv4.": IPV4, "forge.ipv6.": IPV6}
# Takes the host together with the password; forge.secret.url_password takes the password alone.
_REPLACED_RULES = frozenset({"betterleaks.generic-credential-uri"})
# Rules that only support others match ids, hosts and names; of them these match secrets.
_SECRET_HELPER = re.compile(r"(?:key|secret|token|passphrase)(?:\.\d+)?$|access-key-id$")

_ESCAPED = re.compile(r"\\u[0-9a-fA-F]{4}")
_SHORTEST_ESCAPED = 8
_SPREAD_NULS = 4


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """One secret: characters [start, end) of a string, its rule and the family of its surrogate."""

    start: int
    end: int
    rule: str
    family: str


@dataclass(slots=True)
class Found:
    """What a scan found: spans by position in the list that was scanned, and values that lay hidden under an encoding."""

    spans: dict[int, list[Span]]
    hidden: dict[str, str]


def rule_cache() -> Path:
    """Where compiled rules are kept: `KF_RULE_CACHE_DIR`, else `lora-forge/kingfisher` in the user's cache folder.

    Rules only: nothing of what they are applied to.
    """
    named = os.environ.get("KF_RULE_CACHE_DIR")
    if named:
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "lora-forge" / "kingfisher"


@lru_cache(maxsize=4)
def _compiled(path: Path) -> tuple[Scanner, frozenset[str]]:
    """The engine with Kingfisher's rules and those of `path`, and the ids of rules whose findings do not count."""
    cache = rule_cache()
    cache.mkdir(parents=True, exist_ok=True, mode=0o700)
    rules = Rules([path], confidence="low", cache_dir=cache)
    ignored = {rule["id"] for rule in rules.metadata() if not rule["visible"] and not _SECRET_HELPER.search(rule["id"])}
    # Nothing in a text may switch detection off: no ignore comments, no guessing of markup, no suppression of one finding by
    # another, every occurrence reported.
    policy = DetectionPolicy(
        inline_ignores=False, markup_context=False, cli_match_semantics=False, base64_max_depth=2, base64_max_input_bytes=None
    )
    return Scanner(rules, dedup=False, policy=policy), _REPLACED_RULES | ignored


class SecretScanner:
    """Kingfisher's rules and ours. Compiles at the first scan in a process: 4 to 9 s once per machine, 0.4 s from the cache."""

    def __init__(self, rules: Path | None = None) -> None:
        self._path = rules or RULES

    def prepare(self) -> None:
        """Compile the rules now."""
        _compiled(self._path)

    def _findings(self, buffer: bytes) -> list[tuple[int, str, int, Finding]]:
        """(start, rule, end, finding) in order."""
        scanner, ignored = _compiled(self._path)
        found = []
        for finding in scanner.scan(buffer):
            rule = finding.rule_id
            if rule not in ignored:
                location = finding.location
                found.append((location["start_offset"], rule, location["end_offset"], finding))
        found.sort(key=_in_order)
        return found

    def scan(self, strings: Sequence[str]) -> Found:
        """Every plausible secret in `strings`."""
        pieces, origins = _pieces(strings)
        # One byte a character: offsets of the engine are offsets of characters, whatever the text.
        buffer = SEPARATOR.encode().join([piece.encode("ascii", "replace") for piece in pieces])
        starts = list(accumulate([len(piece) + len(SEPARATOR) for piece in pieces], initial=0))
        spans: dict[int, list[Span]] = {}
        hidden: dict[str, str] = {}
        covered: dict[str, tuple[int, int]] = {}
        for first, rule, last, finding in self._findings(buffer):
            place = bisect.bisect_right(starts, first) - 1
            piece = pieces[place]
            start, end = first - starts[place], last - starts[place]
            # Two strings have nothing to do with each other: what reaches across is chance.
            if not 0 <= start < end <= len(piece):
                continue
            if finding.is_base64_encoded:
                if not _is_hidden_secret(rule, finding.secret):
                    continue
                hidden[finding.secret] = rule
                family = SECRET
            else:
                # Inside a value that the same rule gave there is nothing more to find.
                if covered.get(rule, (-1, 0)) >= (place, end):
                    continue
                judged = JUDGES.get(rule, anything)(piece, start, end)
                if judged is None:
                    continue
                start, end = judged
                covered[rule] = (place, end)
                family = _family(rule, piece, start)
            owner, places = origins[place - len(strings)] if place >= len(strings) else (place, None)
            if places is not None:
                start, end = places[start], places[end - 1] + 1
            spans.setdefault(owner, []).append(Span(start, end, rule, family))
        return Found({owner: merged(strings[owner], found) for owner, found in spans.items()}, hidden)


def _in_order(found: tuple[int, str, int, Finding]) -> tuple[int, str, int]:
    return found[:3]


def _pieces(strings: Sequence[str]) -> tuple[list[str], list[tuple[int, list[int] | None]]]:
    """The strings as the engine gets them, and after them second readings of some: (whose, where its characters come from)."""
    pieces = list(strings)
    origins: list[tuple[int, list[int] | None]] = []
    for owner, string in enumerate(strings):
        if "\0" in string:
            # A NUL ends a value (/proc/*/environ); many of them make the engine take a buffer for UTF-16.
            pieces[owner] = string.replace("\0", "\n")
            if string.count("\0") * _SPREAD_NULS > len(string):
                places = [place for place, character in enumerate(string) if character != "\0"]
                pieces.append(string.replace("\0", ""))
                origins.append((owner, places))
        if "\\" in string and len(string) >= _SHORTEST_ESCAPED:
            read = _unescaped(string)
            if read != string:
                pieces.append(read)
                origins.append((owner, None))
    return pieces, origins


def _unescaped(string: str) -> str:
    """JSON text inside a string with its escapes blanked, same length: a literal backslash-n no longer sticks to what follows."""
    string = string.replace("\0", "\n").replace("\\n", " \n").replace("\\t", " \t").replace("\\r", " \n").replace('\\"', ' "')
    return _ESCAPED.sub("      ", string) if "\\u" in string else string


def _family(rule: str, piece: str, start: int) -> str:
    for prefix, family in _PERSONAL.items():
        if rule.startswith(prefix):
            return family
    return PEM if piece.startswith("-----BEGIN", start) else SECRET


def _is_hidden_secret(rule: str, value: str) -> bool:
    """Of what base64 hides, only secrets count, and context-bound rules only with values that no program text has."""
    return rule not in JUDGES or (rule.startswith("forge.secret.") and is_worth_seeking(value))


def _rank(span: Span) -> tuple[int, bool, str]:
    """The widest first; of equals our rule, for some of Kingfisher's fire only beside others, and no name should hang on that."""
    return span.start - span.end, not span.rule.startswith("forge."), span.rule


def merged(string: str, spans: Iterable[Span]) -> list[Span]:
    """Spans in order, none overlapping: what overlaps becomes one span over all of it, named after the widest."""
    result: list[Span] = []
    for span in sorted(set(spans), key=lambda span: (span.start, *_rank(span))):
        last = result[-1] if result else None
        if last is None or span.start >= last.end:
            result.append(span)
            continue
        if EMAIL in (last.family, span.family) and last.family != span.family:
            secret, address = (span, last) if last.family == EMAIL else (last, span)
            # `user:password@host`: what stands before the @ is the password, not an address.
            if string[secret.end : secret.end + 1] == "@" and address.start <= secret.end < address.end:
                result[-1] = secret
                continue
        widest = min(last, span, key=_rank)
        result[-1] = Span(last.start, max(last.end, span.end), widest.rule, widest.family)
    return result
