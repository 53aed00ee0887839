"""Rows of laid-out text, before they are given colours, and the wrapping that makes them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Final

from rich.cells import cell_len, split_graphemes

Span = tuple[str, str]
"""A text and the names of its styles, separated by spaces. What a name looks like, the theme
decides when the row is painted; so a change of theme lays nothing out again."""

TAB: Final = 4


class Line:
    """One row.

    Args:
        spans: What it shows, from left to right.
        cells: How many cells that takes.
        lead: How many characters at its start are decoration (bars, bullets, indentation).
        joint: What stood where the line was broken to fit: `" "` or `""`; `None` where the text
            itself begins a new line. Copied text is put together with it.
    """

    __slots__ = ("cells", "joint", "lead", "spans")

    def __init__(
        self,
        spans: Sequence[Span],
        cells: int,
        lead: int = 0,
        joint: str | None = None,
    ) -> None:
        self.spans = tuple(spans)
        self.cells = cells
        self.lead = lead
        self.joint = joint

    @property
    def text(self) -> str:
        """The row as plain text, decoration included."""
        return "".join([text for text, _ in self.spans])

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Line)
            and self.spans == other.spans
            and self.lead == other.lead
            and self.joint == other.joint
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Line({self.text!r})"


def spans_cells(spans: Iterable[Span]) -> int:
    """How many cells the spans take."""
    return sum([cell_len(text) for text, _ in spans])


def plain_text(lines: Sequence[Line]) -> str:
    """The rows as text that may be copied: broken lines joined again, no trailing spaces."""
    out: list[str] = []
    for line in lines:
        text = line.text.rstrip()
        if line.joint is None or not out:
            out.append(text)
        else:
            out[-1] += line.joint + text[line.lead :]
    return "\n".join(out)


def fold(text: str, width: int) -> list[str]:
    """Cut a text without regard to words, never through a character.

    Args:
        text: One line.
        width: Cells a piece may take; a character wider than that gets a piece of its own.
    """
    width = max(1, width)
    if text.isascii():
        return [text[at : at + width] for at in range(0, len(text), width)] or [""]
    pieces: list[str] = []
    begin = used = 0
    for start, _end, cells in split_graphemes(text)[0]:
        if used + cells > width and start > begin:
            pieces.append(text[begin:start])
            begin, used = start, 0
        used += cells
    pieces.append(text[begin:])
    return pieces


CLUSTER: Final = 128
"""Characters beyond which nothing sanitised is still one: joined emoji with all their marks."""


def first_piece(text: str, begin: int, width: int) -> tuple[str, int]:
    """The first piece that `fold` would cut off, and its cells.

    Args:
        text: One line, of any length: only as much as may be needed is looked at.
        begin: Where in it to begin.
        width: Cells the piece may take.
    """
    piece = text[begin : begin + width]
    if piece.isascii() and text[begin + width : begin + width + 1].isascii():
        return piece, len(piece)
    piece = fold(text[begin : begin + width * 4 + CLUSTER], width)[0]
    return piece, cell_len(piece)


# Words; a character of two cells (CJK and the like) is a word of its own, with the marks and the
# closing punctuation that belong to it.
_WIDE: Final = (
    "\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f"
    "\uff00-\uff60\uffe0-\uffe6\U00020000-\U0003fffd"
)
_AFTER: Final = (
    "\u0300-\u036f\u20d0-\u20ff\u302a-\u302f\ufe00-\ufe0f\U000e0100-\U000e01ef"
    "\u3001\u3002\u300b\u300d\u300f\u3011\u3099\u309a\uff01"
)
# These patterns take milliseconds to compile, and the first screen needs neither.
_ASCII_PIECES: Final = re.compile("\n| +|[^ \n]+")


@cache
def _pieces() -> re.Pattern[str]:
    return re.compile(
        f"\n| +|[{_WIDE}][{_AFTER}\uff09\uff0c\uff0e\uff1a\uff1b\uff1f]*|[^ \n{_WIDE}]+"
    )


@cache
def _is_wide(char: str) -> bool:
    return char >= "\u1100" and re.compile(f"[{_WIDE}]").match(char) is not None


class Wrapper:
    """Wraps spans into rows on word boundaries, as they come.

    Args:
        width: Cells of a row, at least 1.
    """

    __slots__ = ("_gap", "_joint", "_line", "_long", "_used", "_word", "_word_cells", "width")

    def __init__(self, width: int) -> None:
        self.width = max(1, width)
        self._line: list[Span] = []
        self._used = 0
        self._gap: Span | None = None
        self._word: list[Span] = []
        self._word_cells = 0
        self._joint: str | None = None
        self._long = False

    def copy(self) -> Wrapper:
        """A wrapper that stands where this one stands."""
        other = Wrapper(self.width)
        other._line = self._line.copy()
        other._used = self._used
        other._gap = self._gap
        other._word = self._word.copy()
        other._word_cells = self._word_cells
        other._joint = self._joint
        other._long = self._long
        return other

    def feed(self, spans: Iterable[Span]) -> list[Line]:
        """Take more text.

        Returns:
            The rows that are complete by now.
        """
        lines: list[Line] = []
        for text, style in spans:
            pieces = _ASCII_PIECES if text.isascii() else _pieces()
            for match in pieces.finditer(text):
                piece = match[0]
                first = piece[0]
                if first == " ":
                    self._end_word(lines)
                    if self._line or self._joint is None:
                        self._gap = (piece, style)
                elif first == "\n":
                    self._end_word(lines)
                    self._gap = None
                    self._break(lines, None)
                elif first >= "\u1100" and _is_wide(first):
                    self._end_word(lines)
                    self._word.append((piece, style))
                    self._word_cells = cell_len(piece)
                    self._end_word(lines)
                else:
                    self._word.append((piece, style))
                    self._word_cells += len(piece) if piece.isascii() else cell_len(piece)
                    if self._long or self._word_cells > self.width:
                        # It will not fit into a row, so its first rows need not wait for its end.
                        self._flush_word(lines)
                        self._long = True
        return lines

    def close(self) -> list[Line]:
        """End the text.

        Returns:
            The last rows; at least one if nothing came at all.
        """
        lines: list[Line] = []
        self._end_word(lines)
        self._gap = None
        self._break(lines, None)
        return lines

    def _break(self, lines: list[Line], joint: str | None) -> None:
        lines.append(Line(merge(self._line), self._used, 0, self._joint))
        self._line = []
        self._used = 0
        self._joint = joint

    def _end_word(self, lines: list[Line]) -> None:
        self._long = False
        self._flush_word(lines)

    def _flush_word(self, lines: list[Line]) -> None:
        if not self._word:
            return
        word, cells = self._word, self._word_cells
        self._word, self._word_cells = [], 0
        gap, self._gap = self._gap, None
        gap_cells = len(gap[0]) if gap else 0
        if self._long:
            self._fold_word(word, lines)
            return
        if self._used + gap_cells + cells <= self.width:
            if gap:
                self._line.append(gap)
            self._line.extend(word)
            self._used += gap_cells + cells
            return
        if self._line:
            self._break(lines, gap[0] if gap else "")
        if cells <= self.width:
            self._line.extend(word)
            self._used = cells
            return
        self._fold_word(word, lines)

    def _fold_word(self, word: list[Span], lines: list[Line]) -> None:
        for text, style in word:
            at = 0
            while at < len(text):
                room = self.width - self._used
                piece, cells = first_piece(text, at, max(1, room))
                if cells > room and self._line:
                    self._break(lines, "")
                    continue
                self._line.append((piece, style))
                self._used += cells
                at += len(piece)


def merge(spans: Sequence[Span]) -> list[Span]:
    """Join neighbours of one style, so that a row has as few segments as it can."""
    if len(spans) < 2:
        return list(spans)
    merged: list[Span] = []
    texts: list[str] = []
    style = spans[0][1]
    for text, name in spans:
        if name != style:
            merged.append(("".join(texts), style))
            texts, style = [], name
        texts.append(text)
    merged.append(("".join(texts), style))
    return merged


def sticks(char: str) -> bool:
    """Whether a character has no cell of its own, but belongs to the one before it."""
    return not char.isascii() and cell_len(char) == 0


def glue(spans: list[Span]) -> list[Span]:
    """Keep what is shown as one character in one span, so that its width is measured right."""
    if all(text.isascii() for text, _ in spans):
        return spans
    glued: list[Span] = []
    for text, style in spans:
        if glued and text and (sticks(text[0]) or glued[-1][0].endswith("\u200d")):
            taken = 1
            while taken < len(text) and (sticks(text[taken]) or text[taken - 1] == "\u200d"):
                taken += 1
            glued[-1] = (glued[-1][0] + text[:taken], glued[-1][1])
            text = text[taken:]  # noqa: PLW2901 - the rest of the span is a span
        if text:
            glued.append((text, style))
    return glued
