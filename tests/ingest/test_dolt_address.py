"""The `dolt` entry of towns.yaml: what is accepted, and what a mistake is told like."""

from pathlib import Path

import pytest

from ingest.declared_secret import SecretMissingError
from ingest.dolt_address import DoltServer
from ingest.towns import TownsFileError, load_towns


def declared(folder: Path, *lines: str) -> DoltServer:
    path = folder / "towns.yaml"
    path.write_text("towns:\n  - name: a\n    root: .\n    dolt:\n" + "".join(f"      {line}\n" for line in lines))
    server = load_towns(path).towns[0].dolt
    assert server is not None
    return server


def test_a_host_is_enough(tmp_path: Path) -> None:
    server = declared(tmp_path, "host: db.example")
    assert (server.address, server.user, server.password(), server.tls) == ("db.example:3307", "root", "", False)
    assert server.line == 5


def test_everything_declared(tmp_path: Path) -> None:
    (tmp_path / "word").write_text("p w\n")
    server = declared(
        tmp_path,
        "port: 3308",
        "user: reader",
        "password_file: word",
        "tls: true",
        "tls_ca: ca.pem",
        "databases: [{database: hq, beads_project: p1}]",
    )
    assert (server.address, server.user, server.password()) == ("127.0.0.1:3308", "reader", "p w")
    assert (server.tls, server.tls_ca, dict(server.projects)) == (True, str(tmp_path / "ca.pem"), {"hq": "p1"})


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("password: hunter2", "towns[0].dolt.password: is no known key"),
        ("port: 70000", "must be a number from 1 to 65535"),
        ("port: [1]", "must be a number from 1 to 65535"),
        ("tls: maybe", "must be true or false"),
        ("tls_ca: x", "needs `tls: true` beside it"),
        ("password_env: 'hunter2!'", "must be the name of an environment variable"),
        ("databases: [{database: hq}]", "towns[0].dolt.databases[0].beads_project: is missing"),
        ("databases: [{database: a, beads_project: p}, {database: a, beads_project: q}]", "'a' is declared twice"),
    ],
)
def test_a_mistake_is_told_with_its_line_and_what_is_accepted_but_without_a_password(tmp_path: Path, line: str, told: str) -> None:
    with pytest.raises(TownsFileError) as caught:
        declared(tmp_path, line)
    assert told in str(caught.value)
    assert "towns.yaml:5: " in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_two_places_for_the_password_are_one_too_many(tmp_path: Path) -> None:
    with pytest.raises(TownsFileError, match="keep one of them"):
        declared(tmp_path, "password_env: A", "password_file: b")


def test_a_password_that_cannot_be_read_is_told_by_its_place(tmp_path: Path) -> None:
    with pytest.raises(SecretMissingError, match="NO_SUCH_VARIABLE"):
        declared(tmp_path, "password_env: NO_SUCH_VARIABLE").password()
    (tmp_path / "word").write_bytes(b"\xff\xfe")
    with pytest.raises(SecretMissingError, match="is not UTF-8"):
        declared(tmp_path, "password_file: word").password()
