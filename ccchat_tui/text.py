"""Text from outside, made fit to be shown: what a model, a server or a clipboard sent is data.

Nothing that reaches a terminal may steer it. Control characters, escape sequences and
bidirectional controls come out as visible, harmless characters of one cell; runs of characters
without width are bounded, so that no cell can be made to hold an endless pile of marks.
"""

from __future__ import annotations

import re
import reprlib
import unicodedata
from typing import Final

REPLACEMENT: Final = "\ufffd"
"""Shown for what has no picture of its own."""

MAX_MARKS: Final = 8
"""How many characters without width may follow one another; one replacement marks a longer run.
Eight hold every real cluster, such as a flag made of tag characters or stacked vowel signs."""

MAX_JOINS: Final = 8
"""How many emoji may be joined onto one another by zero-width joiners."""

_ZWJ: Final = "\u200d"

# What needs no second look: printable characters that are neither marks nor controls. Written as
# ranges because asking `unicodedata` for every character costs a hundred times as much.
_CLEAN: Final = (
    "\\n\\t -~\\xa0-\\xac\\xae-\u02ff\u0370-\u0482\u048a-\u058f\u1e00-\u1fff\u2010-\u2027"
    "\u202f-\u205f\u2070-\u20cf\u2100-\u2cee\u3000-\u3029\u3030-\u3098\u309b-\u3163\u3165-\ua66e"
    "\uac00-\ud7a3\uff01-\uff9f\U0001f300-\U0001f3fa\U0001f400-\U0001faff\U00020000-\U0002fffd\U00030000-\U0003134f"
)
_SUSPECT: Final = re.compile(f"[^{_CLEAN}]")

# A joiner, a carriage return or half a surrogate pair at the end of a piece says nothing before its
# neighbour is known; nor does a joiner before such a half.
_OPEN_END: Final = re.compile("(?:\r|\u200d?[\ud800-\udbff]|\u200d)\\Z")
_TONES: Final = frozenset("\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff")
_BIDI: Final = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_CLEAN_KIND: Final = ""
_MARK_KIND: Final = "mark"
_kinds: dict[str, str] = {}


def _classify(char: str) -> str:
    """`""` for a character that stays, `"mark"` for one without width, else its replacement."""
    code = ord(char)
    category = unicodedata.category(char)
    if char in "\n\t":
        kind = _CLEAN_KIND
    elif code < 0x20:
        kind = chr(0x2400 + code)
    elif code == 0x7F:
        kind = "\u2421"
    elif category in ("Zl", "Zp"):
        kind = "\n"
    elif category in ("Cc", "Cs") or char in _BIDI or code & 0xFFFE == 0xFFFE:
        kind = REPLACEMENT
    elif (
        category in ("Mn", "Me", "Mc", "Cf")
        or 0x1160 <= code <= 0x11FF
        or 0xD7B0 <= code <= 0xD7FF
        or code in (0x115F, 0x3164, 0xFFA0)
        or char in _TONES
        or (category == "Cn" and _has_no_width(char))
    ):
        kind = _MARK_KIND
    else:
        kind = _CLEAN_KIND
    if len(_kinds) < 20_000:
        _kinds[char] = kind
    return kind


def _has_no_width(char: str) -> bool:
    """What the screen makes of a character that this Python's Unicode does not know yet."""
    from rich.cells import cell_len  # noqa: PLC0415 - such characters are rare

    return cell_len(char) == 0


def _joins(char: str) -> bool:
    """Whether a character may stand on either side of a zero-width joiner.

    Outside emoji, terminals and the measuring of cells disagree about the joiner, which would
    shift columns; there it is left out.
    """
    code = ord(char)
    if code >= 0x1F000:
        return _classify(char) == _CLEAN_KIND
    return 0x2190 <= code <= 0x2BFF or char in "\u3030\u303d\u3297\u3299"


class Sanitizer:
    """Sanitises a text that comes in pieces; the pieces may be cut anywhere.

    What `feed` and `close` return, joined, equals `sanitize` of the pieces joined.
    """

    __slots__ = ("_base", "_joined", "_marks", "_pending", "_toned")

    def __init__(self) -> None:
        self._pending = ""
        self._base = ""
        self._marks = 0
        self._joined = 0
        self._toned = False

    def feed(self, piece: str) -> str:
        """Take the next piece.

        Args:
            piece: Any text at all.

        Returns:
            What may be shown now. A carriage return, a joiner or half a surrogate pair at the
            end of the piece is held back until its neighbour is known.
        """
        if not piece:
            return ""
        if not self._pending and not _SUSPECT.search(piece):
            self._base = piece[-1]
            self._marks = self._joined = 0
            self._toned = False
            return piece
        text = self._pending + piece
        self._pending = ""
        if held := _OPEN_END.search(text, max(0, len(text) - 2)):
            self._pending = held[0]
            text = text[: held.start()]
        return self._clean(text)

    def close(self) -> str:
        """End the text.

        Returns:
            What was held back.
        """
        text, self._pending = self._pending, ""
        shown = self._clean(text)
        self._base, self._marks, self._joined, self._toned = "", 0, 0, False
        return shown

    def _clean(self, text: str) -> str:
        if max(text, default="") >= "\ud800" and _has_surrogates(text):
            text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        out: list[str] = []
        following = self._pending
        for index, char in enumerate(text):
            kind = _kinds.get(char)
            if kind is None:
                kind = _classify(char)
            after = text[index + 1 : index + 2] or following
            if kind == _MARK_KIND:
                self._mark(char, after, out)
            elif char != "\r" or after != "\n":
                self._show(kind or char, out)
        return "".join(out)

    def _show(self, shown: str, out: list[str]) -> None:
        self._marks = 0
        self._toned = False
        if self._base != _ZWJ:
            self._joined = 0
        self._base = shown
        out.append(shown)

    def _mark(self, char: str, after: str, out: list[str]) -> None:
        if char == _ZWJ:
            if not (self._base and _joins(self._base) and after and _joins(after)):
                return
            if self._joined == MAX_JOINS:
                self._show(REPLACEMENT, out)
                return
            self._joined += 1
            self._base = _ZWJ
            self._marks = 0
            self._toned = False
            out.append(char)
            return
        if char in _TONES:
            if self._toned or not (self._base and _joins(self._base)):
                # Alone it is a picture of two cells to a terminal, and of none to whoever measures.
                self._show(REPLACEMENT, out)
                return
            self._toned = True
        self._marks += 1
        if self._marks <= MAX_MARKS:
            out.append(char)
        elif self._marks == MAX_MARKS + 1:
            self._base = REPLACEMENT
            out.append(REPLACEMENT)


def _has_surrogates(text: str) -> bool:
    return re.search("[\ud800-\udfff]", text) is not None


def sanitize(text: str) -> str:
    """Make a text from outside fit for the screen, the terminal and the clipboard.

    Newlines and tabs stay, CR LF becomes a newline, everything that could steer a terminal or
    reorder a line becomes visible, and runs of characters without width are bounded.

    Args:
        text: Any text at all.

    Returns:
        The text, harmless. Applied twice it changes nothing more.
    """
    if not _SUSPECT.search(text):
        return text
    sanitizer = Sanitizer()
    return sanitizer.feed(text) + sanitizer.close()


def one_line(text: str, width: int) -> str:
    """Sanitise a text and fit it into one line.

    Args:
        text: Any text at all; runs of white space in it become one space.
        width: Cells there are; what does not fit is cut and marked with an ellipsis.

    Returns:
        At most `width` cells of text.
    """
    from rich.cells import cell_len, split_graphemes  # noqa: PLC0415 - not needed headless

    if width <= 0:
        return ""
    # A cell takes at most one base character and a bounded number of marks, so that the end of a
    # very long text need not be looked at.
    enough = (width * (MAX_MARKS + 2) * 4 + 64) * 4
    text = text.lstrip(" \n\t")
    line = " ".join(sanitize(text[:enough]).split())
    whole = not text[enough:].strip(" \n\t")
    if whole and cell_len(line) <= width:
        return line
    used = 0
    for start, _end, cells in split_graphemes(line)[0]:
        if used + cells > width - 1:
            return line[:start].rstrip() + "\u2026"
        used += cells
    return line + "\u2026"


def shown_value(value: object, width: int = 60) -> str:
    """A wrong value for a message: as Python writes it, in one line, harmless and not too long.

    Args:
        value: Anything at all, also what cannot be written.
        width: Cells there are.
    """
    try:
        text = repr(value[: width + 1]) if isinstance(value, str) else reprlib.repr(value)
    except Exception:
        # Such as a number of thousands of digits.
        text = f"a value of type {type(value).__name__}"
    return one_line(text, width)
