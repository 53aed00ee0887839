"""Servers that fail: what moves on, who is left out, and how they come back."""

from __future__ import annotations

import asyncio

import pytest

from ccchat_tui.backends.base import (
    BackendError,
    ChatChunk,
    ChatStats,
    ErrorKind,
    ServerState,
)
from ccchat_tui.backends.pool import STAYS, PoolServer
from ccchat_tui.testing.virtual_time import run_virtual
from tests.support.memory_server import MemoryServer, ask, words_of
from tests.support.pools import Odd, by_name, leave_out, pool_of, read, until, virtual, whole

# Failures


MOVING = [kind for kind in ErrorKind if kind not in STAYS]


@pytest.mark.parametrize("kind", MOVING)
def test_what_has_shown_nothing_moves_on(kind: ErrorKind) -> None:
    async def program() -> None:
        a, b = MemoryServer("a"), MemoryServer("b")
        pool = pool_of(a, b)
        a.faults = [BackendError(kind, "drawn")]
        assert await read(pool, ask("x")) == whole("x")
        assert (a.asked, b.asked) == (["x"], ["x"])
        status = by_name(pool)
        assert (status["a"].failed, status["b"].completed) == (1, 1)
        await pool.aclose()

    run_virtual(program())


@pytest.mark.parametrize("kind", sorted(STAYS))
def test_what_no_server_does_better_stays(kind: ErrorKind) -> None:
    async def program() -> None:
        a, b = MemoryServer("a"), MemoryServer("b")
        pool = pool_of(a, b)
        error = BackendError(kind, "drawn")
        a.faults = [error]
        with pytest.raises(BackendError) as caught:
            await read(pool, ask("x"))
        assert caught.value is error
        assert b.asked == []
        await pool.aclose()

    run_virtual(program())


@virtual
async def test_what_has_shown_something_fails_with_what_it_has() -> None:
    a, b = MemoryServer("a"), MemoryServer("b")
    a.break_after = 3
    pool = pool_of(a, b)
    got: list[str] = []
    with pytest.raises(BackendError, match="the connection broke") as caught:
        await read(pool, ask("x"), into=got)
    assert caught.value.kind is ErrorKind.DISCONNECTED
    assert got == words_of("x", 3)
    assert b.asked == []
    assert by_name(pool)["a"].state is ServerState.CLOSED
    await pool.aclose()


@virtual
async def test_each_server_is_tried_once_and_all_are_named() -> None:
    servers = [MemoryServer(name) for name in "abc"]
    for server in servers:
        server.faults = [BackendError(ErrorKind.SERVER, f"{server.label} is broken", status=500)]
    servers[2].faults = [BackendError(ErrorKind.MODEL_NOT_FOUND, "not here", hints=("m2",))]
    pool = pool_of(*servers)
    with pytest.raises(BackendError) as caught:
        await read(pool, ask("x"))
    assert [s.asked for s in servers] == [["x"]] * 3
    assert caught.value.kind is ErrorKind.SERVER, "what a later try may mend speaks for all"
    assert caught.value.status == 500
    assert caught.value.hints == ("m2",)
    assert caught.value.message == (
        "No server could take it. a: a is broken; b: b is broken; c: not here"
    )
    await pool.aclose()


@virtual
async def test_an_empty_piece_shows_nothing() -> None:
    good = MemoryServer("good")
    odd = Odd(ChatChunk(), BackendError(ErrorKind.GATEWAY, "502"))
    pool = pool_of(PoolServer("odd", odd), good)
    assert await read(pool, ask("x")) == whole("x")
    await asyncio.sleep(0)
    with pytest.raises(ZeroDivisionError):
        await pool.aclose()
    assert good.closings == 1


@pytest.mark.parametrize("pieces", [(), (ChatChunk("half"),)])
def test_an_end_without_its_mark_is_a_failure(pieces: tuple[ChatChunk, ...]) -> None:
    async def program() -> None:
        pool = pool_of(PoolServer("odd", Odd(*pieces)))
        with pytest.raises(BackendError) as caught:
            await read(pool, ask("x"))
        assert caught.value.kind is ErrorKind.TRUNCATED
        assert by_name(pool)["odd"].failed == 1

    run_virtual(program())


@virtual
async def test_a_fault_of_ours_gives_the_place_back() -> None:
    pool = pool_of(PoolServer("odd", Odd(ZeroDivisionError("oops")), limit=1))
    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            await read(pool, ask("x"))
    with pytest.raises(BackendError, match="asking odd failed: a fault of ours") as caught:
        await pool.probe()
    assert caught.value.kind is ErrorKind.INTERNAL
    assert by_name(pool)["odd"].in_flight == 0


@virtual
async def test_a_reply_that_is_whole_in_its_first_piece() -> None:
    pool = pool_of(PoolServer("odd", Odd(ChatChunk("all", stats=ChatStats()))))
    assert await read(pool, ask("x")) == "all"
    assert by_name(pool)["odd"].completed == 1


# Being left out, and coming back


@virtual
async def test_a_failing_server_is_left_out_and_comes_back_by_itself() -> None:
    a, b = MemoryServer("a"), MemoryServer("b")
    told: list[tuple[str, ServerState]] = []
    pool = pool_of(a, b, listener=lambda status: told.append((status.name, status.state)))
    leave_out(pool, a)
    asked = len(a.asked)
    for n in range(5):
        await read(pool, ask(str(n)))
    assert len(a.asked) == asked, "nothing goes to a server that is left out"
    status = by_name(pool)["a"]
    assert status.note.startswith("connection refused; next try in")
    assert status.retry_at is not None
    await asyncio.sleep(100.0)
    assert a.probes >= 6, "it is probed on, though nobody asks"
    assert a.probes <= 12, "with growing pauses"
    assert a.peak_probes == 1
    a.up = True
    await until(lambda: by_name(pool)["a"].state is ServerState.CLOSED, within=15.1)
    await until(lambda: a.lists == 1, within=0.1)
    await asyncio.sleep(0.02)
    await asyncio.gather(*(read(pool, ask(str(n))) for n in range(2)))
    assert len(a.asked) == asked + 1
    assert told[0] == ("a", ServerState.OPEN)
    assert told[-1] == ("a", ServerState.CLOSED)
    probes = a.probes
    await asyncio.sleep(100.0)
    assert a.probes == probes, "a server that is well is not probed"
    await pool.aclose()


@virtual
async def test_all_left_out_is_said_in_words_with_the_time_of_the_next_try() -> None:
    a, b = MemoryServer("a"), MemoryServer("b")
    pool = pool_of(a, b)
    leave_out(pool, a, b)
    asked = len(a.asked) + len(b.asked)
    with pytest.raises(BackendError) as caught:
        await read(pool, ask("x"))
    assert len(a.asked) + len(b.asked) == asked
    assert caught.value.kind is ErrorKind.UNREACHABLE
    assert caught.value.message == (
        "No server could take it. a: mem://a is left out for now: connection refused; "
        "next try in 2 s; b: mem://b is left out for now: connection refused; next try in 2 s"
    )
    assert caught.value.retry_after is not None
    a.up = b.up = True
    await asyncio.sleep(caught.value.retry_after)
    assert await read(pool, ask("y")) == whole("y")
    await pool.aclose()


@virtual
async def test_one_that_is_busy_says_more_than_one_that_is_left_out() -> None:
    a, b = MemoryServer("a"), MemoryServer("b")
    pool = pool_of(a, b)
    leave_out(pool, b)
    a.faults = [BackendError(ErrorKind.BUSY, "server busy", status=503)]
    with pytest.raises(BackendError) as caught:
        await read(pool, ask("x"))
    assert caught.value.kind is ErrorKind.BUSY, "the engine lowers its limit for it"
    assert "b: mem://b is left out for now" in caught.value.message
    await pool.aclose()


@virtual
async def test_the_server_that_has_the_model_being_down_is_not_the_model_missing() -> None:
    a, b = MemoryServer("a", models=["m:latest", "big:latest"]), MemoryServer("b")
    pool = pool_of(a, b)
    await pool.models()
    leave_out(pool, a)
    with pytest.raises(BackendError) as caught:
        await read(pool, ask("x", "big"))
    assert caught.value.kind is ErrorKind.UNREACHABLE
    assert "x" not in b.asked
    await pool.aclose()


@virtual
async def test_whoever_waits_for_a_server_that_fails_is_told() -> None:
    server = MemoryServer("a", first_token=5.0)
    pool = pool_of(PoolServer("a", server, limit=3))
    tasks = [asyncio.create_task(read(pool, ask(str(n)))) for n in range(5)]
    await asyncio.sleep(1.0)
    assert pool.waiting == 2
    server.up = False
    results = await asyncio.gather(*tasks, return_exceptions=True)
    kinds = [result.kind for result in results if isinstance(result, BackendError)]
    assert kinds == [ErrorKind.DISCONNECTED] * 3 + [ErrorKind.UNREACHABLE] * 2
    assert len(server.asked) <= 5
    await pool.aclose()


@virtual
async def test_a_pool_of_one_adds_the_breaker_and_nothing_else() -> None:
    server = MemoryServer("a")
    pool = pool_of(server)
    assert (pool.name, pool.address) == ("memory", "mem://a")
    assert await pool.models() == server.has
    assert await pool.probe() == "1.0-a"
    for n in range(3):
        await read(pool, ask(str(n)))
    assert server.lists == 1, "it needs no list to choose by"
    error = BackendError(ErrorKind.MODEL_NOT_FOUND, "no such model", hints=("m",))
    server.faults = [error]
    with pytest.raises(BackendError) as caught:
        await read(pool, ask("x"))
    assert caught.value is error
    assert await read(pool, ask("y")) == whole("y"), "it is asked again all the same"
    leave_out(pool, server)
    with pytest.raises(BackendError) as caught:
        await read(pool, ask("z"))
    assert caught.value.message == (
        "mem://a is left out for now: connection refused; next try in 2 s"
    )
    await pool.aclose()
