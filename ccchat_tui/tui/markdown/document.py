"""A Markdown text that streams, as rows: what is finished is laid out once for each width."""

from __future__ import annotations

from typing import Final

from rich.cells import cell_len

from ccchat_tui.quick import dataclass
from ccchat_tui.tui.markdown.blocks import BlockScanner
from ccchat_tui.tui.markdown.leaf import Container, Item, Kind, Leaf, Quote
from ccchat_tui.tui.markdown.leaves import LeafLayout, is_task, lay_out
from ccchat_tui.tui.markdown.lines import Line, Span

_SAME: Final[list[Line]] = []
"""Stands for the rows of a leaf that has not changed."""
_BULLETS: Final = "\u2022\u25e6\u25aa"


@dataclass(slots=True)
class _Placed:
    """A leaf and where its rows stand."""

    leaf: Leaf
    begin: int
    """Its first row, the empty one above it included."""
    above: int
    """How many empty rows stand above it."""
    first: list[Span]
    rest: list[Span]
    lead: int
    cells: int
    first_cells: int
    layout: LeafLayout | None
    seen: tuple[Leaf, int, str, bool] | None = None
    """How the leaf stood when it was last laid out."""
    taken: int = 0
    """How many of the layout's final rows have been taken."""


class Document:
    """One reply.

    Args:
        width: Cells of a row.
    """

    def __init__(self, width: int) -> None:
        self._width = max(1, width)
        self._scanner = BlockScanner()
        self._placed: list[_Placed] = []
        self._finished = False
        self._dirty = False
        self.lines: list[Line] = []
        """The rows, as of the last `update`."""

    @property
    def width(self) -> int:
        """Cells of a row."""
        return self._width

    def feed(self, text: str) -> None:
        """Take more of the text, sanitised. Nothing is laid out before `update`."""
        if self._finished:
            raise ValueError("this document was finished; begin a new one")
        if text:
            self._scanner.feed(text)
            self._dirty = True

    def finish(self) -> None:
        """There is no more: what is open is taken as it stands."""
        if not self._finished:
            self._finished = True
            self._scanner.finish()
            self._dirty = True

    def set_width(self, width: int) -> None:
        """Lay out for another width, with the next `update`."""
        width = max(1, width)
        if width != self._width:
            self._width = width
            self._placed.clear()
            self.lines = []
            self._dirty = True

    def code_blocks(self) -> list[str]:
        """The text of every code block so far, in order."""
        return [
            "\n".join(leaf.lines)
            for leaf in self._scanner.leaves
            if leaf.kind in (Kind.FENCE, Kind.INDENTED)
        ]

    def update(self) -> int:
        """Bring `lines` up to date.

        Returns:
            The first row that has changed; the number of rows if none has.
        """
        if not self._dirty:
            return len(self.lines)
        self._dirty = False
        if not self._finished:
            self._scanner.preview()
        leaves = self._scanner.leaves
        # An unfinished line can change the last two leaves at most, and take a third with it.
        begin = max(0, min(len(self._placed), len(leaves)) - 3)
        while begin and self._placed[begin - 1].leaf is not leaves[begin - 1]:
            begin -= 1
        changed = len(self.lines)
        for index in range(begin, len(leaves)):
            changed = min(changed, self._place(index, leaves))
        if len(self._placed) > len(leaves):
            row = self._placed[len(leaves)].begin
            del self._placed[len(leaves) :], self.lines[row:]
            changed = min(changed, row)
        for placed in self._placed[max(0, begin - 4) : max(0, len(leaves) - 4)]:
            placed.layout = None
        if self._finished:
            for placed in self._placed[-4:]:
                placed.layout = None
        return min(changed, len(self.lines))

    def _place(self, index: int, leaves: list[Leaf]) -> int:
        leaf = leaves[index]
        before = leaves[index - 1] if index else None
        row = 0
        if index < len(self._placed):
            placed = self._placed[index]
            row = placed.begin
            again = self._update(placed, leaf, before)
            if again is not None:
                return self._replace(index, again)
            del self._placed[index:]
        elif self._placed:
            row = len(self.lines)
        first, rest = self._prefixes(leaf, before)
        above, gap_row = _gap(leaf, before, rest)
        cells = sum(cell_len(text) for text, _ in rest)
        placed = _Placed(
            leaf=leaf,
            begin=row,
            above=above,
            first=first,
            rest=rest,
            lead=sum(len(text) for text, _ in rest),
            cells=cells,
            first_cells=sum(cell_len(text) for text, _ in first),
            layout=lay_out(leaf, self._width - cells),
            seen=_stand(leaf),
        )
        self._placed.append(placed)
        assert placed.layout is not None
        rows = placed.layout.update(leaf)
        assert rows is not None
        out = [gap_row] if above else []
        out += self._take(placed, rows)
        return self._splice(row, out)

    def _update(self, placed: _Placed, leaf: Leaf, before: Leaf | None) -> list[Line] | None:
        """The rows of a leaf that may have grown, from the first that is not final; `None` if it
        must be laid out anew."""
        if placed.layout is None:
            return _SAME if placed.leaf is leaf else None
        if placed.leaf is not leaf:
            old = placed.leaf
            if old.kind is not leaf.kind or old.level != leaf.level or old.info != leaf.info:
                return None
            first, rest = self._prefixes(leaf, before)
            above, _ = _gap(leaf, before, rest)
            if first != placed.first or rest != placed.rest or above != placed.above:
                return None
            placed.leaf = leaf
        stand = _stand(leaf)
        if placed.seen == stand:
            return _SAME
        placed.seen = stand
        return placed.layout.update(leaf)

    def _replace(self, index: int, rows: list[Line]) -> int:
        placed = self._placed[index]
        if rows is _SAME:
            return len(self.lines)
        start = placed.begin + placed.above + placed.taken
        last = index == len(self._placed) - 1
        end = len(self.lines) if last else self._placed[index + 1].begin
        new = self._take(placed, rows)
        old = self.lines[start:end]
        if last:
            return self._splice(start, new)
        if old == new:
            return len(self.lines)
        # Something further up has changed height: what stands below is placed anew.
        del self._placed[index + 1 :]
        return self._splice(start, new)

    def _take(self, placed: _Placed, rows: list[Line]) -> list[Line]:
        assert placed.layout is not None
        final = placed.layout.final
        fresh = final[placed.taken :]
        begin = placed.taken
        placed.taken = len(final)
        if not placed.rest:
            return [*fresh, *rows]
        return [self._prefixed(placed, row, begin + at) for at, row in enumerate([*fresh, *rows])]

    def _prefixed(self, placed: _Placed, row: Line, number: int) -> Line:
        if number == 0:
            lead = sum(len(text) for text, _ in placed.first)
            return Line(
                [*placed.first, *row.spans], placed.first_cells + row.cells, lead, row.joint
            )
        return Line(
            [*placed.rest, *row.spans], placed.cells + row.cells, placed.lead + row.lead, row.joint
        )

    def _splice(self, row: int, new: list[Line]) -> int:
        lines = self.lines
        at = 0
        most = min(len(new), len(lines) - row)
        while at < most and (lines[row + at] is new[at] or lines[row + at] == new[at]):
            at += 1
        lines[row + at :] = new[at:]
        return row + at

    def _prefixes(self, leaf: Leaf, before: Leaf | None) -> tuple[list[Span], list[Span]]:
        """What stands before the first row of a leaf, and before its others."""
        first: list[Span] = []
        rest: list[Span] = []
        shared = _shared(leaf.containers, before.containers if before else ())
        depth = 0
        used = 0
        for number, container in enumerate(leaf.containers):
            if isinstance(container, Quote):
                text = "\u258e "
                bar = (text, "quote-bar")
                entry, again = bar, bar
            else:
                mark = (
                    f"{_BULLETS[depth % len(_BULLETS)]} "
                    if container.number is None
                    else f"{container.number}{container.delimiter} "
                )
                depth += 1
                if number == len(leaf.containers) - 1 and is_task(leaf):
                    mark = " " * len(mark) if container.number is not None else ""
                again = (" " * len(mark), "")
                text = mark
                entry = (mark, "bullet") if number >= shared else again
            inner = number == len(leaf.containers) - 1
            if used + len(text) > (self._width - 2 if inner else self._width // 2):
                # No room to show every level: the outer ones are left out, the innermost stays
                # while two cells are left for the text.
                continue
            used += len(text)
            first.append(entry)
            rest.append(again)
        return first, rest


def _stand(leaf: Leaf) -> tuple[Leaf, int, str, bool]:
    """What tells whether a leaf has changed: its lines are only appended to, or its last one, while
    unfinished, is replaced."""
    return leaf, len(leaf.lines), leaf.lines[-1] if leaf.lines else "", leaf.closed


def _shared(one: tuple[Container, ...], other: tuple[Container, ...]) -> int:
    count = 0
    for mine, theirs in zip(one, other, strict=False):
        if mine != theirs:
            break
        count += 1
    return count


def _gap(leaf: Leaf, before: Leaf | None, rest: list[Span]) -> tuple[int, Line]:
    """How many empty rows stand above a leaf, and what they look like: one between blocks, but
    between the items of a list only where the source has one."""
    blank = Line([], 0)
    if before is None:
        return 0, blank
    lists = {c.list_serial for c in leaf.containers if isinstance(c, Item)}
    theirs = {c.list_serial for c in before.containers if isinstance(c, Item)}
    if lists & theirs and not leaf.gap:
        return 0, blank
    shared = _shared(leaf.containers, before.containers)
    spans = list(rest[:shared])
    while spans and not spans[-1][0].strip():
        spans.pop()
    return 1, Line(spans, sum(cell_len(text) for text, _ in spans), sum(len(t) for t, _ in spans))
