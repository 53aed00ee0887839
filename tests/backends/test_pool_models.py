"""The models and the signs of life of several servers."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from ccchat_tui.backends.base import (
    BackendError,
    ErrorKind,
    ModelInfo,
)
from ccchat_tui.backends.breaker import BreakerSettings
from tests.support.memory_server import MemoryServer, ask
from tests.support.pools import leave_out, pool_of, read, virtual, whole


def on(day: int) -> datetime:
    return datetime(2026, 1, day, tzinfo=UTC)


@virtual
async def test_models_are_merged_newest_first_with_their_servers() -> None:
    same = ModelInfo("same:latest", modified_at=on(2), digest="d2")
    a = MemoryServer("a", models=[ModelInfo("other:1b", modified_at=on(3), digest="o1"), same])
    b = MemoryServer(
        "b",
        models=[
            ModelInfo("only:latest", modified_at=on(9), digest="d9"),
            same,
            ModelInfo("other:1b", modified_at=on(1), digest="o2"),
            ModelInfo("undated:latest"),
        ],
    )
    c = MemoryServer("c")
    c.up = False
    pool = pool_of(a, b, c)
    merged = await pool.models()
    assert [(m.name, m.servers, m.digest) for m in merged] == [
        ("only:latest", ("b",), "d9"),
        ("other:1b", ("a", "b"), None),
        ("same:latest", ("a", "b"), "d2"),
        ("undated:latest", ("b",), None),
    ]
    a.up = b.up = False
    with pytest.raises(BackendError) as caught:
        await pool.models()
    assert caught.value.kind is ErrorKind.UNREACHABLE
    assert all(f"{name}: connection refused" in caught.value.message for name in "ab")
    assert "c: mem://c is left out for now: connection refused" in caught.value.message
    await pool.aclose()


@virtual
async def test_a_probe_is_answered_if_any_server_answers() -> None:
    a, b = MemoryServer("a"), MemoryServer("b")
    pool = pool_of(a, b)
    a.probe_hangs = True
    assert await pool.probe() == "1.0-b"
    b.up = False
    started = asyncio.get_running_loop().time()
    with pytest.raises(BackendError) as caught:
        await pool.probe()
    assert asyncio.get_running_loop().time() - started <= 10.1
    assert "mem://a did not answer within 10 s" in caught.value.message
    assert a.peak_probes == 1
    await pool.aclose()
    assert a.probes_at_once == 0


@virtual
async def test_a_probe_brings_a_server_back_at_once() -> None:
    server = MemoryServer("a")
    pool = pool_of(server, breaker=BreakerSettings(failures_in_row=1, first_pause=15.0))
    leave_out(pool, server)
    server.up = True
    assert await pool.probe() == "1.0-a"
    assert await read(pool, ask("x")) == whole("x")
    await pool.aclose()
