"""Fakes of secrets and personal data, shaped like the real ones. They are assembled from parts: none stands in this tree."""

import base64
import zlib
from collections.abc import Callable
from dataclasses import dataclass

from simtown.dice import Dice

_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class Secret:
    """A planted value and the line of text it stands in. Only `value` must never reach the lake."""

    kind: str
    value: str
    text: str


def _checked(prefix: str, dice: Dice) -> str:
    """A token whose last six digits are the base-62 CRC-32 of the thirty before, as GitHub's and npm's are."""
    body = dice.base62(30)
    rest, digits = zlib.crc32(body.encode()), ""
    while rest:
        rest, digit = divmod(rest, 62)
        digits = _BASE62[digit] + digits
    return prefix + body + digits.rjust(6, "0")


def _words(*parts: str) -> str:
    return "".join(parts)


def _base64(dice: Dice, size: int) -> str:
    return base64.b64encode(dice.randbytes(size)).decode()


def _url64(dice: Dice, size: int) -> str:
    return base64.urlsafe_b64encode(dice.randbytes(size)).decode().rstrip("=")


def _jwt(dice: Dice) -> str:
    header = base64.urlsafe_b64encode(b'{"alg":"HS256","typ":"JWT"}').decode().rstrip("=")
    body = base64.urlsafe_b64encode(f'{{"sub":"{dice.randrange(10**9)}","iat":1767571200}}'.encode()).decode().rstrip("=")
    return f"{header}.{body}.{_url64(dice, 32)}"


def _pem(dice: Dice) -> str:
    kind = _words("RSA PRIV", "ATE KEY")
    body = _base64(dice, 600)
    rows = "\n".join(body[start : start + 64] for start in range(0, len(body), 64))
    return f"-----BEGIN {kind}-----\n{rows}\n-----END {kind}-----"


def _address(dice: Dice) -> str:
    return f"{20 + dice.randrange(150)}.{dice.randrange(256)}.{dice.randrange(256)}.{1 + dice.randrange(254)}"


_FIRST = ("anna", "boris", "chen", "dalia", "emeka", "freya", "goran", "hana", "imran", "jolene", "kaito", "lucia")
_LAST = ("petrov", "okafor", "lindqvist", "moreau", "tanaka", "silva", "novak", "haddad", "keller", "byrne")
_HOSTS = ("brightwell.example", "castellan.example", "northmoor.example", "pinecrest.example")


def _mail(dice: Dice) -> str:
    return f"{dice.choice(_FIRST)}.{dice.choice(_LAST)}{dice.randrange(100)}@{dice.choice(_HOSTS)}"


_KINDS: dict[str, tuple[Callable[[Dice], str], str]] = {
    "aws_access_key": (
        lambda d: _words("AK", "IA") + "".join(d.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", k=16)),
        "aws_access_key_id = {}",
    ),
    "aws_secret_key": (lambda d: _base64(d, 30), "aws_secret_access_key = {}"),
    "github_token": (lambda d: _checked(_words("gh", "p_"), d), "GITHUB_TOKEN={}"),
    "github_oauth": (lambda d: _checked(_words("gh", "o_"), d), "https://oauth2:{}@github.com/harbor/mill.git"),
    "anthropic_key": (lambda d: _words("sk-", "ant-api03-") + d.base62(93) + "AA", "ANTHROPIC_API_KEY={}"),
    "openai_key": (lambda d: _words("sk-", "proj-") + d.base62(74) + _words("T3Blbk", "FJ") + d.base62(74), "OPENAI_API_KEY={}"),
    "slack_token": (
        lambda d: _words("xo", "xb-") + f"{d.randrange(10**11, 10**12)}-{d.randrange(10**12, 10**13)}-{d.base62(24)}",
        "SLACK_BOT_TOKEN={}",
    ),
    "gitlab_token": (lambda d: _words("gl", "pat-") + d.base62(20), "GITLAB_TOKEN={}"),
    "npm_token": (lambda d: _checked(_words("np", "m_"), d), "//registry.example/:_authToken={}"),
    "huggingface_token": (lambda d: _words("h", "f_") + "".join(d.choices(_BASE62[10:], k=34)), "HF_TOKEN={}"),
    "jwt": (_jwt, "session token {}"),
    "private_key": (_pem, "{}\n"),
    "url_password": (lambda d: d.base62(18), "postgres://mill_app:{}@db.harborlight.example:5432/mill"),
    "assigned_password": (lambda d: d.base62(10) + "!" + d.base62(8), "DB_PASSWORD={}"),
    "bearer": (lambda d: d.base62(40), "Authorization: Bearer {}"),
    "email": (_mail, "Reviewed-by: {}"),
    "ip_address": (_address, "connect to host {} port 22: Connection refused"),
    "home_name": (lambda d: f"{d.choice(_FIRST)}{d.choice(_LAST)}", "/home/{}/projects/mill/.env"),
}
SECRET_KINDS = tuple(_KINDS)


def secret(kind: str, dice: Dice) -> Secret:
    """A fresh fake of one kind. Errors: `KeyError` for an unknown kind."""
    make, sentence = _KINDS[kind]
    value = make(dice)
    return Secret(kind, value, sentence.format(value))


def json_paths(value: str, node: object, path: str = "$") -> list[str]:
    """Paths of every string in a decoded record that holds `value`."""
    if isinstance(node, str):
        return [path] if value in node else []
    if isinstance(node, dict):
        return [found for key, child in node.items() for found in json_paths(value, child, f"{path}.{key}")]
    if isinstance(node, list):
        return [found for index, child in enumerate(node) for found in json_paths(value, child, f"{path}[{index}]")]
    return []
