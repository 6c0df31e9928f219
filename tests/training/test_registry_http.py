"""Promises of the registry over HTTP, asked through a real server on loopback."""

import json
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from tests.training.adapters import serving
from training.registry import taint
from training.registry_http import registry_app


@pytest.fixture
def server(lake: Path) -> Iterator[str]:
    """A server of the test's lake; its address."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        running = uvicorn.Server(uvicorn.Config(registry_app(lake), log_level="error"))
        thread = threading.Thread(target=running.run, kwargs={"sockets": [listening]})
        thread.start()
        deadline = time.monotonic() + 30
        while not running.started and thread.is_alive() and time.monotonic() < deadline:
            thread.join(0.01)
        assert running.started
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        running.should_exit = True
        thread.join(30)


def ask(url: str, etag: str | None = None, method: str = "GET") -> tuple[int, Any, str | None]:
    request = urllib.request.Request(url, headers={"If-None-Match": etag} if etag else {}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.status, json.loads(response.read()), response.headers.get("ETag")
    except urllib.error.HTTPError as error:
        body = error.read()
        return error.code, json.loads(body) if body else None, error.headers.get("ETag")


def test_it_answers_what_the_registry_says_and_sees_changes_at_once(server: str, lake: Path) -> None:
    assert ask(f"{server}/health")[1] == {"status": "ok", "adapters": 0}
    question = f"{server}/resolve?startup=alpha/hq&role=mayor"
    status, body, nothing = ask(question)
    assert (status, body["source"], body["adapter"]) == (200, "none", None)
    serving(lake, "b1", "base/mayor")
    status, body, tag = ask(question)
    assert (body["source"], body["adapter"]["adapter_id"]) == ("base", "b1")
    assert [step["looked_at"] for step in body["steps"]] == ["overlay", "neighbour", "base"]
    assert tag not in (None, nothing)
    assert ask(f"{server}/health")[1]["adapters"] == 1


def test_a_client_that_knows_the_answer_gets_304_until_it_changes(server: str, lake: Path) -> None:
    serving(lake, "b1", "base/mayor")
    question = f"{server}/resolve?startup=mill&role=mayor"
    _, _, tag = ask(question)
    assert ask(question, tag) == (304, None, tag)
    assert ask(question, f'"other", W/{tag}')[0] == 304
    taint(lake, "b1", "forgotten")
    status, body, _ = ask(question, tag)
    assert (status, body["source"]) == (200, "none")


def test_adapters_can_be_listed_and_looked_up_and_nothing_can_be_written(server: str, lake: Path) -> None:
    serving(lake, "b1", "base/mayor")
    assert [each["adapter_id"] for each in ask(f"{server}/adapters")[1]] == ["b1"]
    assert ask(f"{server}/adapters/b1")[1]["status"] == "champion"
    assert ask(f"{server}/adapters/b2")[:2] == (404, {"detail": "no adapter b2"})
    assert ask(f"{server}/adapters", method="POST")[0] == 405
    assert ask(f"{server}/resolve?startup=mill")[0] == 422


def test_it_describes_itself(server: str) -> None:
    description = ask(f"{server}/openapi.json")[1]
    assert set(description["paths"]) == {"/health", "/resolve", "/adapters", "/adapters/{adapter_id}"}
    assert all(set(verbs) == {"get"} for verbs in description["paths"].values())
