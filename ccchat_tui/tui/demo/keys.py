"""The keys of a demo: they work wherever the presenter is."""

from __future__ import annotations

from textual.binding import Binding, BindingsMap
from textual.dom import DOMNode


def _key(key: str, what: str, words: str) -> Binding:
    return Binding(key, f"app.direct('{what}')", words, tooltip=words, show=False, priority=True)


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


def bind(node: DOMNode) -> None:
    """Have these keys work there; a key that does something already keeps doing that."""
    bindings = node._bindings.key_to_bindings
    for key in BindingsMap(DEMO_KEYS).key_to_bindings.values():
        bindings.setdefault(key[0].key, key)
