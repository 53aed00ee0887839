"""The first screen has the classes of its size before Textual gives them."""

from __future__ import annotations

import pytest
from textual.app import App
from textual.geometry import Size
from textual.screen import Screen

from ccchat_tui.testing.app import scripted_app
from ccchat_tui.tui import small


class Sized(App[None]):
    HORIZONTAL_BREAKPOINTS = small.SLIM
    VERTICAL_BREAKPOINTS = small.LOW


@pytest.mark.parametrize(("width", "height"), [(1, 1), (71, 17), (72, 17), (71, 18), (72, 18)])
async def test_the_classes_are_those_that_textual_gives(width: int, height: int) -> None:
    app = Sized()
    async with app.run_test(size=(width, height)) as pilot:
        await pilot.pause()
        assert set(small.classes_of(Size(width, height))) <= app.screen.classes
        assert len(app.screen.classes & {"-low", "-high", "-slim", "-broad"}) == 2


async def test_the_screen_is_styled_once_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """Classes that come later style everything in it all over again."""
    styled: list[object] = []
    update = Screen.update_node_styles

    def noted(self: Screen[object], animate: bool = True) -> None:
        styled.append(self)
        update(self, animate)

    monkeypatch.setattr(Screen, "update_node_styles", noted)
    app = scripted_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        assert styled == [app.chats]
