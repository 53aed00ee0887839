"""Several rows of styled pieces in one widget: only rows that differ are drawn again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from textual import events
from textual.content import Content
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from ccchat_tui.tui.widgets.line import Piece

PieceRow: TypeAlias = tuple[Piece, ...]


def changed_rows(before: Sequence[object], after: Sequence[object], width: int) -> list[Region]:
    """Where rows of a widget differ from those that stood there before.

    Args:
        before: The rows as they are drawn.
        after: As they are to be drawn; there may be more of them, or fewer.
        width: Of the widget, in cells.
    """
    most = max(len(before), len(after))
    return [Region(0, y, width, 1) for y in range(most) if before[y : y + 1] != after[y : y + 1]]


class PieceRows(Widget):
    """`PieceLine` for more than one row."""

    ALLOW_SELECT = False

    class Pressed(Message):
        """A piece that stands for something was clicked."""

        def __init__(self, rows: PieceRows, target: str, *, double: bool) -> None:
            super().__init__()
            self.rows = rows
            self.target = target
            self.double = double
            """Whether it is the second click of two at one place."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self._rows: tuple[PieceRow, ...] = ()
        self._strips: dict[PieceRow, Strip] = {}
        self.draws = 0
        """How many rows were drawn so far; tests read it."""

    @property
    def rows(self) -> tuple[PieceRow, ...]:
        """What is shown."""
        return self._rows

    @property
    def text(self) -> str:
        """What is shown, without its looks."""
        return "\n".join("".join(piece.text for piece in row) for row in self._rows)

    def show(self, rows: Sequence[Sequence[Piece]]) -> None:
        """Show other rows, and ask for those to be drawn again that are other."""
        before, self._rows = self._rows, tuple(tuple(row) for row in rows)
        if changed := changed_rows(before, self._rows, self.size.width):
            self.refresh(*changed)

    def notify_style_update(self) -> None:
        """Colours changed: paint everything again."""
        super().notify_style_update()
        self._strips.clear()

    def on_resize(self) -> None:
        """What was painted has another width."""
        self._strips.clear()

    def render_line(self, y: int) -> Strip:
        """One row of the screen."""
        self.draws += 1
        width, base = self.size.width, self.visual_style
        row = self._rows[y] if y < len(self._rows) else ()
        strip = self._strips.get(row)
        if strip is None:
            content = Content.assemble(*((piece.text, piece.style) for piece in row))
            strip = Strip(content.render_segments(base))
            strip = strip.adjust_cell_length(width, base.rich_style)
            if len(self._strips) > 4 * self.size.height + 40:
                self._strips.clear()
            self._strips[row] = strip
        return strip

    def target_at(self, x: int, y: int) -> str:
        """What the piece at a place stands for; empty for nothing."""
        end = 0
        for piece in self._rows[y] if 0 <= y < len(self._rows) else ():
            end += piece.width
            if x < end:
                return piece.target
        return ""

    def on_click(self, event: events.Click) -> None:
        """Pass a click on to whoever gave the rows."""
        place = event.get_content_offset_capture(self)
        if target := self.target_at(place.x, place.y):
            event.stop()
            self.post_message(self.Pressed(self, target, double=event.chain == 2))
