"""Models are fetched: by name, with a bar for each layer, on in the background when it is left."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Static

from ccchat_tui.tui.pull_words import rows_of
from ccchat_tui.tui.pulls import Pull
from ccchat_tui.tui.screens.dialog import Dialog
from ccchat_tui.tui.widgets.fields import Line
from ccchat_tui.tui.widgets.piece_rows import PieceRow, PieceRows

if TYPE_CHECKING:
    from ccchat_tui.tui.model_desk import ModelDesk

NEEDS_NAME = "Type the name of a model, such as llama3.2 or qwen3:8b."


class PullScreen(Dialog[None]):
    """Leaving it stops nothing.

    Args:
        desk: Who fetches.
        name: What stands in the line at first.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("f9", "cancel", "Cancel it", priority=True)]
    DEFAULT_CSS = """
    PullScreen > .box { width: 86; }
    PullScreen .label { margin-top: 0; }
    PullScreen VerticalScroll { height: auto; max-height: 16; scrollbar-size-vertical: 1; }
    PullScreen PieceRows { height: 0; margin-top: 1; }
    PullScreen #stop { dock: left; margin-left: 0; }
    """

    def __init__(self, desk: ModelDesk, name: str = "") -> None:
        super().__init__("Fetch a model")
        self._desk = desk
        self._first = name
        self._chosen: Pull | None = None
        self.list = PieceRows()

    def ask(self) -> ComposeResult:
        """A line for the name, and what is on its way."""
        where = "the server" if len(self._desk.managers) < 2 else "a server"
        question = f"Which one is {where} to fetch? It goes on when this is left."
        yield Static(Content(question), classes="label")
        yield Line(self._first, placeholder="such as llama3.2 or qwen3:8b", max_length=512)
        with VerticalScroll(can_focus=False):
            yield self.list
        yield Static(classes="problem", markup=False)
        with Horizontal(classes="buttons"):
            yield Button("Cancel it (F9)", id="stop")
            yield Button("Go back", id="back")
            yield Button("Fetch", id="fetch", variant="primary")

    def on_mount(self) -> None:
        """Type at once."""
        self.query_one(Line).focus()
        self.show_pulls()

    def on_resize(self) -> None:
        """Lay the rows out for another width."""
        self.call_after_refresh(self.show_pulls)

    def show_pulls(self) -> None:
        """Show how far all of them are; only what differs is drawn."""
        if not (self.is_mounted and self.is_attached):
            return
        pulls = self._desk.pulls
        if self._chosen not in pulls.all or self._chosen is None:
            self._chosen = pulls.all[0] if pulls.all else None
        rows: list[PieceRow] = []
        width = self.list.size.width or 76
        for pull in pulls.all:
            many = len(pulls.all) > 1
            rows += rows_of(pull, pulls.now(), width, selected=many and pull is self._chosen)
        if self.list.styles.height is None or self.list.styles.height.value != len(rows):
            self.list.styles.height = len(rows)
        self.list.show(rows)
        running = bool(self._chosen and self._chosen.running)
        self.query_one("#stop", Button).disabled = not running

    # What the person does -----------------------------------------------------------------

    def on_key(self, event: events.Key) -> None:
        """Up and down choose among those on their way, while one types."""
        pulls = self._desk.pulls.all
        if event.key in {"up", "down"} and self._chosen in pulls and self._chosen is not None:
            event.stop()
            event.prevent_default()
            at = pulls.index(self._chosen) + (1 if event.key == "down" else -1)
            self._chosen = pulls[max(0, min(at, len(pulls) - 1))]
            self.show_pulls()

    @on(PieceRows.Pressed)
    def _pressed_row(self, event: PieceRows.Pressed) -> None:
        event.stop()
        for pull in self._desk.pulls.all:
            if event.target == f"pull:{id(pull)}":
                self._chosen = pull
        self.show_pulls()

    @on(Line.Submitted)
    def _entered(self, event: Line.Submitted) -> None:
        event.stop()
        self._fetch()

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        match event.button.id:
            case "stop":
                self.action_cancel()
            case "fetch":
                self._fetch()
            case _:
                self.dismiss(None)

    def action_cancel(self) -> None:
        """Stop the chosen one. What has come of it is kept by the server."""
        if self._chosen is not None:
            self._desk.pulls.cancel(self._chosen)

    def _fetch(self) -> None:
        line = self.query_one(Line)
        name = line.value.strip()
        if not name:
            self.tell_problem(NEEDS_NAME)
            return
        self.tell_problem("")

        def started(pull: Pull) -> None:
            self._chosen = pull
            line.value = ""
            self.show_pulls()

        self._desk.pull(name, started)
