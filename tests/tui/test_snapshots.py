"""Every screen as a picture: a class for each matter, a sentence and a few keys for each picture.

After a change that is meant to be seen: `python -m pytest tests/tui/test_snapshots.py
--snapshot-update`, then look at each picture that differs.
"""

from __future__ import annotations

from typing import Any

import pytest
from textual.pilot import Pilot

from ccchat_tui.backends.base import ErrorKind
from ccchat_tui.testing.app import NO_SERVER, THEMES, AppUnderTest, demo_app, scripted_app
from ccchat_tui.testing.pictures import SnapStory
from ccchat_tui.testing.scripted import ScriptedBackend
from tests.support.palette import palette_found
from tests.tui.snapshot_texts import HOSTILE, MARKDOWN, THINKING

SIZES = [(80, 24), (120, 40), (200, 60)]


def shape(size: tuple[int, int]) -> str:
    """A size as it stands in the name of a picture."""
    return f"{size[0]}x{size[1]}"


Snap = SnapStory


@pytest.fixture
def snap(snap_story: SnapStory) -> Snap:
    """Compares a picture, taken after a story, with the one that was accepted."""
    return snap_story


async def nothing(app: AppUnderTest, pilot: Pilot[None]) -> None:
    """Just look."""


async def five_at_once(app: AppUnderTest, pilot: Pilot[None]) -> None:
    """Three users ask nine questions; five run, each as far as the clock lets it."""
    questions = ("Why is the sky blue?", "Compare TCP and QUIC", "What makes bread rise?")
    for number in (1, 2, 3):
        for question in questions:
            await app.ask(question, number)
    await app.pass_time(4)


def three_users(**settings: Any) -> AppUnderTest:
    """The demo model with three chats."""
    return demo_app(users=("Ada", "Bob", "Cleo"), **settings)


class TestEmpty:
    """Before anything was asked."""

    @pytest.mark.parametrize("size", SIZES, ids=shape)
    def test_first_sight(self, snap: Snap, size: tuple[int, int]) -> None:
        """A chat nobody has written in says what to do."""
        snap(nothing, size=size)

    def test_demo_asked_for(self, snap: Snap) -> None:
        """Who asked for the demo model sees that it answers, and no complaint."""
        snap(nothing, demo_app())

    def test_no_server(self, snap: Snap) -> None:
        """Header and pane say that no server answers and who does instead."""
        snap(nothing, scripted_app(ScriptedBackend(down=NO_SERVER)))

    def test_no_server_narrow(self, snap: Snap) -> None:
        """The same where there is little room."""
        snap(nothing, scripted_app(ScriptedBackend(down=NO_SERVER)), (60, 20))

    def test_server_without_models(self, snap: Snap) -> None:
        """A server that has no models says how to get one."""
        snap(nothing, scripted_app(ScriptedBackend(models=())))


class TestStreaming:
    """Replies on their way."""

    def test_one(self, snap: Snap) -> None:
        """A reply grows under its question while the next message is written."""

        async def story(app: AppUnderTest, pilot: Pilot[None]) -> None:
            await app.ask("Why is the sky blue?")
            await app.script.emit(0, "Because of **Rayleigh scattering**: short waves ")
            await pilot.press(*"And at dusk")

        snap(story)

    def test_two_in_one_chat(self, snap: Snap) -> None:
        """Each reply grows under its own question; what it did not know of is said."""

        async def story(app: AppUnderTest, pilot: Pilot[None]) -> None:
            await app.ask("Why is the sky blue?")
            await app.script.emit(0, "Because air scatters short waves more.")
            await app.ask("And the sea?")
            await app.script.emit(1, "It mirrors the sky, ")
            await app.script.emit(0, "\n\n- violet even more than blue\n")

        snap(story)

    @pytest.mark.parametrize("size", SIZES, ids=shape)
    def test_five_at_once(self, snap: Snap, size: tuple[int, int]) -> None:
        """Five of nine requests of three users run; the queue shows all of them."""
        snap(five_at_once, three_users(), size)

    def test_thinking(self, snap: Snap) -> None:
        """What a model thinks is shown apart until its answer begins."""

        async def story(app: AppUnderTest, pilot: Pilot[None]) -> None:
            await app.ask("Is 91 prime?")
            await app.script.emit(0, "", thinking=THINKING)

        snap(story)

    def test_completed(self, snap: Snap) -> None:
        """A whole reply has its figures above it."""

        async def story(app: AppUnderTest, pilot: Pilot[None]) -> None:
            await app.ask("Is 91 prime?")
            await app.script.emit(0, "", thinking=THINKING)
            app.time.advance(2)
            await app.script.emit(0, "No: 91 = 7 · 13.")
            app.time.advance(1)
            await app.script.finish(0, tokens=9)

        snap(story)

    def test_scrolled_back(self, snap: Snap) -> None:
        """Who reads further up is not moved, and sees that there is more below."""

        async def story(app: AppUnderTest, pilot: Pilot[None]) -> None:
            await app.ask("Count, please")
            await app.script.emit(0, "".join(f"{number}\n\n" for number in range(60)))
            await app.settle()
            app.pane.transcript.focus()
            await pilot.press("pageup")
            await app.script.emit(0, "".join(f"{number}\n\n" for number in range(60, 70)))

        snap(story)


class TestQueue:
    """More than can run."""

    def test_queued(self, snap: Snap) -> None:
        """With one at a time, the others wait in order."""

        async def story(app: AppUnderTest, pilot: Pilot[None]) -> None:
            for text in ("First", "Second", "Third"):
                await app.ask(text)
            await app.script.emit(0, "Here is the first. ")
            app.time.advance(3)

        snap(story, scripted_app(max_concurrent_chats=1))

    def test_sequential(self, snap: Snap) -> None:
        """One at a time by configuration is said."""
        snap(five_at_once, three_users(enable_concurrent_processing=False))

    def test_paused(self, snap: Snap) -> None:
        """A paused queue says so; what runs runs on."""

        async def story(app: AppUnderTest, pilot: Pilot[None]) -> None:
            await app.ask("First")
            await app.script.emit(0, "Still going ")
            await pilot.press("f10")
            await app.ask("Second")

        snap(story)

    def test_cursor_in_the_list(self, snap: Snap) -> None:
        """In the panel a cursor chooses the request to cancel, and the keys are told."""

        async def story(app: AppUnderTest, pilot: Pilot[None]) -> None:
            await five_at_once(app, pilot)
            app.chats.panel.queue.list.focus()
            await pilot.press("down", "down")

        snap(story, three_users())

    def test_ended_fade(self, snap: Snap) -> None:
        """An ended request stays a moment, dimmed."""

        async def story(app: AppUnderTest, pilot: Pilot[None]) -> None:
            await app.ask("First")
            await app.ask("Second")
            await app.script.emit(0, "Done.")
            await app.script.emit(1, "Not done")
            await app.script.finish(0)

        snap(story)

    def test_panel_hidden(self, snap: Snap) -> None:
        """Without the panel the chat has all the room."""

        async def story(app: AppUnderTest, pilot: Pilot[None]) -> None:
            await five_at_once(app, pilot)
            await pilot.press("ctrl+b")

        snap(story, three_users())

    def test_panel_wide(self, snap: Snap) -> None:
        """A wide panel says more of each request."""
        snap(five_at_once, three_users(panel_width=70), (160, 40))


class TestEndings:
    """Replies that did not come to their end."""

    def test_cancelled(self, snap: Snap) -> None:
        """What had come stays, with Retry."""

        async def story(app: AppUnderTest, pilot: Pilot[None]) -> None:
            await app.ask("Tell me a story")
            await app.script.emit(0, "Once upon a time ")
            await pilot.press("escape")

        snap(story)

    def test_cancelling(self, snap: Snap) -> None:
        """Until the connection is closed it is only being cancelled."""

        async def story(app: AppUnderTest, pilot: Pilot[None]) -> None:
            import asyncio  # noqa: PLC0415

            app.script.hold_cancel = asyncio.Event()
            await app.ask("Tell me a story")
            await app.script.emit(0, "Once upon a time ")
            await pilot.press("escape")
            await app.settle()
            app.call_later(app.script.hold_cancel.set)

        snap(story)

    @pytest.mark.parametrize(
        "kind",
        [
            ErrorKind.UNREACHABLE,
            ErrorKind.MODEL_NOT_FOUND,
            ErrorKind.STALLED,
            ErrorKind.DISCONNECTED,
            ErrorKind.OUT_OF_MEMORY,
        ],
        ids=lambda kind: kind.value,
    )
    def test_failed(self, snap: Snap, kind: ErrorKind) -> None:
        """What went wrong is told in words, with what helps."""

        async def story(app: AppUnderTest, pilot: Pilot[None]) -> None:
            await app.ask("Tell me a story")
            await app.script.emit(0, "Once upon a time ")
            await app.script.fail(0, kind, f"The test says: {kind.value.replace('_', ' ')}.")

        snap(story)

    def test_refused(self, snap: Snap) -> None:
        """A refused message is still where it was typed, and the reason stands above it."""

        async def story(app: AppUnderTest, pilot: Pilot[None]) -> None:
            for text in ("First", "Second"):
                await pilot.press(*text, "enter")
                await app.settle()

        snap(story, scripted_app(requests_per_minute=1))


class TestLayout:
    """Tabs and grid."""

    def test_many_tabs(self, snap: Snap) -> None:
        """Tabs that do not fit are counted at the edges."""

        async def story(app: AppUnderTest, pilot: Pilot[None]) -> None:
            await app.ask("Why?", 2)
            await app.ask("How?", 9)
            await app.script.emit("How?", "So ")
            await pilot.press("alt+6")

        users = tuple(f"user{number}" for number in range(1, 13))
        snap(story, scripted_app(users=users), (100, 30))

    @pytest.mark.parametrize("size", [(120, 40), (200, 60)], ids=shape)
    def test_grid(self, snap: Snap, size: tuple[int, int]) -> None:
        """Several chats side by side, all streaming."""

        async def story(app: AppUnderTest, pilot: Pilot[None]) -> None:
            await pilot.press("ctrl+g")
            await five_at_once(app, pilot)

        snap(story, three_users(), size)

    def test_composer_grows(self, snap: Snap) -> None:
        """The message box grows with its text and leaves the replies in view."""

        async def story(app: AppUnderTest, pilot: Pilot[None]) -> None:
            for line in range(6):
                await pilot.press(*f"line {line}", "ctrl+j")

        snap(story, size=(80, 24))


class TestDialogs:
    """Screens over the chats."""

    def test_help(self, snap: Snap) -> None:
        """Every key, from the bindings themselves."""

        async def story(app: AppUnderTest, pilot: Pilot[None]) -> None:
            await pilot.press("f1")

        snap(story, size=(120, 60))

    def test_palette(self, snap: Snap) -> None:
        """Every command, found by its name."""

        async def story(app: AppUnderTest, pilot: Pilot[None]) -> None:
            await pilot.press("ctrl+p")
            await pilot.pause()
            await pilot.press(*"theme")
            await palette_found(app, "theme")

        snap(story)

    def test_model_picker(self, snap: Snap) -> None:
        """The models there are, narrowed down by typing."""

        async def story(app: AppUnderTest, pilot: Pilot[None]) -> None:
            await pilot.press("f3")
            await app.workers.wait_for_complete()
            await pilot.press("q")

        snap(story)

    def test_settings(self, snap: Snap) -> None:
        """What a chat is asked with; a value that cannot be is named."""

        async def story(app: AppUnderTest, pilot: Pilot[None]) -> None:
            await pilot.press("f4", "tab", *"Be brief.", "tab", *"hot", "enter")

        snap(story)

    def test_close_asks(self, snap: Snap) -> None:
        """Closing a chat in which something runs asks first."""

        async def story(app: AppUnderTest, pilot: Pilot[None]) -> None:
            await app.ask("Tell me a story")
            await app.script.emit(0, "Once upon ")
            await pilot.press("f9")

        snap(story)

    def test_quit_asks(self, snap: Snap) -> None:
        """Leaving asks while something runs."""

        async def story(app: AppUnderTest, pilot: Pilot[None]) -> None:
            await app.ask("Tell me a story")
            await app.script.emit(0, "Once upon ")
            await pilot.press("ctrl+q")

        snap(story)

    def test_rename(self, snap: Snap) -> None:
        """A chat's name is asked for over the chat."""

        async def story(app: AppUnderTest, pilot: Pilot[None]) -> None:
            await pilot.press("f2")

        snap(story, size=(80, 24))


class TestThemes:
    """Colours."""

    @pytest.mark.parametrize("theme", sorted(THEMES.themes))
    def test_ours(self, snap: Snap, theme: str) -> None:
        """Each of our themes with every kind of thing on the screen."""

        async def story(app: AppUnderTest, pilot: Pilot[None]) -> None:
            await app.ask("Show me everything")
            await app.script.emit(0, MARKDOWN)
            await app.script.finish(0)
            await app.ask("Break off")
            await app.script.emit(1, "Half of ")
            await app.script.fail(1, ErrorKind.DISCONNECTED, "The connection broke.")
            await app.ask("And go on")
            await app.script.emit(2, "Now streaming ")
            await app.ask("Wait")

        snap(story, scripted_app(theme=theme), (120, 50))

    @pytest.mark.parametrize("theme", ["textual-dark", "textual-light"])
    def test_of_the_framework(self, snap: Snap, theme: str) -> None:
        """Themes that are not ours work too, dark and light."""
        snap(five_at_once, three_users(theme=theme))


class TestText:
    """What models write."""

    @pytest.mark.parametrize("size", [(80, 60), (120, 60)], ids=shape)
    def test_markdown(self, snap: Snap, size: tuple[int, int]) -> None:
        """Markdown of every kind."""

        async def story(app: AppUnderTest, pilot: Pilot[None]) -> None:
            await pilot.press("ctrl+b")
            await app.ask("Show me everything")
            await app.script.emit(0, MARKDOWN)
            await app.script.finish(0)
            app.pane.transcript.focus()
            await pilot.press("home")

        snap(story, size=size)

    def test_unfinished(self, snap: Snap) -> None:
        """A fence and a table that have not ended yet."""

        async def story(app: AppUnderTest, pilot: Pilot[None]) -> None:
            await app.ask("A table")
            await app.script.emit(0, "| a | b |\n| --- | --- |\n| 1 | 2 |\n| 3 ")
            await app.ask("Code")
            await app.script.emit(1, "Here:\n\n```python\ndef f(x):\n    return x +")

        snap(story)

    def test_hostile(self, snap: Snap) -> None:
        """Markup, escape sequences and controls are shown, never obeyed."""

        async def story(app: AppUnderTest, pilot: Pilot[None]) -> None:
            session = app.session(1)
            app.sessions.rename(session, "[/oops]\x1b]0;owned\x07 title")
            await app.ask("[bold]Am I bold?[/bold] \x1b[31mred\x1b[0m")
            await app.script.emit(0, HOSTILE)
            await app.script.fail(0, ErrorKind.SERVER, "error [/INST] \x1b[2J gone")

        snap(story, scripted_app(users=("Mal[/]lory\x1b[1m",)))

    def test_one_long_line(self, snap: Snap) -> None:
        """A hundred thousand characters without a space."""

        async def story(app: AppUnderTest, pilot: Pilot[None]) -> None:
            await app.ask("x" * 300)
            await app.script.emit(0, "0123456789" * 10_000)

        snap(story, size=(80, 24))
