"""A field in which one of a few words is chosen, all of them in sight."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len
from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

GAP = 1
"""Cells between two words; each has a cell of its own at both sides for the marks."""


class Choice(Widget, can_focus=True):
    """Words in a row, of which one is marked: by signs beside it, not by colour alone.

    Args:
        words: What may be chosen; our own, in one line.
        value: Which of them is at first.
        id: The widget's id.
    """

    class Changed(Message):
        """Another word was chosen."""

        def __init__(self, choice: Choice) -> None:
            super().__init__()
            self.choice = choice

    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "step(-1)", show=False),
        Binding("right,space", "step(1)", show=False),
    ]
    DEFAULT_CSS = """
    Choice { height: 1; width: 1fr; text-wrap: nowrap; text-overflow: clip; }
    """

    def __init__(
        self,
        words: Sequence[str],
        value: str,
        *,
        id: str | None = None,  # noqa: A002 - Textual's own name for it
    ) -> None:
        super().__init__(id=id)
        self._words = tuple(words)
        self._value = value

    @property
    def value(self) -> str:
        """The word that is chosen."""
        return self._value

    @value.setter
    def value(self, word: str) -> None:
        if word != self._value:
            self._value = word
            self.refresh()
            self.post_message(self.Changed(self))

    def action_step(self, step: int) -> None:
        """Choose the next word, or the one before, in a circle."""
        at = self._words.index(self._value) if self._value in self._words else 0
        self.value = self._words[(at + step) % len(self._words)]

    def render(self) -> Content:
        """The words."""
        pieces: list[tuple[str, str] | str] = []
        for word in self._words:
            if word != self._value:
                pieces.append((f" {word} ", "$text-muted"))
            elif self.has_focus:
                pieces.append((f"▸{word}◂", "bold $background on $primary"))
            else:
                pieces.append((f"▸{word}◂", "bold $primary"))
            pieces.append(" " * GAP)
        return Content.assemble(*pieces)

    def on_focus(self) -> None:
        """It is told that keys go here."""
        self.refresh()

    def on_blur(self) -> None:
        """They go elsewhere."""
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        """Choose the word that was clicked."""
        event.stop()
        x, end = event.get_content_offset_capture(self).x, 0
        for word in self._words:
            end += cell_len(word) + 2 + GAP
            if x < end:
                self.value = word
                return
