"""Cancelling, wherever a request stands."""

from __future__ import annotations

import asyncio

from ccchat_tui.engine.events import (
    RequestFirstToken,
    RequestStarted,
)
from ccchat_tui.engine.request import (
    ReplyStats,
    RequestState,
)
from tests.engine.attempts import Attempts, state_of, turns
from tests.support.pools import virtual


class TestCancel:
    @virtual
    async def test_a_queued_one_has_ended_when_cancel_returns(self) -> None:
        desk = Attempts(max_concurrent=1)
        desk.submit()
        waits = desk.submit()
        assert waits.cancel()
        assert state_of(waits) is RequestState.CANCELLED
        assert not waits.cancel()
        assert not desk.manager.cancel(waits.id)
        assert not desk.manager.cancel("never heard of")
        await turns()
        assert [attempt.handle.id for attempt in desk.attempts] == ["r1"]
        await desk.manager.aclose()

    @virtual
    async def test_a_running_one_holds_its_slot_until_it_has_closed(self) -> None:
        desk = Attempts(max_concurrent=1, closing=3.0)
        runs, waits = desk.submit(), desk.submit()
        await turns()
        runs.feed("half ")
        assert runs.cancel()
        assert not runs.cancel(), "a second cancel would break off the closing"
        assert desk.manager.cancel_all() == [waits.id]
        third = desk.submit()
        assert (runs.state, runs.cancelling) == (RequestState.STREAMING, True)
        await asyncio.sleep(2.9)
        assert desk.running == [runs.id]
        assert desk.manager.snapshot(1).requests[0].cancelling
        await asyncio.sleep(0.2)
        assert (runs.state, runs.cancelling, runs.text) == (RequestState.CANCELLED, False, "half ")
        assert desk.of(runs).cancels == 1
        assert desk.running == [third.id]
        await desk.manager.aclose()

    @virtual
    async def test_one_whose_task_has_not_begun_never_reaches_the_runner(self) -> None:
        desk = Attempts()
        handle = desk.submit()
        assert state_of(handle) is RequestState.CONNECTING
        assert handle.cancel()
        assert await handle is RequestState.CANCELLED
        assert not desk.attempts
        assert not desk.manager.life.in_flight

    @virtual
    async def test_one_that_is_whole_and_only_closes_is_left_alone(self) -> None:
        desk = Attempts()
        handle = desk.submit()
        await turns()
        handle.feed("whole")
        handle.finish(ReplyStats())
        assert not handle.cancel()
        await desk.leave(handle)
        assert state_of(handle) is RequestState.COMPLETED

    @virtual
    async def test_a_reply_that_ends_while_it_is_cancelled_stays_cancelled(self) -> None:
        desk = Attempts()
        handle = desk.submit()
        await turns()
        handle.feed("whole")
        desk.of(handle).outcome.set_result(None)
        assert handle.cancel()
        handle.finish(ReplyStats())
        assert await handle is RequestState.CANCELLED

    @virtual
    async def test_one_that_waits_to_be_tried_again_is_not(self) -> None:
        desk = Attempts()
        handle = desk.submit()
        await turns()
        await desk.fail(handle)
        assert state_of(handle) is RequestState.WAITING_TO_RETRY
        assert handle.cancel()
        assert state_of(handle) is RequestState.CANCELLED
        await asyncio.sleep(60)
        assert len(desk.attempts) == 1

    @virtual
    async def test_all_of_a_user_and_nothing_of_another(self) -> None:
        desk = Attempts(max_concurrent=2, max_concurrent_per_user=1)
        for user in "abaabb":
            desk.submit(user)
        await turns()
        await desk.fail(desk.attempts[0].handle)
        assert sorted(desk.manager.cancel_user("a")) == ["r1", "r3", "r4"]
        assert desk.manager.cancel_user("a") == []
        await turns()
        assert {row.user for row in desk.manager.snapshot().requests} == {"b"}
        assert desk.manager.snapshot(0).totals.cancelled == 3
        await desk.manager.aclose()

    @virtual
    async def test_a_cancel_of_the_loops_own_ends_the_request_too(self) -> None:
        desk = Attempts()
        handle = desk.submit()
        await turns()
        task = desk.manager.life.in_flight[handle]
        task.cancel()
        assert await handle is RequestState.CANCELLED
        await turns()
        assert task.cancelled()

    @virtual
    async def test_a_cancel_inside_the_runner_is_a_fault_and_no_cancel(self) -> None:
        desk = Attempts()
        handle = desk.submit()
        await turns()
        desk.of(handle).outcome.cancel()
        assert await handle is RequestState.FAILED
        assert handle.failure is not None
        assert handle.failure.kind == "internal"

    @virtual
    async def test_a_listener_may_cancel_what_it_is_told_of(self) -> None:
        desk = Attempts(max_concurrent=1)

        def hasty(event: object) -> None:
            if isinstance(event, RequestStarted | RequestFirstToken) and event.user == "b":
                desk.manager.cancel(event.request_id)

        desk.manager.subscribe(hasty)
        first, second, third = desk.submit("a"), desk.submit("b"), desk.submit("c")
        await turns()
        await desk.finish(first, "x")
        assert (second.state, third.state) == (RequestState.CANCELLED, RequestState.CONNECTING)
        order = [(type(e).__name__, e.request_id) for e in desk.events if hasattr(e, "request_id")]
        assert order.index(("RequestStarted", "r2")) < order.index(("RequestEnded", "r2"))
        await desk.manager.aclose()
