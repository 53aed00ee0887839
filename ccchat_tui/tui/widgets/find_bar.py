"""The line in which one types what is to be found in a conversation."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from ccchat_tui.tui.widgets.fields import Line

_ROOMY = 64
"""Cells from which there is room to say what keys do."""


class FindBar(Horizontal):
    """Says what is to be found; who shows the conversation finds it."""

    BINDING_GROUP_TITLE = "While finding"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,shift+enter", "step(-1)", "The hit before", show=False, id="find.before"),
        Binding("down", "step(1)", "The next hit", show=False, id="find.next"),
        Binding("escape", "leave", "Back", tooltip="Find nothing more"),
    ]
    DEFAULT_CSS = """
    FindBar {
        display: none;
        height: 1;
        background: $panel;
        padding: 0 1;
    }
    FindBar.-open { display: block; }
    FindBar Static { width: auto; color: $text-muted; }
    FindBar .count { padding-left: 1; }
    FindBar Line, FindBar Line:focus {
        width: 1fr;
        height: 1;
        border: none;
        padding: 0;
        background: $panel;
    }
    """

    class Changed(Message):
        """Other words are to be found; empty for none."""

        def __init__(self, words: str) -> None:
            super().__init__()
            self.words = words

    class Stepped(Message):
        """The next hit, or the one before, is to be shown."""

        def __init__(self, step: int) -> None:
            super().__init__()
            self.step = step

    class Left(Message):
        """Nothing is to be found any more."""

    def __init__(self) -> None:
        super().__init__()
        self.line = Line(max_length=500)
        self._count = Static(classes="count", markup=False)

    def open(self, words: str = "") -> None:
        """Take what is typed from now on; what was typed last can be typed over."""
        if not self.line.is_attached:
            # Not before: every chat has one of these, and in most nothing is ever looked for.
            self.mount(Static("find: ", markup=False), self.line, self._count)
        self.add_class("-open")
        if words:
            self.line.value = words
        self.line.action_select_all()
        self.screen.set_focus(self.line)
        if self.line.value:
            self.post_message(self.Changed(self.line.value))

    def show_found(self, number: int, count: int) -> None:
        """Say how many hits there are, and which is chosen."""
        told = f"{number} of {count:,}" if count else "nothing found"
        keys = "  ↑ before · ↓ next · Esc back" if self.size.width >= _ROOMY else ""
        self._count.update(Content((told if self.line.value else "") + keys))

    @on(Line.Changed)
    def _typed(self, event: Line.Changed) -> None:
        event.stop()
        if self.has_class("-open"):
            self.post_message(self.Changed(event.value))

    @on(Line.Submitted)
    def _entered(self, event: Line.Submitted) -> None:
        event.stop()
        self.action_step(1)

    def action_step(self, step: int) -> None:
        """Ask for the next hit, or the one before."""
        self.post_message(self.Stepped(step))

    def action_leave(self) -> None:
        """Find nothing more."""
        self.remove_class("-open")
        self.post_message(self.Left())
