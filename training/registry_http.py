"""The registry over HTTP, read only: which adapter serves a (startup, role), for whatever loads adapters.

Answers are made once per state of the registry and carry its hash as ETag, so a client that asks again with `If-None-Match` gets
304 and no body. Nothing is written, and nothing but the registry can be read. The description is at `/openapi.json`.
"""

import dataclasses
import hashlib
from pathlib import Path
from typing import Annotated, Any

import orjson
from fastapi import FastAPI, Header, HTTPException, Query, Response

from training.adapter_table import ADAPTERS, NEIGHBOURS
from training.registry import Registry, Resolution

_Known = Annotated[str | None, Header(alias="If-None-Match", description="The ETag of the answer the client holds.")]
_UNCHANGED: dict[int | str, dict[str, Any]] = {304: {"description": "The client's answer still holds."}}


def resolution_json(resolution: Resolution) -> dict[str, Any]:
    """An answer of the registry as JSON-able data: startup, role, source, is_cold_start, adapter (or null), steps."""
    return {
        "startup": resolution.startup,
        "role": resolution.role,
        "source": resolution.source,
        "is_cold_start": resolution.is_cold_start,
        "adapter": None if resolution.adapter is None else dataclasses.asdict(resolution.adapter),
        "steps": [dataclasses.asdict(step) for step in resolution.steps],
    }


class _State:
    """The registry as last read, and the answers made from it. Read anew when one of its tables got a commit."""

    def __init__(self, lake: Path) -> None:
        self._logs = [lake / table.folder / "_delta_log" for table in (ADAPTERS, NEIGHBOURS)]
        self._lake = lake
        self._stamp: tuple[int, ...] | None = None
        self._answers: dict[tuple[str, ...], tuple[bytes, str]] = {}
        self.registry = Registry([], [])

    def fresh(self) -> Registry:
        """The registry as it stands now."""
        # A commit is a new file in the log's folder, which changes the folder's time.
        stamp = tuple(log.stat().st_mtime_ns if log.exists() else 0 for log in self._logs)
        if stamp != self._stamp:
            self.registry = Registry.read(self._lake)
            self._answers.clear()
            self._stamp = stamp
        return self.registry

    def answer(self, question: tuple[str, ...], content: Any, known: str | None) -> Response:
        """`content` as JSON with its ETag; 304 when the client knows that. Call `fresh` first."""
        if question not in self._answers:
            # Whatever is asked for is kept: bounded, so that a stranger's questions cannot fill the memory.
            if len(self._answers) >= 10_000:
                self._answers.clear()
            body = orjson.dumps(content() if callable(content) else content)
            self._answers[question] = (body, f'"{hashlib.sha256(body).hexdigest()[:32]}"')
        body, tag = self._answers[question]
        headers = {"ETag": tag, "Cache-Control": "no-cache"}
        known_tags = [each.strip().removeprefix("W/") for each in (known or "").split(",")]
        if tag in known_tags or known == "*":
            return Response(status_code=304, headers=headers)
        return Response(body, media_type="application/json", headers=headers)


def registry_app(lake: Path) -> FastAPI:
    """The application for one lake; any ASGI server can run it."""
    app = FastAPI(
        title="LoRA Forge registry",
        version="1",
        description="Which adapter serves a startup's agents in a role, and why. Read only.",
        # Their pages load scripts from elsewhere; the description itself is plain JSON.
        docs_url=None,
        redoc_url=None,
    )
    state = _State(lake)

    @app.get("/health", summary="Whether the registry can be read, and how much is in it.")
    async def health() -> dict[str, str | int]:
        return {"status": "ok", "adapters": len(state.fresh().adapters)}

    @app.get("/resolve", summary="The adapter that serves (startup, role): overlay, neighbour, base or none.", responses=_UNCHANGED)
    async def resolve(
        startup: Annotated[str, Query(max_length=200)], role: Annotated[str, Query(max_length=50)], known: _Known = None
    ) -> Response:
        registry = state.fresh()
        return state.answer(("resolve", startup, role), lambda: resolution_json(registry.resolve(startup, role)), known)

    @app.get("/adapters", summary="Every adapter in its present state.", responses=_UNCHANGED)
    async def adapters(known: _Known = None) -> Response:
        registry = state.fresh()
        return state.answer(("adapters",), lambda: [dataclasses.asdict(each) for each in registry.adapters.values()], known)

    @app.get("/adapters/{adapter_id:path}", summary="One adapter, by its whole id.", responses=_UNCHANGED)
    async def adapter(adapter_id: str, known: _Known = None) -> Response:
        found = state.fresh().adapters.get(adapter_id)
        if found is None:
            raise HTTPException(404, f"no adapter {adapter_id}")
        return state.answer(("adapter", adapter_id), lambda: dataclasses.asdict(found), known)

    return app


def serve(lake: Path, host: str, port: int) -> None:
    """Answer until stopped (SIGINT or SIGTERM end it in order). Errors: `OSError` when the port is taken."""
    import uvicorn

    uvicorn.run(registry_app(lake), host=host, port=port, log_level="warning", access_log=False)
