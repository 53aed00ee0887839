"""Conversations that last, as a person meets them: tabs, drafts, the history, a disk that fails."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from textual import events

from ccchat_tui.sessions.model import TurnState
from ccchat_tui.testing.app import scripted_app, until
from ccchat_tui.tui.screens.history import Found, HistoryScreen
from ccchat_tui.tui.widgets.chat_pane import ChatPane
from tests.sessions.stored import conversation, everything, fill, kept
from tests.tui.history_app import KeptApp, kept_app

LONG = "\n\n".join(f"Paragraph {number} of a long reply." for number in range(80))

SOUP = f"{LONG}\n\nHerring, of course.\n\n{LONG}"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "c.db"


def titles(app: KeptApp) -> list[str]:
    return [pane.session.title for pane in app.chats.deck.panes]


def told(app: KeptApp) -> str:
    return app.history.list.text


# Sending ----------------------------------------------------------------------------------


async def test_the_box_is_cleared_when_the_turn_is_on_the_disk(path: Path) -> None:
    app = kept_app(path)
    async with app.run_test() as pilot:
        await app.begun()
        held: list[tuple[Any, Any]] = []
        put = app.store.put
        app.store.put = lambda job, done=None: held.append((job, done))  # type: ignore[method-assign]
        await pilot.press(*"Hello", "enter")
        await app.settle()
        assert app.pane.composer.text == "Hello", "nobody has it yet but the engine"
        assert app.pane.session.turns
        await pilot.press(*" more")
        for job, done in held:
            put(job, done)
        await until(lambda: "Hello" not in app.pane.composer.text)
        assert app.pane.composer.text == " more", "what was typed meanwhile stays"
        assert len(app.pane.session.turns) == 1
        assert list(everything(path).values()) == [["Hello"]]


async def test_a_disk_that_fails_is_told_and_nobody_waits_for_it(path: Path) -> None:
    folder = path.parent / "folder"
    folder.touch()
    app = kept_app(folder / "c.db")
    async with app.run_test(notifications=True) as pilot:
        await until(lambda: any("cannot be saved now" in said for said in app.said))
        await pilot.press(*"Hello", "enter")
        await until(lambda: app.pane.composer.text == "")
        assert app.pane.session.turns
        folder.unlink()
        await until(lambda: any("saved again" in said for said in app.said))
        assert list(everything(folder / "c.db").values()) == [["Hello"]]


# Tabs and drafts --------------------------------------------------------------------------


async def test_tabs_and_drafts_come_back(path: Path) -> None:
    app = kept_app(path)
    async with app.run_test() as pilot:
        await app.begun()
        await app.ask("First question")
        await app.script.emit(0, "a part of")
        await pilot.press("ctrl+n", *"Second draft")
        await pilot.press("ctrl+n", *"Third one")
        await pilot.press("alt+2")
        await app.settle()
    app = kept_app(path, prefix="b-")
    async with app.run_test() as pilot:
        await app.begun()
        assert titles(app) == ["First question", "New chat", "New chat"]
        assert [pane.composer.text for pane in app.chats.deck.panes] == [
            "",
            "Second draft",
            "Third one",
        ]
        assert app.pane.number == 2, "the one that was worked in"
        assert app.focused is app.pane.composer
        [turn] = app.session(1).turns
        assert (turn.state, turn.reply) == (TurnState.INTERRUPTED, "a part of")
        await pilot.press("alt+1", "ctrl+r")
        await app.script.emit("First question", "the whole")
        assert app.session(1).turns[0].reply == "the whole"


async def test_what_is_typed_before_they_are_back_is_for_the_chat_in_which_it_was_typed(
    path: Path,
) -> None:
    fill(path, conversation(1, title="Earlier", turns=(("a", "b"),)))
    first = kept_app(path)
    async with first.run_test():
        await first.begun()
        await first.keeping._open_chat(Found("s1"))
    app = kept_app(path, prefix="b-")
    app.keeping.start = lambda: None  # type: ignore[method-assign]
    async with app.run_test() as pilot:
        await pilot.press(*"Quick")
        await app.keeping._start()
        await app.settle()
        assert titles(app) == ["New chat", "Earlier"]
        assert (app.pane.number, app.pane.composer.text) == (1, "Quick")


async def test_letters_on_their_way_while_the_tabs_change_are_taken_along(path: Path) -> None:
    fill(path, conversation(1, title="Earlier", turns=(("a", "b"),)))
    first = kept_app(path)
    async with first.run_test():
        await first.begun()
        await first.keeping._open_chat(Found("s1"))
    app = kept_app(path, prefix="b-")
    activate = app.chats.activate

    def hastily(pane: ChatPane, *, focus: bool = True) -> None:
        if app.chats.deck.active is not None and pane.session.title == "Earlier":
            for letter in "hi":
                app.pane.composer.post_message(events.Key(letter, letter))
        activate(pane, focus=focus)

    app.chats.activate = hastily  # type: ignore[method-assign]
    async with app.run_test():
        await app.begun()
        assert titles(app) == ["Earlier"]
        assert app.pane.composer.text == "hi"


@pytest.mark.parametrize(
    ("settings", "tabs_of", "back"),
    [
        ({}, None, ["Of Ada", "Of Bob"]),
        ({"users": ("Bob", "Cleo")}, frozenset({"Bob", "Cleo"}), ["New chat", "Of Bob"]),
        ({"restore_tabs": False}, None, ["New chat"]),
    ],
)
async def test_whose_tabs_come_back(
    path: Path, settings: dict[str, object], tabs_of: frozenset[str] | None, back: list[str]
) -> None:
    app = kept_app(path, users=("Ada", "Bob"))
    async with app.run_test():
        await app.begun()
        for number, name in ((1, "Of Ada"), (2, "Of Bob")):
            app.sessions.rename(app.session(number), name)
    app = kept_app(path, prefix="b-", tabs_of=tabs_of, **settings)
    async with app.run_test():
        await app.begun()
        assert titles(app) == back
        assert [pane.number for pane in app.chats.deck.panes] == list(range(1, len(back) + 1))
    if tabs_of is not None:
        app = kept_app(path, prefix="c-")
        async with app.run_test():
            await app.begun()
            assert sorted(titles(app)) == ["Of Ada", "Of Bob"], "those left out were not lost"


async def test_a_closed_tab_does_not_come_back_but_is_in_the_history(path: Path) -> None:
    app = kept_app(path)
    async with app.run_test() as pilot:
        await app.begun()
        await app.ask("Closed later")
        await app.script.finish(0)
        await pilot.press("f9")
        await app.settle()
    app = kept_app(path, prefix="b-")
    async with app.run_test() as pilot:
        await app.begun()
        assert titles(app) == ["New chat"]
        await pilot.press("f12")
        await app.listed(1)
        assert "Closed later" in told(app)


# The history ------------------------------------------------------------------------------


@pytest.fixture
def shelf(path: Path) -> Path:
    """A file with conversations about fish."""
    fill(
        path,
        conversation(1, title="Soup", turns=(("What with?", SOUP),)),
        conversation(2, title="Stew [/oops]", turns=(("And this?", "Cod"), ("Or?", "Herring")),
                     user="Bob"),
        conversation(3, title="Bread", turns=(("How long?", "An hour"),)),
    )  # fmt: skip
    return path


async def test_search_and_open_with_the_hit_in_view(shelf: Path) -> None:
    app = kept_app(shelf)
    async with app.run_test(size=(120, 40)) as pilot:
        await app.begun()
        await pilot.press("f12")
        await app.listed(3)
        for row, title in zip(told(app).splitlines(), ("Bread", "Stew", "Soup"), strict=True):
            assert title in row
        await pilot.press(*"herring cour", "enter")  # before the answer is there
        await until(lambda: app.pane.session.title == "Soup")
        await app.settle()
        transcript = app.pane.transcript
        seen = "\n".join(transcript.render_line(y).text for y in range(transcript.size.height))
        assert "Herring, of course." in seen
        assert not transcript.following
        assert app.focused is app.pane.composer
        # It is open now: the same again goes there.
        await pilot.press("f12")
        await app.listed(3)
        await pilot.press(*"soup", "enter")
        await until(lambda: not app.chats.deck.panes or app.screen is app.chats)
        await app.settle()
        assert titles(app).count("Soup") == 1


async def test_two_rows_each_while_searching_and_nothing_found_is_said(shelf: Path) -> None:
    app = kept_app(shelf)
    async with app.run_test(size=(120, 40)) as pilot:
        await app.begun()
        await pilot.press("alt+h")
        await app.listed(3)
        await pilot.press(*"herring")
        await app.listed(2)
        rows = told(app).splitlines()
        assert len(rows) == 4
        assert rows[1].split() == ["▎", "Herring"]
        await pilot.press(*"xyz")
        await app.listed(0)
        assert "0 conversations with “herringxyz”" in str(app.history.query_one(".said").render())
        await pilot.press("enter")
        assert isinstance(app.screen, HistoryScreen), "there is nothing to open"


async def test_name_tag_pin_delete_and_undo(shelf: Path) -> None:
    app = kept_app(shelf)
    async with app.run_test(size=(120, 40)) as pilot:
        await app.begun()
        await pilot.press("f12")
        await app.listed(3)
        await pilot.press("down", "f2", "ctrl+u", *"Casserole", "enter")
        await until(lambda: "Casserole" in told(app))
        await pilot.press("f3", *"fish north", "enter")
        await until(lambda: "#fish #north" in told(app))
        await pilot.press("f4")
        await until(lambda: "★" in told(app).splitlines()[0])
        assert "Casserole" in told(app).splitlines()[0]
        await pilot.press("up", "up", "f9")
        await app.listed(2)
        assert "Casserole" not in told(app)
        await pilot.press("ctrl+z")
        await app.listed(3)
        assert "Casserole" in told(app)
        await pilot.press("ctrl+z")
        assert "Nothing was deleted here" in str(app.history.query_one(".said").render())
        await pilot.press("end", "f9")
        await app.listed(2)
    assert len(everything(shelf)) == 2, "what was deleted is gone for good when it ends"
    session = kept(shelf, "s2")
    assert session is None or session.title == "Casserole"


async def test_deleting_an_open_chat_closes_its_tab(path: Path) -> None:
    app = kept_app(path)
    async with app.run_test(size=(120, 40)) as pilot:
        await app.begun()
        await app.ask("Delete me")
        await app.script.emit(0, "half")
        await pilot.press("f12")
        await app.listed(1)
        await pilot.press("f9")
        await app.listed(0)
        await pilot.press("escape")
        await app.settle()
        assert titles(app) == ["New chat"]
    assert everything(path) == {}


async def test_a_long_list_asks_only_for_what_is_in_sight(path: Path) -> None:
    fill(path, *(conversation(number, title=f"Number {number}") for number in range(1000)))
    app = kept_app(path)
    async with app.run_test(size=(100, 30)) as pilot:
        await app.begun()
        await pilot.press("f12")
        await app.listed(1000)
        assert "Number 999" in told(app)
        assert app.history.list.known == 100
        await pilot.press("tab", "end")
        await app.listed(1000)
        assert "Number 0" in told(app)
        assert app.history.list.known == 200
        await pilot.press("pageup", "enter")
        await until(lambda: app.screen is app.chats)
        await until(lambda: app.pane.session.title.startswith("Number"))


async def test_without_a_store_it_says_so() -> None:
    app = scripted_app()
    async with app.run_test(notifications=True) as pilot:
        await pilot.press("f12")
        await app.settle()
        assert app.screen is app.chats
        assert any("in memory only" in notice.message for notice in app._notifications)
