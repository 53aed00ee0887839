"""Signs of life out of turn: whoever starts a server again does not wait for the end of a pause."""

from __future__ import annotations

import asyncio

import pytest

from ccchat_tui.backends.base import BackendError, ErrorKind, ModelInfo, ServerState
from ccchat_tui.backends.breaker import SILENT, VERDICTS, BreakerSettings, Verdict
from ccchat_tui.backends.pool_health import KNOCK_REST
from tests.support.memory_server import MemoryServer, ask
from tests.support.pools import by_name, leave_out, pool_of, read, until, virtual, whole

LONG = BreakerSettings(
    failures_in_row=3, first_pause=100.0, longest_pause=100.0, jitter=0.0, failure_ratio=1.0
)


def test_only_what_is_broken_can_be_silent() -> None:
    assert all(VERDICTS[kind] is Verdict.BROKEN for kind in SILENT)
    assert ErrorKind.SERVER not in SILENT, "such a one answers every probe"


@virtual
async def test_a_request_finds_a_server_that_is_back_long_before_its_next_try() -> None:
    server = MemoryServer("a")
    pool = pool_of(server, breaker=LONG)
    leave_out(pool, server)
    server.up = True
    assert await read(pool, ask("x")) == whole("x")
    assert asyncio.get_running_loop().time() < 5.0
    assert server.probes == 1
    await pool.aclose()


@virtual
async def test_many_requests_at_once_make_one_probe() -> None:
    server = MemoryServer("a", slots=99)
    pool = pool_of(server, breaker=LONG)
    leave_out(pool, server)
    server.up = True
    replies = await asyncio.gather(*(read(pool, ask(str(n))) for n in range(20)))
    assert replies == [whole(str(n)) for n in range(20)]
    assert (server.probes, server.peak_probes) == (1, 1)
    await pool.aclose()


@virtual
async def test_one_that_stays_away_is_not_asked_by_every_request() -> None:
    server = MemoryServer("a")
    pool = pool_of(server, breaker=LONG)
    leave_out(pool, server)
    for _ in range(30):
        with pytest.raises(BackendError, match="is left out for now"):
            await read(pool, ask("x"))
    assert server.probes == 1
    await asyncio.sleep(KNOCK_REST)
    with pytest.raises(BackendError, match="next try in 100 s"):
        await read(pool, ask("x"))
    assert server.probes == 2
    assert "x" not in server.asked
    await pool.aclose()


@virtual
async def test_one_that_answers_probes_and_fails_requests_has_its_pause() -> None:
    server = MemoryServer("a")
    pool = pool_of(server, breaker=LONG)
    server.faults = [BackendError(ErrorKind.SERVER, "no runner", status=500) for _ in range(3)]
    for n in range(3):
        with pytest.raises(BackendError, match="no runner"):
            await read(pool, ask(str(n)))
    with pytest.raises(BackendError, match="left out for now: no runner; next try in 100 s"):
        await read(pool, ask("x"))
    assert server.probes == 0
    await pool.aclose()


@virtual
async def test_what_was_tried_in_vain_by_this_very_request_is_not_knocked_at() -> None:
    a, b = MemoryServer("a"), MemoryServer("b")
    pool = pool_of(a, b, breaker=BreakerSettings(failures_in_row=1, first_pause=15.0))
    a.up = b.up = False
    with pytest.raises(BackendError, match="a: connection refused; b: connection refused"):
        await read(pool, ask("x"))
    assert (a.probes, b.probes) == (0, 0)
    await pool.aclose()


@virtual
async def test_a_pause_that_was_cut_short_leaves_nobody_asleep_in_it() -> None:
    server = MemoryServer("a")
    growing = BreakerSettings(
        failures_in_row=3, first_pause=1.0, growth=100.0, longest_pause=100.0, jitter=0.0
    )
    pool = pool_of(server, breaker=growing)
    leave_out(pool, server)
    await asyncio.sleep(5.0)
    assert by_name(pool)["a"].retry_at == pytest.approx(96.0, abs=0.5), "a long pause has begun"
    server.up = True
    assert await read(pool, ask("x")) == whole("x")
    leave_out(pool, server)
    server.up = True
    await until(lambda: by_name(pool)["a"].state is ServerState.CLOSED, within=1.5)
    await pool.aclose()


@virtual
async def test_a_probe_out_of_turn_that_fails_begins_a_new_pause() -> None:
    server = MemoryServer("a")
    pool = pool_of(server, breaker=LONG)
    leave_out(pool, server)
    await asyncio.sleep(60.0)
    with pytest.raises(BackendError):
        await pool.probe()
    await asyncio.sleep(60.0)
    assert server.probes == 1, "the old pause counts no longer"
    await asyncio.sleep(45.0)
    assert server.probes == 2
    await pool.aclose()


# Found out without a request


@virtual
async def test_of_several_one_without_a_sign_of_life_is_left_out_before_it_is_asked() -> None:
    a, b = MemoryServer("a"), MemoryServer("b")
    b.up = False
    pool = pool_of(a, b)
    assert [model.servers for model in await pool.models()] == [("a",)]
    assert by_name(pool)["b"].state is ServerState.OPEN
    for n in range(4):
        await read(pool, ask(str(n)))
    assert b.asked == []
    b.up = True
    await until(lambda: by_name(pool)["b"].state is ServerState.CLOSED)
    await pool.aclose()


@virtual
async def test_a_single_one_is_asked_all_the_same() -> None:
    server = MemoryServer("a")
    server.up = False
    pool = pool_of(server)
    for question in (pool.probe, pool.models):
        with pytest.raises(BackendError, match="connection refused"):
            await question()
    assert by_name(pool)["a"].state is ServerState.CLOSED
    await asyncio.sleep(60.0)
    assert server.probes == 1, "nobody asks on and on for a server that was never there"
    await pool.aclose()


@virtual
async def test_one_that_is_switched_off_does_not_hold_up_the_others_lists() -> None:
    class Far(MemoryServer):
        async def models(self) -> list[ModelInfo]:
            await asyncio.sleep(8.0)
            return list(self.has)

    near, far = MemoryServer("near"), Far("far", models=["far:latest"])
    pool = pool_of(near, far)
    assert [model.name for model in await pool.models()] == ["m:latest"]
    assert asyncio.get_running_loop().time() <= 1.1
    await asyncio.sleep(8.0)
    await read(pool, ask("x", "far"))
    assert (near.asked, far.asked) == ([], ["x"]), "its list is known once it has come"
    await pool.aclose()


@virtual
async def test_one_that_cannot_be_reached_is_found_out_by_one_request() -> None:
    class Far(MemoryServer):
        """Nobody refuses a connection there; it just does not come about."""

        def _must_be_up(self, kind: ErrorKind, words: str) -> None:
            pass

        async def probe(self) -> str:
            await asyncio.sleep(5.0)
            raise BackendError(ErrorKind.UNREACHABLE, "no connection within 5 s")

    far, near = Far("far"), MemoryServer("near", slots=99)
    far.faults = [BackendError(ErrorKind.UNREACHABLE, "no connection within 5 s")] * 9
    pool = pool_of(far, near)
    for n in range(6):
        assert await read(pool, ask(str(n))) == whole(str(n))
    assert far.asked == ["0"]
    await pool.aclose()


@virtual
async def test_one_that_breaks_off_in_mid_stream_is_asked_for_a_sign_of_life() -> None:
    a, b = MemoryServer("a"), MemoryServer("b")
    pool = pool_of(a, b)
    task = asyncio.create_task(read(pool, ask("x")))
    await asyncio.sleep(0.5)
    a.up = False
    with pytest.raises(BackendError, match="the connection broke"):
        await task
    await until(lambda: by_name(pool)["a"].state is ServerState.OPEN, within=0.1)
    assert await read(pool, ask("y")) == whole("y")
    assert a.asked == ["x"]
    await pool.aclose()


@virtual
async def test_one_that_breaks_off_and_lives_goes_on() -> None:
    a, b = MemoryServer("a"), MemoryServer("b")
    a.break_after = 3
    pool = pool_of(a, b)
    with pytest.raises(BackendError, match="the connection broke"):
        await read(pool, ask("x"))
    await until(lambda: a.probes == 1, within=0.1)
    await asyncio.sleep(1.0)
    assert by_name(pool)["a"].state is ServerState.CLOSED
    await pool.aclose()


# The servers that failed


@virtual
async def test_that_another_server_answers_says_nothing_of_the_one_that_failed() -> None:
    a, b = MemoryServer("a"), MemoryServer("b")
    pool = pool_of(a, b)
    task = asyncio.create_task(read(pool, ask("x")))
    await asyncio.sleep(0.5)
    assert a.in_flight == 1
    a.up = False
    with pytest.raises(BackendError, match="the connection broke"):
        await task
    assert await pool.probe() == "1.0-b"
    with pytest.raises(BackendError, match="connection refused"):
        await pool.probe_failing()
    assert by_name(pool)["a"].state is ServerState.OPEN, "it is left out from now on"
    a.up = True
    await until(lambda: by_name(pool)["a"].state is ServerState.CLOSED)
    assert await pool.probe_failing() == "1.0-a"
    b.up = False
    await asyncio.sleep(11.0)
    with pytest.raises(BackendError, match="connection refused"):
        await pool.probe_failing()  # none has failed lately, so all are asked
    await pool.aclose()


@virtual
async def test_asking_those_that_failed_ends_with_the_pool() -> None:
    server = MemoryServer("a")
    server.probe_hangs = True
    pool = pool_of(server)
    task = asyncio.create_task(pool.probe_failing())
    await asyncio.sleep(0.1)
    await pool.aclose()
    with pytest.raises(BackendError):
        await task
