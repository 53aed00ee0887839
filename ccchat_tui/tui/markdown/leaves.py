"""Lays out single leaves: what is final is laid out once, the rest again with each update."""

from __future__ import annotations

from typing import Final, Protocol

from rich.cells import cell_len

from ccchat_tui.tui.markdown.code import LONGEST, Highlighter
from ccchat_tui.tui.markdown.inline import LONGEST_CHUNK, cut_at, parse_inline
from ccchat_tui.tui.markdown.leaf import Item, Kind, Leaf
from ccchat_tui.tui.markdown.lines import CLUSTER, TAB, Line, Span, Wrapper, first_piece, merge
from ccchat_tui.tui.markdown.tables import TableLayout

_TASKS: Final = {"[ ] ": "\u2610 ", "[x] ": "\u2611 "}


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
        if len(text) - at > LONGEST_CHUNK:
            while len(text) - at > LONGEST_CHUNK:
                cut = cut_at(text, at)
                self.final += self._wrapper.feed(parse_inline(text[at:cut], self._style))
                at = cut
            self._sealed = text[:at]
        wrapper = self._wrapper.copy()
        rest = text[at:].rstrip()
        spans = parse_inline(rest, self._style, unfinished=not leaf.closed)
        return wrapper.feed(spans) + wrapper.close()


class VerbatimLayout:
    """Lines shown as they are, such as HTML."""

    def __init__(self, width: int, style: str = "html") -> None:
        self._width = width
        self._style = style
        self._long = LongLine(width, style)
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
            self.final += self._long.take(_expand(self._last)) + self._long.rest
            self._long = LongLine(self._width, self._style)
            self._done += 1
        self.final += self._long.take(_expand(lines[self._done]))
        return self._long.rest


class CodeLayout:
    """A fence or an indented block: the language above it, then its lines, highlighted once."""

    def __init__(self, leaf: Leaf, width: int) -> None:
        self._width = width
        info = leaf.info.partition(" ")[2] if leaf.kind is Kind.FENCE else ""
        self._info = info
        self._highlighter = Highlighter(info)
        self._long: LongLine | None = None
        self._done = 0
        self._last = ""
        self.final: list[Line] = []
        if info:
            self.final += self._rows([(_expand(info), "fence label")])

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
            line = _expand(self._last)
            if len(line) > LONGEST:
                self.final += self._take_long(line)
                self.final += self._long_rest()
                self._long = None
            else:
                for spans in self._highlighter.feed(line):
                    self.final += self._rows(spans)
            self._done += 1
        unfinished = _expand(lines[self._done]) if self._done < len(lines) else None
        if unfinished is not None and len(unfinished) > LONGEST:
            self.final += self._take_long(unfinished)
            return self._long_rest()
        rows = [row for spans in self._highlighter.preview(unfinished) for row in self._rows(spans)]
        if not rows and not self.final:
            rows.append(self._filled([]))
        return rows

    def _take_long(self, line: str) -> list[Line]:
        rows: list[Line] = []
        if self._long is None:
            self._long = LongLine(max(1, self._width - 2), "fence")
            for spans in self._highlighter.give_up():
                rows += self._rows(spans)
        return rows + [self._filled(r.spans, r.cells, r.joint) for r in self._long.take(line)]

    def _long_rest(self) -> list[Line]:
        assert self._long is not None
        return [self._filled(row.spans, row.cells, row.joint) for row in self._long.rest]

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


class LongLine:
    """A line that is folded as it grows: whole rows of it once, only the rest again.

    Args:
        width: Cells of a row.
        style: What it is shown in.
    """

    def __init__(self, width: int, style: str) -> None:
        self._width = width
        self._style = style
        self._at = 0
        self.rest: list[Line] = []
        """The rows behind those that are final, as of the last `take`."""

    def take(self, line: str) -> list[Line]:
        """Take the line as it is by now.

        Returns:
            Further rows that will not change.
        """
        rows: list[Line] = []
        while len(line) - self._at > self._width * 4 + 2 * CLUSTER:
            piece, cells = first_piece(line, self._at, self._width)
            rows.append(Line([(piece, self._style)], cells, 0, "" if self._at else None))
            self._at += len(piece)
        self.rest = fold_spans([(line[self._at :], self._style)], self._width)
        if self._at:
            self.rest[0].joint = ""
        return rows


def fold_spans(spans: list[Span], width: int) -> list[Line]:
    """Cut one line of spans into rows without regard to words."""
    total = sum([cell_len(text) for text, _ in spans])
    if total <= width:
        return [Line(spans, total)]
    rows: list[Line] = []
    row: list[Span] = []
    used = 0
    for text, style in spans:
        at = 0
        while at < len(text):
            room = width - used
            piece, cells = first_piece(text, at, max(1, room))
            if row and cells > room:
                rows.append(Line(row, used, 0, "" if rows else None))
                row, used = [], 0
                continue
            row.append((piece, style))
            used += cells
            at += len(piece)
    rows.append(Line(row, used, 0, "" if rows else None))
    return rows
