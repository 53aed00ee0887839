"""The keys of a demo: they work wherever the presenter is."""

from __future__ import annotations

from textual.binding import Binding
from textual.dom import DOMNode

from ccchat_tui.tui.keymap import Keymap


def _key(key: str, what: str, words: str) -> Binding:
    action = f"app.direct('{what}')"
    return Binding(key, action, words, tooltip=words, show=False, priority=True, id=f"demo.{what}")


DEMO_KEYS = (
    _key("alt+g", "pause", "Demo: pause, go on"),
    _key("alt+f", "faster", "Demo: faster"),
    _key("alt+v", "slower", "Demo: slower"),
    _key("alt+b", "back", "Demo: give this chat back to its user"),
    _key("alt+r", "restart", "Demo: from the beginning"),
    _key("alt+m", "next", "Demo: the next scenario"),
    _key("alt+y", "choose", "Demo: choose a scenario"),
    _key("alt+o", "compare", "Demo: one at a time and at once, side by side"),
)


def bind(node: DOMNode, keymap: Keymap) -> None:
    """Have these keys work there, or those that the person has given them; a key that does
    something already keeps doing that."""
    bindings = node._bindings.key_to_bindings
    for binding in DEMO_KEYS:
        for key in keymap.keys.get(binding.id or "", (binding.key,)):
            bindings.setdefault(key, [binding.with_key(key)])
