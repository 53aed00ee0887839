"""The files that are to go with the next message, above the box in which it is written."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from typing import ClassVar

from rich.cells import cell_len
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widget import Widget

from ccchat_tui.sessions.attachments import Attachment, size_words
from ccchat_tui.text import one_line
from ccchat_tui.tui.widgets.line import Piece
from ccchat_tui.tui.widgets.piece_rows import PieceRow, PieceRows

NAME_WIDTH = 32
"""Cells of a name at most."""
MOST_ROWS = 4
"""Rows of files at most; of further ones only the number is told."""
TAKES_OUT = " ✕ "


class AttachmentBar(PieceRows, can_focus=True):
    """Shows files and takes them out; it is there only while it has something to say."""

    FOCUS_ON_CLICK = False
    """Who clicks goes on writing."""
    BINDING_GROUP_TITLE = "In the attached files"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,up", "choose(-1)", "The file before", show=False, id="files.before"),
        Binding("right,down", "choose(1)", "The next file", show=False, id="files.next"),
        Binding("delete,backspace,x", "take_out", "Take out", tooltip="Take the file out",
                id="files.take_out"),
        Binding("escape,enter", "leave", "Back", tooltip="Back to the message",
                id="files.leave"),
    ]  # fmt: skip
    DEFAULT_CSS = """
    AttachmentBar {
        display: none;
        height: auto;
        background: $panel;
        color: $foreground;
        padding: 0 1;
    }
    AttachmentBar.-open { display: block; }
    """

    class TakeOutRequested(Message):
        """A file is not to be sent."""

        def __init__(self, index: int) -> None:
            super().__init__()
            self.index = index

    class OfferTaken(Message):
        """What is offered is to be attached."""

    class OfferLeft(Message):
        """What is offered is to stay text."""

    class Left(Message):
        """The person goes back to the message."""

    def __init__(self) -> None:
        super().__init__()
        self._files: Sequence[Attachment] = ()
        self._reading: Sequence[str] = ()
        self._facts: Sequence[tuple[str, str]] = ()
        self._offer = ("", "", "")
        self.index = 0
        """Which file is chosen."""

    def show_files(self, files: Sequence[Attachment], reading: Sequence[str] = ()) -> None:
        """Show these files, and the names of those that are being read."""
        self._files, self._reading = files, reading
        self.index = max(0, min(self.index, len(files) - 1))
        self.lay_out()

    def show_facts(self, facts: Sequence[tuple[str, str]]) -> None:
        """Show lines below the files: their words and their colour."""
        if facts != self._facts:
            self._facts = facts
            self.lay_out()

    def show_offer(self, words: str, keys: str = "", short: str = "") -> None:
        """Offer to attach something; empty words take the offer away.

        Args:
            words: What is offered.
            keys: How it is taken, and how it is left.
            short: The same where there is little room.
        """
        self._offer = (words, keys, short)
        self.lay_out()

    def lay_out(self) -> None:
        """Put the rows together as they are to be now."""
        room = max(20, (self.parent.size.width if isinstance(self.parent, Widget) else 80) - 2)
        rows = list(self._rows_of_files(room)) if self._files or self._reading else []
        if self._files:
            for words, colour in self._facts:
                rows += [(Piece(line, colour),) for line in textwrap.wrap(words, room)]
        if self._offer[0]:
            rows.append(self._offer_row(room))
        self.set_class(bool(rows), "-open")
        self.can_focus = bool(self._files)
        if not self._files and self.has_focus:
            self.post_message(self.Left())
        self.styles.height = max(1, len(rows))
        self.show(rows)

    def _offer_row(self, room: int) -> PieceRow:
        words, keys, short = self._offer
        if cell_len(words) + cell_len(keys) + 5 > room:
            keys = short
        told = one_line(words, max(10, room - cell_len(keys) - 5))
        return (
            Piece(told, "bold", "take"),
            Piece(f"  {keys}", "$text-muted", "take"),
            Piece(TAKES_OUT, "$text-muted", "leave"),
        )

    def _rows_of_files(self, room: int) -> Iterable[PieceRow]:
        row: list[Piece] = []
        rows = 0
        chips = [self._chip(index, each, room) for index, each in enumerate(self._files)]
        chips += [[Piece(f"… reading {one_line(name, NAME_WIDTH)}  ", "$text-muted")]
                  for name in self._reading]  # fmt: skip
        for number, chip in enumerate(chips):
            if row and sum(piece.width for piece in (*row, *chip)) > room:
                rows += 1
                if rows == MOST_ROWS:
                    row.append(Piece(f" +{len(chips) - number} more", "$text-muted"))
                    break
                yield tuple(row)
                row = []
            row += chip
        yield tuple(row)

    def _chip(self, index: int, file: Attachment, room: int) -> list[Piece]:
        chosen = self.has_focus and index == self.index
        style = "bold reverse" if chosen else "bold"
        sign = "▣" if file.is_picture else "▤"
        many = "token" if file.tokens == 1 else "tokens"
        facts = f" {size_words(file.size)} ≈{file.tokens:,} {many}"
        name = one_line(file.name, max(6, min(NAME_WIDTH, room - cell_len(facts) - 6)))
        return [
            Piece(f"{sign} ", "$primary"),
            Piece(name, style),
            Piece(facts, "$text-muted"),
            Piece(TAKES_OUT, "$text-error" if chosen else "$text-muted", f"out:{index}"),
        ]

    # What the person does -------------------------------------------------------------------

    def on_resize(self) -> None:
        """Another width has room for other rows."""
        super().on_resize()
        self.lay_out()

    def watch_has_focus(self, has_focus: bool) -> None:
        """The last file is the one that is most likely meant; without focus none is chosen."""
        super().watch_has_focus(has_focus)
        if has_focus:
            self.index = max(0, len(self._files) - 1)
        self.lay_out()

    def action_choose(self, step: int) -> None:
        """Choose the file before, or the next one, in a circle."""
        if self._files:
            self.index = (self.index + step) % len(self._files)
            self.lay_out()

    def action_take_out(self) -> None:
        """Take the chosen file out."""
        self.post_message(self.TakeOutRequested(self.index))

    def action_leave(self) -> None:
        """Back to the message."""
        self.post_message(self.Left())

    def on_piece_rows_pressed(self, event: PieceRows.Pressed) -> None:
        """A click on a cross takes a file out, one on the offer takes it."""
        event.stop()
        what, _, number = event.target.partition(":")
        if what == "out":
            self.post_message(self.TakeOutRequested(int(number)))
        else:
            self.post_message(self.OfferTaken() if what == "take" else self.OfferLeft())
