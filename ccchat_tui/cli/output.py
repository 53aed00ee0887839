"""What the commands write: lines and tables for a terminal, a pipe or a file."""

from __future__ import annotations

import os
import shutil
import sys
import unicodedata
from collections.abc import Collection, Sequence
from contextlib import suppress
from typing import TextIO

GAP = "  "
NARROWEST = 8
"""Cells that a column keeps when a table is squeezed into a terminal."""


class CommandError(Exception):
    """A command cannot go on.

    Args:
        message: In words: the thing, the value, the remedy. One line for each thing wrong.
        code: What the program exits with: 2 for input that makes no sense, 1 for what failed.
    """

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.message = message
        self.code = code


def use_utf8() -> None:
    """Write UTF-8 whatever the platform's custom is; what cannot be written becomes `?`."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(encoding="utf-8", errors="replace")


def say(text: str) -> None:
    """Write lines on standard output."""
    print(text)


def complain(text: str) -> None:
    """Write lines on standard error, each under the program's name.

    They quote what was given and what servers say, so nothing in them may steer the terminal.
    """
    from ccchat_tui.text import sanitize  # noqa: PLC0415 - only if there is something to say

    stream = sys.stderr
    if stream is None:  # a Windows program without a console has none
        return
    with suppress(OSError):
        for line in sanitize(text).splitlines():
            print(f"ccchat: {line}", file=stream)


def is_terminal(stream: TextIO | None) -> bool:
    """Whether a stream leads to a terminal."""
    with suppress(ValueError):  # a closed file
        return stream is not None and stream.isatty()
    return False


def silence() -> None:
    """Let what is still to be written go nowhere: whoever read it is gone."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):
            # Who still reads the one is to see it, also when the reader of the other has left.
            try:
                stream.flush()
            except OSError:
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, stream.fileno())
                os.close(nowhere)


def terminal_width() -> int | None:
    """Columns of the terminal that standard output is; `None` where it is none."""
    return shutil.get_terminal_size().columns if is_terminal(sys.stdout) else None


def cells(text: str) -> int:
    """Columns that a text takes. A light measure: `rich.cells` costs more than a whole command."""
    if text.isascii():
        return len(text)
    return sum(_width(char) for char in text)


def _width(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def visible(text: str) -> str:
    """A text from outside as one harmless line; a line break is shown as one in a string."""
    from ccchat_tui.text import sanitize  # noqa: PLC0415 - only who shows such text

    return sanitize(text).replace("\n", "\\n").replace("\t", "\\t")


def table(
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    width: int | None = None,
    right: Collection[int] = (),
) -> str:
    """Rows in aligned columns.

    Args:
        head: The columns' names.
        rows: As many cells each as the head has.
        width: Columns there are: what is too long is folded. `None` folds nothing.
        right: The columns, from 0, that are aligned to the right.
    """
    lines = [list(head), *(list(row) for row in rows)]
    widths = [max(map(cells, column)) for column in zip(*lines, strict=True)]
    if width is not None:
        widths = _squeezed(widths, width)
    out = []
    for line in lines:
        in_lines = [folded(cell, wide) for cell, wide in zip(line, widths, strict=True)]
        for level in range(max(map(len, in_lines))):
            parts = []
            for number, (pieces, wide) in enumerate(zip(in_lines, widths, strict=True)):
                piece = pieces[level] if level < len(pieces) else ""
                space = " " * (wide - cells(piece))
                parts.append(space + piece if number in right else piece + space)
            out.append(GAP.join(parts).rstrip())
    return "\n".join(out)


def _squeezed(widths: list[int], width: int) -> list[int]:
    """The widths, the widest ones made narrower until all of them fit; not below a minimum."""
    widths = widths.copy()
    room = width - len(GAP) * (len(widths) - 1)
    while sum(widths) > room:
        widest = max(widths)
        if widest <= NARROWEST:
            break
        next_lower = max((wide for wide in widths if wide < widest), default=NARROWEST)
        index = widths.index(widest)
        excess = sum(widths) - room
        widths[index] = max(NARROWEST, widest - excess, min(next_lower, widest - 1))
    return widths


def folded(text: str, width: int) -> list[str]:
    """A text in lines of at most so many cells, broken at spaces where there are some."""
    lines = []
    while cells(text) > width:
        used = end = 0
        for end, char in enumerate(text):  # noqa: B007 - where it ends is what is asked
            used += _width(char)
            if used > width:
                break
        space = text.rfind(" ", end // 2, end + 1)
        cut = space if space > 0 else max(1, end)
        lines.append(text[:cut].rstrip())
        text = text[cut:].lstrip()
    return [*lines, text]
