"""The walk in the README of somebody at home with several chats going, picture by picture.

One story, told up to where the picture is taken, in the real app on the demo model with a file of
its own to keep conversations in.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from textual.pilot import Pilot

from ccchat_tui.testing.app import AppUnderTest, until
from tests.tui.history_app import KeptApp, kept_app

Story = Callable[[AppUnderTest, Pilot[Any]], Awaitable[None]]

STEP = 0.1
"""Seconds of the story that pass in one go."""


class WalkApp(KeptApp):
    """The app with a folder of its own, which goes when it has ended."""

    folder: TemporaryDirectory[str]

    async def _shutdown(self) -> None:
        await super()._shutdown()
        self.folder.cleanup()


def walk_app() -> WalkApp:
    """The app as it is at the first start, but for the demo model, which is asked for."""
    folder = TemporaryDirectory()
    plain = kept_app(Path(folder.name) / "ccchat.db", users=("you",), demo_asked=True)
    app = WalkApp(plain.settings, plain._parts, plain.time)
    app.folder = folder
    return app


async def several(app: AppUnderTest, pilot: Pilot[Any]) -> None:
    """Three chats are under way, and the next message is being written."""
    assert isinstance(app, KeptApp)
    await app.begun()
    await _say(app, pilot, "How do I keep bread fresh for a week?")
    await app.pass_time(2, STEP)
    await pilot.press("ctrl+n")
    await _say(app, pilot, "Write a long essay about the history of tea")
    await app.pass_time(2, STEP)
    await pilot.press("ctrl+n")
    await _say(app, pilot, "List the steps to bake a sourdough loaf")
    await app.pass_time(1.5, STEP)
    await _write(pilot, "and how much salt")
    await app.settle()


async def cancelled(app: AppUnderTest, pilot: Pilot[Any]) -> None:
    """The essay is long enough: it is cancelled, and the others run on."""
    await several(app, pilot)
    await pilot.press("alt+2")
    await app.settle()
    await pilot.press("escape")
    await app.settle()


async def compared(app: AppUnderTest, pilot: Pilot[Any]) -> None:
    """Two models are asked the same, side by side."""
    await cancelled(app, pilot)
    await app.pass_time(6, STEP)
    await _say(app, pilot, "/compare demo:small demo:large -- Which flour makes the best bread?")
    await app.pass_time(5, STEP)


async def found(app: AppUnderTest, pilot: Pilot[Any]) -> None:
    """Some time later everything about bread is looked for."""
    await compared(app, pilot)
    assert isinstance(app, KeptApp)
    await app.pass_time(8, STEP)
    app.sessions.keeper.tick()  # type: ignore[attr-defined]
    await pilot.press("f12")
    await _write(pilot, "bread")
    await until(lambda: not app.history.asking and app.history.list.complete)
    await app.settle()


async def _say(app: AppUnderTest, pilot: Pilot[Any], text: str) -> None:
    await app.chats.deck.settled()
    composer = app.pane.composer
    composer.set_draft(text)
    await pilot.press("enter")
    await until(lambda: not composer.text)
    await app.settle()


async def _write(pilot: Pilot[Any], text: str) -> None:
    await pilot.press(*("space" if letter == " " else letter for letter in text))


STORIES: dict[str, Story] = {
    "walk-several": several,
    "walk-cancelled": cancelled,
    "walk-compared": compared,
    "walk-found": found,
}
"""By the name of the picture."""
