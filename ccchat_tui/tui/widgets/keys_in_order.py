"""Keys for what one writes in, handled in the order in which they come."""

from __future__ import annotations

from textual import events
from textual.widget import Widget
from textual.widgets import Input, TextArea

JOINERS = frozenset({"\u200c", "\u200d"})
"""Letters without width that join or part those beside them; no keyboard binding is one."""


async def run_bindings(field: Widget, event: events.Key) -> None:
    """Run what a key is bound to in a field, where the field's letters are written: in `_on_key`.

    A binding is looked for only when its key has risen to the app. Of keys that come in one piece,
    as over a slow line, the letters behind it would have been written by then, and Backspace or
    Enter would meet another text than the one it was pressed for.

    Args:
        field: What has the focus.
        event: The key; one that is bound goes no further, unless it only scrolls: whoever stands
            above may have a better use for that.
    """
    if event.character in JOINERS and isinstance(field, Input | TextArea):
        # Textual takes them for keys that write nothing. Persian is not written without the one,
        # nor a family of emoji without the other.
        event.stop()
        event.prevent_default()
        if isinstance(field, Input):
            field.insert_text_at_cursor(event.character or "")
        else:
            field._replace_via_keyboard(event.character or "", *field.selection)
        return
    for binding in field._bindings.key_to_bindings.get(event.key, ()):
        if binding.action.startswith(("scroll_", "page_")):
            continue
        event.stop()
        if event.key == "enter":
            # The base class would make a new line of it.
            event.prevent_default()
        if not await field.app.run_action(binding.action, field):
            # Nothing to do here, such as a copy without a selection: others may have.
            event.stop(False)
    for binding in field.screen._bindings.key_to_bindings.get(event.key, ()):
        if binding.action == "leave":
            # Before or behind an Enter that came with it, as it was pressed.
            event.stop()
            await field.app.run_action(binding.action, field.screen)
