"""The key that redaction's surrogates are made with: one per lake, kept outside it.

The lake knows only the key's fingerprint. A load with another key, or with none, would give the same person two surrogates and
break every join over them, so it stops instead.
"""

import hashlib
import json
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from lake.location import ops_path

ENVIRONMENT = "FORGE_REDACTION_KEY_FILE"
DEFAULT = "~/.config/lora-forge/redaction.key"
KEY_BYTES = 32


class RedactionKeyError(ValueError):
    """The lake's redaction key is missing, unreadable or another lake's; the message says what to do."""


@dataclass(frozen=True)
class RedactionKey:
    """32 secret bytes. Neither `repr` nor pickling to text shows them."""

    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.secret) != KEY_BYTES:
            raise RedactionKeyError(f"a redaction key has {KEY_BYTES} bytes")

    def digest(self, purpose: str, value: bytes) -> bytes:
        """Keyed BLAKE2b of `value`, 64 bytes. Digests of different purposes cannot be compared with each other."""
        domain = hashlib.blake2b(purpose.encode(), digest_size=16).digest()
        return hashlib.blake2b(domain + value, key=self.secret, digest_size=64).digest()

    def digester(self, purpose: str, prefix: bytes = b"") -> Callable[[bytes], str]:
        """For many values: value → the first 32 hex characters of `digest(purpose, prefix + value)`."""
        domain = hashlib.blake2b(purpose.encode(), digest_size=16).digest()
        begun = hashlib.blake2b(domain + prefix, key=self.secret, digest_size=64)

        def digest(value: bytes) -> str:
            going = begun.copy()
            going.update(value)
            return going.digest()[:16].hex()

        return digest

    def fingerprint(self) -> str:
        """16 hex characters that tell keys apart and say nothing about them."""
        return self.digest("fingerprint", b"").hex()[:16]


def key_file() -> Path:
    """Where the key is: `FORGE_REDACTION_KEY_FILE`, else `~/.config/lora-forge/redaction.key`."""
    return Path(os.environ.get(ENVIRONMENT) or DEFAULT).expanduser().absolute()


def fingerprint_file(lake: Path) -> Path:
    """Where a lake notes the fingerprint of its key."""
    return ops_path(lake, "redaction_key.json")


def load_key(lake: Path, *, create: bool = False) -> RedactionKey:
    """The redaction key of the lake at `lake`.

    With `create`, a lake without a fingerprint adopts the key in the key file, or a new one if there is none. Without `create`,
    nothing is written. Raises RedactionKeyError when the key is missing, malformed, or not the one this lake was begun with.
    """
    path, expected = key_file(), _fingerprint(lake)
    if path.is_relative_to(lake.absolute()):
        raise RedactionKeyError(f"{path}: the redaction key must not lie inside the lake; move it and set {ENVIRONMENT}")
    key = _read(path)
    if key is None:
        if expected is not None:
            raise RedactionKeyError(
                f"{path}: no redaction key, but the lake {lake} was written with the key {expected}; restore that file from its "
                f"backup or point {ENVIRONMENT} to it (a new key cannot go on where the old one stopped, see docs/redaction.md)"
            )
        if not create:
            raise RedactionKeyError(f"{path}: no redaction key; `forge init` makes one, or point {ENVIRONMENT} to yours")
        key = _create(path)
    if expected is None:
        if create:
            expected = _note(lake, key)
        else:
            return key
    if key.fingerprint() != expected:
        raise RedactionKeyError(
            f"{path}: this key has the fingerprint {key.fingerprint()}, the lake {lake} was written with {expected}; "
            f"point {ENVIRONMENT} to the lake's own key (docs/redaction.md says how to rotate one)"
        )
    return key


def _fingerprint(lake: Path) -> str | None:
    path = fingerprint_file(lake)
    try:
        noted = json.loads(path.read_text(encoding="utf-8"))
        return str(noted["fingerprint"])
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise RedactionKeyError(f"{path}: not a fingerprint note; restore it from a backup of the lake") from error


def _read(path: Path) -> RedactionKey | None:
    try:
        text = path.read_text(encoding="ascii").strip()
        return RedactionKey(bytes.fromhex(text))
    except FileNotFoundError:
        return None
    except (ValueError, RedactionKeyError):
        # The text of the original error would quote the key.
        raise RedactionKeyError(f"{path}: must hold {KEY_BYTES * 2} hex characters; restore it from its backup") from None


def _create(path: Path) -> RedactionKey:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    text = secrets.token_hex(KEY_BYTES) + "\n"
    _publish(path, text)
    key = _read(path)
    if key is None:
        raise RedactionKeyError(f"{path}: was removed while it was being made; run the command again")
    return key


def _note(lake: Path, key: RedactionKey) -> str:
    path = fingerprint_file(lake)
    path.parent.mkdir(parents=True, exist_ok=True)
    _publish(path, json.dumps({"fingerprint": key.fingerprint()}) + "\n")
    noted = _fingerprint(lake)
    if noted is None:
        raise RedactionKeyError(f"{path}: was removed while it was being written; run the command again")
    return noted


def _publish(path: Path, text: str) -> None:
    """Write a whole file that only its owner may read, unless it exists: of two that start together, the first one's holds."""
    part = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(part, path)
        except FileExistsError:
            return
        except OSError:
            # A file system without hard links. Only two first loads in the same instant could meet here.
            if not path.exists():
                part.replace(path)
    finally:
        part.unlink(missing_ok=True)
