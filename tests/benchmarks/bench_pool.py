"""What a pool costs, and what three servers gain over one. Run it as a module:

    python -m tests.benchmarks.bench_pool

The first part is in real time (CPU), the second in virtual time, so its figures are exact.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import time
from collections.abc import AsyncIterator
from typing import Any, cast

from ccchat_tui.backends.base import ChatBackend, ChatChunk, ChatStats, ModelInfo, Prompt
from ccchat_tui.backends.pool import PoolBackend, PoolServer
from ccchat_tui.testing.virtual_time import run_virtual
from tests.benchmarks.rows import Row
from tests.support.memory_server import MemoryServer, ask
from tests.support.three_servers import Outcome, Server, run_load


class Instant:
    """A backend whose pieces are there at once, so that only the reader's own cost is left."""

    name = "instant"
    address = "mem://instant"

    def __init__(self, pieces: int) -> None:
        self.chunks = [ChatChunk("x") for _ in range(pieces)]
        self.chunks.append(ChatChunk(stats=ChatStats()))

    async def stream(self, prompt: Prompt) -> AsyncIterator[ChatChunk]:
        for chunk in self.chunks:
            yield chunk

    async def models(self) -> list[ModelInfo]:
        return [ModelInfo("m:latest")]

    async def probe(self) -> str:
        return "instant"

    async def aclose(self) -> None:
        pass


async def read_all(backend: ChatBackend, prompt: Prompt) -> None:
    """Read a reply and throw it away."""
    async for _ in cast(Any, backend.stream(prompt)):
        pass


async def timed(backend: ChatBackend, times: int) -> float:
    """Seconds of CPU for reading so many replies."""
    prompt = ask("x")
    started = time.process_time()
    for _ in range(times):
        await read_all(backend, prompt)
    return time.process_time() - started


async def per_piece(pieces: int, rounds: int) -> tuple[float, float]:
    """Microseconds a piece without and with a pool of one, each the median of its rounds."""
    bare = Instant(pieces)
    pool = PoolBackend([PoolServer("one", bare)])
    with_pool, without = [], []
    for _ in range(rounds):
        without.append(await timed(bare, 5))
        with_pool.append(await timed(pool, 5))
    await pool.aclose()
    scale = 1e6 / (5 * pieces)
    return statistics.median(without) * scale, statistics.median(with_pool) * scale


async def per_request(times: int, rounds: int) -> tuple[float, float, float]:
    """Microseconds a request of one piece: bare, in a pool of one, in a pool of three."""
    bare = Instant(1)
    one = PoolBackend([PoolServer("one", bare)])
    three = PoolBackend([PoolServer(str(n), Instant(1)) for n in range(3)])
    await three.models()
    results = []
    for backend in (bare, one, three):
        runs = [await timed(cast(ChatBackend, backend), times) for _ in range(rounds)]
        results.append(statistics.median(runs) * 1e6 / times)
    await one.aclose()
    await three.aclose()
    return results[0], results[1], results[2]


def three_servers(requests: int) -> list[tuple[str, Outcome]]:
    """One server, three alike, and three of which one is slow and one dies; one load for all."""

    def make(name: str, rate: float = 20.0) -> MemoryServer:
        return MemoryServer(name, slots=4, rate=rate, tokens=40)

    cases: list[tuple[str, list[Server]]] = [
        ("one server", [Server(make("a"))]),
        ("three alike", [Server(make(name)) for name in "abc"]),
        (
            "three, one at a third of the pace, one dead from 10 s to 40 s",
            [Server(make("a")), Server(make("slow", 20 / 3)), Server(make("dies"), (10.0, 40.0))],
        ),
    ]
    return [(words, run_virtual(run_load(servers, requests))) for words, servers in cases]


def rows(quick: bool) -> list[Row]:
    """The figures for the table of all benchmarks."""
    rounds = 5 if quick else 15
    how = f"medians of {rounds} rounds"
    bare, pooled = asyncio.run(per_piece(2000, rounds))
    alone, one, three = asyncio.run(per_request(200 if quick else 500, rounds))
    results = three_servers(120)
    base = results[0][1].seconds
    return [
        Row("pool of one: a piece of a reply", pooled, bare, "without a pool", "us", how),
        Row("pool of one: a request of one piece", one, alone, "without a pool", "us", how),
        Row("pool of three: a request of one piece", three, alone, "without a pool", "us", how),
        *(
            Row(f"120 requests: {words}", outcome.seconds, base, "one server", "s", "virtual time")
            for words, outcome in results[1:]
        ),
    ]


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--requests", type=int, default=120)
    chosen = parser.parse_args()
    say = sys.stdout.write

    bare, pooled = asyncio.run(per_piece(2000, chosen.rounds))
    say(f"a piece of a reply: {bare:.3f} us bare, {pooled:.3f} us in a pool of one ")
    say(f"(+{pooled - bare:.3f} us, x{pooled / bare:.2f})\n")
    alone, one, three = asyncio.run(per_request(500, chosen.rounds))
    say(f"a request of one piece: {alone:.1f} us bare, {one:.1f} us in a pool of one, ")
    say(f"{three:.1f} us in a pool of three\n\n")

    results = three_servers(chosen.requests)
    base = results[0][1].seconds
    say(f"{chosen.requests} requests of 40 tokens, 4 places a server, in virtual time:\n")
    for words, outcome in results:
        say(f"  {words}: {outcome.seconds:.1f} s = {outcome.seconds / base:.2f} of one server; ")
        say(f"{outcome.completed} whole, {outcome.broken} broken off after a token, ")
        say(f"{outcome.lost} lost, {outcome.doubled} doubled, {outcome.moved} moved on; ")
        say(f"replies by server {outcome.shares}\n")


if __name__ == "__main__":
    main()
