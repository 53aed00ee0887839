"""Rows of styled text in one widget, for views with many cells: a style is looked up once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.content import Content
from textual.strip import Strip
from textual.widget import Widget

from ccchat_tui.tui.widgets.piece_rows import changed_rows

Row: TypeAlias = tuple[tuple[str, str], ...]
"""Texts, already fit for the screen, each with its style in the words of content styles."""


class StyledRows(Widget):
    """`PieceRows` for rows of a hundred pieces; only rows that differ are drawn again."""

    ALLOW_SELECT = False

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self._rows: tuple[Row, ...] = ()
        self._looks: dict[str, Style] = {}

    @property
    def text(self) -> str:
        """What is shown, without its looks."""
        return "\n".join("".join(text for text, _ in row) for row in self._rows)

    def draw(self) -> None:
        """Lay out what is in view now."""
        raise NotImplementedError

    def on_resize(self) -> None:
        """Lay out for the new size."""
        self.draw()

    def show(self, rows: Sequence[Row]) -> None:
        """Show other rows, and ask for those to be drawn again that are other."""
        before, self._rows = self._rows, tuple(rows)
        if changed := changed_rows(before, self._rows, self.size.width):
            self.refresh(*changed)

    def notify_style_update(self) -> None:
        """Colours changed: look every style up again."""
        super().notify_style_update()
        self._looks.clear()

    def render_line(self, y: int) -> Strip:
        """One row of the screen."""
        row = self._rows[y] if y < len(self._rows) else ()
        base = self.visual_style.rich_style
        strip = Strip([Segment(text, self._look(style)) for text, style in row if text])
        return strip.adjust_cell_length(self.size.width, base)

    def _look(self, style: str) -> Style:
        look = self._looks.get(style)
        if look is None:
            segments = Content.styled("x", style).render_segments(self.visual_style)
            look = self._looks[style] = segments[0].style or Style.null()
        return look


def filled(text: str, cells: int) -> str:
    """A text with spaces behind it, so that it takes so many cells."""
    return text + " " * max(0, cells - cell_len(text))


class CursorRows(StyledRows, can_focus=True):
    """Rows with a cursor, which is seen while the keys go to them."""

    def on_focus(self) -> None:
        """The cursor is seen."""
        self.draw()

    def on_blur(self) -> None:
        """The cursor is not seen."""
        self.draw()
