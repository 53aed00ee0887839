"""Time that is slowed down, hurried and stopped, in virtual time and driven by hand."""

from __future__ import annotations

import asyncio
import random

import pytest

from ccchat_tui.backends.base import ChatMessage, Prompt
from ccchat_tui.clock import ManualClock
from ccchat_tui.engine.limits import EngineSettings
from ccchat_tui.engine.request import RequestState
from ccchat_tui.engine.service import ConcurrentChatService
from ccchat_tui.scenarios.model import Server, Trouble
from ccchat_tui.scenarios.scene_clock import SceneClock
from ccchat_tui.scenarios.server import ScenarioServer
from ccchat_tui.scenarios.virtual_time import LoopClock
from ccchat_tui.testing.virtual_time import run_virtual


def test_a_wait_takes_as_long_as_the_speed_says() -> None:
    async def waits() -> list[float]:
        scene = SceneClock(LoopClock())
        loop = asyncio.get_running_loop()
        took = []
        for speed in (1.0, 4.0, 0.5):
            scene.set_speed(speed)
            began = loop.time()
            await scene.sleep(2)
            took.append(loop.time() - began)
        return took

    assert run_virtual(waits()) == pytest.approx([2, 0.5, 4])


def test_changes_in_the_middle_of_a_wait_count_from_then_on() -> None:
    async def waits() -> tuple[float, float]:
        scene = SceneClock(LoopClock())
        loop = asyncio.get_running_loop()
        loop.call_later(1, scene.pause)
        loop.call_later(101, scene.resume)
        loop.call_later(102, scene.set_speed, 8.0)
        await scene.sleep(10)
        return loop.time(), scene.monotonic()

    # 1 s, a pause of 100 s, 1 s more, and 8 s at eight times the speed.
    assert run_virtual(waits()) == pytest.approx((103, 10))


def test_what_is_cancelled_is_not_called_and_the_others_are_in_their_order() -> None:
    clock = ManualClock()
    scene = SceneClock(clock, driven=True)
    called: list[str] = []
    scene.call_later(2, lambda: called.append("second"))
    first = scene.call_later(1, lambda: called.append("cancelled"))
    scene.call_later(1, lambda: called.append("first"))
    first.cancel()
    clock.advance(5)
    scene.beat()
    assert called == ["first", "second"]


def test_a_stopped_one_calls_nothing() -> None:
    clock = ManualClock()
    scene = SceneClock(clock, driven=True)
    scene.call_later(1, lambda: pytest.fail("it was stopped"))
    scene.stop()
    clock.advance(2)
    scene.beat()


def test_the_speed_stays_within_its_bounds() -> None:
    scene = SceneClock(ManualClock(), driven=True)
    scene.set_speed(100)
    assert scene.speed == 8
    scene.set_speed(0)
    assert scene.speed == 0.5


def test_the_engine_goes_by_its_timers() -> None:
    """An hour's pause makes nothing time out, and what is tried again waits for the scene."""

    async def asked() -> tuple[RequestState, int, float]:
        scene = SceneClock(LoopClock(), speed=8)
        down = Trouble(what="down", at=0, seconds=3)
        server = ScenarioServer(Server(), [down], 0, pace=scene)
        settings = EngineSettings(timeout=60, stall_timeout=5, retry_attempts=8)
        service = ConcurrentChatService(server, settings, clock=scene, rng=random.Random(1))
        server.begin()
        prompt = Prompt(model="", messages=(ChatMessage("user", "A haiku about tides."),))
        handle = service.submit(
            user="Ada", session_id="s", model="", prompt=lambda: prompt, preview="", id="1"
        )
        loop = asyncio.get_running_loop()
        # The first pause comes while it waits to be tried again, the second while it streams.
        for began, ended in ((0.2, 3600.2), (3601, 7201)):
            loop.call_later(began, scene.pause)
            loop.call_later(ended, scene.resume)
        state = await handle.wait()
        await service.aclose()
        return state, handle.attempt, scene.monotonic()

    state, attempts, took = run_virtual(asked())
    assert state is RequestState.COMPLETED
    assert attempts > 1
    assert 3 < took < 40


def test_a_time_limit_is_in_seconds_of_the_scene() -> None:
    async def asked() -> tuple[RequestState, float, float]:
        scene = SceneClock(LoopClock(), speed=8)
        server = ScenarioServer(Server(first_token=30), [], 0, pace=scene)
        service = ConcurrentChatService(server, EngineSettings(timeout=4), clock=scene)
        prompt = Prompt(model="", messages=(ChatMessage("user", "A haiku about tides."),))
        handle = service.submit(
            user="Ada", session_id="s", model="", prompt=lambda: prompt, preview="", id="1"
        )
        state = await handle.wait()
        await service.aclose()
        return state, scene.monotonic(), asyncio.get_running_loop().time()

    state, moment, real = run_virtual(asked())
    assert state is RequestState.TIMED_OUT
    assert (moment, real) == pytest.approx((4, 0.5), abs=1e-3)
