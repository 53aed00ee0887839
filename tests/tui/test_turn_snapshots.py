"""Versions, branches, and replies that were cut off, as pictures."""

from __future__ import annotations

from typing import Any

from textual.pilot import Pilot

from ccchat_tui.backends.base import ErrorKind
from ccchat_tui.testing.app import AppUnderTest, scripted_app
from ccchat_tui.testing.pictures import SnapStory
from ccchat_tui.testing.scripted import ScriptedBackend


def told(*replies: tuple[str, str]) -> tuple[AppUnderTest, Any]:
    """An app, and what asks `Why is the sky blue?` and more of it: replies and how each ends."""
    app = scripted_app(script := ScriptedBackend())

    async def tell(app: AppUnderTest, _pilot: Pilot[None]) -> None:
        questions = ("Why is the sky blue?", "And at night?")
        for number, ((text, reason), question) in enumerate(zip(replies, questions, strict=False)):
            await app.ask(question)
            await script.emit(number, text)
            if reason == "broken":
                await script.fail(number, ErrorKind.DISCONNECTED, "the server closed it")
            else:
                await script.finish(number, reason=reason)
            await app.settle()

    return app, tell


class TestTurns:
    """What is told of a turn beside its text."""

    def test_versions(self, snap_story: SnapStory) -> None:
        """Another reply to the first question is on its way; what followed stays."""
        app, tell = told(("Because of Rayleigh.", "stop"), ("It is dark then.", "stop"))

        async def story(app: AppUnderTest, pilot: Pilot[None]) -> None:
            await tell(app, pilot)
            app.chats.set_focus(app.pane.transcript)
            await pilot.press("[", "[", "g")
            await app.settle()

        snap_story(story, app, size=(80, 24))

    def test_cut_off(self, snap_story: SnapStory) -> None:
        """One was cut off by its length, one broke off: both can be continued."""
        app, tell = told(("Because of Ray", "length"), ("It is da", "broken"))
        snap_story(tell, app, size=(80, 24))

    def test_editing(self, snap_story: SnapStory) -> None:
        """The box says which question is edited, and how to leave it."""
        app, tell = told(("Because of Rayleigh.", "stop"))

        async def story(app: AppUnderTest, pilot: Pilot[None]) -> None:
            await tell(app, pilot)
            app.chats.set_focus(app.pane.transcript)
            await pilot.press("e")
            await app.settle()

        snap_story(story, app, size=(80, 24))
