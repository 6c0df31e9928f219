"""A stand-in for a Hugging Face hub, on loopback: the part of its HTTP API that publishing a model or a dataset needs.

Repositories, commits and tags live in memory. Files are sent in the commit when the server says `regular`, and by the Git LFS batch
API when it says `lfs`; it checks size and hash of what it gets, as the real one does. Storage by chunks (Xet) is not there.
"""

import base64
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from unittest.mock import patch

import yaml
from huggingface_hub import constants

_LFS = (".parquet", ".safetensors", ".bin")
TOKEN = "hub-token-of-the-tests"


@dataclass
class Repository:
    """A repository: its commits (revision → path → bytes), tags, and which revision is `main`."""

    private: bool
    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    messages: list[str] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)
    head: str = ""

    def files(self, revision: str = "main") -> dict[str, bytes]:
        """What a revision, a tag or `main` holds."""
        return self.commits.get(self.tags.get(revision, self.head if revision == "main" else revision), {})


@dataclass
class HubServer:
    """What was published: (`models` or `datasets`, `owner/name`) → repository. `refuse`: the status that answers every request."""

    url: str
    repositories: dict[tuple[str, str], Repository] = field(default_factory=dict)
    objects: dict[str, bytes] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    refuse: int | None = None


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: HubServer

    def log_message(self, format: str, *args: object) -> None:
        """Nothing on the test's terminal."""

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _answer(self, status: int, content: Any = None, raw: bytes | None = None) -> None:
        body = raw if raw is not None else b"" if content is None else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _handle(self) -> None:
        body, path = self._body(), self.path.partition("?")[0]
        self.hub.requests.append(f"{self.command} {path}")
        if self.hub.refuse is not None:
            return self._answer(self.hub.refuse, {"error": "refused"})
        if not path.startswith("/objects/") and self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self._answer(401, {"error": "Invalid credentials"})
        for method, pattern, answer in _ROUTES:
            if method == self.command and (found := re.fullmatch(pattern, path)):
                return answer(self, body, **found.groupdict())
        return self._answer(404, {"error": f"the stand-in knows no {self.command} {path}"})

    do_GET = do_HEAD = do_POST = do_PUT = _handle  # noqa: N815

    def _repository(self, kind: str, name: str) -> Repository | None:
        return self.hub.repositories.get((kind, name))

    def _create(self, body: bytes) -> None:
        asked = json.loads(body)
        kind = {"dataset": "datasets"}.get(asked.get("type", "model"), "models")
        name = f"{asked['organization']}/{asked['name']}" if asked.get("organization") else asked["name"]
        url = f"{self.hub.url}/{'datasets/' if kind == 'datasets' else ''}{name}"
        if (kind, name) in self.hub.repositories:
            return self._answer(409, {"error": "You already created this repo", "url": url})
        is_private = asked.get("visibility") == "private" or bool(asked.get("private"))
        self.hub.repositories[kind, name] = Repository(is_private)
        return self._answer(200, {"url": url, "name": name})

    def _preupload(self, body: bytes, kind: str, name: str, revision: str) -> None:
        repository = self._repository(kind, name)
        if repository is None:
            return self._answer(404, {"error": "Repository not found"})
        known, files = repository.files(), []
        for each in json.loads(body)["files"]:
            path = each["path"]
            mode = "lfs" if path.endswith(_LFS) else "regular"
            oid = _object_id(known[path], mode) if path in known else None
            files.append({"path": path, "uploadMode": mode, "shouldIgnore": False, "oid": oid})
        return self._answer(200, {"files": files})

    def _validate(self, body: bytes) -> None:
        header = json.loads(body)["content"].split("---")[1]
        errors = [] if isinstance(yaml.safe_load(header), dict) else [{"message": "the header is no mapping"}]
        return self._answer(400 if errors else 200, {"errors": errors, "warnings": []})

    def _batch(self, body: bytes, name: str, dataset: str | None = None) -> None:
        objects = []
        for each in json.loads(body)["objects"]:
            known = each["oid"] in self.hub.objects
            upload = {"upload": {"href": f"{self.hub.url}/objects/{each['oid']}", "header": {}}}
            objects.append({**each, **({} if known else {"actions": upload})})
        return self._answer(200, {"transfer": "basic", "objects": objects})

    def _upload(self, body: bytes, oid: str) -> None:
        if hashlib.sha256(body).hexdigest() != oid:
            return self._answer(400, {"error": "the bytes are not those of the object"})
        self.hub.objects[oid] = body
        return self._answer(200)

    def _commit(self, body: bytes, kind: str, name: str, revision: str) -> None:
        repository = self._repository(kind, name)
        if repository is None:
            return self._answer(404, {"error": "Repository not found"})
        files, message = dict(repository.files()), ""
        for line in body.splitlines():
            said = json.loads(line)
            value = said["value"]
            if said["key"] == "header":
                message = value["summary"]
            elif said["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif said["key"] == "lfsFile":
                if len(self.hub.objects.get(value["oid"], b"")) != value["size"]:
                    return self._answer(400, {"error": f"{value['path']} was not uploaded"})
                files[value["path"]] = self.hub.objects[value["oid"]]
            elif said["key"] == "deletedFile":
                files.pop(value["path"], None)
            elif said["key"] == "deletedFolder":
                files = {path: content for path, content in files.items() if not path.startswith(value["path"])}
        content = json.dumps({path: hashlib.sha1(data).hexdigest() for path, data in files.items()}, sort_keys=True)  # noqa: S324
        oid = hashlib.sha1(f"{repository.head}{content}".encode()).hexdigest()  # noqa: S324
        repository.commits[oid], repository.head = files, oid
        repository.messages.append(message)
        prefix = "datasets/" if kind == "datasets" else ""
        return self._answer(
            200, {"success": True, "commitOid": oid, "commitUrl": f"{self.hub.url}/{prefix}{name}/commit/{oid}", "hookOutput": ""}
        )

    def _tag(self, body: bytes, kind: str, name: str, revision: str) -> None:
        repository = self._repository(kind, name)
        tag = json.loads(body)["tag"]
        if repository is None:
            return self._answer(404, {"error": "Repository not found"})
        if tag in repository.tags:
            return self._answer(409, {"error": "Tag reference exists already"})
        repository.tags[tag] = repository.head if revision == "main" else revision
        return self._answer(200)

    def _info(self, body: bytes, kind: str, name: str, revision: str = "main") -> None:
        repository = self._repository(kind, name)
        if repository is None:
            return self._answer(404, {"error": "Repository not found"})
        revision = revision or "main"
        sha = repository.tags.get(revision, repository.head if revision == "main" else revision)
        siblings = [{"rfilename": path} for path in sorted(repository.files(revision))]
        return self._answer(200, {"id": name, "sha": sha, "private": repository.private, "siblings": siblings, "tags": []})

    def _refs(self, body: bytes, kind: str, name: str) -> None:
        repository = self._repository(kind, name)
        if repository is None:
            return self._answer(404, {"error": "Repository not found"})
        tags = [{"name": tag, "ref": f"refs/tags/{tag}", "targetCommit": oid} for tag, oid in repository.tags.items()]
        main = {"name": "main", "ref": "refs/heads/main", "targetCommit": repository.head}
        return self._answer(200, {"branches": [main], "tags": tags, "converts": []})


def _object_id(content: bytes, mode: str) -> str:
    """By what the hub knows a file: the hash of its Git blob, of large files that of its bytes."""
    if mode == "lfs":
        return hashlib.sha256(content).hexdigest()
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()  # noqa: S324


_ROUTES = (
    ("POST", r"/api/validate-yaml", _Handler._validate),
    ("POST", r"/api/repos/create", _Handler._create),
    ("POST", r"/api/(?P<kind>models|datasets)/(?P<name>[^/]+/[^/]+)/preupload/(?P<revision>[^/]+)", _Handler._preupload),
    ("POST", r"/(?P<dataset>datasets/)?(?P<name>[^/]+/[^/]+)\.git/info/lfs/objects/batch", _Handler._batch),
    ("PUT", r"/objects/(?P<oid>[0-9a-f]{64})", _Handler._upload),
    ("POST", r"/api/(?P<kind>models|datasets)/(?P<name>[^/]+/[^/]+)/commit/(?P<revision>[^/]+)", _Handler._commit),
    ("POST", r"/api/(?P<kind>models|datasets)/(?P<name>[^/]+/[^/]+)/tag/(?P<revision>[^/]+)", _Handler._tag),
    ("GET", r"/api/(?P<kind>models|datasets)/(?P<name>[^/]+/[^/]+)", _Handler._info),
    ("GET", r"/api/(?P<kind>models|datasets)/(?P<name>[^/]+/[^/]+)/revision/(?P<revision>[^/]+)", _Handler._info),
    ("GET", r"/api/(?P<kind>models|datasets)/(?P<name>[^/]+/[^/]+)/refs", _Handler._refs),
)


@contextmanager
def hub_server() -> Iterator[HubServer]:
    """A running hub for the block. Uploads go by Git LFS meanwhile: Xet would need its own service."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    _Handler.hub = hub = HubServer(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        with patch.object(constants, "HF_HUB_DISABLE_XET", True):
            yield hub
    finally:
        server.shutdown()
        thread.join(30)
        server.server_close()
