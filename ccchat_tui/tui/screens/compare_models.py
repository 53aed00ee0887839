"""The models that are to be asked the same, marked in the list of those there are."""

from __future__ import annotations

from datetime import tzinfo
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType

from ccchat_tui.backends.base import ModelInfo
from ccchat_tui.sessions.comparison import MOST_MODELS
from ccchat_tui.text import one_line
from ccchat_tui.tui.screens.model_picker import ModelPickerScreen
from ccchat_tui.tui.widgets.fields import Line

if TYPE_CHECKING:
    from ccchat_tui.tui.model_desk import ModelDesk

KEYS = "Space marks · Enter compares"


class OneWord(Line):
    """A field in which a space is not written: it means something else around it."""

    def check_consume_key(self, key: str, character: str | None) -> bool:
        """Whether a key is written here."""
        return key != "space" and super().check_consume_key(key, character)


class CompareModelsScreen(ModelPickerScreen):
    """The model picker, in which several are marked. What was marked is in `chosen`.

    Args:
        present: The model of the chat now, under the cursor at first.
        desk: Who fetches, deletes and unloads.
        zone: Whose hours are shown; `None` for the machine's own.
    """

    _line = OneWord
    BINDINGS: ClassVar[list[BindingType]] = [
        # At once, so that it works while one types.
        Binding("space", "mark", "Mark a model", priority=True),
    ]

    def __init__(self, present: str, *, desk: ModelDesk, zone: tzinfo | None = None) -> None:
        super().__init__(None, present, desk=desk, zone=zone, title="Compare models")
        self.chosen: list[str] = []
        """In the order in which they were marked."""

    def action_mark(self) -> None:
        """Mark the model under the cursor, or take the mark away."""
        model = self.marked
        if model is None:
            return
        if model.name in self.chosen:
            self.chosen.remove(model.name)
        elif not model.can_chat:
            self.say(f"{one_line(model.name, 50)} only makes embeddings: it cannot chat.")
            return
        elif len(self.chosen) == MOST_MODELS:
            self.say(f"{MOST_MODELS} are as many as can be compared.")
            return
        else:
            self.chosen.append(model.name)
        self._said = ""
        self._show_again()

    def _choose(self) -> None:
        if len(self.chosen) < 2:
            self.say(f"Mark at least two models: {len(self.chosen)} is marked. {KEYS}")
            return
        self.dismiss(self.chosen[0])

    def _is_marked(self, model: ModelInfo) -> bool:
        return model.name in self.chosen

    def _words(self, typed: str) -> str:
        words = super()._words(typed)
        if self._said or not self._models:
            return words
        if self.chosen:
            names = ", ".join(one_line(name, 30) for name in self.chosen)
            return f"{len(self.chosen)} marked: {names}. {KEYS}"
        return f"{KEYS}. The next message goes to all of them."
