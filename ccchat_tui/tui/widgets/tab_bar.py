"""The row of tabs: a number, whose chat, its title, and what it does just now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from rich.cells import cell_len
from textual import events
from textual.message import Message

from ccchat_tui.quick import dataclass
from ccchat_tui.sessions.model import SessionStatus
from ccchat_tui.text import one_line
from ccchat_tui.tui.glyphs import GLYPHS
from ccchat_tui.tui.widgets.line import Piece, PieceLine

STATUS_GLYPHS: Mapping[SessionStatus, str] = {
    status: " " if status is SessionStatus.IDLE else GLYPHS[status] for status in SessionStatus
}
"""A shape for each, so that nothing is told by colour alone; none while nothing happens."""

STATUS_STYLES: Mapping[SessionStatus, str] = {
    SessionStatus.IDLE: "",
    SessionStatus.WAITING: "$state-queued",
    SessionStatus.STREAMING: "$state-streaming",
    SessionStatus.UNREAD: "$accent",
    SessionStatus.FAILED: "$state-failed",
}

WIDEST = 30
"""Cells a tab may take when there is room."""
NARROWEST = 14
"""Cells a tab keeps before others are moved out of sight."""
PLUS = " + "
_LEAST = 8
"""Cells of the only tab in sight below which the counts at the edges make way for it."""


@dataclass(frozen=True, slots=True)
class Tab:
    """One tab, as it is to be shown."""

    session_id: str
    number: int
    user: str
    title: str
    status: SessionStatus
    active: bool = False
    colour: str = ""
    """Of its user, as in `#ff8800`; empty for none."""


class TabBar(PieceLine):
    """Every chat in one row. Those that do not fit are counted at the edges."""

    class Chosen(Message):
        """A tab was clicked."""

        def __init__(self, session_id: str) -> None:
            super().__init__()
            self.session_id = session_id

    class NewRequested(Message):
        """The plus was clicked."""

    class Stepped(Message):
        """The wheel or an edge asked for a neighbour."""

        def __init__(self, step: int) -> None:
            super().__init__()
            self.step = step

    DEFAULT_CSS = """
    TabBar {
        background: $surface;
        color: $text-muted;
    }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._tabs: tuple[Tab, ...] = ()

    def show_tabs(self, tabs: Sequence[Tab]) -> None:
        """Show these tabs, in this order."""
        self._tabs = tuple(tabs)
        self.show(lay_out(self._tabs, self.size.width))

    def on_resize(self) -> None:
        """Lay the tabs out for the new width."""
        self.show(lay_out(self._tabs, self.size.width))

    def chosen(self, target: str) -> None:
        """A click: on a tab, an edge or the plus."""
        if target == "+":
            self.post_message(self.NewRequested())
        elif target in {"<", ">"}:
            self.post_message(self.Stepped(-1 if target == "<" else 1))
        else:
            self.post_message(self.Chosen(target.removeprefix("tab:")))

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """The wheel goes to the next tab."""
        event.stop()
        self.post_message(self.Stepped(1))

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """The wheel goes to the previous tab."""
        event.stop()
        self.post_message(self.Stepped(-1))


def lay_out(tabs: Sequence[Tab], width: int) -> list[Piece]:
    """Fit tabs into a row: all of them if they can be read, else those around the active one.

    Args:
        tabs: All of them, in order.
        width: Cells there are; the pieces never take more.
    """
    if not tabs or width <= 0:
        return []
    # In a row too narrow for anything else the active tab keeps what there is.
    plus = [Piece(PLUS, "bold $text-muted", "+")] if width >= NARROWEST else []
    room = width - sum(piece.width for piece in plus)
    widths = [_wanted(tab) for tab in tabs]
    first, last = 0, len(tabs)
    if sum(widths) > room and len({tab.user for tab in tabs}) == 1:
        # The room goes to what tells them apart.
        tabs = [replace(tab, user="") for tab in tabs]
        widths = [_wanted(tab) for tab in tabs]
    if sum(widths) > room:
        limit = max(NARROWEST, _fair(widths, room))
        widths = [min(each, limit) for each in widths]
        if sum(widths) > room:
            first, last = _window(tabs, widths, room)
    shown = [*zip(tabs[first:last], widths[first:last], strict=True)]
    edges = [_edge(tabs[:first], left=True), _edge(tabs[last:], left=False)]
    if last - first == 1:
        tab, wanted = shown[0]
        left = room - sum(piece.width for edge in edges for piece in edge)
        if left < min(wanted, _LEAST):
            edges, left = [[], []], room
        shown = [(tab, min(wanted, left))]
    drawn = [piece for tab, tab_width in shown for piece in _draw(tab, tab_width)]
    return [*edges[0], *drawn, *edges[1], *plus]


def _label(tab: Tab) -> str:
    title = one_line(tab.title, WIDEST)
    return f"{one_line(tab.user, 12)} · {title}" if tab.user else title


def _wanted(tab: Tab) -> int:
    """Cells a tab takes: mark, number, space, glyph, space, label, space."""
    return min(WIDEST, len(str(tab.number)) + cell_len(_label(tab)) + 5)


def _fair(wanted: Sequence[int], room: int) -> int:
    """The greatest width to which tabs can be cut so that all fit into the room."""
    left, count = room, len(wanted)
    for width in sorted(wanted):
        if width * count > left:
            break
        left -= width
        count -= 1
    return left // count if count else WIDEST


def _window(tabs: Sequence[Tab], widths: Sequence[int], room: int) -> tuple[int, int]:
    """Which tabs to show so that the active one is in sight, with room for both edges."""
    active = next((index for index, tab in enumerate(tabs) if tab.active), 0)
    room -= 2 * (len(str(len(tabs))) + 4)
    first = last = active
    used = 0
    while True:
        grown = False
        if last < len(tabs) and used + widths[last] <= room:
            used += widths[last]
            last += 1
            grown = True
        if first > 0 and used + widths[first - 1] <= room:
            first -= 1
            used += widths[first]
            grown = True
        if not grown:
            return first, max(last, active + 1)


def _edge(hidden: Sequence[Tab], *, left: bool) -> list[Piece]:
    """How many tabs are out of sight on one side, and the most pressing thing one of them does."""
    if not hidden:
        return []
    telling = (
        SessionStatus.FAILED,
        SessionStatus.UNREAD,
        SessionStatus.STREAMING,
        SessionStatus.WAITING,
    )
    states = {tab.status for tab in hidden}
    status = next((each for each in telling if each in states), SessionStatus.IDLE)
    glyph = STATUS_GLYPHS[status].strip()
    text = f" ◂{len(hidden)}{glyph} " if left else f" {glyph}{len(hidden)}▸ "
    return [Piece(text, f"bold {STATUS_STYLES[status]}".strip(), "<" if left else ">")]


def _draw(tab: Tab, width: int) -> list[Piece]:
    """One tab in exactly so many cells; what does not fit goes from the right."""
    target = f"tab:{tab.session_id}"
    ground = " on $chosen-tab" if tab.active else ""
    text_style = "bold $text" if tab.active else "$text-muted"
    accent = "bold $primary" if tab.active else "$text-muted"
    number, glyph = f"{tab.number} ", STATUS_GLYPHS[tab.status]
    room = max(0, width - len(number) - 4)
    label = one_line(_label(tab), room)
    label += " " * (room - cell_len(label) + 1)
    pieces = []
    mark = "▎" if tab.active or tab.colour else " "
    for text, style in (
        (mark, tab.colour or accent),
        (number, accent),
        (f"{glyph} ", STATUS_STYLES[tab.status] or text_style),
        (label, text_style),
    ):
        # Only the label can hold anything but single cells, and it has been made to fit.
        cut = text if len(text) <= width or text is label else text[:width]
        width -= cell_len(cut)
        if cut and width >= 0:
            pieces.append(Piece(cut, f"{style}{ground}", target))
    return pieces
