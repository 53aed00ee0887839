"""The list above the message box of what may stand there."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from textual.widget import Widget

from ccchat_tui.text import one_line
from ccchat_tui.tui.slash import Choice
from ccchat_tui.tui.widgets.line import Piece
from ccchat_tui.tui.widgets.piece_rows import PieceRow, PieceRows

MOST_ROWS = 8
"""Choices in sight at once."""
NAME_WIDTH = 34
"""Cells that names take at most."""


class SlashList(PieceRows):
    """Shows choices; it never has the focus, for one goes on writing."""

    DEFAULT_CSS = """
    SlashList {
        display: none;
        height: auto;
        background: $panel;
        color: $foreground;
        padding: 0 1;
    }
    SlashList.-open { display: block; }
    """

    def offer(self, choices: Sequence[Choice], index: int) -> None:
        """Show these choices, of which one is chosen; none at all hides the list."""
        self.set_class(bool(choices), "-open")
        if not choices:
            return
        pane = self.parent.size if isinstance(self.parent, Widget) else self.app.size
        rows = max(1, min(MOST_ROWS, pane.height // 3, len(choices)))
        first = max(0, min(index - rows // 2, len(choices) - rows))
        shown = choices[first : first + rows]
        column = min(NAME_WIDTH, max(cell_len(choice.shown) for choice in choices))
        left = len(choices) - first - rows
        self.styles.height = rows
        width = max(10, pane.width - 2)
        self.show(
            [
                _row(
                    choice,
                    first + at,
                    column,
                    width,
                    chosen=first + at == index,
                    more=left if at == rows - 1 else 0,
                )
                for at, choice in enumerate(shown)
            ]
        )


def _row(
    choice: Choice, number: int, column: int, width: int, *, chosen: bool, more: int
) -> PieceRow:
    """A row; the chosen one has a mark, too, for who sees no colours."""
    target = f"choice:{number}"
    name = one_line(choice.shown, column)
    told = f"  {more} more" if more else ""
    room = max(0, width - column - 4 - len(told))
    words = one_line(choice.words, room)
    gap = " " * (room - cell_len(words))
    style = "bold $primary" if chosen else ""
    return (
        Piece("▸ " if chosen else "  ", style, target),
        Piece(name + " " * (column - cell_len(name)), style or "bold", target),
        Piece(f"  {words}{gap}", "" if chosen else "$text-muted", target),
        Piece(told, "$text-muted"),
    )
