"""What all dialogs have in common: a box in the middle, Esc to leave it."""

from __future__ import annotations

from typing import ClassVar, TypeVar

from textual import on
from textual.app import ComposeResult
from textual.await_complete import AwaitComplete
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Static

Result = TypeVar("Result")


class Dialog(ModalScreen[Result | None]):
    """A box over the chats, which stream on behind it. `None` is the answer of who leaves it.

    Args:
        title: Stands in its frame; outside text must have been sanitised.
    """

    BINDING_GROUP_TITLE = "In a dialog"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Back"),
        # At once, so that what is typed right behind goes where it is meant to go.
        Binding("tab", "app.focus_next", show=False, priority=True),
        Binding("shift+tab", "app.focus_previous", show=False, priority=True),
    ]
    DEFAULT_CSS = """
    Dialog {
        align: center middle;
        background: $background 60%;
    }
    Dialog > .box {
        width: 64;
        max-width: 96%;
        height: auto;
        max-height: 96%;
        padding: 1 2;
        background: $surface;
        border: round $primary;
        border-title-color: $primary;
        border-title-style: bold;
        border-subtitle-color: $text-muted;
    }
    Dialog .buttons {
        height: auto;
        margin-top: 1;
        align-horizontal: right;
    }
    Dialog .buttons Button {
        margin-left: 2;
        min-width: 12;
    }
    Dialog .label {
        color: $text-muted;
        margin-top: 1;
    }
    Dialog .problem {
        color: $text-error;
        display: none;
    }
    Dialog .problem.-told {
        display: block;
    }
    Dialog .gap {
        margin-top: 1;
    }
    /* Where rows are few, frames and space make way, and what is still too high is scrolled. */
    Dialog.-low > .box {
        max-height: 100%;
        padding: 0 1;
        overflow-y: auto;
        scrollbar-size-vertical: 1;
    }
    Dialog.-low .label, Dialog.-low .gap, Dialog.-low .buttons, Dialog.-low OptionList,
    Dialog.-low .words, Dialog.-low .facts { margin-top: 0; }
    Dialog.-low Line { border: none; height: 1; background: $foreground 8%; padding: 0 1; }
    Dialog.-low Line:focus { border: none; background: $foreground 14%; }
    Dialog.-low Button, Dialog.-low Button.-primary { border: none; height: 1; min-width: 6; }
    Dialog.-low Button:focus { border: none; }
    Dialog.-slim .buttons Button { margin-left: 1; min-width: 6; }
    """

    class Left(Message):
        """Esc was pressed."""

    def __init__(self, title: str) -> None:
        super().__init__()
        self._title = title
        self._answered = False

    def compose(self) -> ComposeResult:
        """The box with what the dialog asks."""
        with Vertical(classes="box") as box:
            box.border_title = Content(self._title)
            yield from self.ask()

    def ask(self) -> ComposeResult:
        """What is in the box. To be overridden."""
        yield from ()

    def tell_problem(self, words: str) -> None:
        """Say what is wrong with an answer; empty words take it away."""
        problem = self.query_one(".problem", Static)
        problem.update(Content(words))
        problem.set_class(bool(words), "-told")

    def action_leave(self) -> None:
        """Change nothing, once what was pressed before has been answered: an Enter that came in
        one piece with Esc is still on its way from its field."""
        (self.focused or self).post_message(self.Left())

    @on(Left)
    def _left(self, event: Left) -> None:
        event.stop()
        self.dismiss(None)

    def dismiss(self, result: Result | None = None) -> AwaitComplete:
        """Give the answer. The first one counts: a second Enter, or an Esc, that came in one piece
        with it has nothing to answer any more."""
        if self._answered:
            return AwaitComplete()
        self._answered = True
        return super().dismiss(result)
