"""What is to stand in the places of a prompt template."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Static

from ccchat_tui.text import one_line
from ccchat_tui.tui.screens.dialog import Dialog
from ccchat_tui.tui.templates import Template
from ccchat_tui.tui.widgets.fields import Line


class FillInScreen(Dialog[dict[str, str]]):
    """Asks for each variable; Enter goes on to the next one, and from the last one back.

    Args:
        template: Whose variables they are.
        values: What stands there already.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+s", "save", "Put it in the box")]
    DEFAULT_CSS = """
    FillInScreen > .box { width: 76; }
    FillInScreen VerticalScroll { height: auto; max-height: 24; margin-top: 1; }
    FillInScreen .label:first-child { margin-top: 0; }
    """

    def __init__(self, template: Template, values: Mapping[str, str]) -> None:
        super().__init__(f"/{template.name}")
        self._template = template
        self._values = dict(values)

    def ask(self) -> ComposeResult:
        """A line for each."""
        if self._template.about:
            yield Static(Content(one_line(self._template.about, 140)))
        with VerticalScroll(can_focus=False):
            for name, value in self._values.items():
                yield Static(Content(name.replace("_", " ")), classes="label")
                yield Line(value)
        yield Static(classes="problem")
        with Horizontal(classes="buttons"):
            yield Button("Go back", id="back")
            yield Button("Put it in the box", id="save", variant="primary")

    def on_mount(self) -> None:
        """Type at once, in the first that is empty."""
        lines = list(self.query(Line))
        next((line for line in lines if not line.value), lines[0]).focus()

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
        lines = list(self.query(Line))
        here = next(place for place, line in enumerate(lines) if line is event.input)
        if here + 1 < len(lines):
            self.set_focus(lines[here + 1])
        else:
            self.action_save()

    def action_save(self) -> None:
        """Answer, unless nothing at all was given."""
        lines = self.query(Line)
        values = {name: line.value for name, line in zip(self._values, lines, strict=True)}
        missing = [name for name, value in values.items() if not value.strip()]
        if len(missing) == len(values):
            self.tell_problem("Fill in at least one of these, or press Esc to go back.")
            return
        self.dismiss(values)
