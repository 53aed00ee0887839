"""A one-line widget of styled pieces that know what a click on them means."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from textual import events
from textual.content import Content
from textual.widget import Widget

from ccchat_tui.quick import dataclass


@dataclass(frozen=True, slots=True)
class Piece:
    """Some text of a line, how it looks, and what it stands for."""

    text: str
    """Already fit for the screen: sanitised, one line."""
    style: str = ""
    """In the words of content styles: `bold $primary on $surface`."""
    target: str = ""
    """What a click on it asks for; empty for nothing."""

    @property
    def width(self) -> int:
        """Cells."""
        return cell_len(self.text)


class PieceLine(Widget):
    """Draws pieces in one row and finds which one was clicked.

    It draws again only when the pieces differ from those on the screen.
    """

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    PieceLine {
        height: 1;
        width: 1fr;
        text-wrap: nowrap;
        text-overflow: clip;
    }
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self._pieces: tuple[Piece, ...] = ()
        self.draws = 0
        """How often it was drawn; tests read it."""

    @property
    def pieces(self) -> tuple[Piece, ...]:
        """What is shown."""
        return self._pieces

    def show(self, pieces: Sequence[Piece]) -> None:
        """Show other pieces, if they are other."""
        fresh = tuple(pieces)
        if fresh != self._pieces:
            self._pieces = fresh
            self.refresh()

    def render(self) -> Content:
        """The row."""
        self.draws += 1
        return Content.assemble(*((piece.text, piece.style) for piece in self._pieces))

    def target_at(self, x: int) -> str:
        """What the piece at a column stands for; empty for nothing."""
        end = 0
        for piece in self._pieces:
            end += piece.width
            if x < end:
                return piece.target
        return ""

    def on_click(self, event: events.Click) -> None:
        """Pass a click on to whoever draws the line."""
        target = self.target_at(event.get_content_offset_capture(self).x)
        if target:
            event.stop()
            self.chosen(target)

    def chosen(self, target: str) -> None:
        """A piece with a target was clicked. To be overridden."""
