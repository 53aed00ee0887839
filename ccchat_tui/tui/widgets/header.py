"""The first row: what this is, which server answers, and how the queue stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from enum import IntEnum
from typing import TYPE_CHECKING

from textual.message import Message

from ccchat_tui.engine.stats import QueueSnapshot
from ccchat_tui.quick import dataclass
from ccchat_tui.text import one_line
from ccchat_tui.tui.glyphs import glyph
from ccchat_tui.tui.widgets.line import Piece, PieceLine
from ccchat_tui.tui.widgets.queue_servers import trouble_words

if TYPE_CHECKING:
    from ccchat_tui.backends.base import ServerStatus


NO_SERVER = "no server"
"""Why the demo model stands in."""


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

    class PullsRequested(Message):
        """What is said of models being fetched was clicked."""

    class SavingRequested(Message):
        """The sign that nothing is saved was clicked."""

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
        self._trouble = ("", "")
        self._pulling = ("", "")
        self._outside = ""
        self._unsaved = False

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

    def show_snapshot(self, snapshot: QueueSnapshot, servers: Sequence[ServerStatus] = ()) -> None:
        """Show how the queue stands, and what is wrong with the servers if anything is."""
        self._snapshot = snapshot
        self._trouble = trouble_words(servers)
        self._lay_out()

    def show_pulls(self, words: str, short: str) -> None:
        """Show which models are being fetched, in full or in short; empty for none."""
        if (words, short) != self._pulling:
            self._pulling = (words, short)
            self._lay_out()

    def show_outside(self, url: str) -> None:
        """Show where others reach this queue; empty where they do not."""
        self._outside = url.removeprefix("http://")
        self._lay_out()

    def show_unsaved(self, unsaved: bool) -> None:
        """Say whether conversations cannot be saved for now."""
        self._unsaved = unsaved
        self._lay_out()

    def on_resize(self) -> None:
        """Lay out for the new width."""
        self._lay_out()

    def chosen(self, target: str) -> None:
        """A click on the server, on what is being fetched, on a sign or on the figures."""
        asked = {
            "server": self.ReconnectRequested,
            "pulls": self.PullsRequested,
            "saving": self.SavingRequested,
        }
        self.post_message(asked.get(target, self.QueueRequested)())

    def _lay_out(self) -> None:
        if self.size.width > 0:
            self.show(
                lay_out(
                    self._server,
                    self._snapshot,
                    self.size.width,
                    self._trouble,
                    self._pulling,
                    outside=self._outside,
                    unsaved=self._unsaved,
                )
            )


def lay_out(
    server: ServerView,
    snapshot: QueueSnapshot | None,
    width: int,
    trouble: tuple[str, str] = ("", ""),
    pulling: tuple[str, str] = ("", ""),
    *,
    outside: str = "",
    unsaved: bool = False,
) -> list[Piece]:
    """Fit the row into a width, exactly.

    The figures of the queue stay at the right whatever the width; their words go before their
    numbers do, the server's address before the product's name, the notice about the server last.

    Args:
        server: The left side.
        snapshot: The right side; `None` while nothing is known.
        width: Cells.
        trouble: What is wrong with the servers, in full and in short; empty if nothing is.
        pulling: What is being fetched, in full and in short; empty if nothing is.
        outside: Where the API listens; empty if it does not.
        unsaved: Whether conversations cannot be saved for now.
    """
    least = sum(piece.width for piece in _who(server, 0, trouble, unsaved))
    right: list[Piece] = []
    if snapshot is not None:
        for words in reversed(_Words):
            right = [*_api(outside, words), *_pulls(pulling, words), *_figures(snapshot, words)]
            if _NEEDS[words] <= width and least + _width(right) <= width:
                break
    left = _who(server, width - _width(right), trouble, unsaved)
    while left and _width(left) + _width(right) > width:
        left.pop(0)
    while right and _width(right) > width:
        right.pop(0)
    gap = width - _width(left) - _width(right)
    return [*left, Piece(" " * gap), *right]


class _Words(IntEnum):
    """How much is said beside the figures; each has what the ones before it have."""

    SIGNS = 0
    MODES = 1
    """That it is paused or runs one at a time."""
    FIGURES = 2
    """What the figures are of."""
    REASONS = 3
    """Why it runs one at a time; also, that it does not."""


_NEEDS = {_Words.SIGNS: 0, _Words.MODES: 0, _Words.FIGURES: 72, _Words.REASONS: 100}
"""Cells of a row below which so many words would leave the server too little."""


def _width(pieces: Sequence[Piece]) -> int:
    return sum(piece.width for piece in pieces)


def _who(server: ServerView, room: int, trouble: tuple[str, str], unsaved: bool) -> list[Piece]:
    """The left side, cut to the room there is; its name and its notices are never cut."""
    name = Piece(" ccchat ", "bold $primary")
    signs = [Piece(" ▲ not saved ", "bold $text-error", "saving")] if unsaved else []
    room -= name.width + _width(signs)
    state = short = None
    beside = 20
    if server.connecting:
        state = Piece(" connecting… ", "$state-connecting")
        short = Piece(" … ", "$state-connecting")
    elif server.notice:
        stands_in = server.notice == NO_SERVER
        words = (f"{NO_SERVER}: demo model", "demo") if stands_in else (server.notice,) * 2
        state, short = (Piece(f" ▲ {said} ", "bold $text-warning", "server") for said in words)
    elif trouble[0]:
        beside = 0
        state, short = (Piece(f" ▲ {words} ", "bold $text-warning", "server") for words in trouble)
    if state is not None and short is not None and room < state.width + beside:
        state = short
    room -= state.width if state is not None else 0
    pieces = [name]
    if room > 8:
        where = one_line(f"{server.name} · {server.address}", room - 2)
        pieces.append(Piece(f" {where} ", "$text-muted"))
    if state is not None:
        pieces.append(state)
    return [*pieces, *signs]


def _pulls(pulling: tuple[str, str], words: _Words) -> list[Piece]:
    """What is being fetched."""
    text = pulling[0] if words >= _Words.FIGURES else pulling[1]
    return [Piece(f" {text} ", "bold $primary", "pulls")] if text else []


def _api(outside: str, words: _Words) -> list[Piece]:
    """That others reach this queue, and where."""
    if not outside or words < _Words.MODES:
        return []
    where = f" {outside}" if words is _Words.REASONS else ""
    return [Piece(f" API{where} ", "$text-accent")]


def _figures(snapshot: QueueSnapshot, words: _Words) -> list[Piece]:
    """The right side."""
    pieces: list[Piece] = []
    if snapshot.paused:
        said = " paused" if words >= _Words.MODES else ""
        pieces.append(Piece(f" {glyph('paused')}{said} ", "bold $text-warning", "queue"))
    if snapshot.mode != "concurrent":
        said = f" {snapshot.mode}" if words >= _Words.MODES else ""
        if words is _Words.REASONS and snapshot.mode_reason:
            said += f" ({one_line(snapshot.mode_reason, 40)})"
        pieces.append(Piece(f" {glyph(snapshot.mode)}{said} ", "bold $text-warning", "queue"))
    elif words is _Words.REASONS:
        pieces.append(Piece(" concurrent ", "$text-muted", "queue"))
    flight = f"{snapshot.in_flight}/{snapshot.limits.max_concurrent}"
    busy = "bold $state-streaming" if snapshot.in_flight else "$text-muted"
    pieces.append(
        Piece(f" ● {flight}{' in flight' if words >= _Words.FIGURES else ''} ", busy, "queue")
    )
    waiting = snapshot.queue_length + snapshot.waiting_to_retry
    queued = "bold $state-queued" if waiting else "$text-muted"
    pieces.append(
        Piece(f" ◌ {waiting}{' queued' if words >= _Words.FIGURES else ''} ", queued, "queue")
    )
    return pieces
