"""Settings that are kept by name: taken, kept anew, deleted."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Button, OptionList, Static
from textual.widgets.option_list import Option

from ccchat_tui.sessions.options import OptionError
from ccchat_tui.sessions.presets import LONGEST_NAME, Preset, PresetError, Presets, preset_name
from ccchat_tui.text import one_line
from ccchat_tui.tui.screens.ask_text import AskTextScreen
from ccchat_tui.tui.screens.confirm import ConfirmScreen
from ccchat_tui.tui.screens.dialog import Dialog

ROW_WIDTH = 60
"""Cells of a row."""


class PresetsScreen(Dialog[Preset]):
    """Its answer is the preset that was chosen.

    Args:
        presets: Where they are kept.
        present: What would be kept now; raises `OptionError` if that cannot be.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f3", "keep", "Keep the settings by a name"),
        Binding("f9,delete", "delete", "Delete"),
    ]
    DEFAULT_CSS = """
    PresetsScreen > .box { width: 68; }
    PresetsScreen OptionList {
        height: auto;
        max-height: 14;
        border: none;
        padding: 0;
        background: $surface;
    }
    PresetsScreen OptionList:focus { border: none; }
    PresetsScreen .words { color: $text-muted; margin-top: 1; }
    PresetsScreen #keep { dock: left; margin-left: 0; }
    """

    def __init__(self, presets: Presets, present: Callable[[], Preset]) -> None:
        super().__init__("Presets")
        self._presets = presets
        self._present = present
        self._found: dict[str, Preset] = {}

    def ask(self) -> ComposeResult:
        """The list, what there is to say, and what can be done."""
        yield OptionList(id="list", markup=False)
        yield Static(classes="words", markup=False)
        yield Static(classes="problem", markup=False)
        with Horizontal(classes="buttons"):
            yield Button("Keep as… (F3)", id="keep")
            yield Button("Delete (F9)", id="delete")
            yield Button("Take it", id="take", variant="primary")

    def on_mount(self) -> None:
        """Show them all."""
        self._show()
        self._focus()

    def _focus(self) -> None:
        options = self.query_one(OptionList)
        (options if options.display else self.query_one("#keep", Button)).focus()

    def _show(self, chosen: str = "") -> None:
        problem = ""
        try:
            self._found = self._presets.load()
            problem = "\n".join(self._presets.problems)
        except PresetError as error:
            self._found, problem = {}, error.message
        options = self.query_one(OptionList)
        options.clear_options()
        for name, preset in self._found.items():
            row = Content.assemble(
                (one_line(name, ROW_WIDTH), "bold"),
                "\n  ",
                one_line(preset.summary, ROW_WIDTH - 2),
            )
            options.add_option(Option(row))
        options.display = bool(self._found)
        if self._found:
            names = list(self._found)
            options.highlighted = names.index(chosen) if chosen in names else 0
        for button in ("#delete", "#take"):
            self.query_one(button, Button).disabled = not self._found
        told = "Enter takes it into the fields, where it can be saved."
        self.query_one(".words", Static).update(
            Content(told if self._found else "" if problem else "There are no presets yet.")
        )
        self.tell_problem(problem)

    @property
    def _marked(self) -> str:
        at = self.query_one(OptionList).highlighted
        names = list(self._found)
        return names[at] if at is not None and at < len(names) else ""

    # Doing --------------------------------------------------------------------------------

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self._take()

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        match event.button.id:
            case "keep":
                self.action_keep()
            case "delete":
                self.action_delete()
            case _:
                self._take()

    def _take(self) -> None:
        if name := self._marked:
            self.dismiss(self._found[name])

    def action_keep(self) -> None:
        """Keep the present settings by a name that is asked for."""
        try:
            preset = self._present()
        except OptionError as error:
            self.tell_problem(error.message)
            return

        def answered(typed: str | None) -> None:
            if not typed:
                return
            try:
                name = preset_name(typed)
            except PresetError as error:
                self.tell_problem(error.message)
                return
            if name not in self._found:
                self._keep(name, preset)
                return
            self.app.push_screen(
                ConfirmScreen("Replace it?", f"There is a preset “{name}” already: "
                              f"{one_line(self._found[name].summary, 200)}.", yes="Replace it"),
                lambda yes: self._keep(name, preset) if yes else None,
            )  # fmt: skip

        words = f"The name to keep these settings by, of at most {LONGEST_NAME} characters."
        self.app.push_screen(AskTextScreen("Keep as", words, self._marked, needed=True), answered)

    def _keep(self, name: str, preset: Preset) -> None:
        self._do(lambda: self._presets.save(name, preset), chosen=name)

    def action_delete(self) -> None:
        """Delete the marked preset, with a question: there is no way back."""
        name = self._marked
        if not name:
            return
        words = f"“{name}”: {one_line(self._found[name].summary, 200)}."
        self.app.push_screen(
            ConfirmScreen("Delete this preset?", words, yes="Delete it"),
            lambda yes: self._do(lambda: self._presets.delete(name)) if yes else None,
        )

    def _do(self, what: Callable[[], object], *, chosen: str = "") -> None:
        try:
            what()
        except PresetError as error:
            self._show(chosen)
            self.tell_problem(error.message)
        else:
            self._show(chosen)
        self._focus()
