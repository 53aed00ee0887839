"""The limits in time, and further attempts."""

from __future__ import annotations

import asyncio

import pytest

from ccchat_tui.engine.events import (
    RequestEnded,
    RequestQueued,
    RequestRetrying,
)
from ccchat_tui.engine.request import (
    Failure,
    ReplyStats,
    RequestState,
)
from tests.engine.attempts import Attempts, state_of, turns
from tests.support.pools import virtual


class TestTime:
    @virtual
    async def test_the_total_counts_from_the_slot_and_not_from_the_queue(self) -> None:
        desk = Attempts(max_concurrent=1, timeout=10.0)
        first, second = desk.submit(), desk.submit()
        await asyncio.sleep(9.9)
        await desk.finish(first, "x")
        await asyncio.sleep(9.9)
        assert state_of(second) is RequestState.CONNECTING
        await asyncio.sleep(0.2)
        assert state_of(second) is RequestState.TIMED_OUT
        assert second.failure is not None
        assert "10 s" in second.failure.message

    @virtual
    async def test_a_request_may_bring_its_own(self) -> None:
        desk = Attempts(timeout=10.0)
        short, long = desk.submit(timeout=2.0), desk.submit(timeout=20.0)
        await asyncio.sleep(2.1)
        assert (short.state, long.state) == (RequestState.TIMED_OUT, RequestState.CONNECTING)
        await asyncio.sleep(17.8)
        assert not long.ended
        await asyncio.sleep(0.2)
        assert state_of(long) is RequestState.TIMED_OUT

    @virtual
    async def test_further_attempts_and_their_pauses_count(self) -> None:
        desk = Attempts(timeout=10.0, retry_attempts=5)
        handle = desk.submit()
        await turns()
        await asyncio.sleep(8)
        await desk.fail(handle, Failure("busy", "busy", retryable=True, retry_after=1.0))
        assert state_of(handle) is RequestState.WAITING_TO_RETRY
        await asyncio.sleep(1.6)
        assert state_of(handle) is RequestState.CONNECTING
        await asyncio.sleep(0.5)
        assert state_of(handle) is RequestState.TIMED_OUT

    @virtual
    async def test_a_pause_that_ends_past_the_deadline_is_not_begun(self) -> None:
        desk = Attempts(timeout=10.0)
        handle = desk.submit()
        await turns()
        await desk.fail(handle, Failure("busy", "busy", retryable=True, retry_after=10.0))
        assert state_of(handle) is RequestState.FAILED

    @virtual
    async def test_a_slot_that_comes_free_at_the_deadline_comes_too_late(self) -> None:
        desk = Attempts(max_concurrent=1, timeout=10.0)
        first, second = desk.submit(), desk.submit()
        await turns()
        await desk.fail(first)
        await asyncio.sleep(1)
        assert state_of(first) is RequestState.QUEUED
        # As if the end came before the timer of the deadline, in the same turn of the loop.
        desk.manager.life.watchdog.stop()
        await asyncio.sleep(9)
        await desk.finish(second, "x")
        assert (first.state, first.attempt) == (RequestState.TIMED_OUT, 1)
        assert desk.manager.life.queue.size == 0
        assert len(desk.attempts) == 2

    @virtual
    async def test_a_reply_that_stands_still_is_stalled_and_one_that_creeps_is_not(self) -> None:
        desk = Attempts(stall_timeout=5.0, timeout=100.0)
        creeps, stands = desk.submit(), desk.submit()
        await turns()
        stands.feed("x")
        for _ in range(6):
            creeps.feed("x")
            await asyncio.sleep(4.0)
        assert (creeps.state, stands.state) == (RequestState.STREAMING, RequestState.FAILED)
        assert stands.failure is not None
        assert stands.failure.kind == "stalled"
        ended = [e for e in desk.told(RequestEnded) if e.request_id == stands.id]
        assert ended[0].at == pytest.approx(5.0)
        creeps.feed("")
        await asyncio.sleep(4.9)
        assert not creeps.ended, "an empty piece is a sign of life"
        await asyncio.sleep(0.2)
        assert creeps.ended

    @virtual
    async def test_no_limit_to_the_first_token_unless_one_is_set(self) -> None:
        desk = Attempts(stall_timeout=5.0, timeout=100.0)
        handle = desk.submit()
        await asyncio.sleep(99)
        assert state_of(handle) is RequestState.CONNECTING
        await desk.manager.aclose()

    @virtual
    async def test_too_late_a_first_token_is_tried_again(self) -> None:
        desk = Attempts(first_token_timeout=2.0, retry_attempts=1)
        handle = desk.submit()
        await asyncio.sleep(2.0)
        await turns()
        assert state_of(handle) is RequestState.WAITING_TO_RETRY
        assert not handle.cancelling
        await asyncio.sleep(0.6)
        assert (handle.state, handle.attempt) == (RequestState.CONNECTING, 2)
        await asyncio.sleep(2.1)
        assert state_of(handle) is RequestState.FAILED
        assert handle.failure is not None
        assert "2 s" in handle.failure.message

    @virtual
    async def test_a_cancel_while_a_late_attempt_closes_is_a_cancel(self) -> None:
        desk = Attempts(first_token_timeout=2.0, closing=1.0)
        handle = desk.submit()
        await asyncio.sleep(2.5)
        assert handle.cancelling
        assert handle.cancel()
        assert not handle.cancel()
        await asyncio.sleep(1.0)
        assert state_of(handle) is RequestState.CANCELLED
        assert desk.of(handle).cancels == 1

    @virtual
    async def test_the_wait_for_the_first_slot_may_have_a_limit(self) -> None:
        desk = Attempts(max_concurrent=1, queue_timeout=5.0)
        runs, waits = desk.submit(), desk.submit()
        await asyncio.sleep(5.1)
        assert state_of(runs) is RequestState.CONNECTING
        assert state_of(waits) is RequestState.TIMED_OUT
        assert waits.failure is not None
        assert waits.failure.kind == "queue_deadline"
        await desk.manager.aclose()

    @virtual
    async def test_who_had_a_slot_once_may_wait_for_the_next(self) -> None:
        desk = Attempts(max_concurrent=1, queue_timeout=5.0)
        first, second = desk.submit(), desk.submit()
        await turns()
        await desk.fail(first)
        await asyncio.sleep(20)
        assert state_of(first) is RequestState.QUEUED
        await desk.finish(second, "x")
        assert state_of(first) is RequestState.CONNECTING
        await desk.manager.aclose()

    @virtual
    async def test_a_whole_reply_that_does_not_close_is_closed_in_the_end(self) -> None:
        desk = Attempts(timeout=10.0, stall_timeout=1.0)
        handle = desk.submit()
        await turns()
        handle.feed("whole")
        handle.finish(ReplyStats())
        await asyncio.sleep(9.9)
        assert not handle.ended
        await asyncio.sleep(0.2)
        assert state_of(handle) is RequestState.COMPLETED

    @virtual
    async def test_a_thousand_requests_need_one_timer(self) -> None:
        desk = Attempts(max_concurrent=1000, max_concurrent_per_user=1000)
        for _ in range(1000):
            desk.submit()
        await turns()
        scheduled = asyncio.get_running_loop()._scheduled  # type: ignore[attr-defined]
        assert len([timer for timer in scheduled if not timer.cancelled()]) == 1
        await desk.manager.aclose()
        assert not [timer for timer in scheduled if not timer.cancelled()]


class TestRetry:
    @virtual
    async def test_while_it_waits_it_holds_no_slot(self) -> None:
        desk = Attempts(max_concurrent=1)
        first, second = desk.submit(), desk.submit()
        await turns()
        await desk.fail(first)
        assert (first.state, second.state) == (
            RequestState.WAITING_TO_RETRY,
            RequestState.CONNECTING,
        )
        snapshot = desk.manager.snapshot()
        assert (snapshot.in_flight, snapshot.waiting_to_retry, snapshot.totals.retried) == (1, 1, 1)
        assert [row.note for row in snapshot.requests] == ["", "it broke"]
        await desk.manager.aclose()

    @virtual
    async def test_it_comes_back_before_what_was_submitted_later(self) -> None:
        desk = Attempts(max_concurrent=1)
        handles = [desk.submit() for _ in range(4)]
        await turns()
        await desk.fail(handles[0])
        await asyncio.sleep(1)
        assert state_of(handles[0]) is RequestState.QUEUED
        await desk.finish(handles[1], "x")
        assert state_of(handles[0]) is RequestState.CONNECTING
        assert [type(e).__name__ for e in desk.events if getattr(e, "request_id", "") == "r1"] == [
            "RequestQueued",
            "RequestStarted",
            "RequestRetrying",
            "RequestQueued",
            "RequestStarted",
        ]
        await desk.manager.aclose()

    @virtual
    async def test_never_after_the_first_token(self) -> None:
        desk = Attempts()
        handle = desk.submit()
        await turns()
        handle.feed("", thinking="hm")
        await desk.fail(handle)
        assert (handle.state, handle.thinking) == (RequestState.FAILED, ["hm"])

    @virtual
    async def test_no_more_often_than_was_set(self) -> None:
        desk = Attempts(retry_attempts=2)
        handle = desk.submit()
        for _ in range(3):
            await turns()
            await desk.fail(handle)
            await asyncio.sleep(5)
        assert state_of(handle) is RequestState.FAILED
        assert len(desk.attempts) == 3
        assert len(desk.told(RequestRetrying)) == 2
        assert [event.attempt for event in desk.told(RequestQueued)] == [0, 1, 2]

    @virtual
    async def test_what_will_not_mend_is_not_tried_again(self) -> None:
        desk = Attempts()
        handle = desk.submit()
        await turns()
        await desk.fail(handle, Failure("model_not_found", "no such model"))
        assert state_of(handle) is RequestState.FAILED
