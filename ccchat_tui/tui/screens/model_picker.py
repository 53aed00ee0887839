"""The models that the server has, or several have, narrowed down while one types."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from textual import events, on
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from ccchat_tui.backends.base import ModelInfo
from ccchat_tui.text import one_line
from ccchat_tui.tui.screens.dialog import Dialog
from ccchat_tui.tui.widgets.fields import Line

NAME_WIDTH = 36
"""Cells of a row for the model's name."""
FACTS_WIDTH = 26
"""Cells of a row for its size and kind."""


class ModelPickerScreen(Dialog[str]):
    """Its answer is the name of the model that was chosen.

    Args:
        models: What the server has, newest first; `None` while it is being asked.
        present: The model of the chat now.
        problem: Why there is no list, in words; empty if there is one.
    """

    DEFAULT_CSS = """
    ModelPickerScreen > .box { width: 73; }
    ModelPickerScreen OptionList {
        height: auto;
        max-height: 14;
        margin-top: 1;
        border: none;
        padding: 0;
        background: $surface;
    }
    ModelPickerScreen .words {
        display: none;
        color: $text-muted;
        margin-top: 1;
    }
    ModelPickerScreen .words.-told {
        display: block;
    }
    """

    def __init__(
        self, models: Sequence[ModelInfo] | None, present: str, *, problem: str = ""
    ) -> None:
        super().__init__("Model")
        self._asking = models is None
        self._models = list(models or ())
        self._present = present
        self._problem = problem

    def ask(self) -> ComposeResult:
        """A line to type in, and the list."""
        yield Line(placeholder="type to narrow the list down", id="filter")
        yield OptionList(id="models", markup=False)
        yield Static(classes="words")

    def on_mount(self) -> None:
        """Show them all."""
        self.query_one(Line).focus()
        self._show("")

    def show_models(self, models: Sequence[ModelInfo], problem: str = "") -> None:
        """Show what the server has answered; harmless when it has been left meanwhile.

        Args:
            models: Newest first.
            problem: Why there is no list, in words; empty if there is one.
        """
        self._asking, self._models, self._problem = False, list(models), problem
        if self.is_mounted and self.is_attached:
            self._show(self.query_one(Line).value)

    @on(Line.Changed)
    def _narrow(self, event: Line.Changed) -> None:
        event.stop()
        self._show(event.value)

    @on(Line.Submitted)
    def _entered(self, event: Line.Submitted) -> None:
        event.stop()
        self._choose()

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.dismiss(self._models[int(event.option.id or 0)].name)

    def on_key(self, event: events.Key) -> None:
        """Up and down move in the list while one types."""
        options = self.query_one(OptionList)
        if event.key in {"up", "down"} and self.focused is not options:
            event.stop()
            event.prevent_default()
            options.action_cursor_up() if event.key == "up" else options.action_cursor_down()

    def _choose(self) -> None:
        options = self.query_one(OptionList)
        if options.highlighted is not None:
            option = options.get_option_at_index(options.highlighted)
            self.dismiss(self._models[int(option.id or 0)].name)

    def _show(self, typed: str) -> None:
        words = typed.lower().split()
        options = self.query_one(OptionList)
        options.clear_options()
        chosen = 0
        for index, model in enumerate(self._models):
            # Typing the name of a server leaves what that one has.
            name = " ".join((model.name, *model.servers)).lower()
            if all(word in name for word in words):
                if model.name == self._present:
                    chosen = options.option_count
                options.add_option(Option(self._row(model), id=str(index)))
        options.display = bool(options.option_count)
        if options.option_count:
            options.highlighted = chosen
        told = self.query_one(".words", Static)
        told.update(Content(self._words(typed)))
        told.set_class(not options.option_count, "-told")

    def _words(self, typed: str) -> str:
        if self._problem:
            return self._problem
        if self._asking:
            return "Asking which models there are…"
        if not self._models:
            return "The server has no models yet. Fetch one, e.g. `ollama pull llama3.2`."
        return f"None of the {len(self._models)} models has “{one_line(typed, 40)}” in its name."

    def _row(self, model: ModelInfo) -> Content:
        facts = [model.parameter_size, model.quantization]
        if model.size:
            facts.append(f"{model.size / 1e9:.1f} GB")
        mark = "● " if model.name == self._present else "  "
        name = one_line(model.name, NAME_WIDTH)
        name += " " * (NAME_WIDTH - cell_len(name))
        told = one_line(" · ".join(fact for fact in facts if fact), FACTS_WIDTH)
        row = Content.assemble(mark, (name, "bold"), " ", told)
        if not model.servers:
            return row
        where = one_line(f"on {', '.join(model.servers)}", NAME_WIDTH + FACTS_WIDTH)
        return Content.assemble(row, "\n  ", (where, "$text-muted"))
