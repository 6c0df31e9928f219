"""The `telemetry` entry of towns.yaml: what is accepted, and what a mistake is told like."""

from datetime import timedelta
from pathlib import Path

import pytest

from ingest.telemetry_address import EVENTS, TelemetryStore
from ingest.telemetry_server import logsql
from ingest.towns import TownsFileError, load_towns

URL = "url: https://logs.example/vl/"


def declared(folder: Path, *lines: str) -> TelemetryStore:
    path = folder / "towns.yaml"
    path.write_text("towns:\n  - name: a\n    root: .\n    telemetry:\n" + "".join(f"      {line}\n" for line in lines))
    store = load_towns(path).towns[0].telemetry
    assert store is not None
    return store


def test_an_address_is_enough(tmp_path: Path) -> None:
    store = declared(tmp_path, URL)
    assert (store.url, store.address, store.events) == ("https://logs.example/vl", "logs.example", EVENTS)
    assert (store.lookback, store.overlap) == (timedelta(days=30), timedelta(hours=2))
    assert store.wants("claude_code.api_request")
    assert not store.wants("mail")


def test_everything_declared(tmp_path: Path) -> None:
    (tmp_path / "word").write_text("p w\n")
    store = declared(
        tmp_path,
        URL,
        "filter: '{service.name=\"gastown\"}'",
        "events: [done, session.*]",
        "lookback: 7d",
        "overlap: 90m",
        "user: reader",
        "password_file: word",
        "tls_ca: ca.pem",
    )
    assert (store.lookback, store.overlap, store.user) == (timedelta(days=7), timedelta(minutes=90), "reader")
    assert store.password is not None
    assert store.password.read() == "p w"
    assert store.tls_ca == str(tmp_path / "ca.pem")
    assert logsql(store).startswith('(_msg:="done" or _msg:="session."*) and ({service.name="gastown"}) | delete "prompt", ')


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (["filter: x"], "telemetry.url: is missing"),
        (["url: logs.example"], "must be an http:// or https:// address"),
        (["url: http://h:9428/?q=1"], "without a query"),
        (["url: http://h:99999"], "must be an http:// or https:// address"),
        (["url: https://me:hunter2@logs.example"], "holds a login"),
        (["url: http://logs.example", "token_env: A"], "would carry the login in the clear"),
        ([URL, "token: hunter2"], "towns[0].telemetry.token: is no known key"),
        ([URL, "token_env: 'hunter2!'"], "must be the name of an environment variable"),
        ([URL, "user: me"], "needs `user` and a password together"),
        ([URL, "user: me", "password_env: A", "token_env: B"], "has a password and a token"),
        ([URL, "token_env: A", "token_file: b"], "keep one of them"),
        (["url: http://127.0.0.1:1", "tls_ca: ca.pem"], "needs an https:// url"),
        ([URL, "events: []"], "names no event"),
        ([URL, "events: ['a\"b']"], "is no name of events"),
        ([URL, "lookback: 0d"], "must be a number of days, hours or minutes"),
        ([URL, "overlap: 2 hours"], "must be a number of days, hours or minutes"),
    ],
)
def test_a_mistake_is_told_with_what_is_accepted_but_without_a_secret(tmp_path: Path, lines: list[str], told: str) -> None:
    with pytest.raises(TownsFileError) as caught:
        declared(tmp_path, *lines)
    assert told in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_two_towns_in_one_store_need_something_that_tells_them_apart(tmp_path: Path) -> None:
    path = tmp_path / "towns.yaml"
    town = "  - {{name: {0}, root: {0}, telemetry: {{url: 'http://127.0.0.1:9428'{1}}}}}\n"
    path.write_text("towns:\n" + town.format("a", "") + town.format("b", ""))
    with pytest.raises(TownsFileError, match=r"towns\[1\]\.telemetry\.filter: must tell this town's records"):
        load_towns(path)
    path.write_text("towns:\n" + town.format("a", "") + town.format("b", ", filter: 'gt.town:=b'"))
    assert len(load_towns(path).towns) == 2
