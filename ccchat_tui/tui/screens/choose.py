"""A question that is answered with one of a few lines."""

from __future__ import annotations

from collections.abc import Sequence

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from ccchat_tui.text import one_line
from ccchat_tui.tui.screens.dialog import Dialog


class ChooseScreen(Dialog[int]):
    """Its answer is the place of the line that was chosen.

    Args:
        title: What it is about.
        question: In words, already sanitised.
        lines: What may be chosen; any text at all.
    """

    DEFAULT_CSS = """
    ChooseScreen OptionList {
        height: auto;
        max-height: 12;
        margin-top: 1;
        border: none;
        padding: 0;
        background: $surface;
    }
    ChooseScreen OptionList:focus { border: none; }
    """

    def __init__(self, title: str, question: str, lines: Sequence[str]) -> None:
        super().__init__(title)
        self._question = question
        self._lines = lines

    def ask(self) -> ComposeResult:
        """The question and the lines."""
        yield Static(Content(self._question))
        yield OptionList(*(Option(Content(one_line(line, 56))) for line in self._lines))

    def on_mount(self) -> None:
        """The first line is marked; Enter takes it."""
        options = self.query_one(OptionList)
        options.highlighted = 0
        options.focus()

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.dismiss(event.option_index)
