"""The `dolt` entry of a town in `towns.yaml`: where its database server listens, who asks, and where the password is found."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import yaml

from ingest.declared_secret import DeclaredSecret, Locate, read_secret
from ingest.positioned_yaml import PolicyReader, kind_of
from ingest.source_files import SourceUnreachableError

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 3307
DEFAULT_USER = "root"

_KEYS = ("host", "port", "user", "password_env", "password_file", "tls", "tls_ca", "databases")
_DATABASE_KEYS = ("database", "beads_project")
_BOOLEANS = {"true": True, "false": False}


class ServerLostError(SourceUnreachableError):
    """The server cannot be reached now, or the connection broke: trying again may help."""


def lost_server(error: BaseException | None) -> ServerLostError | None:
    """The broken connection behind an error, however deep a framework has wrapped it; None for another failure."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        if isinstance(error, ServerLostError):
            return error
        seen.add(id(error))
        error = error.__cause__ or error.__context__
    return None


@dataclass(frozen=True)
class DoltServer:
    """A town's database server as it is declared. `projects`: database → declared project id; `line`: where towns.yaml names it."""

    host: str
    port: int
    user: str
    line: int
    secret: DeclaredSecret | None = None
    tls: bool = False
    tls_ca: str | None = None
    projects: Mapping[str, str] = field(default_factory=dict)

    @property
    def address(self) -> str:
        """How people call it: `host:port`."""
        return f"{self.host}:{self.port}"

    def password(self) -> str:
        """The password, read anew each time; '' where none is declared. Errors: `SecretMissingError`."""
        return self.secret.read() if self.secret else ""


def read_dolt(reader: PolicyReader, node: yaml.Node, key: str, locate: Locate) -> DoltServer | None:
    """Read a town's `dolt` entry; mistakes are noted with the reader, and then there is no server."""
    known = len(reader.problems)
    entries = reader.mapping(node, key, _KEYS)
    if not entries and len(reader.problems) == known:
        reader.problem(node, key, f"is empty; write at least `host: {DEFAULT_HOST}`")
    texts = {
        name: reader.text(entries[name], f"{key}.{name}", what)
        for name, what in (("host", "a host name or address"), ("user", "the name of a database user"))
        if name in entries
    }
    port = _port(reader, entries["port"], f"{key}.port") if "port" in entries else DEFAULT_PORT
    tls = _flag(reader, entries["tls"], f"{key}.tls") if "tls" in entries else False
    line = node.start_mark.line + 1
    secret = read_secret(reader, entries, key, "password", line, locate)
    authority = locate(entries["tls_ca"], f"{key}.tls_ca", "a file of CA certificates (PEM)") if "tls_ca" in entries else None
    if "tls_ca" in entries and not tls:
        reader.problem(entries["tls_ca"], f"{key}.tls_ca", "needs `tls: true` beside it")
    projects = _projects(reader, entries["databases"], f"{key}.databases") if "databases" in entries else {}
    if len(reader.problems) > known:
        return None
    return DoltServer(
        host=texts.get("host") or DEFAULT_HOST,
        port=port,
        user=texts.get("user") or DEFAULT_USER,
        line=line,
        secret=secret,
        tls=tls,
        tls_ca=authority,
        projects=projects,
    )


def _port(reader: PolicyReader, node: yaml.Node, key: str) -> int:
    text = str(node.value) if isinstance(node, yaml.ScalarNode) else ""
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 65536):
        reader.problem(node, key, f"must be a number from 1 to 65535, such as {DEFAULT_PORT}; it is {kind_of(node)}")
        return DEFAULT_PORT
    return int(text)


def _flag(reader: PolicyReader, node: yaml.Node, key: str) -> bool:
    text = str(node.value).lower() if isinstance(node, yaml.ScalarNode) else ""
    if text not in _BOOLEANS:
        reader.problem(node, key, f"must be true or false; it is {kind_of(node)}")
    return _BOOLEANS.get(text, False)


def _projects(reader: PolicyReader, node: yaml.Node, key: str) -> dict[str, str]:
    projects: dict[str, str] = {}
    for index, item in enumerate(reader.items(node, key, "databases with the keys " + ", ".join(_DATABASE_KEYS))):
        place = f"{key}[{index}]"
        known = len(reader.problems)
        entries = reader.mapping(item, place, _DATABASE_KEYS)
        if not entries and len(reader.problems) > known:
            continue
        what = {"database": "the database's name, such as hq", "beads_project": "the project id of the beads database"}
        for name in _DATABASE_KEYS:
            if name not in entries:
                reader.problem(item, f"{place}.{name}", f"is missing; write {what[name]}")
        found = [reader.text(entries[name], f"{place}.{name}", what[name]) for name in _DATABASE_KEYS if name in entries]
        if len(found) == 2 and found[0] is not None and found[1] is not None:
            if found[0] in projects:
                reader.problem(item, f"{place}.database", f"'{found[0]}' is declared twice; keep one")
            projects[found[0]] = found[1]
    return projects
