"""What the tests of pools share: pools in virtual time, and ways to read from them."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from functools import wraps
from typing import Any, cast

from ccchat_tui.backends.base import (
    BackendError,
    ChatBackend,
    ChatChunk,
    ErrorKind,
    ModelInfo,
    Prompt,
    ServerStatus,
)
from ccchat_tui.backends.breaker import BreakerSettings
from ccchat_tui.backends.pool import PoolBackend, PoolServer
from ccchat_tui.testing.virtual_time import LoopClock, run_virtual
from tests.support.memory_server import MemoryServer, words_of

EXACT = BreakerSettings(failures_in_row=3, jitter=0.0, failure_ratio=1.0)


def virtual(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """Run a test in virtual time; it must leave no task behind."""

    @wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        run_virtual(cast(Any, test(*args, **kwargs)))

    return run


def pool_of(*servers: MemoryServer | PoolServer, **options: Any) -> PoolBackend:
    """A pool with exact pauses, of servers with their defaults unless given whole."""
    whole = [s if isinstance(s, PoolServer) else PoolServer(s.label, s) for s in servers]
    return PoolBackend(
        whole, clock=LoopClock(), rng=random.Random(1), **{"breaker": EXACT, **options}
    )


async def read(backend: ChatBackend, prompt: Prompt, into: list[str] | None = None) -> str:
    """The whole reply; its pieces go into a list that is still there if it fails."""
    parts: list[str] = [] if into is None else into
    stats = None
    async with aclosing(cast(Any, backend.stream(prompt))) as pieces:
        async for piece in pieces:
            parts.append(piece.text)
            stats = piece.stats
    assert stats is not None
    return "".join(parts)


def whole(text: str, count: int = 20) -> str:
    """What `MemoryServer` answers."""
    return "".join(words_of(text, count))


def by_name(pool: PoolBackend) -> dict[str, ServerStatus]:
    """The servers' states."""
    return {status.name: status for status in pool.servers()}


async def until(condition: Callable[[], bool], within: float = 60.0) -> None:
    """Let virtual time pass until something holds; raises `TimeoutError` if it never does."""
    async with asyncio.timeout(within):
        while not condition():  # noqa: ASYNC110 - virtual time costs nothing
            await asyncio.sleep(0.01)


def leave_out(pool: PoolBackend, *servers: MemoryServer) -> None:
    """Stop servers, and let their breakers know what requests would have found out."""
    refused = BackendError(ErrorKind.UNREACHABLE, "connection refused")
    for server in servers:
        server.up = False
        member = next(m for m in pool._placement.members if m.server.backend is server)
        while (permit := member.breaker.admit()) is not None:
            permit.failed(refused)


class Odd:
    """A backend that yields exactly these pieces."""

    name = "odd"
    address = "mem://odd"

    def __init__(self, *pieces: ChatChunk | Exception) -> None:
        self.pieces = pieces

    async def stream(self, prompt: Prompt) -> AsyncIterator[ChatChunk]:
        for piece in self.pieces:
            if isinstance(piece, Exception):
                raise piece
            yield piece

    async def models(self) -> list[ModelInfo]:
        raise ZeroDivisionError("a fault of ours")

    async def probe(self) -> str:
        raise ZeroDivisionError("a fault of ours")

    async def aclose(self) -> None:
        raise ZeroDivisionError("a fault of ours")
