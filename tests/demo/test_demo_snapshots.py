"""A demo as pictures: as it is played, taken over, and the same load in two ways."""

from __future__ import annotations

from typing import cast

import pytest
from textual.pilot import Pilot

from ccchat_tui.clock import ManualClock
from ccchat_tui.config import Settings
from ccchat_tui.testing.app import AppUnderTest, demo_app, drawn
from ccchat_tui.tui.demo.compare_screen import CompareScreen
from ccchat_tui.tui.demo.run import load_of
from tests.demo.demo_app import DemoUnderTest, playing, show_of
from tests.tui.test_snapshots import Snap, shape, snap

__all__ = ["snap"]  # a fixture, found by its name

SMALL, USUAL = (60, 20), (100, 32)


class TestPlaying:
    def test_three_people_type_at_once(self, snap: Snap) -> None:
        """Side by side, half a message in each box, and what the scenario says of itself."""

        async def story(app: AppUnderTest, pilot: Pilot[None]) -> None:
            await cast("DemoUnderTest", app).pass_time(1)

        snap(story, playing("hello"), (150, 44))

    def test_one_is_taken_over(self, snap: Snap) -> None:
        """The presenter writes in Ada's chat; the others go on, and the key is told."""

        async def story(app: AppUnderTest, pilot: Pilot[None]) -> None:
            demo = cast("DemoUnderTest", app)
            await demo.pass_time(0.6)
            await pilot.press(*" (my own words)")
            await demo.pass_time(3)

        snap(story, playing("hello"), (120, 40))

    @pytest.mark.parametrize("size", [SMALL, (80, 24)], ids=shape)
    def test_where_there_is_little_room(self, snap: Snap, size: tuple[int, int]) -> None:
        """The server is about to die; paused, for there is something to be explained."""

        async def story(app: AppUnderTest, pilot: Pilot[None]) -> None:
            demo = cast("DemoUnderTest", app)
            await demo.pass_time(4.2)
            if size != SMALL:
                await pilot.press("alt+g")

        snap(story, playing("server-trouble"), size)


class TestSideBySide:
    async def shown(
        self, app: AppUnderTest, seconds: float, *, speed: float = 4.0
    ) -> CompareScreen:
        """The comparison, so many seconds of the load on."""
        load = load_of(show_of("rush-hour"), Settings())
        clock = ManualClock()
        screen = CompareScreen(load, clock, speed=speed)
        await app.push_screen(screen)
        clock.advance(seconds / speed)
        screen.beat()
        await drawn(app)
        screen.beat()
        return screen

    @pytest.mark.parametrize("size", [SMALL, (80, 24), (120, 40)], ids=shape)
    def test_midway(self, snap: Snap, size: tuple[int, int]) -> None:
        """One column lags behind: its queue is long, and most of its lanes only wait."""

        async def story(app: AppUnderTest, pilot: Pilot[None]) -> None:
            await self.shown(app, 34)

        snap(story, demo_app(), size)

    @pytest.mark.parametrize("size", [SMALL, USUAL], ids=shape)
    def test_what_differed(self, snap: Snap, size: tuple[int, int]) -> None:
        """Both are over: figures, as bars and numbers."""

        async def story(app: AppUnderTest, pilot: Pilot[None]) -> None:
            screen = await self.shown(app, 5000)
            assert all(world.over for world in screen.worlds)

        snap(story, demo_app(), size)

    def test_the_formulas(self, snap: Snap) -> None:
        """A key away from the figures."""

        async def story(app: AppUnderTest, pilot: Pilot[None]) -> None:
            await self.shown(app, 5000)
            await pilot.press("f")

        snap(story, demo_app(), USUAL)
