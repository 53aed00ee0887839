"""A question that is answered with a path, which is completed as it is typed."""

from __future__ import annotations

import os
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Static

from ccchat_tui.text import one_line
from ccchat_tui.tui.paths import completions, from_typed, last_name
from ccchat_tui.tui.screens.dialog import Dialog
from ccchat_tui.tui.widgets.fields import Line
from ccchat_tui.tui.widgets.line import Piece
from ccchat_tui.tui.widgets.piece_rows import PieceRow, PieceRows

ROWS = 8
"""Names in sight at once."""


class ChooseFileScreen(Dialog[str]):
    """Asks for a file. Its answer is what was typed or pasted, as it stands.

    Args:
        title: What it is about.
        question: What is to be given.
        text: What stands there already.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "complete", "Complete", priority=True),
    ]
    DEFAULT_CSS = """
    ChooseFileScreen > .box { width: 84; }
    ChooseFileScreen PieceRows { height: 8; margin-top: 1; }
    """

    def __init__(self, title: str, question: str, text: str = "") -> None:
        super().__init__(title)
        self._question = question
        self._text = text
        self._names: list[str] = []
        self._index = 0
        self.names = PieceRows()

    def ask(self) -> ComposeResult:
        """The question, the line, and what it may become."""
        yield Static(Content(self._question), classes="label")
        yield Line(self._text, max_length=4_000, id="answer")
        yield self.names
        yield Static(classes="problem")

    def on_mount(self) -> None:
        """Type at once."""
        self.query_one(Line).focus()
        self._offer()

    def on_resize(self) -> None:
        """There is another width to show names in."""
        self._show()

    @on(Line.Changed)
    def _typed(self, event: Line.Changed) -> None:
        event.stop()
        self._offer()

    def _offer(self) -> None:
        self._names = completions(self.query_one(Line).value)
        self._index = 0
        self.tell_problem("")
        self._show()

    def _show(self) -> None:
        first = max(0, min(self._index - ROWS // 2, len(self._names) - ROWS))
        shown = self._names[first : first + ROWS]
        left = len(self._names) - first - len(shown)
        rows = [
            self._row(name, first + at, left if at == ROWS - 1 else 0)
            for at, name in enumerate(shown)
        ]
        self.names.show(rows)

    def _row(self, name: str, number: int, left: int) -> PieceRow:
        chosen = number == self._index
        target = f"name:{number}"
        more = f"  {left:,} more" if left else ""
        return (
            Piece("▸ " if chosen else "  ", "bold $primary" if chosen else "", target),
            Piece(one_line(last_name(name), 60), "bold $primary" if chosen else "", target),
            Piece(more, "$text-muted"),
        )

    def on_key(self, event: events.Key) -> None:
        """Up and Down choose a name, in a circle: they mean nothing in a line."""
        step = {"up": -1, "down": 1}.get(event.key)
        if step and self._names:
            event.stop()
            self._index = (self._index + step) % len(self._names)
            self._show()

    def action_complete(self) -> None:
        """Write the chosen name."""
        if self._names:
            line = self.query_one(Line)
            line.value = self._names[self._index]
            line.cursor_position = len(line.value)

    @on(PieceRows.Pressed)
    def _pressed(self, event: PieceRows.Pressed) -> None:
        event.stop()
        self._index = int(event.target.removeprefix("name:"))
        self.action_complete()
        self.query_one(Line).focus()

    @on(Line.Submitted)
    def _entered(self, event: Line.Submitted) -> None:
        event.stop()
        text = event.value.strip()
        # A folder, and what is only begun, go on to the chosen name.
        begun = self._names and (not text or text.endswith(("/", os.sep)) or not _is_there(text))
        if begun:
            self.action_complete()
            text = self.query_one(Line).value
            if text.endswith(("/", os.sep)):
                return
        if not text:
            self.tell_problem("Type the path of a file, or press Esc to go back.")
            return
        self.dismiss(text)


def _is_there(text: str) -> bool:
    try:
        return from_typed(text).exists()
    except (OSError, ValueError):
        return False
