"""What is said while conversations cannot be saved, and what comes back once they can."""

from __future__ import annotations

from pathlib import Path

import pytest

from ccchat_tui.testing.app import until
from ccchat_tui.tui.widgets.header import lay_out
from tests.sessions.stored import everything
from tests.tui.history_app import KeptApp, kept_app
from tests.tui.test_header import DEMO, FALLBACK, OLLAMA, snapshot

SIGN = "▲ not saved"


def header(app: KeptApp) -> str:
    return "".join(piece.text for piece in app.chats.header.pieces)


@pytest.fixture
def path_in_the_way(tmp_path: Path) -> Path:
    """A store whose folder cannot be made: there is a file of that name."""
    (tmp_path / "folder").touch()
    return tmp_path / "folder" / "c.db"


async def chats_of_last_time(path: Path) -> None:
    """Leave two chats behind, the second with a draft."""
    app = kept_app(path, prefix="old-")
    async with app.run_test() as pilot:
        await app.begun()
        await pilot.press(*"One", "enter")
        await until(lambda: app.pane.composer.text == "")
        await pilot.press("ctrl+n", *"two")
        await app.settle()


@pytest.mark.parametrize("width", [45, 60, 80, 120, 200])
def test_the_sign_stays_at_every_width(width: int) -> None:
    for server in (OLLAMA, DEMO):
        for queue in (snapshot(), FALLBACK, None):
            pieces = lay_out(server, queue, width, unsaved=True)
            assert sum(piece.width for piece in pieces) == width
            assert [piece.target for piece in pieces if SIGN in piece.text] == ["saving"]


async def test_the_sign_lasts_until_saving_works_and_says_why(path_in_the_way: Path) -> None:
    path = path_in_the_way
    app = kept_app(path)
    async with app.run_test(notifications=True, size=(120, 40)) as pilot:
        await until(lambda: SIGN in header(app))
        app.clear_notifications()
        await pilot.press(*"Hello", "enter")
        await until(lambda: app.pane.composer.text == "")
        assert SIGN in header(app)
        assert app.said == [], "it is told once, and shown for as long as it lasts"
        await pilot.click(app.chats.header, offset=(header(app).index(SIGN), 0))
        await app.settle()
        assert len(app.said) == 1
        assert str(path.parent) in app.said[0]
        path.parent.unlink()
        await until(lambda: SIGN not in header(app))
        assert list(everything(path).values()) == [["Hello"]]


@pytest.mark.parametrize("begun", ["nothing", "a draft", "a setting"])
async def test_tabs_come_back_when_the_store_opens_later(tmp_path: Path, begun: str) -> None:
    folder, away = tmp_path / "folder", tmp_path / "away"
    await chats_of_last_time(folder / "c.db")
    folder.rename(away)
    folder.touch()
    app = kept_app(folder / "c.db")
    async with app.run_test(notifications=True) as pilot:
        await until(lambda: app.keeping.ready and SIGN in header(app))
        first = app.pane
        if begun == "a draft":
            await pilot.press(*"mine")
        elif begun == "a setting":
            app.sessions.rename(first.session, "My own")
        folder.unlink()
        away.rename(folder)
        await until(lambda: len(app.chats.deck.panes) >= 2 and app.chats.deck.panes[-1].is_attached)
        await until(lambda: any("came back" in words for words in app.said))
        await app.settle()
        drafts = [pane.composer.text for pane in app.chats.deck.panes]
        if begun == "nothing":
            assert drafts == ["", "two"]
            assert app.pane.composer.text == "two"
        else:
            assert drafts == ["mine" if begun == "a draft" else "", "", "two"]
            assert app.pane is first, "nobody is taken from what they are at"
            await pilot.press("x")
            assert first.composer.text.endswith("x")
