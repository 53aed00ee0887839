"""Three ways of holding connections, put through the same churn: 500 streams cancelled at any
moment, ten at a time, and then five at once that should be whole. Run it as a module:

    python -m tests.benchmarks.churn_ways --way bounded --seed 1

It shows why `backends/http.py` has a client for each request. `--library httpx2` asks the same of
that library, if it is installed.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import random
import ssl
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from ccchat_tui.backends.ollama_wire import request_body
from ccchat_tui.testing.ollama_server import OllamaServer
from tests.support.streams import ask

STREAMS = 500
AT_ONCE = 10
STEPS = 60
"""Of the event loop, at most, until a stream is cancelled."""


class Ways:
    """Clients of one library, held in one way.

    Args:
        library: `httpx`, or one with the same names.
        way: `bounded` or `unbounded`, for one client with such a pool; `each`, for a client for
            each request.
    """

    def __init__(self, library: str, way: str) -> None:
        self._lib: Any = importlib.import_module(library)
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        bounds = {"bounded": AT_ONCE, "unbounded": None}
        self.shared = self._client(bounds[way]) if way in bounds else None

    def _client(self, connections: int | None) -> Any:
        return self._lib.AsyncClient(
            timeout=self._lib.Timeout(None, connect=5.0, pool=5.0),
            limits=self._lib.Limits(max_connections=connections),
            trust_env=False,
            verify=self._context,
        )

    @asynccontextmanager
    async def client(self) -> AsyncIterator[Any]:
        """The client for one request."""
        if self.shared is not None:
            yield self.shared
        else:
            async with self._client(None) as client:
                yield client

    async def read(self, url: str) -> str:
        """Read a reply; `whole`, or the name of what went wrong."""
        last = b""
        body = await request_body(ask("x"))
        try:
            async with (
                self.client() as client,
                client.stream("POST", f"{url}/api/chat", content=body) as reply,
            ):
                async for piece in reply.aiter_raw():
                    last = piece
        except self._lib.HTTPError as error:
            return type(error).__name__
        return "whole" if b'"done":true' in last else "cut off"


async def run(library: str, way: str, seed: int) -> None:
    """Churn, and print what is left."""
    ways = Ways(library, way)
    rng = random.Random(seed)
    places = asyncio.Semaphore(AT_ONCE)

    async def cancelled(url: str, steps: int) -> bool:
        async with places:
            task = asyncio.create_task(ways.read(url))
            for _ in range(steps):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            return task.cancelled()

    async with OllamaServer(slots=AT_ONCE, tokens=400) as server:
        moments = [rng.randrange(STEPS) for _ in range(STREAMS)]
        ends = await asyncio.gather(*(cancelled(server.url, steps) for steps in moments))
        five = await asyncio.gather(*(ways.read(server.url) for _ in range(5)))
        say = sys.stdout.write
        say(f"{library} {ways._lib.__version__}, {way}, seed {seed}: {sum(ends)} of {STREAMS} ")
        say(f"cancelled; then five at once: {', '.join(five)}\n")
        if ways.shared is not None:
            pool = ways.shared._transport._pool
            dead = [each for each in pool.connections if not each.is_idle()]
            say(f"  left in the pool though nothing runs: {len(dead)}\n")
            await ways.shared.aclose()
        try:
            await server.settled()
        except TimeoutError:
            say(f"  left open at the server: {len(server.open)}\n")
        else:
            say("  left open at the server: none\n")


def main() -> None:
    """Read the command line, and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--way", choices=("bounded", "unbounded", "each"), default="each")
    parser.add_argument("--library", default="httpx")
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    asyncio.run(run(chosen.library, chosen.way, chosen.seed))


if __name__ == "__main__":
    main()
