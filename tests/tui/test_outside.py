"""That others reach the queue is seen, and where; while nobody does, nothing is."""

from __future__ import annotations

import asyncio

import pytest

from ccchat_tui.beside import Outside
from ccchat_tui.testing.app import drawn, scripted_app, until
from ccchat_tui.tui.screens.help import HelpScreen
from ccchat_tui.tui.widgets.header import ServerView, StatusHeader, lay_out
from tests.tui.test_header import FALLBACK, snapshot

URL = "http://127.0.0.1:11435"
SERVER = ServerView("Ollama", "http://127.0.0.1:11434")


def row(header: StatusHeader) -> str:
    return "".join(strip.text for strip in header.render_lines(header.size.region))


@pytest.mark.parametrize("width", [8, 20, 40, 60, 72, 80, 99, 100, 120, 200])
def test_a_row_is_exactly_as_wide_as_it_may_be(width: int) -> None:
    for queue in (FALLBACK, snapshot(), None):
        pieces = lay_out(SERVER, queue, width, outside="127.0.0.1:11435")
        assert sum(piece.width for piece in pieces) == width


async def test_header_and_help_say_where() -> None:
    app = scripted_app()
    app.outside = Outside(URL)
    async with app.run_test(size=(120, 30)) as pilot:
        await app.settle()
        assert "API 127.0.0.1:11435" in row(app.chats.header)
        await pilot.resize_terminal(80, 24)
        await app.settle()
        assert " API " in row(app.chats.header)
        assert "11435" not in row(app.chats.header)
        await pilot.press("f1")
        await drawn(app)
        assert isinstance(app.screen, HelpScreen)
        assert URL in app.screen._about
        await pilot.press("escape")
        app.outside.problem = "A fault [/b] has ended the API."
        app.outside.ended.set()
        await until(lambda: len(app._notifications) == 1)
        await app.settle()
        assert "API" not in row(app.chats.header)
        assert app.is_running
        await pilot.press("f1")
        await drawn(app)
        assert isinstance(app.screen, HelpScreen)
        assert URL not in app.screen._about


async def test_while_it_is_off_nothing_is_said() -> None:
    app = scripted_app()
    async with app.run_test(size=(200, 30)):
        await app.settle()
        assert "API" not in row(app.chats.header)
        names = [task.get_name() for task in asyncio.all_tasks()]
        assert not [name for name in names if "outside" in name or "tell_of_end" in name]
