"""Lays out single leaves: what is final is laid out once, the rest again with each update."""

from __future__ import annotations

import unicodedata
from typing import Final, Protocol

from rich.cells import cell_len

from ccchat_tui.tui.markdown.code import Highlighter
from ccchat_tui.tui.markdown.inline import parse_inline
from ccchat_tui.tui.markdown.leaf import Item, Kind, Leaf
from ccchat_tui.tui.markdown.lines import TAB, Line, Span, Wrapper, fold, merge
from ccchat_tui.tui.markdown.tables import TableLayout

CHUNK: Final = 600
"""Characters of a paragraph after which it may be cut into parts that are parsed separately."""
_TASKS: Final = {"[ ] ": "\u2610 ", "[x] ": "\u2611 "}
LONGEST_CHUNK: Final = 1600
"""Characters after which it is cut wherever that does least harm."""


def is_task(leaf: Leaf) -> bool:
    """Whether a leaf begins with the box of a task list."""
    return (
        leaf.kind is Kind.PARAGRAPH
        and bool(leaf.containers)
        and isinstance(leaf.containers[-1], Item)
        and leaf.lines[0][:4].lower() in _TASKS
    )


class LeafLayout(Protocol):
    """One leaf at one width."""

    final: list[Line]
    """Rows that will not change; only appended to."""

    def update(self, leaf: Leaf) -> list[Line] | None:
        """Take what is new in the leaf.

        Returns:
            The rows behind `final`; `None` if something final has changed, so that the leaf must
            be laid out anew.
        """
        ...


def lay_out(leaf: Leaf, width: int) -> LeafLayout:
    """A layout for a leaf.

    Args:
        leaf: What is to be laid out with `update`.
        width: Cells there are for it, bars and indentation not counted.
    """
    width = max(1, width)
    if leaf.kind is Kind.TABLE:
        return TableLayout(width)
    if leaf.kind in (Kind.FENCE, Kind.INDENTED):
        return CodeLayout(leaf, width)
    if leaf.kind is Kind.RULE:
        return RuleLayout(width)
    if leaf.kind is Kind.HTML:
        return VerbatimLayout(width)
    return ParagraphLayout(width, f"h{leaf.level}" if leaf.kind is Kind.HEADING else "")


class RuleLayout:
    """A thematic break."""

    def __init__(self, width: int) -> None:
        self._width = width
        self.final: list[Line] = []

    def update(self, leaf: Leaf) -> list[Line] | None:  # noqa: ARG002 - it says nothing more
        """See `LeafLayout.update`."""
        return [Line([("\u2500" * self._width, "rule")], self._width)]


class ParagraphLayout:
    """A paragraph or a heading. A long one is parsed and wrapped in parts, each of them once."""

    def __init__(self, width: int, style: str) -> None:
        self._style = style
        self._wrapper = Wrapper(width)
        self._sealed = ""
        self.final: list[Line] = []

    def update(self, leaf: Leaf) -> list[Line] | None:
        """See `LeafLayout.update`."""
        text = leaf.lines[0] if len(leaf.lines) == 1 else "\n".join(leaf.lines)
        if is_task(leaf):
            text = _TASKS[text[:4].lower()] + text[4:]
        if not text.startswith(self._sealed):
            return None
        at = len(self._sealed)
        if leaf.kind is Kind.PARAGRAPH and len(text) - at > LONGEST_CHUNK:
            while len(text) - at > LONGEST_CHUNK:
                cut = _cut(text, at)
                self.final += self._wrapper.feed(parse_inline(text[at:cut], self._style))
                at = cut
            self._sealed = text[:at]
        wrapper = self._wrapper.copy()
        rest = text[at:].rstrip()
        spans = parse_inline(rest, self._style, unfinished=not leaf.closed)
        return wrapper.feed(spans) + wrapper.close()


def _cut(text: str, begin: int) -> int:
    """Where a long paragraph may be cut: at a space, with no markup open if that can be had.

    It looks only at what is certain to be there, so that the answer does not depend on how much
    has come so far.
    """
    end = begin + LONGEST_CHUNK
    fallback = 0
    at = begin + CHUNK
    while True:
        at = text.find(" ", at, end)
        if at < 0:
            break
        part = text[begin:at]
        if (
            not part.count("`") % 2
            and not part.count("*") % 2
            and not part.count("~~") % 2
            and part.count("[") == part.count("]")
            and part.rfind("](") <= part.rfind(")")
        ):
            return at
        fallback = at
        at += 1
    if fallback:
        return fallback
    cut = end
    while cut > begin + CHUNK and (
        unicodedata.category(text[cut])[0] in "MC" or text[cut - 1] == "\u200d"
    ):
        cut -= 1
    return cut


class VerbatimLayout:
    """Lines shown as they are, such as HTML."""

    def __init__(self, width: int, style: str = "html") -> None:
        self._width = width
        self._style = style
        self._done = 0
        self._last = ""
        self.final: list[Line] = []

    def update(self, leaf: Leaf) -> list[Line] | None:
        """See `LeafLayout.update`."""
        lines = leaf.lines
        if len(lines) < self._done or (self._done and lines[self._done - 1] != self._last):
            return None
        while self._done < len(lines) - 1:
            self._last = lines[self._done]
            self.final += self._rows(self._last)
            self._done += 1
        return [row for line in lines[self._done :] for row in self._rows(line)]

    def _rows(self, line: str) -> list[Line]:
        return fold_spans([(line.expandtabs(TAB), self._style)], self._width)


class CodeLayout:
    """A fence or an indented block: the language above it, then its lines, highlighted once."""

    def __init__(self, leaf: Leaf, width: int) -> None:
        self._width = width
        info = leaf.info.partition(" ")[2] if leaf.kind is Kind.FENCE else ""
        self._info = info
        self._highlighter = Highlighter(info)
        self._done = 0
        self._last = ""
        self.final: list[Line] = []
        if info:
            self.final.append(self._filled([(fold(info, max(1, width - 2))[0], "fence label")]))

    def update(self, leaf: Leaf) -> list[Line] | None:
        """See `LeafLayout.update`."""
        lines = leaf.lines
        info = leaf.info.partition(" ")[2] if leaf.kind is Kind.FENCE else ""
        if (
            info != self._info
            or len(lines) < self._done
            or (self._done and lines[self._done - 1] != self._last)
        ):
            return None
        while self._done < len(lines) - 1:
            self._last = lines[self._done]
            for spans in self._highlighter.feed(_expand(self._last)):
                self.final += self._rows(spans)
            self._done += 1
        unfinished = _expand(lines[self._done]) if self._done < len(lines) else None
        rows = [row for spans in self._highlighter.preview(unfinished) for row in self._rows(spans)]
        if not rows and not self.final:
            rows.append(self._filled([]))
        return rows

    def _rows(self, spans: list[Span]) -> list[Line]:
        return [
            self._filled(row.spans, row.cells, row.joint)
            for row in fold_spans(spans, max(1, self._width - 2))
        ]

    def _filled(
        self,
        spans: list[Span] | tuple[Span, ...],
        cells: int | None = None,
        joint: str | None = None,
    ) -> Line:
        used = sum([cell_len(text) for text, _ in spans]) if cells is None else cells
        rest = max(0, self._width - 1 - used)
        filled = merge([(" ", "fence"), *spans, (" " * rest, "fence")])
        return Line(filled, used + 1 + rest, 1, joint)


def _expand(line: str) -> str:
    return line.expandtabs(TAB) if "\t" in line else line


def fold_spans(spans: list[Span], width: int) -> list[Line]:
    """Cut one line of spans into rows without regard to words."""
    total = sum([cell_len(text) for text, _ in spans])
    if total <= width:
        return [Line(spans, total)]
    rows: list[Line] = []
    row: list[Span] = []
    used = 0
    for text, style in spans:
        rest = text
        while rest:
            room = width - used
            # A slice long enough for the room; the whole rest would make long lines quadratic.
            piece = fold(rest[: max(1, room) * 4 + 16], max(1, room))[0]
            cells = cell_len(piece)
            if row and cells > room:
                rows.append(Line(row, used, 0, "" if rows else None))
                row, used = [], 0
                continue
            row.append((piece, style))
            used += cells
            rest = rest[len(piece) :]
    rows.append(Line(row, used, 0, "" if rows else None))
    return rows
