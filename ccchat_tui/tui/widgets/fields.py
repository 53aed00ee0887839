"""The fields of dialogs: they hold only what may be shown, and stand still."""

from __future__ import annotations

from textual import events
from textual.content import Content
from textual.widgets import Checkbox, Input, TextArea

from ccchat_tui.text import sanitize
from ccchat_tui.tui.widgets.keys_in_order import run_bindings


class Line(Input):
    """A field of one line, whose cursor does not blink.

    Args:
        value: What stands there at first; any text at all.
        placeholder: What is shown while it is empty.
        max_length: Characters it takes at most; 0 for any number.
        compact: Whether it has neither frame nor padding.
        id: The widget's id.
    """

    DEFAULT_CSS = """
    Line > .input--placeholder, Line:focus > .input--placeholder { color: $text-muted; }
    """

    def __init__(
        self,
        value: str = "",
        *,
        placeholder: str = "",
        max_length: int = 0,
        compact: bool = False,
        id: str | None = None,  # noqa: A002 - Textual's own name for it
    ) -> None:
        super().__init__(value, placeholder, max_length=max_length, compact=compact, id=id)
        self.cursor_blink = False

    async def _on_key(self, event: events.Key) -> None:
        await run_bindings(self, event)

    def validate_value(self, value: str) -> str:
        """Whoever sets it, it is sanitised. A joiner at its end may be about to join something."""
        text = sanitize(value)
        return f"{text}\u200d" if text and value.endswith("\u200d") else text


class Lines(TextArea):
    """A field of several lines, whose cursor does not blink; Tab leaves it.

    Args:
        text: What stands there at first; any text at all.
        id: The widget's id.
    """

    def __init__(self, text: str = "", *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(sanitize(text), tab_behavior="focus", id=id)
        self.cursor_blink = False

    async def _on_key(self, event: events.Key) -> None:
        await run_bindings(self, event)

    def load_text(self, text: str) -> None:
        """Whoever sets it, it is sanitised."""
        super().load_text(sanitize(text))

    async def _on_paste(self, event: events.Paste) -> None:
        event.prevent_default()
        event.stop()
        text = sanitize(event.text.replace("\r\n", "\n").replace("\r", "\n"))
        self._replace_via_keyboard(text, *self.selection)


class Tick(Checkbox):
    """A box with a mark in it, or without: its state is not told by colour alone."""

    def render(self) -> Content:
        """The box as it is now, and its words."""
        self.BUTTON_INNER = "X" if self.value else " "
        return super().render()
