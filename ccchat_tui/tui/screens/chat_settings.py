"""What one chat is asked with: model, system prompt, temperature, and in which order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets import Button, Static

from ccchat_tui.config import HOTTEST
from ccchat_tui.sessions.model import Session
from ccchat_tui.text import one_line
from ccchat_tui.tui.screens.dialog import Dialog
from ccchat_tui.tui.widgets.fields import Line, Lines, Tick


@dataclass(frozen=True, slots=True)
class ChatSettings:
    """The answer of the dialog."""

    model: str
    system: str
    temperature: float | None
    """`None` leaves it to the model."""
    ordered: bool


class ChatSettingsScreen(Dialog[ChatSettings]):
    """Changes nothing by itself; whoever asked applies the answer.

    Args:
        session: Whose settings are shown.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+s", "save", "Save")]
    DEFAULT_CSS = """
    ChatSettingsScreen > .box { width: 72; overflow-y: auto; }
    ChatSettingsScreen TextArea { height: 5; border: tall $border-blurred; }
    ChatSettingsScreen TextArea:focus { border: tall $border; }
    ChatSettingsScreen .label:first-child { margin-top: 0; }
    ChatSettingsScreen Tick { margin-top: 1; }
    """

    def __init__(self, session: Session) -> None:
        super().__init__(f"Settings of “{one_line(session.title, 40)}”")
        self._session = session

    def ask(self) -> ComposeResult:
        """The fields, each with what it means."""
        session = self._session
        temperature = session.options.get("temperature")
        yield Static("Model", classes="label", markup=False)
        yield Line(session.model, id="model", max_length=512, placeholder="name of a model")
        yield Static("System prompt (goes before every question)", classes="label", markup=False)
        yield Lines(session.system, id="system")
        yield Static(
            "Temperature, 0 to 2 (empty leaves it to the model)", classes="label", markup=False
        )
        yield Line("" if temperature is None else f"{temperature:g}", id="temperature")
        yield Tick(
            "Ordered: a question waits for the reply before it",
            session.ordered,
            id="ordered",
        )
        yield Static(classes="problem")
        with Horizontal(classes="buttons"):
            yield Button("Go back", id="back")
            yield Button("Save", id="save", variant="primary")

    def on_mount(self) -> None:
        """Type at once."""
        self.query_one("#model", Line).focus()

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        if event.button.id == "save":
            self.action_save()
        else:
            self.dismiss(None)

    @on(Line.Submitted)
    def _entered(self, event: Line.Submitted) -> None:
        event.stop()
        self.action_save()

    def action_save(self) -> None:
        """Check the fields and answer; a field that cannot be used is named, and focused."""
        written = self.query_one("#temperature", Line).value.strip().replace(",", ".")
        try:
            temperature = float(written) if written else None
        except ValueError:
            temperature = -1.0
        if temperature is not None and not 0 <= temperature <= HOTTEST:
            self.tell_problem(
                f"The temperature cannot be “{one_line(written, 20)}”; "
                "give a number from 0 to 2, or nothing."
            )
            self.query_one("#temperature", Line).focus()
            return
        self.dismiss(
            ChatSettings(
                model=self.query_one("#model", Line).value.strip(),
                system=self.query_one(Lines).text,
                temperature=temperature,
                ordered=self.query_one(Tick).value,
            )
        )
