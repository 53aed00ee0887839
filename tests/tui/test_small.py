"""Terminals with few rows and columns: what gives way, and what is said below that."""

from __future__ import annotations

import pytest
from textual.widgets import Button, Input

from ccchat_tui.testing.app import AppUnderTest, scripted_app
from ccchat_tui.tui.small import TooSmall


def told(app: AppUnderTest) -> str:
    """What lies over the screen, if anything does."""
    return "".join(str(each.render()) for each in app.screen.query("TooSmall Static"))


async def test_too_small_is_said_on_every_screen_and_nothing_typed_is_lost() -> None:
    app = scripted_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await app.settle()
        assert not app.screen.query(TooSmall)
        await pilot.resize_terminal(30, 8)
        await app.settle()
        assert told(app) == "Too small: 30 by 8\nccchat needs 40 by 10."
        assert app.screen.query_one(TooSmall).region == app.screen.region
        await pilot.press(*"blind")
        await pilot.press("f2")
        await app.settle()
        assert "Too small" in told(app), "a dialog that is opened meanwhile says so too"
        await pilot.resize_terminal(16, 2)
        await app.settle()
        assert told(app) == "needs 40 by 10"
        await pilot.resize_terminal(40, 10)
        await app.settle()
        assert told(app) == ""
        await pilot.press("escape")
        await app.settle()
        assert told(app) == "", "the screen below has it no more, either"
        assert app.pane.composer.text == "blind"


@pytest.mark.parametrize("key", ["f1", "f2", "f3", "f4", "alt+n", "f9"])
async def test_in_the_smallest_terminal_what_has_the_focus_is_seen_whole(key: str) -> None:
    app = scripted_app()
    async with app.run_test(size=(40, 10)) as pilot:
        await app.ask("Something that runs")
        await pilot.press(key)
        await app.settle()
        for _ in range(4):
            focused = app.focused
            if isinstance(focused, (Input, Button)):
                row = focused.content_region
                assert row.height == 1
                assert app.screen.find_widget(focused).visible_region.contains_region(row)
            await pilot.press("tab")
            await app.settle()


@pytest.mark.parametrize(("width", "beside"), [(60, False), (120, True)])
async def test_where_columns_are_few_the_settings_stand_below_one_another(
    width: int, beside: bool
) -> None:
    app = scripted_app()
    async with app.run_test(size=(width, 20)) as pilot:
        await app.settle()
        await pilot.press("f4")
        await app.settle()
        one, other = app.screen.query_one("#temperature"), app.screen.query_one("#top_p")
        assert (one.region.y == other.region.y) == beside
        assert one.region.width >= 16, "its hint can be read"
