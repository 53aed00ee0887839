"""What a client has not been sent yet of a text that comes in pieces."""

from __future__ import annotations

from typing import Final

LONGEST: Final = 65_536
"""Characters that go out at once. Who comes back to a long reply, or reads slowly, is sent it in
several lines: a line is one piece of memory here, and clients take only so much of one."""


class Rest:
    """Goes along a list of pieces that only grows.

    Args:
        skip: How many characters the client has already.
    """

    __slots__ = ("_at", "_piece", "_skip")

    def __init__(self, skip: int = 0) -> None:
        self._skip = skip
        self._piece = 0
        self._at = 0

    def of(self, parts: list[str]) -> str:
        """What comes next, at most `LONGEST` characters of it; empty if there is no more yet."""
        out, room = [], LONGEST
        while room and self._piece < len(parts):
            part = parts[self._piece]
            start = self._at + self._skip
            new = part[start : start + room]
            self._skip -= min(self._skip, len(part) - self._at)
            self._at = start + len(new)
            if self._at >= len(part):
                self._piece, self._at = self._piece + 1, 0
            if new:
                out.append(new)
                room -= len(new)
        return "".join(out)

    def more(self, parts: list[str]) -> bool:
        """Whether there are pieces that have not been sent."""
        return self._piece < len(parts)
