"""The bounds of the reply cache: age, order of use and bytes."""

from __future__ import annotations

import asyncio
import gc
import tracemalloc

from hypothesis import given, settings
from hypothesis import strategies as st

from ccchat_tui.testing.virtual_time import run_virtual
from tests.support.caches import cached, question
from tests.support.pools import read, virtual, whole


@virtual
async def test_an_old_reply_counts_no_longer() -> None:
    backend, server = cached(max_age=100.0)
    await read(backend, question())
    await asyncio.sleep(97.0)
    await read(backend, question())
    assert len(server.asked) == 1
    await asyncio.sleep(3.0)
    await read(backend, question())
    assert len(server.asked) == 2
    assert backend.status().evicted == 1


@virtual
async def test_what_was_used_longest_ago_goes_first() -> None:
    backend, server = cached()
    await read(backend, question("0"))
    one = backend.status().bytes
    backend, server = cached(max_bytes=3 * one)
    for text in ("0", "1", "2", "0", "3"):
        await read(backend, question(text))
    assert server.asked == ["0", "1", "2", "3"]
    server.asked.clear()
    for text in ("0", "2", "3", "1"):
        await read(backend, question(text))
    assert server.asked == ["1"]
    assert backend.status().bytes <= 3 * one


@settings(max_examples=40, deadline=None)
@given(
    room=st.integers(0, 6000),
    asked=st.lists(st.tuples(st.integers(0, 6), st.integers(1, 300)), max_size=25),
)
def test_the_bound_holds_whatever_is_asked(room: int, asked: list[tuple[int, int]]) -> None:
    async def program() -> None:
        backend, server = cached(max_bytes=room)
        for text, tokens in asked:
            server.tokens, server.rate = tokens, 1e6
            prompt = question(f"{text}-{tokens}")
            assert await read(backend, prompt) == whole(f"{text}-{tokens}", tokens)
            assert 0 <= backend.status().bytes <= room
            assert (backend.status().bytes == 0) == (backend.status().entries == 0)

    run_virtual(program())


def test_the_bytes_counted_are_no_fewer_than_those_taken() -> None:
    async def program() -> None:
        backend, server = cached()
        server.rate = 1e6
        await read(backend, question("warm"))
        backend.clear()
        gc.collect()
        tracemalloc.start()
        try:
            for number in range(200):
                server.tokens = number % 40 + 1
                await read(backend, question(f"é{number}"))
            server.asked.clear()
            server.completed.clear()
            gc.collect()
            taken = tracemalloc.get_traced_memory()[0]
        finally:
            tracemalloc.stop()
        assert backend.status().entries == 200
        assert 0.5 * backend.status().bytes < taken <= backend.status().bytes

    run_virtual(program())
