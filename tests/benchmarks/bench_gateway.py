"""What the gateway adds: the same load through it and straight to the model server, in one run.

    python -m tests.benchmarks.bench_gateway [--connections 200] [--requests 2000]

The gateway runs in this process, so that its CPU is counted alone; clients and model server have
processes of their own. Then the same once more beside clients that ask for long replies and read
nothing: they must slow nobody, and what they leave unread must not pile up here.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from socket import SO_RCVBUF, SO_SNDBUF, SOL_SOCKET
from tempfile import TemporaryDirectory
from typing import Any, cast
from urllib.parse import urlsplit

from ccchat_tui.api.connection import Connection
from ccchat_tui.backends.base import ChatChunk, Prompt
from ccchat_tui.backends.hosts import read_host
from ccchat_tui.backends.ollama import OllamaBackend
from ccchat_tui.engine.stats import QueueSnapshot
from ccchat_tui.testing.app import until
from tests.api.desk import Desk, api
from tests.benchmarks.bench_stream import server
from tests.benchmarks.rows import Row

TOKENS = 50
LONG = 5_000
"""Tokens of the replies that nobody reads: at 500 a second."""
LONG_MODEL = "qwen3:8b"
SLOW = 10
"""Clients that do not read."""


@dataclass
class Ran:
    """One load."""

    whole: int
    lost: int
    lines: int
    wall: float
    p50: float
    p99: float
    cpu: float = 0.0
    """Seconds of this process."""


class LongToo(OllamaBackend):
    """Asks another server for `LONG_MODEL`.

    Args:
        url: The usual server.
        long: The other one.
    """

    def __init__(self, url: str, long: str = "") -> None:
        super().__init__(read_host(url))
        self._long = OllamaBackend(read_host(long)) if long else None

    async def stream(self, prompt: Prompt) -> AsyncIterator[ChatChunk]:
        """The reply of whom it concerns."""
        chunks = super().stream(prompt)
        if self._long is not None and prompt.model == LONG_MODEL:
            chunks = self._long.stream(prompt)
        async with aclosing(cast("AsyncGenerator[ChatChunk, None]", chunks)) as pieces:
            async for chunk in pieces:
                yield chunk


@asynccontextmanager
async def gateway(backend: OllamaBackend) -> AsyncIterator[Desk]:
    """The gateway before a model server, with limits that hold nobody back."""
    limits: dict[str, Any] = {"max_concurrent": 250, "max_concurrent_per_user": 250, "max_queue": 0}
    with TemporaryDirectory() as folder:
        async with api(Path(folder), backend, **limits) as desk:
            yield desk


async def load(url: str, token: str, connections: int, requests: int) -> Ran:
    """Put the load on, and wait for its end."""
    began = time.process_time()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.benchmarks.gateway_load"),
        *(url, token, "llama3.2:3b", str(connections), str(requests)),
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    told: dict[str, Any] = json.loads(out)
    seconds = sorted(told["seconds"])
    return Ran(
        told["whole"],
        told["lost"],
        told["lines"],
        told["wall"],
        statistics.median(seconds),
        seconds[int(len(seconds) * 0.99)],
        time.process_time() - began,
    )


async def unread(url: str, token: str) -> list[asyncio.StreamWriter]:
    """Ask for long replies, and read none of them."""
    where = urlsplit(url)
    body = json.dumps({"model": LONG_MODEL, "messages": [{"role": "user", "content": "long"}]})
    writers = []
    for _ in range(SLOW):
        reader, writer = await asyncio.open_connection(where.hostname, where.port)
        writer.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_RCVBUF, 4096)
        reader._transport.pause_reading()  # type: ignore[attr-defined]
        writer.write(
            f"POST /api/chat HTTP/1.1\r\nHost: {where.netloc}\r\nAuthorization: Bearer {token}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
        )
        writers.append(writer)
    return writers


async def compare(connections: int, requests: int) -> tuple[Ran, Ran, QueueSnapshot]:
    """The load straight, and through the gateway."""
    async with server(TOKENS, 0.0) as url, gateway(LongToo(url)) as desk:
        token = desk.tokens.all()["ada"]
        straight = await load(url, token, connections, requests)
        through = await load(desk.address.url, token, connections, requests)
        return straight, through, desk.service.snapshot(0)


async def beside_the_slow(connections: int, requests: int) -> tuple[Ran, Ran, int]:
    """The load through the gateway, without and with clients that read nothing; and the bytes that
    were kept to be sent to these at the most."""
    async with (
        server(LONG, 500.0) as long,
        server(TOKENS, 0.0) as quick,
        gateway(LongToo(quick, long)) as desk,
    ):
        token, url = desk.tokens.all()["ada"], desk.address.url
        without = await load(url, token, connections, requests)
        made: list[asyncio.Transport] = []
        before = Connection.connection_made

        def note(self: Connection, transport: asyncio.BaseTransport) -> None:
            made.append(cast(asyncio.Transport, transport))
            # What the kernel would take in for us is not what is measured.
            transport.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_SNDBUF, 4096)
            before(self, transport)

        Connection.connection_made = note  # type: ignore[method-assign]
        writers = await unread(url, desk.tokens.all()["bob"])
        await until(lambda: len(made) == SLOW)
        Connection.connection_made = before  # type: ignore[method-assign]
        most = 0

        async def watch() -> None:
            nonlocal most
            while True:
                most = max(most, sum(each.get_write_buffer_size() for each in made))
                await asyncio.sleep(0.05)

        watching = asyncio.create_task(watch())
        beside = await load(url, token, connections, requests)
        watching.cancel()
        await asyncio.wait([watching])
        for writer in writers:
            writer.transport.abort()
    return without, beside, most


def rows(quick: bool) -> list[Row]:
    """The figures for the table of all benchmarks."""
    connections, requests = (50, 400) if quick else (200, 2000)
    straight, through, _ = asyncio.run(compare(connections, requests))
    how = f"{requests} requests of {TOKENS} tokens over {connections} connections, one run"
    own = through.cpu * 1e3 / requests
    a_line = through.cpu * 1e6 / through.lines
    without, beside, most = asyncio.run(beside_the_slow(connections, requests))
    return [
        Row("gateway: wall of a load", through.wall, straight.wall, "straight", "s", how),
        Row("gateway: CPU of a request", own, None, "", "ms", how),
        Row("gateway: the same by its lines", a_line, None, "", "us", how),
        Row("gateway: lost", through.lost, None, "", "", how),
        Row(
            f"gateway: wall beside {SLOW} that do not read",
            beside.wall,
            without.wall,
            "without them",
            "s",
            how,
        ),
        Row("gateway: kept for one that does not read", most / SLOW / 1024, None, "", "KiB", how),
    ]


def main() -> None:
    """Read the command line, measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--connections", type=int, default=200)
    parser.add_argument("--requests", type=int, default=2000)
    chosen = parser.parse_args()
    say = sys.stdout.write
    straight, through, snapshot = asyncio.run(compare(chosen.connections, chosen.requests))
    for name, ran in (("straight", straight), ("through the gateway", through)):
        say(
            f"{name}: {ran.whole} whole, {ran.lost} lost, {ran.lines} lines, {ran.wall:.2f} s, "
            f"{ran.p50 * 1e3:.0f} ms a request (p99 {ran.p99 * 1e3:.0f} ms)\n"
        )
    say(
        f"the gateway's own CPU: {through.cpu * 1e3 / chosen.requests:.2f} ms a request, "
        f"{through.cpu * 1e6 / through.lines:.0f} us a line; wall x"
        f"{through.wall / straight.wall:.2f}; peak in flight {snapshot.peak_concurrency}\n"
    )
    without, beside, most = asyncio.run(beside_the_slow(chosen.connections, chosen.requests))
    say(
        f"beside {SLOW} clients that read nothing: {beside.lost} lost, wall "
        f"{beside.wall:.2f} s beside {without.wall:.2f} s without; at most "
        f"{most / SLOW / 1024:.0f} KiB kept for each\n"
    )


if __name__ == "__main__":
    main()
