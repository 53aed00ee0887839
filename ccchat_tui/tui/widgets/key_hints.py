"""The last row: the keys that matter where the person is, most useful first."""

from __future__ import annotations

from textual.dom import DOMNode
from textual.message import Message
from textual.screen import Screen

from ccchat_tui.tui.widgets.line import Piece, PieceLine


class KeyHints(PieceLine):
    """Reads the bindings in force at the focus, so it never tells of a key that does nothing."""

    class Chosen(Message):
        """A hint was clicked."""

        def __init__(self, action: str) -> None:
            super().__init__()
            self.action = action

    DEFAULT_CSS = """
    KeyHints {
        dock: bottom;
        background: $panel;
        color: $text-muted;
    }
    """

    def on_mount(self) -> None:
        """Follow the bindings of the screen."""
        self.screen.bindings_updated_signal.subscribe(self, self._follow)

    def on_resize(self) -> None:
        """Lay out for the new width."""
        self._lay_out()

    def _follow(self, screen: Screen[object]) -> None:
        if screen is self.screen:
            self._lay_out()

    def _lay_out(self) -> None:
        """What the focused widget offers, then what the screen does; at the right, what always
        works. What does not fit is left out from the end, and is in the help."""
        right = self._hints(1, self.size.width)
        room = self.size.width - sum(piece.width for piece in right)
        left = self._hints(0, room)
        gap = room - sum(piece.width for piece in left)
        self.show([*left, Piece(" " * max(gap, 0)), *right])

    def _hints(self, side: int, room: int) -> list[Piece]:
        own: list[DOMNode] = [self.screen, self.app]
        order = [key for node in own for key in node._bindings.key_to_bindings]
        found = [
            (order.index(key) if node in own else -1, binding)
            for key, (node, binding, enabled, _tip) in self.screen.active_bindings.items()
            if binding.show and enabled and (node is self.app) == bool(side)
        ]
        pieces: list[Piece] = []
        told: set[str] = set()
        for _, binding in sorted(found, key=lambda each: each[0]):
            if binding.action in told:
                continue
            told.add(binding.action)
            key = Piece(f" {self.app.get_key_display(binding)}", "bold $primary", binding.action)
            words = Piece(f" {binding.description} ", "", binding.action)
            if key.width + words.width > room:
                break
            room -= key.width + words.width
            pieces += [key, words]
        return pieces

    def chosen(self, target: str) -> None:
        """Run what the hint tells of, where the focus is."""
        self.post_message(self.Chosen(target))
