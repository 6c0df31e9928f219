"""What a rule's pattern cannot say: whether a match is really a person, a host or a secret, and where it begins and ends.

Each function takes the text a pattern matched in (the one string, nothing around it) and the span of the pattern's group, and
returns the span of the value, or None for a false alarm.
"""

import ipaddress
import re
import string
from collections.abc import Callable
from functools import lru_cache

from ingest.secret_words import is_reference, is_secret_value

Span = tuple[int, int]

# Read backwards from the @.
_LOCAL_PART = re.compile(r"[A-Za-z0-9._%+-]{1,64}", re.ASCII)
_QUOTED_ESCAPE = re.compile(r"(?:u[0-9a-fA-F]{4}|[nrtbf])")
# Accounts of software, not of people.
_SERVICE_ADDRESS = re.compile(
    r"(?i)(?:git|hg|svn)@|(?:no-?reply|notifications)@(?:anthropic|github)\.com$|.*@(?:[a-z0-9-]+\.)*gastown\.local$"
)
# `name@2x.png`, systemd's `getty@tty1.service`, matrix products in code.
_NOT_A_DOMAIN = re.compile(r"(?i).*@\d+x\.\w+$|.*\.(?:service|timer|socket|target|mount|slice|png|jpe?g|gif|webp|svg|T)$")

# Accounts that images and platforms create for everybody, and the placeholders of documentation.
_NOBODY_TEXT = """
user users username user-name you your-name yourname your_name your-username me name shared public default defaultuser root
runner runneradmin ubuntu ec2-user node vscode codespace codespaces gitpod linuxbrew circleci travis jenkins vagrant nobody
www-data app
"""
_NOBODY = frozenset(_NOBODY_TEXT.split())
# Read backwards from the slash.
_PATH_BEFORE = re.compile(r"[A-Za-z0-9_.~/-]*", re.ASCII)
_PATH_CHARACTERS = frozenset(string.ascii_letters + string.digits + "_.~/-")
_NAME_END = "._-+@?"

_PUBLIC_RESOLVERS_TEXT = """
8.8.8.8 8.8.4.4 1.1.1.1 1.0.0.1 9.9.9.9 2001:4860:4860::8888 2001:4860:4860::8844 2606:4700:4700::1111
"""
_PUBLIC_RESOLVERS = frozenset(_PUBLIC_RESOLVERS_TEXT.split())
# Shared carrier and overlay addresses (100.64.0.0/10) are not among them: an overlay gives each device one for good.
_EVERYBODYS_TEXT = """
0.0.0.0/8 10.0.0.0/8 127.0.0.0/16 169.254.169.0/24 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 192.168.0.0/16 198.18.0.0/15
198.51.100.0/24 203.0.113.0/24 224.0.0.0/3
"""
_EVERYBODYS = tuple(map(ipaddress.IPv4Network, _EVERYBODYS_TEXT.split()))
_VERSION_BEFORE = re.compile(r"(?i)(?:\bv|version|ver|release|build|revision|[=~<>!]=|[<>]|[a-z]/|oid|\b[a-z]+-)[\s:=\"'v]*$")

_ASSIGNED = re.compile(
    r"""(?P<name>[a-z0-9_.\x20-]*?)(?:["'\\]{1,4}\s?\])?["'\\]{0,4}(?P<before>[^\S\r\n]{0,4})(?P<sign>:=|=>|={1,3}|:)(?P<after>[^\S\r\n]{0,4})
    (?P<quote>["'\\`]{0,4})(?P<value>[^\s"'`,;<>\x1e\\]{4})""",
    re.VERBOSE | re.ASCII | re.IGNORECASE,
)
# Read backwards from the word that the pattern found.
_NAME_BEFORE = re.compile(r"[A-Za-z0-9_.$-]{0,64}", re.ASCII)
# Longer than any secret, and short enough that a text full of beginnings costs linear time.
_LONGEST = 16_384
_VALUE = re.compile(rf"[^\s\"'`,;<>\x1e\\]{{0,{_LONGEST}}}")
_QUOTED_VALUE = {mark: re.compile(rf"(?:[^{mark}\r\n\\]|\\[^\r\n]){{0,{_LONGEST}}}") for mark in "\"'`"}
# Inside quoted JSON text the closing quote has a backslash, too.
_NESTED_VALUE = {mark: re.compile(rf"[^{mark}\r\n\\]{{0,{_LONGEST}}}") for mark in "\"'`"}
_URL_VALUE = re.compile(r"[^\s/@'\"<>`]*")
_TOKEN_TAIL = re.compile(rf"[A-Za-z0-9._~+/=-]{{0,{_LONGEST}}}", re.ASCII)


def email(text: str, start: int, end: int) -> Span | None:
    """The pattern gives the last character before the @; the name before it is found from here."""
    at = text.index("@", start)
    local = _LOCAL_PART.match(text[max(0, at - 64) : at][::-1])
    if local is None:
        return None
    start = at - local.end()
    while text[start] in ".%+-" and start < at:
        start += 1
    if start and text[start - 1] == "\\" and (escape := _QUOTED_ESCAPE.match(text, start, at)):
        start = escape.end()
    address = text[start:end]
    if start == at or _SERVICE_ADDRESS.match(address) or _NOT_A_DOMAIN.match(address):
        return None
    return start, end


def home_path(text: str, start: int, end: int) -> Span | None:
    """`/home/<name>` and `/Users/<name>` at the root of a path, not inside a URL or below a folder of a project."""
    slash = text.rindex("/", 0, start - 1)
    if slash and text[slash - 1] in _PATH_CHARACTERS:
        before = _PATH_BEFORE.match(text[max(0, slash - 120) : slash][::-1])
        prefix = before[0][::-1] if before else ""
        if not prefix.startswith(("/", "~")):
            return None
        if prefix.startswith("//") and len(prefix) > 2 and text[max(0, slash - len(prefix) - 1)] == ":":
            return None
    return home_name(text, start, end)


def home_name(text: str, start: int, end: int) -> Span | None:
    """A name that is somebody's."""
    length = _name_length(text[start:end])
    return (start, start + length) if length else None


@lru_cache(maxsize=4096)
def _name_length(name: str) -> int:
    """How much of a folder name is a person's name; 0 if nobody's."""
    name = name.rstrip(_NAME_END)
    # A pattern sees `?` for a letter outside ASCII; the value must be a name all the same.
    for place, character in enumerate(name):
        if not (character.isalnum() or character in "._-+@"):
            name = name[:place].rstrip(_NAME_END)
            break
    is_somebody = any(map(str.isalnum, name)) and name.lower() not in _NOBODY
    return len(name) if is_somebody else 0


def home_encoded(text: str, start: int, end: int) -> Span | None:
    """`-home-<name>-` as Claude Code names its project folders; `take-home-pay` is prose."""
    dash = text.rindex("-", 0, start - 1)
    if dash and (text[dash - 1].isalnum() or text[dash - 1] in "-_."):
        return None
    return home_name(text, start, end)


@lru_cache(maxsize=4096)
def _is_public(address: str) -> bool:
    """Whether an address belongs to one party: private, loopback and documentation ranges are everybody's and identify nobody."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv4Address):
        return not any(parsed in net for net in _EVERYBODYS) and address not in _PUBLIC_RESOLVERS
    return parsed.is_global and not parsed.is_multicast and str(parsed) not in _PUBLIC_RESOLVERS


def ipv4(text: str, start: int, end: int) -> Span | None:
    """A public address that is no version number."""
    if text[end : end + 1] == "." and text[end + 1 : end + 2].isdigit():
        return None
    address = text[start:end]
    if not _is_public(address) or _VERSION_BEFORE.search(text[max(0, start - 24) : start]):
        return None
    # Section and version numbers; one public address in two thousand looks like one.
    if (
        text[start - 1 : start] not in ("/", "@")
        and text[end : end + 1] not in (":", "/")
        and all(int(part) < 40 for part in address.split("."))
    ):
        return None
    return start, end


def ipv6(text: str, start: int, end: int) -> Span | None:
    """A public address, complete on both sides."""
    if start and text[start - 1] in ":.":
        return None
    address = text[start:end].rstrip(":") if not text[start:end].endswith("::") else text[start:end]
    return (start, start + len(address)) if _is_public(address) else None


def assigned(text: str, start: int, end: int) -> Span | None:
    """The value of `name = value`: the pattern gives both from the secret word on, and cuts off a long value."""
    context = _ASSIGNED.match(text, start, end)
    if context is None:
        return None
    before = _NAME_BEFORE.match(text[max(0, start - 64) : start][::-1])
    name = (before[0][::-1] if before else "") + context["name"]
    start = context.start("value")
    quote = next((mark for mark in context["quote"] if mark in _QUOTED_VALUE), "")
    values = _NESTED_VALUE if "\\" in context["quote"] else _QUOTED_VALUE
    tail = (values[quote] if quote else _VALUE).match(text, start)
    end = tail.end() if tail else end
    if not quote:
        end = _without_brackets(text, start, end)
    value = text[start:end]
    is_environment = context["sign"] == "=" and not context["before"] and not context["after"]
    return (start, end) if is_secret_value(name, value, bool(quote), is_environment) else None


def option(text: str, start: int, end: int) -> Span | None:
    """The value of `--password value`."""
    tail = _VALUE.match(text, start)
    end = _without_brackets(text, start, tail.end() if tail else end)
    value = text[start:end]
    name = text[max(0, start - 48) : start].strip(" ='\"\\")
    # Prose explains options, too: "--password prompts".
    return (start, end) if any(map(str.isdigit, value)) and is_secret_value(name, value, quoted=True, environment=False) else None


def url_password(text: str, start: int, end: int) -> Span | None:
    """The password of `scheme://user:password@host`."""
    return None if is_reference(text[start:end]) else (start, end)


def url_token(text: str, start: int, end: int) -> Span | None:
    """A user name in a URL that is really a token: it has digits and no dot-separated words."""
    value = text[start:end]
    return (start, end) if any(map(str.isdigit, value)) and any(map(str.isalpha, value)) else None


def curl_password(text: str, start: int, end: int) -> Span | None:
    """The password of `curl -u user:password`."""
    return None if is_reference(text[start:end]) else (start, end)


def authorization(text: str, start: int, end: int) -> Span | None:
    """The credentials of an Authorization header; prose about bearer tokens has no digits."""
    tail = _TOKEN_TAIL.match(text, start)
    end = tail.end() if tail else end
    value = text[start:end]
    if is_reference(value) or not (any(map(str.isdigit, value)) or len(value) >= 32):
        return None
    return start, end


def _without_brackets(text: str, start: int, end: int) -> int:
    """An unquoted value ends before the bracket that was opened before it, and before a full stop."""
    while end > start and text[end - 1] in ").]}:?!" and not (text[end - 1] in ")]}" and _opens(text, start, end)):
        end -= 1
    return end


def _opens(text: str, start: int, end: int) -> bool:
    opening = {")": "(", "]": "[", "}": "{"}[text[end - 1]]
    return text.count(opening, start, end) >= text.count(text[end - 1], start, end)


def anything(text: str, start: int, end: int) -> Span | None:
    """For rules whose pattern says it all."""
    return start, end


JUDGES: dict[str, Callable[[str, int, int], Span | None]] = {
    "forge.email.address": email,
    "forge.home.path": home_path,
    "forge.home.windows": home_name,
    "forge.home.encoded": home_encoded,
    "forge.ipv4.address": ipv4,
    "forge.ipv6.address": ipv6,
    "forge.secret.assigned": assigned,
    "forge.secret.option": option,
    "forge.secret.url_password": url_password,
    "forge.secret.url_token": url_token,
    "forge.secret.curl": curl_password,
    "forge.secret.authorization": authorization,
}
