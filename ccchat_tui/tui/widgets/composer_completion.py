"""A text area in which what one begins to write can be completed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.actions import SkipAction
from textual.message import Message
from textual.widgets import TextArea

if TYPE_CHECKING:
    from ccchat_tui.tui.slash_completion import Completion


class CompletingTextArea(TextArea):
    """Takes keys for completion only while something is offered, and offers something only for
    what was typed: an earlier prompt that is shown again is left alone."""

    completion: Completion | None = None
    """What is offered, if anybody offers anything."""
    _shown_text: str | None = None
    """A text that was put here whole, until it is changed."""

    @dataclass
    class Offered(Message):
        """Other choices are offered, or another one is chosen."""

        composer: CompletingTextArea

        @property
        def control(self) -> CompletingTextArea:
            """The text area, for selectors in `@on`."""
            return self.composer

    def offered(self) -> bool:
        """Whether anything is offered for the text and the cursor as they are now."""
        if self.completion is None:
            return False
        row, column = self.cursor_location
        line = self.document.get_line(0) if row == 0 else ""
        typed = (
            line.startswith("/")
            and column == len(line)
            and self.selection.is_empty
            and self.text != self._shown_text
        )
        self.completion.look(line if typed else None)
        return bool(self.completion.choices)

    def action_complete(self) -> None:
        """Write the chosen one; with nothing offered, leave the key to others."""
        if not self.offered():
            raise SkipAction
        assert self.completion is not None
        self.choose(self.completion.index)

    def choose(self, index: int) -> None:
        """Write one of the choices in the place of what was begun."""
        completion = self.completion
        if not self.offered() or completion is None or index >= len(completion.choices):
            return
        choice = completion.choices[index]
        self._replace_via_keyboard(choice.text, (0, choice.begin), self.cursor_location)
        self.move_cursor((0, len(self.document.get_line(0))))
        self.post_message(self.Offered(self))

    def _choose_beside(self, step: int) -> bool:
        """Choose the one before or after; returns whether anything is offered."""
        if not self.offered():
            return False
        assert self.completion is not None
        self.completion.move(step)
        self.post_message(self.Offered(self))
        return True

    def _complete_instead(self) -> bool:
        """Complete what is only begun. Returns whether there was anything to complete."""
        if not self.offered() or self.completion is None or self.completion.complete:
            return False
        self.action_complete()
        return True

    def _close_offer(self) -> bool:
        """Offer nothing more. Returns whether anything was offered."""
        if not self.offered():
            return False
        assert self.completion is not None
        self.completion.close()
        self.post_message(self.Offered(self))
        return True
