"""A text area in which large pastes are folded, each into a token that is one unit: the cursor goes
past it, and it is deleted whole."""

from __future__ import annotations

from typing import Any

from textual.document._document import EditResult, Location, Selection

from ccchat_tui.text import sanitize
from ccchat_tui.tui.widgets.composer_completion import CompletingTextArea
from ccchat_tui.tui.widgets.composer_pastes import Pastes


class FoldingTextArea(CompletingTextArea):
    """Shows tokens in the place of large pastes, and knows what they stand for.

    Args:
        kwargs: As for every text area.
    """

    def __init__(self, **kwargs: Any) -> None:
        # The base class sets a selection while it is made, which looks for tokens.
        self._pastes = Pastes()
        super().__init__(**kwargs)

    @property
    def full_text(self) -> str:
        """The text with folded pastes spelled out: what would be sent."""
        return self._pastes.expand(self.text)

    def action_paste(self) -> None:
        """Insert what this program copied last."""
        self._insert_pasted(self.app.clipboard)

    def _insert_pasted(self, text: str) -> str:
        """Returns what stands in the box for it."""
        folded = self._folded(sanitize(text), held=len(self.text))
        if folded:
            self._replace_via_keyboard(folded, *self.selection)
        return folded

    def _folded(self, text: str, held: int = 0) -> str:
        return self._pastes.fold(text) if self._pastes.too_large(text, held) else text

    def action_copy(self) -> None:
        """Copy the selection, folded pastes spelled out."""
        super().action_copy()
        if self._pastes:
            self.app.copy_to_clipboard(self._pastes.expand(self.selected_text))

    def action_cut(self) -> None:
        """Cut the selection, or the line; folded pastes are spelled out in the clipboard."""
        super().action_cut()
        if self._pastes:
            self.app.copy_to_clipboard(self._pastes.expand(self.app.clipboard))

    def _token_at(self, location: Location) -> tuple[int, int] | None:
        """The token whose inside this location is in, as two columns of its row."""
        row, column = location
        # Deleting the last line asks for the row behind it.
        if not self._pastes or row >= self.document.line_count:
            return None
        spans = self._pastes.spans(self.document.get_line(row))
        return next((span for span in spans if span[0] < column < span[1]), None)

    def _validate_selection(self, selection: Selection) -> Selection:
        """Within the text, and never inside a token."""
        return Selection(*(self._snapped(end) for end in super()._validate_selection(selection)))

    def _snapped(self, location: Location) -> Location:
        span = self._token_at(location)
        if span is None:
            return location
        row, column = location
        return row, span[0] if column - span[0] < span[1] - column else span[1]

    def get_cursor_left_location(self) -> Location:
        """One character, or one token, to the left."""
        row, column = super().get_cursor_left_location()
        span = self._token_at((row, column))
        return (row, span[0]) if span else (row, column)

    def get_cursor_right_location(self) -> Location:
        """One character, or one token, to the right."""
        row, column = super().get_cursor_right_location()
        span = self._token_at((row, column))
        return (row, span[1]) if span else (row, column)

    def _delete_via_keyboard(self, start: Location, end: Location) -> EditResult | None:
        """Delete, taking a token whole where the range would cut it in two."""
        first, last = sorted((start, end))
        if span := self._token_at(first):
            first = (first[0], span[0])
        if span := self._token_at(last):
            last = (last[0], span[1])
        return super()._delete_via_keyboard(first, last)

    def _location(self, index: int) -> Location:
        before = self.text[:index]
        return before.count("\n"), index - (before.rfind("\n") + 1)
