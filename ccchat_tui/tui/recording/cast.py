"""Writes an asciicast, version 2, as `asciinema play` and its player in the browser take it.

The format: https://docs.asciinema.org/manual/asciicast/v2/
"""

from __future__ import annotations

import json
from typing import TextIO

CLEAR = "\x1b[?25l\x1b[2J\x1b[H"
"""What stands for the change to a screen of one's own."""


class Cast:
    """One recording.

    Args:
        file: Where it goes, line by line.
        width: Columns.
        height: Rows.
        title: What it shows.
    """

    def __init__(self, file: TextIO, width: int, height: int, title: str) -> None:
        self._file = file
        # No moment of its making: the same demo gives the same bytes.
        head = {"version": 2, "width": width, "height": height, "title": title}
        self._line({**head, "env": {"TERM": "xterm-256color"}})
        self._begun = False

    def draw(self, at: float, drawn: str) -> None:
        """Add what was drawn.

        Args:
            at: Seconds since the beginning.
            drawn: As a terminal gets it; nothing is added for nothing.
        """
        if not self._begun:
            drawn, self._begun = CLEAR + drawn, True
        if drawn:
            self._line([round(at, 3), "o", drawn])

    def _line(self, value: object) -> None:
        self._file.write(json.dumps(value, ensure_ascii=False, separators=(", ", ": ")) + "\n")
