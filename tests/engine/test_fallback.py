"""Falling back to one at a time, and the way back."""

from __future__ import annotations

import asyncio

import pytest

from ccchat_tui.backends.base import ErrorKind
from ccchat_tui.engine.events import LimitsChanged, ModeChanged, RequestRetrying, RequestStarted
from ccchat_tui.engine.request import RequestState
from tests.engine.desk import ServiceDesk
from tests.engine.planned import Plan
from tests.support.pools import virtual

BUSY = Plan(tokens=0, fault=ErrorKind.BUSY)
BROKEN = Plan(tokens=0, fault=ErrorKind.DISCONNECTED)
QUIET = 60.0


@virtual
async def test_by_configuration_it_is_one_at_a_time_for_good() -> None:
    desk = ServiceDesk(concurrent=False, max_concurrent=5)
    handles = [desk.ask(BUSY, Plan()) for _ in range(3)]
    assert desk.mode == ("sequential", "by configuration", 1)
    desk.service.set_limits(max_concurrent=4)
    assert desk.mode == ("sequential", "by configuration", 1)
    assert {await handle for handle in handles} == {RequestState.COMPLETED}
    await asyncio.sleep(10 * QUIET)
    assert desk.mode == ("sequential", "by configuration", 1)
    assert desk.server.peak == 1
    assert not desk.told(ModeChanged)


class TestOverload:
    @pytest.mark.parametrize(
        ("kind", "reason"),
        [
            (ErrorKind.BUSY, "fallback: server busy"),
            (ErrorKind.OUT_OF_MEMORY, "fallback: server out of memory"),
        ],
    )
    def test_the_server_says_so(self, kind: ErrorKind, reason: str) -> None:
        @virtual
        async def test() -> None:
            desk = ServiceDesk(max_concurrent=3, retry_attempts=0)
            bad = Plan(tokens=0, fault=kind)
            handles = [desk.ask(bad, Plan()), *(desk.ask(Plan(first=1.0)) for _ in range(4))]
            await asyncio.sleep(0.15)
            assert desk.mode == ("sequential", reason, 1)
            assert handles[0].state is RequestState.QUEUED
            assert desk.service.snapshot(0).in_flight == 2, "what runs, runs on"
            assert {await handle for handle in handles} == {RequestState.COMPLETED}
            started = [event.request_id for event in desk.told(RequestStarted)]
            assert started == ["r1", "r2", "r3", "r1", "r4", "r5"], (
                "at the front, and nothing twice"
            )
            assert handles[0].attempt == 1, "the attempt was given back"
            assert desk.server.probes == 0, "it said so itself"
            (changed,) = desk.told(ModeChanged)
            assert (changed.mode, changed.reason) == ("sequential", reason)
            await desk.service.aclose()

        test()

    @virtual
    async def test_all_of_them_at_once_come_back_one_after_the_other(self) -> None:
        desk = ServiceDesk(retry_attempts=0)
        handles = [desk.ask(BUSY, Plan()) for _ in range(5)]
        late = desk.ask()
        assert {await handle for handle in (*handles, late)} == {RequestState.COMPLETED}
        again = desk.server.asked[5:]
        assert again == ["r1", "r2", "r3", "r4", "r5", "r6"]
        assert desk.service.snapshot(0).totals.retried == 0
        await desk.service.aclose()

    @virtual
    async def test_their_time_is_given_back_with_their_attempt(self) -> None:
        """Waiting for its turn in sequential mode is no time of the request's own."""
        desk = ServiceDesk(retry_attempts=0, timeout=10.0, max_concurrent=4)
        handles = [desk.ask(BUSY, Plan(first=6.0)) for _ in range(4)]
        assert {await handle for handle in handles} == {RequestState.COMPLETED}
        seen = desk.service.snapshot(0)
        assert seen.p95_ms == pytest.approx(6200, rel=0.02)
        assert seen.average_wait_ms == 0, "for their first slot none had to wait"
        await desk.service.aclose()

    @virtual
    async def test_nor_does_the_limit_of_the_queue_apply_again(self) -> None:
        desk = ServiceDesk(retry_attempts=0, queue_timeout=5.0, max_concurrent=4)
        handles = [desk.ask(BUSY, Plan(first=6.0)) for _ in range(4)]
        assert {await handle for handle in handles} == {RequestState.COMPLETED}
        await desk.service.aclose()

    @virtual
    async def test_retry_after_is_honoured_also_at_the_front(self) -> None:
        desk = ServiceDesk(max_concurrent=2)
        busy = Plan(tokens=0, fault=ErrorKind.BUSY, retry_after=7.0)
        handle, other = desk.ask(busy, Plan()), desk.ask(Plan(first=1.0))
        await asyncio.sleep(2.0)
        assert other.state is RequestState.COMPLETED
        assert handle.state is RequestState.WAITING_TO_RETRY
        assert desk.told(RequestRetrying)[0].delay >= 7.0
        assert await handle is RequestState.COMPLETED
        assert desk.told(RequestStarted)[-1].at >= 7.1
        await desk.service.aclose()

    @virtual
    async def test_alone_and_busy_is_tried_again_by_the_rules_and_not_for_ever(self) -> None:
        desk = ServiceDesk(retry_attempts=2)
        handle = desk.ask(BUSY)
        assert await handle is RequestState.FAILED
        assert len(desk.server.asked) == 3
        assert handle.failure is not None
        assert handle.failure.kind == "busy"
        assert desk.mode[0] == "sequential"
        await desk.service.aclose()

    @virtual
    async def test_put_back_once_and_then_by_the_rules(self) -> None:
        desk = ServiceDesk(retry_attempts=1)
        handles = [desk.ask(BUSY) for _ in range(2)]
        assert {await handle for handle in handles} == {RequestState.FAILED}
        assert len(desk.server.asked) == 2 * (1 + 2), "one at the front, then two attempts"
        await desk.service.aclose()

    @virtual
    async def test_after_the_first_token_it_fails_and_keeps_what_came(self) -> None:
        desk = ServiceDesk()
        broken = desk.ask(Plan(tokens=2, fault=ErrorKind.OUT_OF_MEMORY))
        other = desk.ask(Plan(first=2.0))
        assert await broken is RequestState.FAILED
        assert broken.text == "r1.0 r1.1 "
        assert desk.mode[0] == "sequential"
        assert await other is RequestState.COMPLETED
        await desk.service.aclose()

    @virtual
    async def test_a_limit_of_one_is_no_fallback(self) -> None:
        desk = ServiceDesk(max_concurrent=1)
        assert await desk.ask(BUSY, Plan()) is RequestState.COMPLETED
        assert desk.mode == ("concurrent", "", 1)

    @virtual
    async def test_one_that_was_put_back_may_be_cancelled(self) -> None:
        desk = ServiceDesk(max_concurrent=2)
        handle, other = desk.ask(BUSY, Plan()), desk.ask(Plan(first=1.0))
        await asyncio.sleep(0.15)
        assert handle.cancel()
        assert handle.state is RequestState.CANCELLED
        await other
        assert desk.server.asked == ["r1", "r2"]
        await desk.service.aclose()


class TestTogether:
    @virtual
    async def test_several_fail_together_and_the_server_lives(self) -> None:
        desk = ServiceDesk(max_concurrent=3, retry_attempts=0)
        handles = [
            desk.ask(BROKEN, Plan()),
            desk.ask(Plan(first=0.3, tokens=0, fault=ErrorKind.SERVER), Plan()),
            desk.ask(Plan(first=5.0)),
        ]
        await asyncio.sleep(0.2)
        assert handles[0].state is RequestState.WAITING_TO_RETRY, "it is not clear yet"
        assert desk.mode[0] == "concurrent"
        await asyncio.sleep(0.3)
        assert desk.mode == ("sequential", "fallback: requests failed together", 1)
        assert desk.server.probes == 1
        assert {await handle for handle in handles} == {RequestState.COMPLETED}
        assert desk.server.asked == ["r1", "r2", "r3", "r1", "r2"]
        assert desk.service.snapshot(0).totals.failed == 0
        await desk.service.aclose()

    @virtual
    async def test_replies_that_break_off_together_are_a_sign_too(self) -> None:
        desk = ServiceDesk(max_concurrent=3, retry_attempts=0)
        half = Plan(tokens=2, fault=ErrorKind.DISCONNECTED)
        handles = [desk.ask(half), desk.ask(half), desk.ask(Plan(first=2.0))]
        assert [await handle for handle in handles[:2]] == [RequestState.FAILED] * 2
        await asyncio.sleep(0.1)
        assert desk.mode[0] == "sequential"
        assert await handles[2] is RequestState.COMPLETED
        await desk.service.aclose()

    @virtual
    async def test_a_server_that_is_down_is_no_reason(self) -> None:
        desk = ServiceDesk(max_concurrent=3, retry_attempts=1)
        desk.server.up = False
        handles = [desk.ask() for _ in range(3)]
        assert {await handle for handle in handles} == {RequestState.FAILED}
        assert desk.mode == ("concurrent", "", 3)
        assert desk.server.probes >= 1
        assert all(handle.attempt == 2 for handle in handles)
        assert desk.service.snapshot(0).totals.retried == 3

    @virtual
    async def test_one_alone_among_others_goes_the_usual_way_after_a_moment(self) -> None:
        desk = ServiceDesk(max_concurrent=3, retry_attempts=0, fallback_window=0.5)
        alone, other = desk.ask(BROKEN), desk.ask(Plan(first=5.0))
        await asyncio.sleep(0.55)
        assert not alone.ended
        await asyncio.sleep(0.1)
        assert alone.state is RequestState.FAILED
        assert desk.server.probes == 0
        await other
        assert desk.mode[0] == "concurrent"

    @virtual
    async def test_one_with_nobody_beside_it_fails_at_once(self) -> None:
        desk = ServiceDesk(retry_attempts=0)
        handle = desk.ask(Plan(first=0.0, tokens=0, fault=ErrorKind.DISCONNECTED))
        await asyncio.sleep(0.01)
        assert handle.state is RequestState.FAILED

    @virtual
    async def test_two_that_fail_far_apart_have_not_failed_together(self) -> None:
        desk = ServiceDesk(max_concurrent=3, retry_attempts=0)
        first = desk.ask(BROKEN)
        second = desk.ask(Plan(first=0.8, tokens=0, fault=ErrorKind.DISCONNECTED))
        desk.ask(Plan(first=5.0))
        assert [await first, await second] == [RequestState.FAILED] * 2
        assert desk.server.probes == 0
        await desk.service.aclose()

    @virtual
    async def test_one_that_is_held_may_be_cancelled(self) -> None:
        desk = ServiceDesk()
        held, other = desk.ask(BROKEN), desk.ask(Plan(first=1.0))
        await asyncio.sleep(0.2)
        assert held.cancel()
        assert held.state is RequestState.CANCELLED
        assert desk.service._fallback.size == 0
        await other

    @virtual
    async def test_bad_requests_are_nobody_elses_fault(self) -> None:
        desk = ServiceDesk()
        bad = Plan(tokens=0, fault=ErrorKind.MODEL_NOT_FOUND)
        handles = [desk.ask(bad) for _ in range(5)]
        assert {await handle for handle in handles} == {RequestState.FAILED}
        assert desk.mode[0] == "concurrent"
        assert (desk.server.probes, len(desk.server.asked)) == (0, 5)

    @virtual
    async def test_closing_while_it_probes_leaves_nothing(self) -> None:
        desk = ServiceDesk()
        handles = [desk.ask(BROKEN) for _ in range(3)]
        await asyncio.sleep(0.12)
        assert desk.service._fallback._probing is not None
        await desk.service.aclose()
        assert {handle.state for handle in handles} == {RequestState.CANCELLED}
        assert desk.mode[0] == "concurrent"


class TestTheWayBack:
    @virtual
    async def test_step_by_step_after_quiet_spells(self) -> None:
        desk = ServiceDesk(max_concurrent=4, fallback_quiet=QUIET)
        handles = [desk.ask(BUSY, Plan()) for _ in range(2)]
        assert {await handle for handle in handles} == {RequestState.COMPLETED}
        begun = 0.1
        seen = []
        for spell in range(4):
            await asyncio.sleep(
                begun + spell * QUIET + QUIET / 2 - asyncio.get_running_loop().time()
            )
            seen.append(desk.mode)
        assert seen == [
            ("sequential", "fallback: server busy", 1),
            ("concurrent", "", 2),
            ("concurrent", "", 3),
            ("concurrent", "", 4),
        ]
        assert [event.max_concurrent for event in desk.told(LimitsChanged)] == [1, 2, 3, 4]
        assert [event.mode for event in desk.told(ModeChanged)] == ["sequential", "concurrent"]

    @virtual
    async def test_a_step_starts_what_waits(self) -> None:
        desk = ServiceDesk(max_concurrent=3, timeout=1000.0)
        long = Plan(first=500.0)
        handles = [desk.ask(BUSY, long), desk.ask(BUSY, long), desk.ask(long)]
        await asyncio.sleep(QUIET - 1)
        assert desk.service.snapshot(0).in_flight == 1
        await asyncio.sleep(2)
        assert desk.service.snapshot(0).in_flight == 2
        await asyncio.sleep(QUIET)
        assert desk.service.snapshot(0).in_flight == 3
        desk.service.cancel_all()
        assert {await handle for handle in handles} == {RequestState.CANCELLED}

    @virtual
    async def test_a_further_sign_begins_the_spell_anew(self) -> None:
        desk = ServiceDesk(retry_attempts=0)
        await asyncio.gather(*(desk.ask(BUSY, Plan()).wait() for _ in range(2)))
        await asyncio.sleep(QUIET - 5)
        assert await desk.ask(BUSY) is RequestState.FAILED
        await asyncio.sleep(QUIET - 5)
        assert desk.mode[0] == "sequential"
        await asyncio.sleep(6)
        assert desk.mode[0] == "concurrent"
        await desk.service.aclose()

    @virtual
    async def test_falling_back_again_on_the_way_doubles_the_spell(self) -> None:
        desk = ServiceDesk(max_concurrent=5)
        await asyncio.gather(*(desk.ask(BUSY, Plan()).wait() for _ in range(2)))
        await asyncio.sleep(QUIET)
        assert desk.mode == ("concurrent", "", 2)
        await asyncio.gather(*(desk.ask(BUSY, Plan()).wait() for _ in range(2)))
        await asyncio.sleep(1.9 * QUIET)
        assert desk.mode[2] == 1
        await asyncio.sleep(0.2 * QUIET)
        assert desk.mode[2] == 2
        await asyncio.sleep(20 * QUIET)
        assert desk.mode == ("concurrent", "", 5)
        await asyncio.gather(*(desk.ask(BUSY, Plan()).wait() for _ in range(2)))
        await asyncio.sleep(1.1 * QUIET)
        assert desk.mode[2] == 2, "wholly back, the spell is as it was set"
        await desk.service.aclose()

    @virtual
    async def test_the_person_knows_best(self) -> None:
        desk = ServiceDesk(max_concurrent=5)
        long = Plan(first=50.0)
        for _ in range(5):
            desk.ask(BUSY, long)
        await asyncio.sleep(1)
        assert desk.mode[2] == 1
        desk.service.set_limits(max_concurrent=1)
        assert desk.mode[0] == "sequential", "no more than is in force overrules nothing"
        desk.service.set_limits(max_concurrent=3)
        assert desk.mode == ("concurrent", "", 3)
        assert desk.service.snapshot(0).in_flight == 3
        await asyncio.sleep(QUIET)
        assert desk.mode == ("concurrent", "", 3)
        await desk.service.aclose()

    @virtual
    async def test_a_limit_lowered_meanwhile_is_not_exceeded(self) -> None:
        desk = ServiceDesk(max_concurrent=5)
        await asyncio.gather(*(desk.ask(BUSY, Plan()).wait() for _ in range(2)))
        desk.service.set_limits(max_concurrent=1)
        await asyncio.sleep(5 * QUIET)
        assert desk.mode == ("concurrent", "", 1)
