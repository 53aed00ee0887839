"""The models that the server has, or several have, narrowed down while one types."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import tzinfo
from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from ccchat_tui.backends.base import LoadedModel, ModelInfo
from ccchat_tui.backends.model_lists import full_name
from ccchat_tui.text import one_line
from ccchat_tui.tui.screens.dialog import Dialog
from ccchat_tui.tui.screens.model_rows import facts_of, matches, row_of
from ccchat_tui.tui.widgets.fields import Line

if TYPE_CHECKING:
    from ccchat_tui.tui.model_desk import ModelDesk

KEYS = "Enter chooses · F2 fetch another · F8 unload · F9 delete"


class ModelPickerScreen(Dialog[str]):
    """Its answer is the name of the model that was chosen.

    Args:
        models: What the server has, newest first; `None` while it is being asked.
        present: The model of the chat now.
        problem: Why there is no list, in words; empty if there is one.
        desk: Who fetches, deletes and unloads; `None` for nobody.
        zone: Whose hours are shown; `None` for the machine's own.
        title: What it is about.
    """

    _line: ClassVar[type[Line]] = Line
    BINDINGS: ClassVar[list[BindingType]] = [
        # At once, so that they work while one types.
        Binding("f2", "fetch", "Fetch a model", priority=True),
        Binding("f8", "unload", "Unload", priority=True),
        Binding("f9", "delete", "Delete", priority=True),
    ]
    DEFAULT_CSS = """
    ModelPickerScreen > .box { width: 86; }
    ModelPickerScreen OptionList {
        height: auto;
        max-height: 12;
        margin-top: 1;
        border: none;
        padding: 0;
        background: $surface;
        scrollbar-size-vertical: 1;
    }
    ModelPickerScreen OptionList:focus { border: none; }
    ModelPickerScreen .words {
        display: none;
        color: $text-muted;
        margin-top: 1;
    }
    ModelPickerScreen .facts {
        display: none;
        margin-top: 1;
        text-wrap: nowrap;
        text-overflow: ellipsis;
    }
    ModelPickerScreen .-told {
        display: block;
    }
    """

    def __init__(
        self,
        models: Sequence[ModelInfo] | None,
        present: str,
        *,
        problem: str = "",
        desk: ModelDesk | None = None,
        zone: tzinfo | None = None,
        title: str = "Model",
    ) -> None:
        super().__init__(title)
        self._asking = models is None
        self._models = list(models or ())
        self._present = present
        self._problem = problem
        self._desk = desk
        self._zone = zone
        self._loaded: dict[str, dict[str, LoadedModel]] = {}
        """By server, then by the model's full name."""
        self._said = ""

    def ask(self) -> ComposeResult:
        """A line to type in, the list, and what there is to say of the marked model."""
        yield self._line(placeholder="type a name, a family or an ability to narrow the list down",
                         id="filter")  # fmt: skip
        yield OptionList(id="models", markup=False)
        yield Static(classes="facts", markup=False)
        yield Static(classes="words", markup=False)

    def on_mount(self) -> None:
        """Show them all."""
        self.query_one(Line).focus()
        self._show("")

    def on_resize(self) -> None:
        """Fit the rows into another width."""
        self.call_after_refresh(self._show_again)

    # What it is told ----------------------------------------------------------------------

    def show_models(self, models: Sequence[ModelInfo], problem: str = "") -> None:
        """Show what the server has answered; harmless when it has been left meanwhile.

        Args:
            models: Newest first.
            problem: Why there is no list, in words; empty if there is one.
        """
        marked = self._marked_name
        self._asking, self._models, self._problem = False, list(models), problem
        self._show_again(marked)

    def show_loaded(self, server: str, loaded: Sequence[LoadedModel]) -> None:
        """Show what one server has in its memory; harmless when it has been left meanwhile.

        Args:
            server: Its name; empty where there is only one.
            loaded: All that it has loaded.
        """
        self._loaded[server] = {full_name(each.name): each for each in loaded}
        self._show_again()

    def say(self, words: str) -> None:
        """Say what came of something, until another key is pressed."""
        self._said = words
        if self.is_mounted and self.is_attached:
            self._show_words(self.query_one(Line).value)

    # What the person does -----------------------------------------------------------------

    @on(Line.Changed)
    def _narrow(self, event: Line.Changed) -> None:
        event.stop()
        self._said = ""
        self._show(event.value)

    @on(Line.Submitted)
    def _entered(self, event: Line.Submitted) -> None:
        event.stop()
        self._choose()

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self._choose()

    @on(OptionList.OptionHighlighted)
    def _marked(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        self._show_facts()

    def on_key(self, event: events.Key) -> None:
        """Up and down move in the list while one types."""
        options = self.query_one(OptionList)
        moves: dict[str, Callable[[], None]] = {
            "up": options.action_cursor_up,
            "down": options.action_cursor_down,
            "pageup": options.action_page_up,
            "pagedown": options.action_page_down,
        }
        if event.key in moves and self.focused is not options:
            event.stop()
            event.prevent_default()
            moves[event.key]()

    @property
    def marked(self) -> ModelInfo | None:
        """The model under the cursor."""
        options = self.query_one(OptionList)
        if options.highlighted is None:
            return None
        option = options.get_option_at_index(options.highlighted)
        return self._models[int(option.id or 0)]

    def _choose(self) -> None:
        model = self.marked
        if model is None:
            return
        if not model.can_chat:
            self.say(f"{one_line(model.name, 50)} only makes embeddings: it cannot chat.")
            return
        self.dismiss(model.name)

    def action_fetch(self) -> None:
        """Fetch a model; what was typed and not found is most likely its name."""
        if self._desk is not None:
            typed = self.query_one(Line).value.strip()
            self._desk.show_pulls("" if self.marked else typed)

    def action_unload(self) -> None:
        """Free the memory that the marked model takes."""
        model = self.marked
        if self._desk is None or model is None:
            return
        where = [server for server, loaded in self._loaded.items()
                 if full_name(model.name) in loaded]  # fmt: skip
        if where:
            self._desk.unload(model, where, self)
        else:
            self.say(f"{one_line(model.name, 50)} is not loaded.")

    def action_delete(self) -> None:
        """Delete the marked model, with a question."""
        if self._desk is not None and (model := self.marked) is not None:
            self._desk.delete(model, self)

    # Showing ------------------------------------------------------------------------------

    @property
    def _marked_name(self) -> str:
        """The name of the marked model; empty for none."""
        if not (self.is_mounted and self.is_attached):
            return ""
        return model.name if (model := self.marked) else ""

    def _show_again(self, marked: str = "") -> None:
        """The same with what is known now; the mark stays on its model."""
        if self.is_mounted and self.is_attached:
            self._show(self.query_one(Line).value, marked or self._marked_name)

    def _show(self, typed: str, marked: str = "") -> None:
        words = typed.lower().split()
        options = self.query_one(OptionList)
        width = max(20, (options.size.width or self.query_one(Line).size.width) - 1)
        names = []
        rows = []
        for index, model in enumerate(self._models):
            loaded = self._loaded_of(model)
            if all(matches(word, model, loaded=bool(loaded)) for word in words):
                present = self._is_marked(model)
                row = row_of(model, width, present=present, loaded=bool(loaded))
                names.append(model.name)
                rows.append(Option(row, id=str(index)))
        options.clear_options()
        options.add_options(rows)
        options.display = bool(rows)
        if rows:
            chosen = marked if marked in names else self._present
            options.highlighted = names.index(chosen) if chosen in names else 0
        self._show_facts()
        self._show_words(typed)

    def _is_marked(self, model: ModelInfo) -> bool:
        """Whether a row has the mark: it is the model that the chat talks to."""
        return full_name(model.name) == full_name(self._present or "-")

    def _show_facts(self) -> None:
        facts = self.query_one(".facts", Static)
        model = self.marked if self.query_one(OptionList).option_count else None
        if model is not None:
            facts.update(facts_of(model, self._loaded_of(model), known=bool(self._loaded),
                                  zone=self._zone))  # fmt: skip
        facts.set_class(model is not None, "-told")

    def _show_words(self, typed: str) -> None:
        words = self._words(typed)
        told = self.query_one(".words", Static)
        told.update(Content(words))
        told.set_class(bool(words), "-told")

    def _loaded_of(self, model: ModelInfo) -> dict[str, LoadedModel]:
        """Where a model is loaded, and how."""
        name = full_name(model.name)
        return {server: each[name] for server, each in self._loaded.items() if name in each}

    def _words(self, typed: str) -> str:
        if self._said or self._problem:
            return self._said or self._problem
        if self._asking:
            return "Asking which models there are…"
        manages = self._desk is not None and bool(self._desk.managers)
        if not self._models:
            way = "F2 fetches one." if manages else "Fetch one, e.g. `ollama pull llama3.2`."
            return f"The server has no models yet. {way}"
        if not self.query_one(OptionList).option_count:
            words = f"None of the {len(self._models)} models has “{one_line(typed, 40)}”."
            return f"{words} F2 fetches it." if manages else words
        return KEYS if manages else ""
