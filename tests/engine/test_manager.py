"""The queue manager: the door, slots, and the ways to end."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ccchat_tui.clock import ManualClock
from ccchat_tui.engine.events import (
    LimitsChanged,
    Paused,
    RequestEnded,
    RequestRejected,
    RequestStarted,
    Resumed,
)
from ccchat_tui.engine.handle import RequestHandle
from ccchat_tui.engine.manager import ChatQueueManager
from ccchat_tui.engine.request import ChatRequest, Failure, Rejected, ReplyStats, RequestState
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
    async def test_one_that_waits_is_told_in_the_singular(self) -> None:
        desk = Attempts(max_concurrent=1, max_queue=1)
        for _ in range(2):
            desk.submit("a")
        with pytest.raises(Rejected, match=r"^1 request is waiting"):
            desk.submit("a")
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
        desk.manager.life.flights.runner = stubborn
        handle = desk.submit()
        await turns()
        await desk.manager.aclose()
        assert asyncio.get_running_loop().time() == pytest.approx(10.0)
        assert state_of(handle) is RequestState.CANCELLED
        assert not desk.manager.life.in_flight
        go.set()
        await turns()
        assert desk.manager.snapshot(0).totals.cancelled == 1
