"""What one chat is asked with: model, system prompt, options, thinking, and in which order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Grid, Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Static

from ccchat_tui.backends.base import LoadedModel, ModelInfo
from ccchat_tui.sessions.model import Session
from ccchat_tui.sessions.options import (
    OPTIONS,
    THINK,
    OptionError,
    check_keep_alive,
    shown_option,
    think_word,
    typed_stops,
)
from ccchat_tui.sessions.presets import Preset, Presets
from ccchat_tui.text import one_line
from ccchat_tui.tui.screens.chat_settings_form import (
    HINTS,
    OTHERS,
    ChatSettings,
    read_others,
    typed_options,
    warning,
)
from ccchat_tui.tui.screens.dialog import Dialog
from ccchat_tui.tui.widgets.choice import Choice
from ccchat_tui.tui.widgets.fields import Line, Lines, Tick

__all__ = ["ChatSettings", "ChatSettingsScreen"]


class ChatSettingsScreen(Dialog[ChatSettings]):
    """Changes nothing by itself; whoever asked applies the answer.

    Args:
        session: Whose settings are shown.
        presets: Where they are kept by name; `None` for nowhere.
        others: The other chats that are open.
        models: What is known of the models there are.
        reloads: Whether the server loads models with what a chat asks for.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "save", "Save"),
        Binding("f2", "presets", "Presets", priority=True),
    ]
    DEFAULT_CSS = """
    ChatSettingsScreen > .box { width: 76; height: 96%; max-height: 34; padding: 1 1 0 1; }
    ChatSettingsScreen VerticalScroll { height: 1fr; scrollbar-size-vertical: 1; padding: 0 1; }
    ChatSettingsScreen Lines {
        height: 5;
        border: none;
        padding: 0 1;
        background: $foreground 8%;
        scrollbar-size-vertical: 1;
    }
    ChatSettingsScreen #stop { height: 2; }
    ChatSettingsScreen Line { background: $foreground 8%; padding: 0 1; width: 1fr; }
    ChatSettingsScreen Line:focus, ChatSettingsScreen Lines:focus {
        border: none;
        background: $foreground 14%;
    }
    ChatSettingsScreen Line > .input--selection { background: $primary 24%; }
    ChatSettingsScreen .label:first-child { margin-top: 0; }
    ChatSettingsScreen Grid { grid-size: 2; grid-gutter: 0 2; grid-rows: 1; height: auto; }
    ChatSettingsScreen.-slim Grid { grid-size: 1; }
    ChatSettingsScreen .field { height: 1; }
    ChatSettingsScreen .field > .name { width: 16; }
    ChatSettingsScreen Tick { border: none; padding: 0; margin-top: 1; height: 1; }
    ChatSettingsScreen Tick:focus { border: none; background-tint: $primary 22%; }
    ChatSettingsScreen .warning { display: none; color: $text-warning; padding: 0 1; }
    ChatSettingsScreen .warning.-told { display: block; }
    ChatSettingsScreen .problem { padding: 0 1; }
    ChatSettingsScreen #presets { dock: left; margin-left: 1; }
    """

    def __init__(
        self,
        session: Session,
        *,
        presets: Presets | None = None,
        others: Sequence[Session] = (),
        models: Sequence[ModelInfo] = (),
        reloads: bool = True,
    ) -> None:
        super().__init__(f"Settings of “{one_line(session.title, 40)}”")
        self._session = session
        self._presets = presets
        self._others = [each for each in others if each is not session]
        self._models = models
        self._reloads = reloads
        self._loaded: Sequence[LoadedModel] | None = None

    def ask(self) -> ComposeResult:
        """The fields, each with what it means."""
        session = self._session
        options = session.options
        with VerticalScroll(can_focus=False):
            yield self._field("model", session.model, "name of a model")
            yield Static("System prompt (goes before every question)", classes="label")
            yield Lines(session.system, id="system")
            yield Static("Options (empty leaves it to the model)", classes="label")
            with Grid():
                for name, hint in HINTS.items():
                    given = options.get(name)
                    yield self._field(name, "" if given is None else shown_option(given), hint)
                keep = session.keep_alive
                yield self._field("keep_alive", "" if keep is None else str(keep), "10m; -1: stays")
            with Horizontal(classes="field gap"):
                yield Static("think", classes="name")
                yield Choice(list(THINK), think_word(session.think), id="think")
            yield Static(r"stop: texts at which a reply ends, one a line (\n for a line end)",
                         classes="label", markup=False)  # fmt: skip
            yield Lines(typed_stops(options.get("stop", ())), id="stop")
            with Horizontal(classes="field gap"):
                yield Static("other options", classes="name")
                yield Line(typed_options(options, OTHERS), id="other", compact=True,
                           placeholder="such as num_gpu=20 min_p=0.05")  # fmt: skip
            yield Tick(
                "Ordered: a question waits for the reply before it", session.ordered, id="ordered"
            )
        yield Static(classes="warning")
        yield Static(classes="problem")
        with Horizontal(classes="buttons"):
            if self._presets is not None:
                yield Button("Presets (F2)", id="presets")
            yield Button("Go back", id="back")
            yield Button("Save", id="save", variant="primary")

    @staticmethod
    def _field(name: str, value: str, hint: str) -> Horizontal:
        line = Line(value, id=name, placeholder=hint, max_length=512, compact=True)
        return Horizontal(Static(name, classes="name", markup=False), line, classes="field")

    def on_mount(self) -> None:
        """Type at once."""
        self.query_one("#model", Line).focus()

    def show_loaded(self, loaded: Sequence[LoadedModel]) -> None:
        """Go by what the servers hold in memory now."""
        self._loaded = loaded
        if self.is_attached and self.query(".warning"):
            self._changed()

    # What is said while one writes --------------------------------------------------------

    @on(Line.Changed)
    @on(Lines.Changed)
    @on(Choice.Changed)
    def _changed(self) -> None:
        """Say what a change would cost before it is made; of what cannot be read yet, nothing."""
        try:
            settings = self._read()
        except OptionError:
            return
        words = warning(
            self._session,
            settings,
            others=self._others,
            models=self._models,
            loaded=self._loaded,
            reloads=self._reloads,
        )
        told = self.query_one(".warning", Static)
        told.update(Content(words))
        told.set_class(bool(words), "-told")

    # Presets ------------------------------------------------------------------------------

    def action_presets(self) -> None:
        """Take a preset, keep one, or delete one."""
        if self._presets is None:
            return
        from ccchat_tui.tui.screens.chat_settings_presets import PresetsScreen  # noqa: PLC0415

        def present() -> Preset:
            return self._read().preset

        self.app.push_screen(PresetsScreen(self._presets, present), self._take)

    def _take(self, preset: Preset | None) -> None:
        """Fill the fields with a preset; nothing is saved by that."""
        if preset is None:
            return
        options = preset.options
        for name in HINTS:
            given = options.get(name)
            self._line(name).value = "" if given is None else shown_option(given)
        keep = preset.keep_alive
        self._line("keep_alive").value = "" if keep is None else str(keep)
        self._line("other").value = typed_options(options, OTHERS)
        self.query_one("#stop", Lines).text = typed_stops(options.get("stop", ()))
        self.query_one("#system", Lines).text = preset.system
        self.query_one(Choice).value = think_word(preset.think)
        self.tell_problem("")

    # Answering ----------------------------------------------------------------------------

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        match event.button.id:
            case "save":
                self.action_save()
            case "presets":
                self.action_presets()
            case _:
                self.dismiss(None)

    @on(Line.Submitted)
    def _entered(self, event: Line.Submitted) -> None:
        event.stop()
        self.action_save()

    def action_save(self) -> None:
        """Check the fields and answer; a field that cannot be used is named, and focused."""
        try:
            settings = self._read()
        except OptionError as error:
            self.tell_problem(error.message)
            self.query_one(f"#{error.name}").focus()
            return
        self.dismiss(settings)

    def _read(self) -> ChatSettings:
        """What stands in the fields. Raises `OptionError` with the name of the field."""
        options = {}
        for name in HINTS:
            if typed := self._line(name).value.strip():
                options[name] = OPTIONS[name].read(typed)
        if stops := OPTIONS["stop"].parse(self.query_one("#stop", Lines).text):
            options["stop"] = stops
        options |= read_others(self._line("other").value)
        # What somebody else has set, and no field knows of.
        strange = {k: v for k, v in self._session.options.items() if k not in OPTIONS}
        return ChatSettings(
            model=self._line("model").value.strip(),
            system=self.query_one("#system", Lines).text,
            options=strange | options,
            think=THINK.get(self.query_one(Choice).value, self._session.think),
            keep_alive=check_keep_alive(self._line("keep_alive").value),
            ordered=self.query_one(Tick).value,
        )

    def _line(self, name: str) -> Line:
        return self.query_one(f"#{name}", Line)
