"""One message to several chats: who gets it, and where it stays that nobody took."""

from __future__ import annotations

from textual.widgets import OptionList

from ccchat_tui.testing.app import AppUnderTest, scripted_app
from ccchat_tui.tui.screens.broadcast import BroadcastScreen
from tests.tui.test_comparing import NOTES, asked, files
from tests.tui.test_slash import give

SIZE = (120, 40)
USERS = ("Ada", "Bob", "Cleo")


def toasts(app: AppUnderTest) -> list[str]:
    """What was told in toasts."""
    return [note.message for note in app._notifications]


def problem(app: AppUnderTest) -> str:
    """What the dialog says is wrong."""
    return str(app.screen.query_one(".problem").content)  # type: ignore[attr-defined]


class TestCommand:
    """`/broadcast text`."""

    async def test_it_goes_to_all(self) -> None:
        app = scripted_app(users=USERS)
        async with app.run_test(size=SIZE) as pilot:
            await app.settle()
            await give(app, pilot, "/broadcast Hello\nthere")
            assert asked(app) == [["Hello\nthere"]] * 3
            assert app.pane.composer.text == ""
            assert toasts(app) == ["Sent to 3 chats."]

    async def test_what_is_refused_becomes_the_draft_of_that_chat(self) -> None:
        app = scripted_app(users=USERS, max_concurrent_chats=1, max_queue=1)
        async with app.run_test(size=SIZE) as pilot:
            await app.settle()
            # Also of the one in which it was typed.
            await pilot.press("alt+3")
            await give(app, pilot, "/broadcast Hello")
            assert asked(app) == [["Hello"], ["Hello"], []]
            texts = [pane.composer.text for pane in app.chats.deck.panes]
            assert texts == ["", "", "Hello"]
            (told,) = toasts(app)
            assert told.startswith("Sent to 2 of 3 chats. Not sent to 3 Cleo · New chat: ")

    async def test_attached_files_go_along_or_wait_where_the_text_waits(self) -> None:
        app = scripted_app(users=USERS, max_concurrent_chats=1, max_queue=1)
        async with app.run_test(size=SIZE) as pilot:
            await app.settle()
            app.pane.attaching.put([NOTES])
            await give(app, pilot, "/broadcast Hello")
            assert files(app) == [[["notes.txt"]], [["notes.txt"]], []]
            left = [pane.session.attached for pane in app.chats.deck.panes]
            assert left == [(), (), (NOTES,)]

    async def test_a_draft_that_is_there_stays_and_the_text_stays_in_the_dialog(self) -> None:
        app = scripted_app(users=USERS, max_concurrent_chats=1, max_queue=1)
        async with app.run_test(size=SIZE) as pilot:
            await app.settle()
            cleo = app.chats.deck.panes[2]
            cleo.composer.set_draft("I was writing")
            await give(app, pilot, "/broadcast Hello")
            assert cleo.composer.text == "I was writing"
            screen = app.screen
            assert isinstance(screen, BroadcastScreen)
            assert screen.composer.text == "Hello"
            assert screen.marked == [cleo.session]
            assert "3 Cleo" in problem(app)
            app.sessions.cancel_newest(app.session(2))
            await pilot.press("enter")
            await app.settle()
            assert asked(app) == [["Hello"], ["Hello"], ["Hello"]]
            assert app.chats.is_current
            assert cleo.composer.text == "I was writing"


class TestDialog:
    """Chosen ones, by keyboard."""

    async def test_those_that_are_marked_get_it(self) -> None:
        app = scripted_app(users=USERS)
        async with app.run_test(size=SIZE) as pilot:
            await app.settle()
            await pilot.press("alt+s")
            await pilot.press("h", "a", "space", "a", "tab", "down", "space", "shift+tab", "enter")
            await app.settle()
            assert asked(app) == [["ha a"], [], ["ha a"]]
            assert app.chats.is_current
            assert toasts(app) == ["Sent to 2 chats."]

    async def test_nobody_is_marked(self) -> None:
        app = scripted_app(users=USERS)
        async with app.run_test(size=SIZE) as pilot:
            await app.settle()
            await give(app, pilot, "/broadcast")
            await pilot.press("x", "tab", "a", "shift+tab", "enter")
            await app.settle()
            assert problem(app).startswith("No chat is marked")
            assert isinstance(app.screen, BroadcastScreen)
            assert app.screen.composer.text == "x"
            await pilot.press("tab", "a", "space", "shift+tab", "enter")
            await app.settle()
            assert asked(app) == [[], ["x"], ["x"]]

    async def test_refused_ones_are_named_stay_marked_and_the_text_stays(self) -> None:
        app = scripted_app(users=USERS, max_concurrent_chats=1, max_queue=1)
        async with app.run_test(size=SIZE) as pilot:
            await app.settle()
            await pilot.press("alt+s", "x", "enter")
            await app.settle()
            screen = app.screen
            assert isinstance(screen, BroadcastScreen)
            assert problem(app).startswith("Sent to 2. Not sent to 3 Cleo · New chat: ")
            assert screen.composer.text == "x"
            rows = screen.query_one(OptionList).options
            assert [str(row.prompt)[:3] for row in rows] == ["[ ]", "[ ]", "[X]"]
            # Left and come back to: text and marks are as they were.
            await pilot.press("escape")
            assert app.chats.is_current
            await pilot.press("alt+s")
            assert isinstance(app.screen, BroadcastScreen)
            assert app.screen.composer.text == "x"
            app.sessions.cancel_newest(app.session(2))
            await pilot.press("enter")
            await app.settle()
            assert asked(app) == [["x"], ["x"], ["x"]]
            await pilot.press("alt+s")
            assert isinstance(app.screen, BroadcastScreen)
            assert app.screen.composer.text == ""
            assert len(app.screen.marked) == 3

    async def test_hostile_names_and_a_chat_that_is_gone(self) -> None:
        app = scripted_app(users=("[b]A[/b]\x1b[31m", "Bob"))
        async with app.run_test(size=SIZE) as pilot:
            await app.settle()
            await pilot.press("alt+s", "x")
            rows = app.screen.query_one(OptionList).options
            assert "[b]A[/b]" in str(rows[0].prompt)
            assert "\x1b" not in str(rows[0].prompt)
            app.sessions.close(app.session(2))
            await pilot.press("enter")
            await app.settle()
            assert asked(app) == [["x"]]
            assert toasts(app) == ["Sent to 1 chat."]
