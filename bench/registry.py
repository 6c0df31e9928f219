"""The registry over HTTP: how long 50 clients that ask at the same time wait for an answer."""

import asyncio
import re
import subprocess
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.lakes import environment
from bench.measure import python, table
from training.adapter_table import CANDIDATE, Adapter
from training.registry import promote, register

CLIENTS = 50
STARTUPS = 20
ROLES = ("mayor", "polecat")
SERVE = """
import socket, sys
from pathlib import Path
import uvicorn
from training.registry_http import registry_app
with socket.socket() as listening:
    listening.bind(("127.0.0.1", 0))
    listening.listen(1024)
    print(listening.getsockname()[1], flush=True)
    uvicorn.Server(uvicorn.Config(registry_app(Path(sys.argv[1])), log_level="error")).run(sockets=[listening])
"""


def _fill(lake: Path) -> None:
    for role in ROLES:
        for number in range(STARTUPS + 1):
            startup = f"startup-{number}" if number else None
            name = f"{role}-{number}"
            row = Adapter(name, role, startup, CANDIDATE, "trained", "shared", "tiny", artefact_hash=name)
            register(lake, row)
            promote(lake, name, "won")


async def _ask(port: int, client: int, requests: int) -> list[float]:
    """Seconds of each request of one client, which keeps its connection and asks again as soon as it is answered."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    waited = []
    for number in range(requests):
        startup, role = f"startup-{(client + number) % (STARTUPS * 2)}", ROLES[number % len(ROLES)]
        begun = time.perf_counter()
        writer.write(f"GET /resolve?startup={startup}&role={role} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        found = re.search(rb"content-length: (\d+)", head)
        if not head.startswith(b"HTTP/1.1 200") or found is None:
            raise RuntimeError(f"the registry answered {head[:80]!r}")
        await reader.readexactly(int(found[1]))
        waited.append(time.perf_counter() - begun)
    writer.close()
    return waited


async def _all(port: int, requests: int) -> tuple[list[float], float]:
    begun = time.perf_counter()
    waited = await asyncio.gather(*(_ask(port, client, requests) for client in range(CLIENTS)))
    return sorted(seconds for each in waited for seconds in each), time.perf_counter() - begun


def fifty_clients(megabytes: int) -> str:
    """Waiting times of 50 clients on one server; 200 requests each from a size of 100 MB on, else 20."""
    requests = 200 if megabytes >= 100 else 20
    with TemporaryDirectory() as folder:
        lake = Path(folder)
        _fill(lake)
        command = python("-c", SERVE, str(lake))
        with subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, text=True) as server:
            try:
                assert server.stdout is not None
                port = int(server.stdout.readline())
                asyncio.run(_all(port, 2))
                waited, seconds = asyncio.run(_all(port, requests))
            finally:
                server.terminate()
    return table(
        f"Registry over HTTP: {CLIENTS} clients at once, {len(waited):,} questions over {len(ROLES) * (STARTUPS + 1)} adapters",
        [
            ("median", f"{waited[len(waited) // 2] * 1000:.1f} ms"),
            ("p99", f"{waited[int(len(waited) * 0.99)] * 1000:.1f} ms"),
            ("slowest", f"{waited[-1] * 1000:.1f} ms"),
            ("answers a second", f"{len(waited) / seconds:,.0f}"),
        ],
    )
