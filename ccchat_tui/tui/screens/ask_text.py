"""A question that is answered with one line of text."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from ccchat_tui.tui.screens.dialog import Dialog
from ccchat_tui.tui.widgets.fields import Line


class AskTextScreen(Dialog[str]):
    """Asks for a name.

    Args:
        title: What it is about.
        question: What is to be typed, and what an empty answer means.
        text: What stands there already.
        needed: Whether an empty answer is no answer.
    """

    def __init__(self, title: str, question: str, text: str = "", *, needed: bool = False) -> None:
        super().__init__(title)
        self._question = question
        self._text = text
        self._needed = needed

    def ask(self) -> ComposeResult:
        """The question and the line."""
        yield Static(Content(self._question), classes="label")
        yield Line(self._text, max_length=200, id="answer")
        yield Static(classes="problem")

    def on_mount(self) -> None:
        """Type at once."""
        self.query_one(Line).focus()

    @on(Line.Submitted)
    def _entered(self, event: Line.Submitted) -> None:
        event.stop()
        text = event.value.strip()
        if self._needed and not text:
            self.tell_problem("Type a name, or press Esc to go back.")
            return
        self.dismiss(text)
