"""Escapes in what is pasted stay text."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from weakref import WeakKeyDictionary

from textual._xterm_parser import XTermParser
from textual.message import Message

START: Final = "\x1b[200~"
END: Final = "\x1b[201~"
SHOWN: Final = "\u241b"
"""What an escape becomes; `sanitize` would make the same of it."""


class PasteGuard:
    """Takes the escapes out of pastes, in what a terminal sends in pieces cut anywhere."""

    def __init__(self) -> None:
        self._pasting = False
        self._held = ""

    def pass_on(self, data: str) -> str:
        """Take the next piece.

        Args:
            data: What was read.

        Returns:
            What may be read of it now. A piece of a paste that may begin its end is held back.
        """
        if not self._pasting and START not in data:
            return data
        rest, self._held = self._held + data, ""
        out: list[str] = []
        while rest:
            if not self._pasting:
                before, mark, rest = rest.partition(START)
                self._pasting = bool(mark)
                out += before, mark
                continue
            inside, mark, rest = rest.partition(END)
            if not mark:
                begun = next((n for n in range(len(END) - 1, 0, -1) if inside.endswith(END[:n])), 0)
                at = len(inside) - begun
                inside, self._held = inside[:at], inside[at:]
            self._pasting = not mark
            out += inside.replace("\x1b", SHOWN), mark
        return "".join(out)


def keep_pasted_escapes() -> None:
    """Let nothing that is pasted be taken for keys.

    Behind an escape Textual's parser looks for keys within a paste too: what follows, such as the
    colours of a program's output, is typed key by key, Enter among it, and missing in the paste.
    Some terminals take escapes out of what they paste; tmux does not.
    """
    read = XTermParser.feed
    guards: WeakKeyDictionary[XTermParser, PasteGuard] = WeakKeyDictionary()

    def feed(self: XTermParser, data: str) -> Iterable[Message]:
        # Nothing at all means the end of the input, and is never made of something.
        passed = guards.setdefault(self, PasteGuard()).pass_on(data) if data else data
        return read(self, passed) if passed or not data else ()

    XTermParser.feed = feed  # type: ignore[method-assign]
