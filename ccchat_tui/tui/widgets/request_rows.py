"""The list of requests: only what is on the screen is laid out, whatever the queue holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from textwrap import wrap

from rich.cells import cell_len
from textual import events

from ccchat_tui.text import one_line
from ccchat_tui.tui.widgets.ended_requests import ListItem
from ccchat_tui.tui.widgets.line import Piece
from ccchat_tui.tui.widgets.piece_rows import PieceRow, PieceRows
from ccchat_tui.tui.widgets.queue_words import count
from ccchat_tui.tui.widgets.request_lines import (
    Facts,
    columns_for,
    facts_of,
    heading,
    request_rows,
)

ROWS_EACH = 2
"""Rows of the screen for one request."""
MOST_ROWS = 1_000
"""Requests that can be scrolled to; of more the number is told."""

EMPTY = ("Nothing is running.", "What you send in any chat shows up here.")


class RequestRows(PieceRows, can_focus=True):
    """Requests with a cursor that stays on its request, however the rows move."""

    buttons = True
    """Whether requests can be cancelled here."""
    FOCUS_ON_CLICK = False  # a click on a button leaves the keys where the person types
    DEFAULT_CSS = """
    RequestRows {
        height: 1fr;
        min-height: 3;
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._items: list[ListItem] = []
        self._total = 0
        self._living = 0
        self._top = 0
        self._selected: str | None = None
        self._at = 0
        """Where the selected request stands, or stood before it went."""
        self._following = True
        """Whether the cursor is kept in sight; the wheel lets go of it."""
        self._pointed = ""

    def on_mount(self) -> None:
        """Follow the focus."""
        self.watch(self, "has_focus", self._focus_changed, init=False)

    # What is shown ------------------------------------------------------------------------

    def show_items(self, items: Sequence[ListItem], total: int, living: int) -> None:
        """Show these requests.

        Args:
            items: From the first on, as many as there are or can be shown.
            total: How many there are, those that fade among them.
            living: How many of all live.
        """
        self._items = list(items)
        self._total = max(total, len(self._items))
        self._living = living
        self._find_selected()
        self.lay_out()

    @property
    def selected(self) -> ListItem | None:
        """The request under the cursor, which is on the first one until it is moved."""
        return self._items[self._at] if self._items else None

    @property
    def page(self) -> int:
        """How many requests are on the screen at once."""
        room = self.size.height - 1
        if self._total * ROWS_EACH > room:
            room -= 1  # for how many there are besides
        return max(1, room // ROWS_EACH)

    @property
    def wanted_rows(self) -> int:
        """How many requests there is use for: what is in sight, and a page to move on to."""
        room = max(1, (self.size.height - 1) // ROWS_EACH)
        return min(MOST_ROWS, self._top + 2 * room)

    def lay_out(self) -> None:
        """Put what is in sight into rows."""
        width, height = self.size
        if width <= 0 or height <= 0:
            return
        page = self.page
        cursor = self.selected.id if self.selected else ""
        if cursor and self._following and self.has_focus:
            self._top = min(max(self._top, self._at - page + 1), self._at)
        self._top = max(0, min(self._top, len(self._items) - page))
        columns = columns_for(width)
        rows: list[PieceRow] = [heading(columns, self._living)]
        told = [facts_of(item, columns) for item in self._items[self._top : self._top + page]]
        if not told:
            rows += _empty(width)
        user_width = _user_width(told, columns.user)
        for facts in told:
            rows += request_rows(
                facts if self.buttons else replace(facts, cancellable=False),
                columns,
                user_width=user_width,
                selected=self.has_focus and facts.id == cursor,
                pointed=self._pointed == f"cancel:{facts.id}",
            )
        if (more := self._total - self._top - len(told)) > 0:
            rows.append((Piece(f"   … and {count(more)} more", "$text-muted"),))
        self.show(rows)

    def on_resize(self) -> None:
        """Lay out for the new size."""
        super().on_resize()
        self.lay_out()

    # The cursor ---------------------------------------------------------------------------

    def select(self, request_id: str) -> None:
        """Put the cursor on a request; one that is not there changes nothing."""
        for at, item in enumerate(self._items):
            if item.id == request_id:
                self._go(at)
                return

    def move(self, steps: int) -> None:
        """Move the cursor by so many requests."""
        if self._items:
            self._go(self._at + steps)

    def _go(self, at: int) -> None:
        self._at = max(0, min(at, len(self._items) - 1))
        self._selected = self._items[self._at].id
        self._following = True
        self.lay_out()

    def _find_selected(self) -> None:
        """Follow the selected request to where it is now; if it is gone, stay at its place."""
        if self._selected is None or not self._items:
            self._selected, self._at = None, 0
            return
        for at, item in enumerate(self._items):
            if item.id == self._selected:
                self._at = at
                return
        self._at = min(self._at, len(self._items) - 1)
        self._selected = self._items[self._at].id

    def _focus_changed(self, focused: bool) -> None:
        """The cursor is seen only while keys go here; it stays where it is."""
        if focused:
            self._following = True
            if self._items:
                self._selected = self._items[self._at].id
        self.lay_out()

    # The mouse ----------------------------------------------------------------------------

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """The wheel moves the list, not the cursor."""
        event.stop()
        self._scroll(1)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """The wheel moves the list, not the cursor."""
        event.stop()
        self._scroll(-1)

    def _scroll(self, steps: int) -> None:
        self._following = False
        self._top += steps
        self.lay_out()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """A button under the mouse shows that it can be pressed."""
        self._point_at(self.target_at(event.x, event.y))

    def on_leave(self) -> None:
        """No button is under the mouse any more."""
        self._point_at("")

    def _point_at(self, target: str) -> None:
        pointed = target if target.startswith("cancel:") else ""
        if pointed != self._pointed:
            self._pointed = pointed
            self.lay_out()


def _user_width(told: Sequence[Facts], most: int) -> int:
    """Cells for the names in sight, so that what was asked starts in one column."""
    return max((cell_len(one_line(facts.user, most)) for facts in told), default=0)


def _empty(width: int) -> list[PieceRow]:
    rows: list[PieceRow] = [()]
    for text in EMPTY:
        lines = wrap(text, max(width - 4, 10))
        rows += [(Piece(f"  {line}", "$text-muted"),) for line in lines]
    return rows
