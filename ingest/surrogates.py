"""What stands in the lake where a secret stood: stable, of the same type, and silent about the value.

Everything is drawn from the keyed digest of (family, value), so one value has one surrogate everywhere in a lake, whichever rule
found it. What a surrogate shows is the type and, for machine-made tokens, the length and the alphabet; a value that a person may
have chosen gets a surrogate of fixed length.
"""

import re
import string
from dataclasses import dataclass

from ingest.redaction_key import RedactionKey

EMAIL, HOME, IPV4, IPV6, PEM, SECRET = "email", "home", "ipv4", "ipv6", "pem", "secret"

# Prefixes that name the issuer and are the same in everybody's tokens.
PUBLIC_PREFIX = re.compile(
    r"https?://[A-Za-z0-9.-]+/(?:services/|api/webhooks/)?"
    r"|sk-ant-(?:api|admin|oat|sid)\d\d-|sk-ant-|sk-(?:proj|svcacct|admin|or-v1|kimi)-|sk-"
    r"|(?:AKIA|ASIA|ABIA|ACCA|A3T[A-Z0-9])"
    r"|gh[pousr]_|github_pat_|gl(?:pat|dt|rt|cbt|ptt|ft|soat|agent|imt|oas|ffct)-"
    r"|xox[abeoprs](?:\.xox[a-z])?-|xapp-\d-|AIza|ya29\.|GOCSPX-|1//|hf_|npm_|pypi-|dhat\.v1\.|dp\.(?:pt|st|ct|sa)\."
    r"|(?:sk|rk|pk|whsec)_(?:live|test)_|whsec_|SG\.|key-|shp(?:at|ca|pa|ss)_|dop_v1_|doo_v1_|lin_api_|figd_|ntn_|secret_"
    r"|hvs\.|hvb\.|tfp_|gsk_|xai-|pplx-|r8_|nvapi-|eyJ"
)
TOKEN = re.compile(r"[A-Za-z0-9_.:/+=~%-]{16,}", re.ASCII)
LONGEST = 1024
CHOSEN_LENGTH = 12

_DOCUMENTATION_NETS = ("192.0.2.", "198.51.100.", "203.0.113.")
_BASE64 = string.ascii_letters + string.digits + "+/"
_HEX = frozenset(string.digits + "abcdef")
_PEM_LABEL = re.compile(r"-----BEGIN ([A-Z0-9 ]{0,60})-----")


@dataclass(frozen=True, slots=True)
class Surrogate:
    """The text that replaces a value, and the id that `raw.redactions` knows it by (16 hex characters)."""

    text: str
    id: str


class Surrogates:
    """Makes surrogates with one key and remembers the recent ones."""

    def __init__(self, key: RedactionKey, remembered: int = 20_000) -> None:
        self._key = key
        self._remembered = remembered
        self._recent: dict[tuple[str, str], Surrogate] = {}

    def of(self, family: str, value: str) -> Surrogate:
        """The surrogate of `value` in `family` (one of this module's families)."""
        known = self._recent.get((family, value))
        if known is None:
            known = self._make(family, value)
            if len(self._recent) >= self._remembered:
                self._recent.clear()
            self._recent[family, value] = known
        return known

    def _make(self, family: str, value: str) -> Surrogate:
        digest = self._key.digest(f"surrogate:{family}", canonical(family, value).encode("utf-8", "surrogatepass"))
        draw = _SHAPES[family]
        # 8 bytes name the surrogate; none of them shapes it, so an id cannot be computed from the text.
        return Surrogate(draw(value, _Stream(self._key, digest[8:])), digest[:8].hex())


def canonical(family: str, value: str) -> str:
    """What makes two spellings one value: an address in any case, a home name as Claude Code's folder names spell it."""
    if family == EMAIL:
        return value.lower()
    if family == HOME:
        return re.sub(r"[^a-z0-9]", "-", value.lower())
    return value


class _Stream:
    """Keyed pseudo-random characters."""

    def __init__(self, key: RedactionKey, seed: bytes) -> None:
        self._key, self._seed, self._block, self._bytes = key, seed, 0, b""

    def take(self, count: int) -> bytes:
        while len(self._bytes) < count:
            self._bytes += self._key.digest("stream", self._seed + self._block.to_bytes(4, "big"))
            self._block += 1
        taken, self._bytes = self._bytes[:count], self._bytes[count:]
        return taken

    def text(self, count: int, alphabet: str) -> str:
        return "".join([alphabet[byte % len(alphabet)] for byte in self.take(count)])


def _email(_: str, stream: _Stream) -> str:
    return f"person-{stream.take(5).hex()}@example.com"


def _home(_: str, stream: _Stream) -> str:
    return f"user-{stream.take(3).hex()}"


def _ipv4(_: str, stream: _Stream) -> str:
    net, host = stream.take(2)
    return f"{_DOCUMENTATION_NETS[net % 3]}{host % 254 + 1}"


def _ipv6(_: str, stream: _Stream) -> str:
    return "2001:db8:" + ":".join(stream.take(2).hex() for _ in range(6))


def _pem(value: str, stream: _Stream) -> str:
    found = _PEM_LABEL.match(value)
    label = found[1] if found else "PRIVATE KEY"
    end = "\\n" if "\\n" in value else "\n"
    lines = [f"-----BEGIN {label}-----", *(stream.text(64, _BASE64) for _ in range(4)), f"-----END {label}-----"]
    return end.join(lines)


def _secret(value: str, stream: _Stream) -> str:
    public = PUBLIC_PREFIX.match(value)
    head = public[0] if public else ""
    body = value[len(head) :]
    if (not head and not TOKEN.fullmatch(value)) or not body.isascii():
        return stream.text(CHOSEN_LENGTH, string.ascii_letters + string.digits)
    body = body[:LONGEST]
    alphabet = _alphabet(body)
    drawn = stream.text(len(body), alphabet)
    text = head + "".join([new if old.isalnum() else old for old, new in zip(body, drawn, strict=True)])
    # A body without letters or digits, or a draw that hit the value itself (possible only for a few characters).
    return text if text != value else head + stream.text(CHOSEN_LENGTH, string.ascii_letters + string.digits)


def _alphabet(body: str) -> str:
    characters = frozenset(body)
    alphabet = ""
    if not characters.isdisjoint(string.ascii_uppercase):
        alphabet += string.ascii_uppercase
    if not characters.isdisjoint(string.ascii_lowercase):
        alphabet += string.ascii_lowercase
    if not characters.isdisjoint(string.digits):
        alphabet += string.digits
    alnum = {character for character in characters if character.isalnum()}
    if len(body) >= 16 and alnum <= _HEX:
        alphabet = string.digits + "abcdef"
    return alphabet or string.ascii_letters + string.digits


_SHAPES = {EMAIL: _email, HOME: _home, IPV4: _ipv4, IPV6: _ipv6, PEM: _pem, SECRET: _secret}
