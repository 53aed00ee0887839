"""An app on the widgets of ccchat: everybody's chat side by side, over the queue."""

from typing import Any

from textual.app import App, ComposeResult
from textual.containers import Horizontal

from ccchat_tui.clock import Clock
from ccchat_tui.sessions.manager import SessionManager
from ccchat_tui.sessions.model import Session, Turn
from ccchat_tui.tui.frames import FrameClock
from ccchat_tui.tui.themes import defaults_for
from ccchat_tui.tui.watch import QueueWatch
from ccchat_tui.tui.widgets.chat_pane import ChatPane
from ccchat_tui.tui.widgets.queue_panel import QueuePanel


class MyChat(App[None]):
    CSS = """
    QueuePanel { height: 16; border-top: solid $primary; }
    """

    def __init__(self, sessions: SessionManager, clock: Clock) -> None:
        super().__init__()
        self.sessions = sessions
        self.wall = clock
        self.frames = FrameClock(self)
        self.row = Horizontal()
        self.queue = QueuePanel()
        self.panes: dict[str, ChatPane] = {}
        self.watch_queue = QueueWatch(self, sessions.service, self.show_queue)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        theme: Any = self.available_themes.get(self.theme)
        return defaults_for(theme)

    def compose(self) -> ComposeResult:
        yield self.row
        yield self.queue

    def on_mount(self) -> None:
        self.sessions.subscribe(self.changed)

    def changed(self, session: Session, turn: Turn | None) -> None:
        pane = self.panes.get(session.id)
        if pane is None:
            pane = self.panes[session.id] = ChatPane(session, self.sessions, clock=self.wall)
            pane.framed = True
            self.frames.attach(pane.transcript)
            self.row.mount(pane)
        if turn is not None and pane.is_mounted:
            pane.turn_changed(turn)
            self.frames.wake()
        pane.show_session()

    def show_queue(self) -> bool:
        snapshot = self.sessions.service.snapshot(self.queue.wanted_rows)
        self.queue.show_snapshot(snapshot)
        return bool(snapshot.in_flight)
