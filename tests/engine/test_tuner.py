"""A limit that finds itself, in the whole service: where it settles, and who has more to say."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from ccchat_tui.backends.base import ErrorKind, ServerState, ServerStatus
from ccchat_tui.engine.adaptive import AdaptiveSettings
from ccchat_tui.engine.events import LimitsChanged, ModeChanged
from ccchat_tui.engine.handle import RequestHandle
from ccchat_tui.engine.request import Priority, RequestState
from ccchat_tui.engine.stats import AdaptiveView
from tests.engine.desk import ServiceDesk
from tests.engine.planned import Plan, PlannedServer
from tests.support.pools import virtual

MANY = 9999
BUSY = Plan(tokens=0, fault=ErrorKind.BUSY)


class Slotted(PlannedServer):
    """Works on so many at once, and says nothing of those who wait."""

    def __init__(self, slots: int) -> None:
        super().__init__()
        self.slots = asyncio.Semaphore(slots)

    async def stream(self, prompt: Any) -> Any:
        async with self.slots:
            async for chunk in super().stream(prompt):
                yield chunk


class Told(PlannedServer):
    """Says how its servers are."""

    def __init__(self) -> None:
        super().__init__()
        self.states = [ServerState.CLOSED, ServerState.CLOSED]

    def servers(self) -> tuple[ServerStatus, ...]:
        return tuple(
            ServerStatus(f"s{number}", "mem://", state, 0, None, 1.0, 0, 0)
            for number, state in enumerate(self.states)
        )

    async def probe_failing(self) -> str:
        return await self.probe()


def desk_of(server: int | PlannedServer = 4, **settings: Any) -> ServiceDesk:
    """Before a server of so many slots, or before this one."""
    usual = {"adapts": True, "max_concurrent": 2, "max_concurrent_per_user": MANY, "max_queue": 0}
    return ServiceDesk(
        Slotted(server) if isinstance(server, int) else server,
        **{**usual, "stall_timeout": None, "timeout": 9e6, **settings},
    )


def fill(desk: ServiceDesk, count: int = 3000, user: str = "a") -> list[RequestHandle]:
    """Replies of 20 to 60 tokens, 20 a second."""
    return [
        desk.ask(Plan(first=0.2, tokens=20 + number * 7 % 41, gap=0.05), user=user)
        for number in range(count)
    ]


def found(desk: ServiceDesk) -> AdaptiveView:
    view = desk.service.snapshot(0).adaptive
    assert view is not None
    return view


@pytest.mark.parametrize("slots", [1, 4, 6])
def test_it_settles_at_what_the_server_does_at_once(slots: int) -> None:
    @virtual
    async def test() -> None:
        desk = desk_of(slots)
        fill(desk)
        assert desk.mode == ("concurrent", "", 2), "where it begins"
        await asyncio.sleep(240)
        view = found(desk)
        assert (view.on, view.found) == (True, slots)
        assert f"{slots}, " in view.words
        assert {event.max_concurrent for event in desk.told(LimitsChanged)} >= {2 * slots}, (
            "it has tried more"
        )
        desk.service.cancel_all()
        await desk.service.aclose()

    test()


@virtual
async def test_while_nothing_lives_nothing_runs() -> None:
    desk = desk_of()
    loop: Any = asyncio.get_running_loop()

    def timers() -> int:
        return len([timer for timer in loop._scheduled if not timer.cancelled()])

    assert timers() == 0
    handle = desk.ask(Plan(tokens=50, gap=0.1))
    await asyncio.sleep(2.55)
    assert timers() == 2 + 1, "its own, the watchdog's and the server's"
    await handle
    assert timers() == 1, "the watchdog's, which is left to run out"
    await desk.service.aclose()
    assert timers() == 0


@virtual
async def test_what_the_limit_of_each_user_leaves_empty_says_nothing() -> None:
    desk = desk_of(8, max_concurrent_per_user=2)
    fill(desk, 3000, "a")
    fill(desk, 3000, "b")
    await asyncio.sleep(100)
    assert found(desk).found == 4, "both users are at their own"
    changes = len(desk.told(LimitsChanged))
    await asyncio.sleep(300)
    assert found(desk).found == 4
    assert len(desk.told(LimitsChanged)) <= changes + 12, "trials, and their ends"
    desk.service.set_limits(max_concurrent_per_user=MANY)
    await asyncio.sleep(300)
    assert found(desk).found == 8
    desk.service.cancel_all()
    await desk.service.aclose()


@virtual
async def test_one_user_with_a_limit_of_three_gets_three() -> None:
    """Twice two cannot be filled, so that half of the step is tried."""
    desk = desk_of(8, max_concurrent_per_user=3)
    fill(desk)
    await asyncio.sleep(300)
    assert found(desk).found == 3
    desk.service.cancel_all()
    await desk.service.aclose()


@virtual
async def test_full_at_each_look_is_not_full_throughout() -> None:
    desk = desk_of()
    desk.ask(Plan(tokens=1000, gap=0.1))
    for _ in range(40):
        await asyncio.sleep(0.7)
        desk.ask(Plan(first=0.1, tokens=5, gap=0.1))
        await asyncio.sleep(0.3)
        assert desk.service.snapshot(0).in_flight == 2
    assert found(desk).words == "auto: 2; measuring"
    desk.service.cancel_all()
    await desk.service.aclose()


@virtual
async def test_it_counts_what_came_and_how_long_the_first_of_it_took() -> None:
    """And not what the server says at the end, which would come in lumps."""

    class Boastful(PlannedServer):
        async def stream(self, prompt: Any) -> Any:
            async for chunk in super().stream(prompt):
                more = chunk.stats and replace(chunk.stats, reply_tokens=9000)
                yield replace(chunk, stats=more)

    desk = desk_of(Boastful(), adaptive=AdaptiveSettings(maximum=2))
    fill(desk)
    await asyncio.sleep(40)
    rate = int(found(desk).words.split(", ")[1].split(" ")[0])
    assert 30 <= rate <= 40, "two at once, each of 20 a second"
    limit = desk.service._tuner._limit
    assert limit is not None
    assert limit._first_token == pytest.approx(0.2)
    desk.service.cancel_all()
    await desk.service.aclose()


@virtual
async def test_asked_for_again_it_goes_on() -> None:
    desk = desk_of()
    fill(desk)
    await asyncio.sleep(100)
    before = found(desk)
    desk.service.set_limits(max_concurrent="auto")
    assert found(desk) == before
    desk.service.cancel_all()
    await desk.service.aclose()


@virtual
async def test_a_pause_says_nothing() -> None:
    desk = desk_of()
    fill(desk)
    await asyncio.sleep(100)
    desk.service.pause()
    await asyncio.sleep(5)
    before, changes = found(desk), len(desk.told(LimitsChanged))
    await asyncio.sleep(600)
    assert (found(desk), len(desk.told(LimitsChanged))) == (before, changes)
    desk.service.cancel_all()
    await desk.service.aclose()


@virtual
async def test_it_keeps_to_its_bounds() -> None:
    desk = desk_of(max_concurrent=9, adaptive=AdaptiveSettings(minimum=2, maximum=3))
    assert desk.mode[2] == 3, "also at the beginning"
    fill(desk)
    await asyncio.sleep(200)
    assert found(desk).found == 3
    assert {event.max_concurrent for event in desk.told(LimitsChanged)} <= {2, 3}
    desk.service.cancel_all()
    await desk.service.aclose()


class TestByHand:
    @virtual
    async def test_the_person_overrules_it_until_it_is_set_again(self) -> None:
        desk = desk_of()
        fill(desk)
        await asyncio.sleep(100)
        desk.service.set_limits(max_concurrent=7)
        assert found(desk) == AdaptiveView(False, 7, "off", "auto is off: 7 was set by hand")
        await asyncio.sleep(200)
        assert desk.mode == ("concurrent", "", 7)
        assert desk.service._tuner._timer is None
        desk.service.set_limits(max_concurrent="auto")
        assert desk.mode == ("concurrent", "", 7), "it begins with what there is"
        await asyncio.sleep(200)
        assert found(desk).found == 4
        desk.service.cancel_all()
        await desk.service.aclose()

    @virtual
    async def test_the_limit_of_each_user_is_another_matter(self) -> None:
        desk = desk_of()
        desk.service.set_limits(max_concurrent_per_user=5)
        assert found(desk).on
        with pytest.raises(ValueError, match="max_concurrent is 0"):
            desk.service.set_limits(max_concurrent=0)
        assert found(desk).on, "a bad limit changes nothing"
        await desk.service.aclose()

    @virtual
    async def test_off_unless_asked_for_and_then_at_any_time(self) -> None:
        desk = desk_of(adapts=False, max_concurrent=9)
        fill(desk)
        await asyncio.sleep(60)
        assert desk.service.snapshot(0).adaptive is None
        assert desk.service._manager.life.watcher is None
        desk.service.set_limits(max_concurrent="auto")
        assert found(desk).words == "auto: 9; measuring"
        await asyncio.sleep(300)
        assert found(desk).found == 4
        desk.service.cancel_all()
        await desk.service.aclose()

    @virtual
    async def test_one_at_a_time_by_configuration_stays_that(self) -> None:
        desk = desk_of(concurrent=False)
        desk.service.set_limits(max_concurrent="auto")
        fill(desk, 50)
        await asyncio.sleep(30)
        assert desk.mode == ("sequential", "by configuration", 1)
        assert desk.service.snapshot(0).adaptive is None
        desk.service.cancel_all()
        await desk.service.aclose()

    @virtual
    async def test_a_listener_may_set_it_in_the_middle_of_a_trial(self) -> None:
        desk = desk_of()

        def at_once(event: object) -> None:
            if isinstance(event, LimitsChanged) and event.max_concurrent == 4:
                desk.service.set_limits(max_concurrent=3)

                loop.call_soon(lambda: timers.append(desk.service._tuner._timer))

        loop, timers = asyncio.get_running_loop(), list[Any]()
        desk.service.subscribe(at_once)
        fill(desk)
        await asyncio.sleep(60)
        assert desk.mode[2] == 3
        assert timers == [None], "it does not look any more"
        desk.service.cancel_all()
        await desk.service.aclose()


class TestOverload:
    @virtual
    async def test_the_fallback_is_in_charge_and_the_way_back_ends_lower(self) -> None:
        desk = desk_of(max_concurrent=10, fallback_quiet=20.0)
        bad = [desk.ask(BUSY, Plan()) for _ in range(2)]
        rest = fill(desk, 300)
        await asyncio.sleep(0.15)
        assert desk.mode == ("sequential", "fallback: server busy", 1)
        assert (found(desk).found, desk.service._manager.wanted_limit) == (7, 7), "at once"
        await asyncio.sleep(3)
        again = desk.ask(BUSY, Plan(), priority=Priority.HIGH)
        assert await again is RequestState.COMPLETED
        assert found(desk).found == 7, "one alone says nothing of several"
        await asyncio.sleep(15)
        assert desk.mode[2] == 1, "nothing is tried while it is"
        await asyncio.sleep(160)
        limits = [event.max_concurrent for event in desk.told(LimitsChanged)]
        assert limits[:9] == [7, 1, 2, 3, 4, 5, 6, 7, 8], "not what it was, and then by trials"
        modes = [event.mode for event in desk.told(ModeChanged)]
        assert modes == ["sequential", "concurrent"]
        assert {await handle for handle in bad} == {RequestState.COMPLETED}
        await asyncio.sleep(300)
        assert found(desk).found == 4
        desk.service.cancel_all()
        assert len(rest) == 300
        await desk.service.aclose()

    @virtual
    async def test_held_down_it_learns_nothing(self) -> None:
        """Also where the limit that it was cut to is the one that it is held down to."""
        desk = desk_of(fallback_quiet=60.0)
        bad = [desk.ask(BUSY, Plan()) for _ in range(2)]
        fill(desk)
        await asyncio.sleep(50)
        assert desk.mode == ("sequential", "fallback: server busy", 1)
        assert (found(desk).words, desk.service._manager.wanted_limit) == ("auto: settled at 1", 1)
        assert {await handle for handle in bad} == {RequestState.COMPLETED}
        await asyncio.sleep(200)
        assert found(desk).found == 4, "afterwards it does"
        desk.service.cancel_all()
        await desk.service.aclose()

    @virtual
    async def test_a_trial_that_is_too_much_is_taken_back_and_no_more(self) -> None:
        desk = desk_of(8)
        fill(desk)
        while desk.mode[2] != 4:
            await asyncio.sleep(0.5)
            assert asyncio.get_running_loop().time() < 60, "it never tried more"
        assert found(desk).phase == "trying"
        await asyncio.sleep(0.5)
        refused = desk.ask(BUSY, Plan(), priority=Priority.HIGH)
        await asyncio.sleep(4)
        assert desk.mode == ("concurrent", "", 2), "as before the trial"
        assert desk.told(ModeChanged) == []
        assert found(desk).phase == "resting"
        assert await refused is RequestState.COMPLETED
        assert refused.attempt == 1, "put back, and its attempt with it"
        desk.service.cancel_all()
        await desk.service.aclose()


class TestServers:
    @virtual
    async def test_another_number_of_servers_is_measured_anew(self) -> None:
        server = Told()
        desk = desk_of(server)
        fill(desk)
        await asyncio.sleep(5)
        assert "tokens/s" in found(desk).words
        server.states[1] = ServerState.OPEN
        await asyncio.sleep(1.1)
        assert found(desk).words.endswith("; measuring")
        assert "tokens/s" not in found(desk).words, "what was measured is forgotten"
        desk.service.cancel_all()
        await desk.service.aclose()

    @virtual
    async def test_another_backend_is_measured_anew(self) -> None:
        desk = desk_of()
        fill(desk)
        await asyncio.sleep(200)
        assert found(desk).found == 4
        other = Slotted(2)
        other.plans = desk.server.plans
        desk.service.use_backend(other)
        assert found(desk).words.endswith("; measuring")
        await asyncio.sleep(300)
        assert found(desk).found == 2
        desk.service.cancel_all()
        await desk.service.aclose()
