"""A load against several servers of which some are slow and some die, and what came of it."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, cast

from ccchat_tui.backends.base import BackendError
from ccchat_tui.backends.pool import PoolBackend, PoolServer
from ccchat_tui.testing.virtual_time import LoopClock
from tests.support.memory_server import MemoryServer, ask, words_of


@dataclass(frozen=True)
class Server:
    """A server of the load, and from when to when (in seconds) it is dead."""

    server: MemoryServer
    dead: tuple[float, float] | None = None


@dataclass
class Outcome:
    """What became of all requests."""

    seconds: float = 0.0
    """Until the last had ended."""
    completed: int = 0
    broken: int = 0
    """Ended after something was shown, with a right beginning of the reply."""
    attempts: int = 0
    served: Counter[str] = field(default_factory=Counter)
    """How often each text was answered whole, over all servers."""
    lost: int = 0
    """Requests that ended neither whole nor with a beginning."""
    doubled: int = 0
    """Requests that more than one server answered whole."""
    moved: int = 0
    """Requests that reached more than one server."""
    shares: dict[str, int] = field(default_factory=dict)
    """How many replies each server gave whole."""


async def run_load(servers: Sequence[Server], requests: int, at_once: int = 12) -> Outcome:
    """Ask so many requests of a pool, so many at once, as the engine would: another attempt,
    after a pause, while nothing was shown; none after.

    Raises:
        AssertionError: If a reply is not exactly, or for a broken one the beginning of, what the
            server sent.
    """
    loop = asyncio.get_running_loop()
    pool = PoolBackend(
        [PoolServer(s.server.label, s.server, limit=4) for s in servers],
        clock=LoopClock(),
        rng=random.Random(3),
    )
    outcome = Outcome()
    slots = asyncio.Semaphore(at_once)
    tokens = servers[0].server.tokens

    async def one(text: str) -> None:
        for attempt in range(5):
            got: list[str] = []
            async with slots:
                outcome.attempts += 1
                try:
                    async with aclosing(cast(Any, pool.stream(ask(text)))) as pieces:
                        async for piece in pieces:
                            got.append(piece.text)  # noqa: PERF401 - kept if it breaks off
                except BackendError as error:
                    wait = error.retry_after or 0.5 * 2**attempt
                else:
                    assert "".join(got) == "".join(words_of(text, tokens))
                    outcome.completed += 1
                    return
            if got:
                assert got == words_of(text, tokens)[: len(got)]
                outcome.broken += 1
                return
            await asyncio.sleep(wait)
        outcome.lost += 1

    def set_up(server: MemoryServer, up: bool) -> None:
        server.up = up

    for entry in servers:
        if entry.dead is not None:
            loop.call_later(entry.dead[0], set_up, entry.server, False)
            loop.call_later(entry.dead[1], set_up, entry.server, True)
    started = loop.time()
    await pool.models()
    async with asyncio.TaskGroup() as group:
        for number in range(requests):
            group.create_task(one(f"question {number}"))
    outcome.seconds = loop.time() - started
    reached = Counter(text for s in servers for text in set(s.server.asked))
    outcome.served = Counter(text for s in servers for text in s.server.completed)
    outcome.moved = sum(1 for count in reached.values() if count > 1)
    outcome.doubled = sum(1 for count in outcome.served.values() if count > 1)
    outcome.shares = {s.server.label: len(s.server.completed) for s in servers}
    assert all(status.in_flight == 0 for status in pool.servers())
    await pool.aclose()
    return outcome
