"""The first row: what this is, which server answers, and how the queue stands."""

from __future__ import annotations

from dataclasses import dataclass, replace

from textual.message import Message

from ccchat_tui.engine.stats import QueueSnapshot
from ccchat_tui.text import one_line
from ccchat_tui.tui.widgets.line import Piece, PieceLine


@dataclass(frozen=True, slots=True)
class ServerView:
    """What is known of the server that answers."""

    name: str
    address: str
    notice: str = ""
    """Why it is not the one that was asked for; empty if it is."""
    connecting: bool = False
    """Whether another one is being tried just now."""


class StatusHeader(PieceLine):
    """Product, server, mode, in flight and queued."""

    class ReconnectRequested(Message):
        """The notice about the server was clicked."""

    class QueueRequested(Message):
        """The figures of the queue were clicked."""

    DEFAULT_CSS = """
    StatusHeader {
        background: $panel;
        color: $text;
    }
    """

    def __init__(self, server: ServerView, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._server = server
        self._snapshot: QueueSnapshot | None = None

    @property
    def server(self) -> ServerView:
        """What is shown of the server."""
        return self._server

    def show_server(self, server: ServerView) -> None:
        """Show another server, or other news of it."""
        self._server = server
        self._lay_out()

    def show_connecting(self, connecting: bool) -> None:
        """Say whether a server is being tried."""
        self.show_server(replace(self._server, connecting=connecting))

    def show_snapshot(self, snapshot: QueueSnapshot) -> None:
        """Show how the queue stands."""
        self._snapshot = snapshot
        self._lay_out()

    def on_resize(self) -> None:
        """Lay out for the new width."""
        self._lay_out()

    def chosen(self, target: str) -> None:
        """A click on the server or on the figures."""
        self.post_message(
            self.ReconnectRequested() if target == "server" else self.QueueRequested()
        )

    def _lay_out(self) -> None:
        width = self.size.width
        if width <= 0:
            return
        right = _figures(self._snapshot, width) if self._snapshot else []
        taken = sum(piece.width for piece in right)
        left = _who(self._server, width - taken - 1)
        gap = width - taken - sum(piece.width for piece in left)
        self.show([*left, Piece(" " * max(gap, 0)), *right])


def _who(server: ServerView, room: int) -> list[Piece]:
    """The left side, cut to the room there is; the notice is the last to go."""
    pieces = [Piece(" ccchat ", "bold $primary")]
    room -= pieces[0].width
    if server.connecting:
        state = Piece(" connecting… ", "$state-connecting")
    elif server.notice:
        state = Piece(" ▲ no server: demo model ", "bold $text-warning", "server")
    else:
        state = Piece("")
    short = Piece(" ▲ demo ", "bold $text-warning", "server")
    if state.target and room < state.width + 20:
        state = short
    room -= state.width
    where = one_line(f"{server.name} · {server.address}", max(room - 2, 0))
    if where and room > 8:
        pieces.append(Piece(f" {where} ", "$text-muted"))
    if state.text:
        pieces.append(state)
    return pieces


def _figures(snapshot: QueueSnapshot, width: int) -> list[Piece]:
    """The right side. Words where there is room, short ones where there is little."""
    wide = width >= 100
    pieces: list[Piece] = []
    if snapshot.paused:
        pieces.append(Piece(" ‖ paused ", "bold $text-warning", "queue"))
    if snapshot.mode != "concurrent":
        reason = f" ({one_line(snapshot.mode_reason, 40)})" if wide and snapshot.mode_reason else ""
        pieces.append(Piece(f" {snapshot.mode}{reason} ", "bold $text-warning", "queue"))
    elif wide:
        pieces.append(Piece(" concurrent ", "$text-muted", "queue"))
    flight = f"{snapshot.in_flight}/{snapshot.limits.max_concurrent}"
    busy = "bold $state-streaming" if snapshot.in_flight else "$text-muted"
    words = " in flight" if width >= 72 else ""
    pieces.append(Piece(f" ● {flight}{words} ", busy, "queue"))
    waiting = snapshot.queue_length + snapshot.waiting_to_retry
    queued = "bold $state-queued" if waiting else "$text-muted"
    words = " queued" if width >= 72 else ""
    pieces.append(Piece(f" ◌ {waiting}{words} ", queued, "queue"))
    return pieces
