"""Finds the blocks of a Markdown text while it streams, in CommonMark's own way: line by line.

The result is flat: a list of leaves (paragraphs, headings, fences, ...), each with the quotes and
list items it stands in. Only the last leaf can still grow, however deep it stands; so whatever
is drawn of the leaves before it never has to be drawn again.
"""

from __future__ import annotations

import re
from typing import Final

from ccchat_tui.quick import dataclass
from ccchat_tui.tui.markdown.leaf import Container, Item, Kind, Leaf, Quote
from ccchat_tui.tui.markdown.lines import TAB

_FENCE: Final = re.compile(r"(`{3,})([^`]*)$|(~{3,})(.*)$")
_RULE: Final = re.compile(r"(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,})$")
DEEPEST: Final = 40
"""How many quotes and items may stand in one another; what would go deeper is taken as text."""

# These never look at a character twice: a line may be of any length, and come from anywhere.
_HEADING: Final = re.compile(r"(#{1,6})(?=[ \t]|$)")
_SETEXT: Final = re.compile(r"(=+|-+)[ \t]*$")
_MARKER: Final = re.compile(r"([-+*]|(\d{1,9})([.)]))([ \t]+|$)")
_DELIMITER: Final = re.compile(r":?-+:?$")
_HALF_DELIMITERS: Final = re.compile(r"[|:\- \t]+$")
_UNDECIDED: Final = re.compile(
    r"[ \t]*(?:[-=+*]{1,2}|\d{1,9}[.)]?|`{1,2}|~{1,2}|#{1,6}|\||<)[ \t]*$"
)
_HTML_TO_END: Final = (
    (re.compile(r"<(?:script|pre|style|textarea)(?:[ \t>]|$)", re.IGNORECASE), "</"),
    (re.compile(r"<!--"), "-->"),
    (re.compile(r"<\?"), "?>"),
    (re.compile(r"<![A-Za-z]"), ">"),
)
_HTML_BLOCK: Final = re.compile(
    r"</?(?:address|article|aside|blockquote|body|button|center|details|dialog|dd|div|dl|dt|"
    r"fieldset|figcaption|figure|footer|form|h[1-6]|head|header|hr|html|iframe|li|link|main|menu|"
    r"meta|nav|ol|optgroup|option|p|section|summary|table|tbody|td|tfoot|th|thead|title|tr|ul)"
    r"(?:[ \t>]|/>|$)",
    re.IGNORECASE,
)
_CELL: Final = re.compile(r"(?<!\\)\|")


def split_row(line: str) -> list[str]:
    """The cells of one row of a table."""
    text = line.strip()
    text = text.removeprefix("|")
    if text.endswith("|") and not text.endswith("\\|"):
        text = text[:-1]
    return [cell.strip().replace("\\|", "|") for cell in _CELL.split(text)]


def _is_delimiter_row(text: str) -> bool:
    return all(_DELIMITER.match(cell) for cell in split_row(text))


def _heading(text: str) -> tuple[int, str] | None:
    """Level and content of a line that begins with number signs, if it is a heading."""
    found = _HEADING.match(text)
    if found is None:
        return None
    content = text[found.end() :].strip()
    if content.endswith("#"):
        bare = content.rstrip("#")
        if not bare or bare[-1] in " \t":
            content = bare.rstrip()
    return len(found[1]), content


@dataclass(slots=True)
class _Undo:
    """How everything stood before the unfinished line was taken."""

    spine: tuple[Container, ...]
    blank: bool
    serial: int
    count: int
    last: list[Leaf]
    lines: int = 0
    level: int = 0
    closed: bool = False


class BlockScanner:
    """Turns a text that comes in pieces into leaves."""

    def __init__(self) -> None:
        self.leaves: list[Leaf] = []
        self._spine: tuple[Container, ...] = ()
        self._blank = False
        self._serial = 0
        self._partial: list[str] = []
        self._undo: _Undo | None = None

    def feed(self, text: str) -> None:
        """Take more text, sanitised. Cheap: the unfinished last line is not looked at yet."""
        if not text:
            return
        if "\n" not in text:
            self._partial.append(text)
            return
        self._rollback()
        self._partial.append(text)
        lines = "".join(self._partial).split("\n")
        tail = lines.pop()
        self._partial = [tail] if tail else []
        for line in lines:
            self._line(line)

    def preview(self) -> None:
        """Let the leaves show the unfinished last line as far as it is known. Undone by itself
        when more comes."""
        self._rollback()
        if not self._partial:
            return
        if len(self._partial) > 1:
            self._partial = ["".join(self._partial)]
        line = self._partial[0]
        if self._undecided(line):
            return
        undo = _Undo(self._spine, self._blank, self._serial, len(self.leaves), self.leaves[-2:])
        if undo.last:
            leaf = undo.last[-1]
            undo.lines, undo.level, undo.closed = len(leaf.lines), leaf.level, leaf.closed
        self._undo = undo
        self._line(line, unfinished=True)

    def finish(self) -> None:
        """End the text: what is unfinished is taken as it stands."""
        self._rollback()
        if self._partial:
            line = "".join(self._partial)
            self._partial = []
            self._line(line)
        if self.leaves:
            self.leaves[-1].closed = True

    def _rollback(self) -> None:
        undo, self._undo = self._undo, None
        if undo is None:
            return
        self._spine, self._blank, self._serial = undo.spine, undo.blank, undo.serial
        del self.leaves[max(0, undo.count - len(undo.last)) :]
        self.leaves.extend(undo.last)
        if undo.last:
            leaf = undo.last[-1]
            del leaf.lines[undo.lines :]
            leaf.level, leaf.closed = undo.level, undo.closed

    # One line -------------------------------------------------------------------------------

    def _undecided(self, line: str) -> bool:
        """Whether an unfinished line may yet become something else altogether, such as the first
        dash of a rule or of a list."""
        leaf = self.leaves[-1] if self.leaves else None
        if leaf is not None and not leaf.closed and leaf.kind is Kind.FENCE:
            mark = leaf.info.partition(" ")[0]
            text = line.strip(" >")
            return bool(text) and mark.startswith(text) and text != mark
        if leaf is not None and not leaf.closed and leaf.kind is Kind.HTML:
            return False
        return _UNDECIDED.match(line) is not None

    def _line(self, line: str, *, unfinished: bool = False) -> None:
        rest, matched = self._match_containers(line)
        leaf = self.leaves[-1] if self.leaves and not self.leaves[-1].closed else None
        all_matched = matched == len(self._spine)
        if leaf is not None and all_matched and self._continue_verbatim(leaf, rest):
            return
        if leaf is not None and leaf.kind in (Kind.FENCE, Kind.HTML) and not all_matched:
            leaf.closed = True
            leaf = None
        if not rest.strip():
            self._blank_line(leaf, matched)
            return
        paragraph = leaf if leaf is not None and leaf.kind is Kind.PARAGRAPH else None
        spine = self._spine[:matched]
        rest, spine, opened = self._open_containers(rest, spine, paragraph if all_matched else None)
        if paragraph is not None and not opened:
            text = rest.lstrip(" ")
            indented = len(rest) - len(text) >= 4
            if all_matched and not indented and self._change_paragraph(paragraph, text, unfinished):
                return
            if indented or not self._starts_block(text):
                # Also where quotes or items were left open without a mark: a lazy continuation.
                paragraph.lines.append(text)
                return
        self._spine = spine
        self._open_leaf(rest, leaf if all_matched and not opened else None)

    def _match_containers(self, line: str) -> tuple[str, int]:
        rest = line
        if "\t" in line[: len(line) - len(line.lstrip())] and not self._in_bare_fence():
            rest = line.expandtabs(TAB)
        matched = 0
        for container in self._spine:
            if isinstance(container, Quote):
                text = rest.lstrip(" ")
                if len(rest) - len(text) > 3 or not text.startswith(">"):
                    break
                rest = text[2:] if text.startswith("> ") else text[1:]
            elif not rest[: container.indent].strip():
                rest = rest[container.indent :]
            else:
                break
            matched += 1
        return rest, matched

    def _in_bare_fence(self) -> bool:
        """Whether the line stands in a fence that stands in nothing else. There tabs stay, so that
        what is copied, such as a makefile, is what was written."""
        leaf = self.leaves[-1] if self.leaves else None
        return leaf is not None and leaf.kind is Kind.FENCE and not leaf.closed and not self._spine

    def _continue_verbatim(self, leaf: Leaf, rest: str) -> bool:
        if leaf.kind is Kind.FENCE:
            mark = leaf.info.partition(" ")[0]
            text = rest.strip()
            if (
                text
                and text.strip(mark[0]) == ""
                and len(text) >= len(mark)
                and len(rest) - len(rest.lstrip(" ")) < 4
            ):
                leaf.closed = True
                return True
            indent = leaf.level
            leaf.lines.append(rest[min(indent, len(rest) - len(rest.lstrip(" "))) :])
            return True
        if leaf.kind is Kind.HTML and (leaf.info or rest.strip()):
            leaf.lines.append(rest)
            if leaf.info and leaf.info in rest:
                leaf.closed = True
            return True
        if leaf.kind is Kind.INDENTED:
            if rest[:4].isspace() and len(rest) > 4:
                leaf.lines.extend([""] * leaf.level)
                leaf.level = 0
                leaf.lines.append(rest[4:])
                return True
            if not rest.strip():
                leaf.level += 1
                return True
        return False

    def _blank_line(self, leaf: Leaf | None, matched: int) -> None:
        self._blank = True
        if leaf is not None:
            leaf.closed = True
        # A quote ends at an empty line; items wait for what is indented.
        spine = self._spine
        for index in range(matched, len(spine)):
            if isinstance(spine[index], Quote):
                self._spine = spine[:index]
                return

    def _open_containers(
        self, rest: str, spine: tuple[Container, ...], paragraph: Leaf | None
    ) -> tuple[str, tuple[Container, ...], bool]:
        opened = False
        while True:
            text = rest.lstrip(" ")
            indent = len(rest) - len(text)
            if indent >= 4 or not text or len(spine) >= DEEPEST:
                return rest, spine, opened
            if text[0] == ">":
                spine = (*spine, Quote(self._next()))
                rest = text[2:] if text.startswith("> ") else text[1:]
                opened, paragraph = True, None
                continue
            found = None if _RULE.match(text) else _MARKER.match(text)
            if found is None or (
                paragraph is not None
                and (found.end() == len(text) or (found[2] and int(found[2]) != 1))
                and len(spine) >= len(self._spine)
            ):
                return rest, spine, opened
            spine, rest = self._item(found, text, indent, spine)
            opened, paragraph = True, None
            if not rest.strip():
                return rest, spine, opened

    def _item(
        self, found: re.Match[str], text: str, indent: int, spine: tuple[Container, ...]
    ) -> tuple[tuple[Container, ...], str]:
        marker = found[1]
        after = len(found[4].expandtabs(TAB))
        content = text[found.end() :]
        if after > 4 or not content:
            content = " " * (after - 1) + content
            after = 1
        number = int(found[2]) if found[2] else None
        delimiter = found[3] or marker
        list_serial = self._next()
        depth = len(spine)
        if depth < len(self._spine):
            before = self._spine[depth]
            if (
                isinstance(before, Item)
                and before.delimiter == delimiter
                and (before.number is None) == (number is None)
            ):
                list_serial = before.list_serial
                if before.number is not None:
                    number = before.number + 1
        item = Item(self._next(), list_serial, indent + len(marker) + after, number, delimiter)
        return (*spine, item), content

    def _change_paragraph(self, paragraph: Leaf, text: str, unfinished: bool) -> bool:
        """What a line makes of the paragraph before it: a heading or the head of a table."""
        head = paragraph.lines[-1]
        if "|" in head and (
            (
                _HALF_DELIMITERS.match(text)
                and _is_delimiter_row(text)
                and len(split_row(text)) == len(split_row(head))
            )
            or (unfinished and head.startswith("|") and _HALF_DELIMITERS.match(text))
        ):
            self.leaves.pop()
            gap = paragraph.gap
            if len(paragraph.lines) > 1:
                before = Leaf(
                    Kind.PARAGRAPH, paragraph.containers, paragraph.lines[:-1], gap=gap, closed=True
                )
                self.leaves.append(before)
                gap = False
            table = Leaf(Kind.TABLE, paragraph.containers, [head, text], gap=gap)
            self.leaves.append(table)
            return True
        if found := _SETEXT.match(text):
            level = 1 if found[1][0] == "=" else 2
            heading = Leaf(Kind.HEADING, paragraph.containers, paragraph.lines.copy(), level)
            heading.gap, heading.closed = paragraph.gap, True
            self.leaves[-1] = heading
            return True
        return False

    def _starts_block(self, text: str) -> bool:
        """Whether a line may end a paragraph without an empty line between them."""
        first = text[0]
        if first == "#":
            return _HEADING.match(text) is not None
        if first in "`~":
            return _FENCE.match(text) is not None
        if first in "*-_":
            return _RULE.match(text) is not None
        if first == "<":
            return _HTML_BLOCK.match(text) is not None or any(
                start.match(text) for start, _ in _HTML_TO_END
            )
        return False

    def _open_leaf(self, rest: str, leaf: Leaf | None) -> None:
        text = rest.lstrip(" ")
        indent = len(rest) - len(text)
        if leaf is not None and leaf.kind is Kind.TABLE and not self._starts_block(text):
            leaf.lines.append(text)
            return
        if self.leaves:
            self.leaves[-1].closed = True
        new = self._new_leaf(text, indent)
        new.gap = self._blank
        self._blank = False
        self.leaves.append(new)

    def _new_leaf(self, text: str, indent: int) -> Leaf:  # noqa: PLR0911 - one for each kind
        spine = self._spine
        if indent >= 4 and text:
            return Leaf(Kind.INDENTED, spine, [" " * (indent - 4) + text])
        if not text:
            return Leaf(Kind.PARAGRAPH, spine, [""], closed=True)
        first = text[0]
        if first == "#" and (heading := _heading(text)):
            return Leaf(Kind.HEADING, spine, [heading[1]], heading[0], closed=True)
        if first in "`~" and (found := _FENCE.match(text)):
            mark = found[1] or found[3]
            info = (found[2] if found[1] else found[4]) or ""
            return Leaf(Kind.FENCE, spine, [], indent, f"{mark} {info.strip()}")
        if first in "*-_" and _RULE.match(text):
            return Leaf(Kind.RULE, spine, closed=True)
        if first == "<":
            for start, end in _HTML_TO_END:
                if start.match(text):
                    return Leaf(Kind.HTML, spine, [text], 0, end, closed=end in text[2:])
            if _HTML_BLOCK.match(text):
                return Leaf(Kind.HTML, spine, [text])
        return Leaf(Kind.PARAGRAPH, spine, [text])

    def _next(self) -> int:
        self._serial += 1
        return self._serial
