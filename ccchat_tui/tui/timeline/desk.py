"""The run under way, for the app: kept from the start, shown when asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ccchat_tui.tui.timeline.source import LiveRun

if TYPE_CHECKING:
    from textual.dom import DOMNode

    from ccchat_tui.runs.course import Course
    from ccchat_tui.tui.app import CCChatApp
    from ccchat_tui.tui.timeline.screen import RunScreen


class RunDesk:
    """Opens the screen of the run, keeps it up to date, and goes where it says.

    Args:
        app: Whose engine it is.
    """

    def __init__(self, app: CCChatApp) -> None:
        self._app = app
        self.run = LiveRun(app.service)
        self.screen: RunScreen | None = None
        """What shows it, if it is in view."""

    def show(self) -> None:
        """Show the run; if it is in view already, nothing happens."""
        from ccchat_tui.tui.timeline.screen import RunScreen  # noqa: PLC0415 - when asked for

        if self.screen is None:
            self.screen = RunScreen(self.run)
            self._app.push_screen(self.screen, self._left)

    def show_news(self) -> None:
        """Something happened, or time passed: have it drawn if it is in sight."""
        if self.screen is not None and self.screen.is_current:
            self.screen.show_news()

    def places(self) -> list[tuple[str, DOMNode]]:
        """Where keys do something in it, for the help; none while it is not in view."""
        return [] if self.screen is None else self.screen.places()

    def _left(self, course: Course | None) -> None:
        self.screen = None
        if course is not None:
            self._app.run_worker(self._open(course), group="timeline")

    async def _open(self, course: Course) -> None:
        """Show the chat of a request, at its turn."""
        chats, session = self._app.chats, self._app.sessions.find(course.session_id)
        pane = None if session is None else chats.pane_of(session.id)
        if session is None or pane is None:
            words = "The chat of this request is closed; the history has it."
            self._app.notify(words, markup=False)
            return
        chats.activate(pane)
        await chats.deck.settled()
        turns = (turn for turn in reversed(session.every) if turn.request_id == course.id)
        if (turn := next(turns, None)) is not None:
            self._app.sessions.versions.show(session, turn)
            self._app.call_after_refresh(pane.transcript.show_turn, turn.id, ())
