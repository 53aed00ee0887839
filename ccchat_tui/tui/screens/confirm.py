"""A question that is answered yes or no."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Button, Static

from ccchat_tui.tui.screens.dialog import Dialog


class ConfirmScreen(Dialog[bool]):
    """Asks before something that runs is stopped. Its answer is `True` only for yes.

    Args:
        title: What it is about.
        question: In words, already sanitised: what would be lost.
        yes: What the button that does it says.
        no: What the button that does not says.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "Yes", id="confirm.yes"),
        Binding("n", "answer(False)", "No", id="confirm.no"),
        Binding("left", "app.focus_previous", show=False),
        Binding("right", "app.focus_next", show=False),
    ]

    def __init__(self, title: str, question: str, *, yes: str, no: str = "Go back") -> None:
        super().__init__(title)
        self._question = question
        self._yes = yes
        self._no = no

    def ask(self) -> ComposeResult:
        """The question; the harmless answer is focused."""
        yield Static(Content(self._question))
        with Horizontal(classes="buttons"):
            yield Button(Content(self._no), id="no")
            yield Button(Content(self._yes), id="yes", variant="error")

    def on_mount(self) -> None:
        """Enter must never stop anything by accident."""
        self.query_one("#no", Button).focus()

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.dismiss(event.button.id == "yes")

    def action_answer(self, answer: bool) -> None:
        """Answer by a letter."""
        self.dismiss(answer)
