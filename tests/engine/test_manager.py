"""The queue manager: the door, slots, cancelling, time limits, retries, and the ways to end."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ccchat_tui.clock import ManualClock
from ccchat_tui.engine.events import (
    LimitsChanged,
    Paused,
    RequestEnded,
    RequestFirstToken,
    RequestQueued,
    RequestRejected,
    RequestRetrying,
    RequestStarted,
    Resumed,
)
from ccchat_tui.engine.manager import ChatQueueManager
from ccchat_tui.engine.request import (
    ChatRequest,
    Failure,
    Rejected,
    ReplyStats,
    RequestHandle,
    RequestState,
)
from tests.engine.attempts import Attempts, state_of, turns
from tests.support.pools import virtual


class TestDoor:
    @virtual
    async def test_what_may_run_starts_before_submit_returns(self) -> None:
        desk = Attempts(max_concurrent=2)
        handles = [desk.submit(user) for user in "abc"]
        assert [handle.state.value for handle in handles] == ["connecting", "connecting", "queued"]
        await turns()
        assert desk.running == ["r1", "r2"]
        await desk.manager.aclose()

    @virtual
    async def test_an_id_that_lives_is_refused_and_may_be_used_again_after_its_end(self) -> None:
        desk = Attempts()
        first = desk.submit(id="same")
        with pytest.raises(Rejected, match="'same'") as refusal:
            desk.submit(id="same")
        assert refusal.value.reason == "invalid"
        assert not first.ended
        await turns()
        await desk.finish(first, "whole")
        desk.submit(id="same")
        await desk.manager.aclose()

    @pytest.mark.parametrize("timeout", [0.0, -1.0, float("inf"), float("nan")])
    def test_a_time_that_is_none_is_refused(self, timeout: float) -> None:
        @virtual
        async def test() -> None:
            desk = Attempts()
            with pytest.raises(Rejected, match="seconds above 0"):
                desk.submit(timeout=timeout)

        test()

    @virtual
    async def test_a_full_queue_refuses_but_not_what_could_start_at_once(self) -> None:
        desk = Attempts(max_concurrent=2, max_concurrent_per_user=1, max_queue=2)
        for _ in range(3):
            desk.submit("a")
        with pytest.raises(Rejected, match="2 requests are waiting") as refusal:
            desk.submit("a")
        assert refusal.value.reason == "queue_full"
        assert desk.submit("b").state is RequestState.CONNECTING
        with pytest.raises(Rejected):
            desk.submit("c")
        await desk.manager.aclose()

    @virtual
    async def test_the_minute_is_full_until_exactly_the_moment_that_was_said(self) -> None:
        desk = Attempts(requests_per_minute=2)
        desk.submit("a")
        await asyncio.sleep(7.3)
        desk.submit("a")
        with pytest.raises(Rejected) as refusal:
            desk.submit("a")
        assert refusal.value.reason == "rate_limited"
        assert refusal.value.retry_after == pytest.approx(52.7)
        desk.submit("b")  # another user's minute is another
        await asyncio.sleep(refusal.value.retry_after or 0.0)
        desk.submit("a")
        (event,) = desk.told(RequestRejected)
        assert (event.user, event.reason, event.retry_after) == (
            "a",
            "rate_limited",
            refusal.value.retry_after,
        )
        assert desk.manager.snapshot(0).totals.rejected == 1
        await desk.manager.aclose()

    @virtual
    async def test_a_refusal_for_another_reason_uses_up_nothing_of_the_minute(self) -> None:
        desk = Attempts(requests_per_minute=2)
        desk.submit(id="same")
        for _ in range(5):
            with pytest.raises(Rejected, match="under way"):
                desk.submit(id="same")
        desk.submit()
        await desk.manager.aclose()

    def test_without_a_loop_it_says_so_and_takes_nothing(self) -> None:
        async def never(handle: RequestHandle) -> None:
            raise AssertionError(handle)

        manager = ChatQueueManager(never, clock=ManualClock())
        with pytest.raises(RuntimeError, match="no running event loop"):
            manager.submit(ChatRequest("r", "a", "s", "m", "", lambda: None))
        assert manager.snapshot(0).totals.submitted == 0
        manager.set_limits(max_concurrent=2)
        manager.pause()
        manager.resume()
        assert manager.cancel_all() == []


class TestSlots:
    @virtual
    async def test_a_freed_slot_is_handed_over_in_the_same_step(self) -> None:
        desk = Attempts(max_concurrent=1)
        first, second = desk.submit("a"), desk.submit("b")
        seen: list[Any] = []

        def look(event: object) -> None:
            if isinstance(event, RequestEnded):
                snapshot = desk.manager.snapshot(0)
                seen.append((snapshot.in_flight, snapshot.queue_length, second.state.value))

        desk.manager.subscribe(look)
        await turns()
        await desk.finish(first, "whole")
        assert seen == [(1, 0, "connecting")]
        kinds = [type(event) for event in desk.events[-2:]]
        assert kinds == [RequestEnded, RequestStarted], "so that whoever counts never counts two"
        await desk.manager.aclose()

    @virtual
    async def test_the_context_is_fixed_in_the_slot_and_once(self) -> None:
        desk = Attempts(max_concurrent=1)
        asked: list[str] = []

        def context() -> object:
            asked.append("now")
            return "context"

        first, second = desk.submit(), desk.submit(prompt=context)
        await turns()
        assert not asked, "it waits"
        await desk.finish(first, "whole")
        assert asked == ["now"]
        await desk.fail(second)
        assert state_of(second) is RequestState.WAITING_TO_RETRY
        await asyncio.sleep(1)
        assert second.attempt == 2
        assert (asked, second.prompt) == (["now"], "context")
        await desk.manager.aclose()

    @virtual
    async def test_a_context_that_cannot_be_made_fails_its_request_and_nothing_else(self) -> None:
        desk = Attempts(max_concurrent=1)
        bad, good = desk.submit(prompt=lambda: 1 // 0), desk.submit()
        assert await bad is RequestState.FAILED
        assert bad.failure is not None
        assert (bad.failure.kind, bad.failure.retryable) == ("internal", False)
        assert "division" in bad.failure.message
        assert state_of(good) is RequestState.CONNECTING
        assert [attempt.handle for attempt in desk.attempts] in ([], [good])
        await desk.manager.aclose()

    @virtual
    async def test_a_fault_of_ours_is_told_in_words(self) -> None:
        desk = Attempts()
        handle = desk.submit()
        await turns()
        await desk.fail(handle, KeyError("x"))
        assert handle.failure == Failure("internal", "KeyError: 'x'")
        assert state_of(handle) is RequestState.FAILED

    @virtual
    async def test_a_runner_that_returns_without_an_end_has_cut_the_reply_off(self) -> None:
        desk = Attempts()
        handle = desk.submit()
        await turns()
        handle.feed("half")
        await desk.leave(handle)
        assert (handle.state, handle.text) == (RequestState.FAILED, "half")
        assert handle.failure is not None
        assert handle.failure.kind == "truncated"

    @virtual
    async def test_a_fault_after_the_end_takes_nothing_back(self) -> None:
        desk = Attempts()
        handle = desk.submit()
        await turns()
        handle.feed("whole")
        handle.finish(ReplyStats())
        await desk.fail(handle)
        assert (handle.state, handle.failure) == (RequestState.COMPLETED, None)

    @virtual
    async def test_lowering_stops_nothing_and_raising_starts_at_once(self) -> None:
        desk = Attempts(max_concurrent=3, max_concurrent_per_user=3)
        handles = [desk.submit() for _ in range(5)]
        await turns()
        desk.manager.set_limits(max_concurrent=1)
        assert desk.running == ["r1", "r2", "r3"]
        await desk.finish(handles[0], "x")
        assert desk.running == ["r2", "r3"], "above the limit nothing is started"
        desk.manager.set_limits(max_concurrent=4, max_concurrent_per_user=4)
        assert desk.running == ["r2", "r3", "r4", "r5"]
        assert [
            (e.max_concurrent, e.max_concurrent_per_user) for e in desk.told(LimitsChanged)
        ] == [
            (1, 3),
            (4, 4),
        ]
        await desk.manager.aclose()

    @virtual
    async def test_a_limit_that_is_none_changes_nothing(self) -> None:
        desk = Attempts(max_concurrent=2)
        with pytest.raises(ValueError, match="max_concurrent_per_user is 0"):
            desk.manager.set_limits(max_concurrent=7, max_concurrent_per_user=0)
        assert desk.manager.snapshot(0).limits.max_concurrent == 2

    @virtual
    async def test_a_pause_starts_nothing_and_stops_nothing(self) -> None:
        desk = Attempts(max_concurrent=2)
        first = desk.submit()
        await turns()
        desk.manager.pause()
        desk.manager.pause()
        second = desk.submit()
        await desk.finish(first, "x")
        assert (first.state, second.state) == (RequestState.COMPLETED, RequestState.QUEUED)
        assert desk.manager.snapshot(0).paused
        desk.manager.resume()
        desk.manager.resume()
        assert state_of(second) is RequestState.CONNECTING
        assert [len(desk.told(kind)) for kind in (Paused, Resumed)] == [1, 1]
        await desk.manager.aclose()


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


class TestEnding:
    @virtual
    async def test_drain_takes_nothing_more_and_waits_for_everything(self) -> None:
        desk = Attempts(max_concurrent=1)
        handles = [desk.submit() for _ in range(3)]
        draining = asyncio.ensure_future(desk.manager.drain())
        await turns()
        with pytest.raises(Rejected) as refusal:
            desk.submit()
        assert refusal.value.reason == "draining"
        for handle in handles:
            assert not draining.done()
            await desk.finish(handle, "x")
        await turns()
        assert draining.done()

    @virtual
    async def test_drain_of_nothing_returns_at_once(self) -> None:
        await Attempts().manager.drain()

    @virtual
    async def test_a_cancelled_drain_cancels_no_request(self) -> None:
        desk = Attempts()
        handle = desk.submit()
        draining = asyncio.ensure_future(desk.manager.drain())
        await turns()
        draining.cancel()
        await turns()
        assert state_of(handle) is RequestState.CONNECTING
        assert not desk.manager.life._emptied
        await desk.manager.aclose()

    @virtual
    async def test_aclose_waits_for_the_connections(self) -> None:
        desk = Attempts(max_concurrent=2, closing=2.0)
        handles = [desk.submit() for _ in range(3)]
        await turns()
        await desk.manager.aclose()
        assert asyncio.get_running_loop().time() == pytest.approx(2.0)
        assert {handle.state for handle in handles} == {RequestState.CANCELLED}
        assert all(attempt.closed and attempt.cancels == 1 for attempt in desk.attempts)
        await desk.manager.aclose()

    @virtual
    async def test_what_does_not_close_is_broken_off_after_a_grace(self) -> None:
        desk = Attempts(closing=3600.0, close_grace=5.0)
        handle = desk.submit()
        await turns()
        await desk.manager.aclose()
        assert asyncio.get_running_loop().time() == pytest.approx(5.0)
        assert (handle.state, desk.of(handle).cancels) == (RequestState.CANCELLED, 2)

    @virtual
    async def test_what_never_closes_is_given_up(self) -> None:
        go = asyncio.Event()

        async def stubborn(handle: Any) -> None:
            while not go.is_set():
                try:
                    await go.wait()
                except asyncio.CancelledError:
                    continue

        desk = Attempts(close_grace=5.0)
        desk.manager.life._runner = stubborn
        handle = desk.submit()
        await turns()
        await desk.manager.aclose()
        assert asyncio.get_running_loop().time() == pytest.approx(10.0)
        assert state_of(handle) is RequestState.CANCELLED
        assert not desk.manager.life.in_flight
        go.set()
        await turns()
        assert desk.manager.snapshot(0).totals.cancelled == 1
