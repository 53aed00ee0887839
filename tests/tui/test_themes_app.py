"""The whole app in each of our themes: whatever it says can be read."""

from __future__ import annotations

import pytest

from ccchat_tui.backends.base import ErrorKind
from ccchat_tui.testing.app import scripted_app
from tests.tui.test_themes import LEAST, OURS
from tests.tui.theme_show import hard_to_read


@pytest.mark.parametrize("name", OURS)
async def test_everything_the_app_says_can_be_read(name: str) -> None:
    """Streaming, queued, failed, cancelled, refused, paused; every place with the focus in turn."""
    app = scripted_app(users=("Ada", "Bob", "Cleo"), theme=name, max_concurrent_chats=2)
    async with app.run_test(size=(160, 50), notifications=True) as pilot:
        await app.settle()
        for number, text in ((1, "one"), (2, "two"), (2, "three"), (3, "four")):
            await app.ask(text, number)
        await app.script.emit("one", "A *reply* with `code`.")
        await app.script.fail("two", ErrorKind.MODEL_NOT_FOUND, "model 'x' not found")
        app.sessions.cancel_newest(app.session(3))
        app.pane.tell("Not sent: 20 requests a minute are the limit.", problem=True)
        app.notify("A notice.", severity="warning", timeout=1000)
        app.service.pause()
        for grid in (False, True):
            app.chats.deck.show(grid=grid)
            for _ in range(6):
                await app.settle()
                assert hard_to_read(app, LEAST[name]) == []
                await pilot.press("f6")
            for key in ("down", "down", "tab", "tab", "tab"):
                await pilot.press(key)
                await app.settle()
                assert hard_to_read(app, LEAST[name]) == []


@pytest.mark.parametrize("name", OURS)
async def test_every_screen_over_it_can_be_read(name: str) -> None:
    app = scripted_app(theme=name)
    async with app.run_test(size=(120, 40)) as pilot:
        await app.settle()
        await app.ask("one")
        await app.script.emit("one", "A reply.")
        for key in ("f1", "f2", "f3", "f4", "ctrl+p", "ctrl+q"):
            await pilot.press(key)
            await app.settle()
            assert app.screen is not app.chats
            assert hard_to_read(app, LEAST[name], ".box, #--container") == [], key
            await pilot.press("escape")
            await app.settle()
            assert app.screen is app.chats
