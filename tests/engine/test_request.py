"""The handle: reading it, waiting on it, and what it refuses."""

from __future__ import annotations

import asyncio

import pytest

from ccchat_tui.engine.handle import RequestHandle
from ccchat_tui.engine.request import TERMINAL, TRANSITIONS, ReplyStats, RequestState
from tests.engine.attempts import Attempts, turns
from tests.support.pools import virtual


def test_every_state_is_reached_and_left_as_the_design_says() -> None:
    assert set(TRANSITIONS) == set(RequestState) - TERMINAL
    assert all(state.ended == (state in TERMINAL) for state in RequestState)
    assert TRANSITIONS[RequestState.STREAMING] == TERMINAL, "no retry after the first token"
    assert RequestState.COMPLETED not in TRANSITIONS[RequestState.QUEUED]
    in_flight = {state for state in RequestState if state.in_flight}
    assert in_flight == {RequestState.CONNECTING, RequestState.STREAMING}


@virtual
async def test_any_number_read_all_of_it_whenever_they_come() -> None:
    desk = Attempts()
    handle = desk.submit()

    async def read(handle: RequestHandle) -> list[str]:
        return [piece async for piece in handle]

    early = [asyncio.ensure_future(read(handle)) for _ in range(3)]
    await turns()
    handle.feed("one ")
    await turns()
    middle = asyncio.ensure_future(read(handle))
    early[0].cancel()
    await turns()
    await desk.finish(handle, "two ", "three")
    late = await read(handle)
    whole = ["one ", "two ", "three"]
    assert [await task for task in (*early[1:], middle)] == [whole] * 3
    assert late == whole
    assert handle.text == "one two three"
    assert handle._readers is None


@virtual
async def test_pieces_before_a_failure_are_all_given_and_nothing_is_raised() -> None:
    desk = Attempts()
    handle = desk.submit()
    await turns()
    handle.feed("half")
    await desk.fail(handle)
    assert [piece async for piece in handle] == ["half"]
    assert await handle is RequestState.FAILED


@virtual
async def test_cancelling_one_who_waits_disturbs_nobody() -> None:
    desk = Attempts()
    handle = desk.submit()
    first, second = (asyncio.ensure_future(handle.wait()) for _ in range(2))
    await turns()
    first.cancel()
    await turns()
    assert handle._waiters is not None
    assert len(handle._waiters) == 1
    await desk.finish(handle, "x")
    assert await second is RequestState.COMPLETED
    assert await handle.wait() is RequestState.COMPLETED


@virtual
async def test_a_waiter_cancelled_in_the_step_of_the_end_is_no_fault() -> None:
    desk = Attempts()
    handle = desk.submit()
    waiter = asyncio.ensure_future(handle.wait())
    await turns()
    handle.finish(ReplyStats())
    desk.of(handle).outcome.set_result(None)
    await asyncio.sleep(0)
    waiter.cancel()
    await turns()
    assert waiter.done()


@virtual
async def test_an_empty_piece_is_no_token() -> None:
    desk = Attempts()
    handle = desk.submit()
    await turns()
    handle.feed("")
    assert (handle.state, handle.tokens) == (RequestState.CONNECTING, 0)
    handle.feed("", thinking="hm")
    handle.feed("")
    handle.feed("a", thinking="b")
    assert (handle.parts, handle.thinking, handle.tokens) == (["a"], ["hm", "b"], 2)
    await desk.manager.aclose()


@virtual
async def test_what_does_not_run_takes_no_text_and_no_end() -> None:
    desk = Attempts(max_concurrent=1)
    runs, waits = desk.submit(), desk.submit()
    await turns()
    with pytest.raises(RuntimeError, match="it is not running"):
        waits.feed("x")
    with pytest.raises(RuntimeError, match="cannot finish"):
        waits.finish(ReplyStats())
    runs.finish(ReplyStats(tokens=3))
    with pytest.raises(RuntimeError):
        runs.feed("more")
    with pytest.raises(RuntimeError):
        runs.finish(ReplyStats(tokens=3))
    assert desk.manager.snapshot(0).tokens == 3
    await desk.leave(runs)
    assert runs.state is RequestState.COMPLETED
    with pytest.raises(RuntimeError):
        runs.feed("x")
    await desk.manager.aclose()


@virtual
async def test_the_lists_are_the_same_for_life() -> None:
    """A reader, and a turn of a conversation, hold on to them."""
    desk = Attempts()
    handle = desk.submit()
    parts, thinking = handle.parts, handle.thinking
    await turns()
    await desk.fail(handle)
    await asyncio.sleep(1)
    await desk.finish(handle, "x")
    assert handle.parts is parts
    assert handle.thinking is thinking
    assert parts == ["x"]
