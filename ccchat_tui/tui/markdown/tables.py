"""Lays out tables: column widths from the first rows, cells wrapped, alignment kept."""

from __future__ import annotations

from typing import Final

from ccchat_tui.tui.markdown.blocks import split_row
from ccchat_tui.tui.markdown.cells import Cell, RowLines
from ccchat_tui.tui.markdown.leaf import Leaf
from ccchat_tui.tui.markdown.lines import Line, Wrapper

SIGNIFICANT: Final = 64
"""How many rows decide the widths of the columns. What comes later is wrapped into them, so that
a long table never has to be laid out again."""

NARROWEST: Final = 4
"""Cells a column needs; with less for each, every row is written as a small list instead."""


class TableLayout:
    """The rows of one table, laid out as they come.

    Args:
        width: Cells there are.
    """

    def __init__(self, width: int) -> None:
        self._width = width
        self._sources: list[str] = []
        self._cells: list[list[Cell]] = []
        self._rows: list[RowLines] = []
        self._settled = 0
        self._naturals: list[int] = []
        self.final: list[Line] = []
        """Rows that will not change."""

    def update(self, leaf: Leaf) -> list[Line] | None:
        """Take what is new.

        Returns:
            The rows behind `final`, which may still change; `None` if the leaf has changed where
            it was final, so that a new layout is needed.
        """
        sources = [leaf.lines[0], *leaf.lines[2:]]
        settled = self._settled
        if sources[: min(settled, 1)] != self._sources[: min(settled, 1)] or len(sources) < settled:
            return None
        count = max(len(split_row(leaf.lines[0])), 1)
        self._parse(sources, count)
        aligns = [_alignment(mark) for mark in split_row(leaf.lines[1])]
        aligns += ["left"] * (count - len(aligns))
        widths = self._widths(count)
        if len(sources) <= SIGNIFICANT:
            return self._lay_out(0, len(sources), widths, aligns)
        # From here on the widths stand: everything but the last row is final.
        if settled < len(sources) - 1:
            self.final.extend(self._lay_out(settled, len(sources) - 1, widths, aligns))
            self._settled = len(sources) - 1
        return self._lay_out(self._settled, len(sources), widths, aligns)

    def _parse(self, sources: list[str], count: int) -> None:
        begin = max(0, min(len(self._sources), len(sources)) - 2, self._settled)
        if len(self._sources) > len(sources):
            begin = min(begin, len(sources))
        # A row that only grows keeps what is known of its cells.
        old, old_rows = self._cells[begin:], self._rows[begin:]
        del self._sources[begin:], self._cells[begin:], self._rows[begin:]
        for row, source in enumerate(sources[begin:], begin):
            texts = split_row(source)
            # What is too many for the head goes into the last cell: nothing is left out.
            texts[count - 1 :] = [" \u2502 ".join(texts[count - 1 :])]
            texts += [""] * (count - len(texts))
            style = "th" if row == 0 else ""
            place = row - begin
            known = place < len(old) and len(old[place]) == count
            cells = old[place] if known else [Cell(style) for _ in range(count)]
            for cell, text in zip(cells, texts, strict=True):
                cell.take(text)
            self._cells.append(cells)
            self._rows.append(old_rows[place] if known else RowLines())
            self._sources.append(source)

    def _widths(self, count: int) -> list[int]:
        """Widths of the columns; empty if they cannot stand side by side."""
        if self._settled and self._naturals:
            return self._naturals
        naturals = [1] * count
        for cells in self._cells[:SIGNIFICANT]:
            for column, cell in enumerate(cells):
                naturals[column] = max(naturals[column], cell.cells)
        room = self._width - 3 * (count - 1)
        if room < NARROWEST * count and sum(naturals) > room:
            widths: list[int] = []
        else:
            widths = _distribute(naturals, room)
        self._naturals = widths
        return widths

    def _lay_out(self, begin: int, end: int, widths: list[int], aligns: list[str]) -> list[Line]:
        lines: list[Line] = []
        for row in range(begin, end):
            if not widths:
                lines.extend(self._stacked(row))
                continue
            lines.extend(self._rows[row].put_together(self._cells[row], widths, aligns))
            if row == 0:
                rule = "\u2500\u253c\u2500".join(["\u2500" * width for width in widths])
                lines.append(Line([(rule, "table-rule")], len(rule)))
        return lines

    def _stacked(self, row: int) -> list[Line]:
        """A row too wide for columns: one line for each cell, behind the name of its column."""
        lines: list[Line] = []
        if row == 0:
            if len(self._cells) > 1:
                return []
            # Nothing stands below the names of the columns yet, so they stand for themselves.
            for head in self._cells[0]:
                lines += head.lines(self._width)
            return lines
        for head, cell in zip(self._cells[0], self._cells[row], strict=True):
            wrapper = Wrapper(self._width)
            lines += wrapper.feed([*head.spans, (": ", "th"), *cell.spans])
            lines += wrapper.close()
        lines.append(Line([("\u2500" * min(8, self._width), "table-rule")], min(8, self._width)))
        return lines


def _alignment(mark: str) -> str:
    left, right = mark.startswith(":"), mark.endswith(":")
    if left and right and len(mark) > 1:
        return "center"
    return "right" if right and not left else "left"


def _distribute(naturals: list[int], room: int) -> list[int]:
    """Give every column what it wants if there is room, else take from the widest."""
    if sum(naturals) <= room:
        return naturals
    widths = [0] * len(naturals)
    open_columns = sorted(range(len(naturals)), key=naturals.__getitem__)
    while open_columns:
        share = room // len(open_columns)
        column = open_columns[0]
        if naturals[column] <= share:
            widths[column] = naturals[column]
            room -= naturals[column]
            open_columns.pop(0)
            continue
        for index, wide in enumerate(open_columns):
            widths[wide] = max(1, share + (1 if index < room % len(open_columns) else 0))
        break
    return widths
