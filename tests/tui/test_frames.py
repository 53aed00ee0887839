"""The frame clock: who is asked for a frame, when, and when it stands still."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from textual.app import App

from ccchat_tui.tui.frames import FrameClock


class Client:
    """Draws as often as it is told to, and remembers it."""

    def __init__(self, log: list[str], name: str, *, frames: int = 1_000_000) -> None:
        self.log = log
        self.name = name
        self.frames = frames
        self.is_visible = True
        self.is_urgent = False
        self.during: Callable[[], None] | None = None

    def on_frame(self) -> bool:
        self.log.append(self.name)
        self.frames -= 1
        if self.during is not None:
            self.during()
        return self.frames > 0


class Meter:
    """A time that passes only when somebody is drawn."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def runs(clock: FrameClock) -> bool:
    """Whether the timer runs by now."""
    return clock.running


async def test_urgent_in_every_frame_the_others_in_turn_between() -> None:
    log: list[str] = []
    async with App[None]().run_test() as pilot:
        clock = FrameClock(pilot.app, fps=1, share=2)
        clients = [Client(log, name) for name in "abcde"]
        clients[3].is_urgent = True
        for client in clients:
            clock.attach(client)
        beats = []
        for _ in range(8):
            log.clear()
            clock.beat()
            beats.append("".join(log))
        assert beats == ["d", "ab", "d", "ce", "d", "ab", "d", "ce"]


async def test_a_costly_urgent_client_does_not_starve_the_others() -> None:
    log: list[str] = []
    meter = Meter()
    async with App[None]().run_test() as pilot:
        clock = FrameClock(pilot.app, fps=1, budget=0.010, share=1, time_source=meter)
        clients = [Client(log, name) for name in "uab"]
        clients[0].is_urgent = True
        for client in clients:
            client.during = lambda: setattr(meter, "now", meter.now + 0.1)
            clock.attach(client)
        for _ in range(8):
            clock.beat()
        assert log == list("uaubuaub")


async def test_the_budget_ends_a_turn_and_the_rest_comes_first_in_the_next() -> None:
    log: list[str] = []
    meter = Meter()
    async with App[None]().run_test() as pilot:
        clock = FrameClock(pilot.app, fps=1, budget=0.010, share=1, time_source=meter)
        for name in "abcde":
            client = Client(log, name)
            client.during = lambda: setattr(meter, "now", meter.now + 0.006)
            clock.attach(client)
        clock.beat()
        clock.beat()
        assert log == ["a", "b"]
        clock.beat()
        clock.beat()
        assert log == ["a", "b", "c", "d"]


async def test_all_at_once_if_asked() -> None:
    log: list[str] = []
    meter = Meter()
    async with App[None]().run_test() as pilot:
        clock = FrameClock(pilot.app, fps=1, time_source=meter)
        for name in "abcde":
            client = Client(log, name)
            client.is_urgent = name == "c"
            client.during = lambda: setattr(meter, "now", meter.now + 1)
            clock.attach(client)
        clock.tick()
        assert log == list("cabde")


async def test_it_stands_still_when_nobody_wants_a_frame() -> None:
    log: list[str] = []
    async with App[None]().run_test() as pilot:
        clock = FrameClock(pilot.app, fps=1, share=1)
        assert not runs(clock)
        client = Client(log, "a", frames=2)
        clock.attach(client)
        assert runs(clock)
        clock.tick()
        clock.tick()
        assert log == ["a", "a"]
        clock.tick()
        assert not runs(clock)
        clock.tick()
        assert log == ["a", "a"]
        clock.wake()
        assert runs(clock)
        clock.tick()
        assert log == ["a", "a", "a"]


async def test_the_timer_draws_frames_of_itself() -> None:
    async with App[None]().run_test() as pilot:
        clock = FrameClock(pilot.app, fps=100)
        client = Client([], "a", frames=3)
        clock.attach(client)
        for _ in range(500):
            if not clock.running:
                break
            await pilot.pause(0.01)
        assert client.frames == 0
        assert not runs(clock)


async def test_who_is_out_of_sight_is_left_alone_and_stays_due() -> None:
    log: list[str] = []
    async with App[None]().run_test() as pilot:
        clock = FrameClock(pilot.app, fps=1, share=1)
        hidden, shown = Client(log, "hidden", frames=1), Client(log, "shown", frames=1)
        hidden.is_visible = False
        clock.attach(hidden)
        clock.attach(shown)
        clock.tick()
        assert log == ["shown"]
        clock.tick()
        assert not runs(clock)
        hidden.is_visible = True
        clock.wake()
        shown.frames = 1
        log.clear()
        clock.tick()
        assert sorted(log) == ["hidden", "shown"]


async def test_a_wake_during_a_frame_is_not_lost() -> None:
    """More comes in while the client draws what it believes to be the last: it is asked again."""
    log: list[str] = []
    async with App[None]().run_test() as pilot:
        clock = FrameClock(pilot.app, fps=1, share=1)
        client = Client(log, "a", frames=1)
        client.during = clock.wake
        clock.attach(client)
        clock.tick()
        client.during = None
        clock.tick()
        assert log == ["a", "a"]


async def test_a_client_that_leaves_while_it_is_drawn_is_not_asked_again() -> None:
    log: list[str] = []
    async with App[None]().run_test() as pilot:
        clock = FrameClock(pilot.app, fps=1, share=1)
        client = Client(log, "a")
        client.during = lambda: clock.detach(client)
        clock.attach(client)
        clock.tick()
        clock.tick()
        clock.wake()
        clock.tick()
        assert log == ["a"]
        assert not runs(clock)


async def test_clients_learn_whom_to_wake() -> None:
    class Knowing(Client):
        def use_clock(self, clock: FrameClock | None) -> None:
            told.append(clock)

    told: list[FrameClock | None] = []

    async with App[None]().run_test() as pilot:
        clock = FrameClock(pilot.app, fps=1)
        client = Knowing([], "a")
        clock.attach(client)
        assert told == [clock]
        clock.attach(client)
        clock.tick()
        assert client.log == ["a"]
        clock.detach(client)
        assert told == [clock, None]
        clock.detach(client)
        assert told == [clock, None]


def test_bad_figures_are_named() -> None:
    with pytest.raises(ValueError, match="fps is 0"):
        FrameClock(App[None](), fps=0)
    with pytest.raises(ValueError, match="share is 0"):
        FrameClock(App[None](), share=0)
