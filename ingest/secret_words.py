"""Which names hold secrets, and which values under such a name are secrets rather than code, references or placeholders."""

import re
from functools import lru_cache
from itertools import pairwise

_PASSWORD_NAME = re.compile(r"(?i)(?:passw(?:or)?d|passphrase|pass|pwd|_pw)$")
_TOKEN_NAME = re.compile(
    r"(?i)(?:secret|token|credentials?|authorization|_auth|_pat"
    r"|(?:api|access|auth|private|secret|signing|encryption|master|account|storage)[_. -]?key)$"
)
# A personal access token, or a regular expression.
_PATTERN_NAME = re.compile(r"(?i)_pat$")
_WEAK_NAME = re.compile(r"(?i)_key$")
_ENVIRONMENT_NAME = re.compile(r"(?:^|[\s.\"'])[A-Z][A-Z0-9_]*$")
# Names that end like a secret's and are none.
_HARMLESS_NAME = re.compile(
    r"(?i)(?:(?:next|prev|page|continuation|cursor|sync|cancellation|stop|eos|bos|pad|unk|mask|special|input|output|max|min|num"
    r"|total|first|last|current|public|primary|foreign|sort|cache|partition|group|idempotency|thread|file|row|record|lookup)"
    r"[_. -]?(?:token|key)|(?:by|com|tres|over|sur|under|by-)pass)$"
)

_STOP_WORD_TEXT = """
true false null none nil undefined void unknown any yes no on off auto manual default enabled disabled optional required
string str text bytes bytearray number int integer bool boolean object array value values env input output process request
response password passwd passphrase pass pwd secret token tokens key apikey user username email name login session cookie
header state basic bearer digest oauth oauth2 oidc jwt self this config settings options args kwargs params props
your yours example sample test changeme placeholder redacted hidden masked removed empty missing invalid expired valid
error failed success
"""
_STOP_WORDS = frozenset(_STOP_WORD_TEXT.split())
# What stands where a secret will be put: a variable, a template, a call, a mask, a placeholder.
_REFERENCE = re.compile(
    r"\$[A-Za-z_]\w*(?:[/.:,)].*)?|\$[({].*|\$\d.{0,2}|.*\$\{.*|\{\{.*|f?\{[^{}]*\}?.*|%[({][^)}]*[)}].*|%\w+%|%[sdrvq]"
    r"|<[^<>]*>|\[[^\[\]]*\]|\([^()]*\)|&[A-Za-z_]\w*(?:\.\w+)*|@[A-Za-z_]+@"
    r"|(?:process|os|sys|env|secrets|vault|config|settings|self|this|options|args|params|props|request|req|res|ctx|context"
    r"|import|await|new|return|typeof)\b[.(\[ ].*"
    r"|[*.:xX#?_-]{3,}|.*\.\.\.|(?i:.*redacted.*)"
    r"|(?i:(?:<|\[)?(?:your|insert|enter|replace|example|placeholder|dummy|fake)[_-].*|(?:my|some|the|a)[_-][a-z_-]+)"
)
_PATH = re.compile(r"(?:~|\.{1,2})?/.*|[A-Za-z]:\\.*|[a-z][a-z0-9+.-]*://.*|arn:aws:.*")
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:(?:\.|::|->|\?\.)[A-Za-z_][A-Za-z0-9_]*)*[!?]?")
# Letters with digits among them, as identifiers seldom are: `password: k3yb0ard7x`.
_ODD_WORD = re.compile(r"(?=[A-Za-z]*[0-9]+[A-Za-z]|[A-Za-z]+[0-9]{3})[A-Za-z0-9]{8,}")
_CALL = re.compile(r"[A-Za-z_][\w.:]*[(\[].*")
_NUMBER = re.compile(r"[-+]?[0-9][0-9_.,:eE/ -]*[A-Za-z%]{0,2}")
_DATE = re.compile(r"\d{4}-\d\d-\d\d.*")
_HAS_LETTER = re.compile(r"[A-Za-z]")
_HAS_DIGIT = re.compile(r"[0-9]")
_WORD = re.compile(r"[A-Z]?[a-z]{3,}")
_SPECIAL = re.compile(r"[^A-Za-z0-9_.\s-]")

PASSWORD_LENGTH = 4
_REFERENCE_LENGTH = 200
TOKEN_LENGTH = 8
WEAK_TOKEN_LENGTH = 16


def is_reference(value: str) -> bool:
    """A variable, a template, a mask or a placeholder stands there instead of a secret."""
    return _REFERENCE.fullmatch(value[:_REFERENCE_LENGTH]) is not None or (len(value) < 20 and value.lower() in _STOP_WORDS)


def is_secret_value(name: str, value: str, quoted: bool, environment: bool) -> bool:
    """Whether `value`, found in text as what `name` is set to, is a secret.

    `quoted`: it stood in quotes. `environment`: written `NAME=value` without spaces, so it is no expression of a program.
    """
    name = name.strip()
    if len(value) < PASSWORD_LENGTH or is_reference(value) or _HARMLESS_NAME.search(name):
        return False
    literal = quoted or (environment and _ENVIRONMENT_NAME.search(name) is not None)
    if not literal and (
        value[0] in "([{"
        or _CALL.match(value)
        or (_IDENTIFIER.fullmatch(value) and not _is_random(value) and not _is_odd_word(value))
    ):
        return False
    if _PASSWORD_NAME.search(name):
        return _is_password(value, literal)
    if _PATTERN_NAME.search(name) and not value.isalnum():
        return False
    if _TOKEN_NAME.search(name):
        return _is_token(value, TOKEN_LENGTH)
    return _WEAK_NAME.search(name) is not None and literal and _is_token(value, WEAK_TOKEN_LENGTH)


@lru_cache(maxsize=8192)
def is_sensitive_key(key: str) -> bool:
    """Whether a JSON key says that what is below it is a secret."""
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", key).replace("-", "_")
    return (_PASSWORD_NAME.search(name) or _TOKEN_NAME.search(name)) is not None and _HARMLESS_NAME.search(name) is None


def is_secret_leaf(key: str, value: str, direct: bool) -> bool:
    """Whether the string `value` below the sensitive key `key` is a secret; `direct`: right below it, not deeper."""
    if len(value) < PASSWORD_LENGTH or is_reference(value):
        return False
    if direct and _PASSWORD_NAME.search(key.replace("-", "_")):
        return not _PATH.fullmatch(value) and len(value) <= 256
    return _is_token(value, TOKEN_LENGTH)


def is_worth_seeking(value: str) -> bool:
    """Whether a secret is long and odd enough to be looked for wherever else it may stand.

    A word that somebody uses as a password would otherwise disappear from every sentence.
    """
    return len(value) >= 8 and not value.isspace() and (_is_mixed(value) or _is_random(value))


def _is_password(value: str, literal: bool) -> bool:
    if _PATH.fullmatch(value) or (" " in value and len(value) > 64):
        return False
    if literal:
        return " " not in value or _is_mixed(value)
    return _HAS_LETTER.search(value) is not None and _is_mixed(value)


def _is_token(value: str, shortest: int) -> bool:
    if len(value) < shortest or _PATH.fullmatch(value) or _NUMBER.fullmatch(value) or _DATE.match(value) or " " in value:
        return False
    if _HAS_LETTER.search(value) and _HAS_DIGIT.search(value):
        return True
    return _is_random(value)


def _is_mixed(value: str) -> bool:
    kinds = (_HAS_LETTER, _HAS_DIGIT, _SPECIAL)
    return sum(kind.search(value) is not None for kind in kinds) >= 2


def _is_random(value: str) -> bool:
    """Letters that no word or identifier has: a long run with changing case or digits, and few syllables in it."""
    if len(value) < 16:
        return False
    changes = sum(left.islower() != right.islower() or left.isdigit() != right.isdigit() for left, right in pairwise(value))
    return changes * 10 >= len(value) * 3 and not _is_wordy(value)


def _is_odd_word(value: str) -> bool:
    return _ODD_WORD.fullmatch(value) is not None and not _is_wordy(value)


def _is_wordy(value: str) -> bool:
    """At least half of it is syllables: `OAuth2ClientCredentials`."""
    return sum(len(word) for word in _WORD.findall(value)) * 2 >= len(value)
