"""Another scenario is chosen while one is played."""

from __future__ import annotations

from textual.pilot import Pilot

from ccchat_tui.scenarios.files import load
from ccchat_tui.tui.screens.choose import ChooseScreen
from tests.demo.demo_app import DemoUnderTest, playing


async def pressed(pilot: Pilot[None], app: DemoUnderTest, *keys: str) -> bool:
    """Whether the scene stands still once these keys were pressed."""
    await pilot.press(*keys)
    return app.show.scene.paused


async def test_one_of_the_list_is_played_next_and_escape_goes_on_with_this_one() -> None:
    app = playing("hello")
    there = [("hello", load("hello", None)), ("rush-hour", load("rush-hour", None))]
    async with app.run_test(size=(120, 36)) as pilot:
        await app.pass_time(1)
        app.show._choices = lambda: there
        await pilot.press("alt+y")
        assert isinstance(app.screen, ChooseScreen)
        assert await pressed(pilot, app, "alt+y"), "nothing is missed meanwhile"
        assert not await pressed(pilot, app, "escape")
        assert app.show.wanted == ""
        await pilot.press("alt+y", "down", "enter")
        assert (app.show.wanted, app.show.chosen) == ("chosen", there[1])
