"""Cells of tables: parsed and wrapped in parts, each of them once, however long one grows."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from ccchat_tui.tui.markdown.inline import LONGEST_CHUNK, cut_at, parse_inline
from ccchat_tui.tui.markdown.lines import Line, Span, Wrapper, spans_cells


class Cell:
    """One cell, whose text may still grow.

    Args:
        style: Names of styles that hold for all of it.
    """

    __slots__ = (
        "_done",
        "_fed",
        "_parts",
        "_rest",
        "_sealed",
        "_sealed_cells",
        "_style",
        "_wrapper",
    )

    def __init__(self, style: str = "") -> None:
        self._style = style
        self._begin()

    def _begin(self) -> None:
        self._sealed = ""
        self._parts: list[list[Span]] = []
        self._sealed_cells = 0
        self._rest: list[Span] = []
        self._restart(0)

    def _restart(self, width: int) -> None:
        """Wrap it anew, into another width."""
        self._wrapper = Wrapper(max(1, width))
        self._fed = 0
        self._done: list[Line] = []

    def take(self, text: str) -> None:
        """Take the text as it is now: mostly what it was, and some more."""
        if not text.startswith(self._sealed):
            self._begin()
        at = len(self._sealed)
        while len(text) - at > LONGEST_CHUNK:
            cut = cut_at(text, at)
            part = parse_inline(text[at:cut], self._style)
            self._parts.append(part)
            self._sealed_cells += spans_cells(part)
            at = cut
        self._sealed = text[:at]
        self._rest = parse_inline(text[at:], self._style)

    @property
    def cells(self) -> int:
        """How wide it is where it stands in one row."""
        return self._sealed_cells + spans_cells(self._rest)

    @property
    def spans(self) -> list[Span]:
        """All of it."""
        return [span for part in (*self._parts, self._rest) for span in part]

    def lines(self, width: int) -> list[Line]:
        """All of it, wrapped; rows that stay are the same objects as last time."""
        if width != self._wrapper.width:
            self._restart(width)
        for part in self._parts[self._fed :]:
            self._done += self._wrapper.feed(part)
        self._fed = len(self._parts)
        wrapper = self._wrapper.copy()
        return self._done + wrapper.feed(self._rest) + wrapper.close()


class RowLines:
    """The rows of the screen that one row of a table takes, put together from its cells."""

    __slots__ = ("_columns", "_lines", "_widths")

    def __init__(self) -> None:
        self._widths: list[int] = []
        self._columns: list[list[Line]] = []
        self._lines: list[Line] = []

    def put_together(
        self, cells: Sequence[Cell], widths: list[int], aligns: Sequence[str]
    ) -> list[Line]:
        """The rows; those whose parts have not changed are not made again.

        Args:
            cells: One for each column.
            widths: Cells of each column.
            aligns: `left`, `right` or `center`, of each column.
        """
        columns = [cell.lines(width) for cell, width in zip(cells, widths, strict=True)]
        same = 0
        if widths == self._widths:
            same = min(map(_same, columns, self._columns), default=0)
        lines = self._lines[:same]
        for index in range(len(lines), max(map(len, columns))):
            parts = [column[index] if index < len(column) else None for column in columns]
            lines.append(_joined(parts, widths, aligns))
        self._widths, self._columns, self._lines = widths, columns, lines
        return lines


def _same(column: list[Line], before: list[Line]) -> int:
    """How many rows at the top of a column are what they were before, or a few less; without
    end where all of them are."""
    if column == before:
        return sys.maxsize
    back = 1
    while (count := len(before) - back) > 0:
        if column[:count] == before[:count]:
            return count
        back *= 2
    return 0


def _joined(parts: Sequence[Line | None], widths: Sequence[int], aligns: Sequence[str]) -> Line:
    """One row of the screen."""
    spans: list[Span] = []
    used = 0
    last = len(parts) - 1
    for number, (part, width) in enumerate(zip(parts, widths, strict=True)):
        if number:
            spans.append((" \u2502 ", "table-rule"))
            used += 3
        filled = part.cells if part else 0
        free = width - filled
        before = {"left": 0, "right": free, "center": free // 2}[aligns[number]]
        if before > 0:
            spans.append((" " * before, ""))
        if part:
            spans.extend(part.spans)
        if free - before > 0 and number != last:
            spans.append((" " * (free - before), ""))
        used += max(width, filled) - (max(0, free - before) if number == last else 0)
    return Line(spans, used)
