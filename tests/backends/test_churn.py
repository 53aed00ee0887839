"""Hundreds of replies cancelled at any moment at all: nothing is left open, and all still works."""

from __future__ import annotations

import asyncio
import gc
import random
import ssl
from pathlib import Path

import pytest

from ccchat_tui.backends.hosts import read_host
from ccchat_tui.backends.ollama import OllamaBackend
from ccchat_tui.testing.ollama_server import OllamaServer, text_of
from tests.support.certificates import client_trusts, server_context
from tests.support.streams import ask, open_sockets, read, text_in

STREAMS = 500
AT_ONCE = 10
STEPS = 60
"""Of the event loop: a reply needs some 15 to 35 of them to its first chunk."""


async def cancel_after(backend: OllamaBackend, steps: int) -> bool:
    """Cancel a reply after so many steps of the event loop; whether it was under way."""
    task = asyncio.create_task(read(backend, ask("churn")))
    for _ in range(steps):
        await asyncio.sleep(0)
    under_way = not task.done()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    if not task.cancelled():
        # Not cancelled, so it must be complete: anything else is raised here.
        assert task.result()[-1].done
    return under_way


async def churn(backend: OllamaBackend, server: OllamaServer, seed: int) -> None:
    rng = random.Random(seed)
    before = open_sockets()
    places = asyncio.Semaphore(AT_ONCE)

    async def one() -> bool:
        async with places:
            return await cancel_after(backend, rng.randrange(STEPS))

    cancelled = await asyncio.gather(*(one() for _ in range(STREAMS)))
    assert sum(cancelled) > STREAMS * 0.8, "else it tests nothing"
    assert any(left.lines for left in server.disconnects), "some were cancelled in mid-reply"
    assert len(server.chats) < STREAMS, "some were cancelled before they were asked"

    five = await asyncio.gather(*(read(backend, ask(f"after {n}")) for n in range(5)))
    for number, chunks in enumerate(five):
        assert text_in(chunks) == text_of(f"after {number}", server.tokens)

    assert backend.open == 0
    await server.settled()
    assert server.generating == 0
    # A socket that nobody closed would be closed here with a warning, which is an error.
    gc.collect()
    assert open_sockets() <= before
    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_nothing_is_left_of_500_cancelled_streams(seed: int) -> None:
    async with OllamaServer(slots=AT_ONCE, tokens=400) as server:
        backend = OllamaBackend(read_host(server.url))
        await churn(backend, server, seed)
        await backend.aclose()


async def test_nothing_is_left_with_tls_either(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    client_trusts(monkeypatch)
    context: ssl.SSLContext = server_context("trusted")
    async with OllamaServer(slots=AT_ONCE, tokens=400, tls=context) as server:
        backend = OllamaBackend(read_host(server.url))
        await churn(backend, server, seed=4)
        await backend.aclose()
