"""Rows of the screen as SVG: as little of it as shows the same."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from xml.sax.saxutils import escape

from rich.cells import cell_len
from rich.color import Color, blend_rgb
from rich.segment import Segment
from rich.style import Style
from rich.terminal_theme import SVG_EXPORT_THEME

CELL, ROW, SIZE, BASE = 6, 12, 10, 9
"""Of the picture's units: width and height of a cell, size of the letters, and how far below the
top of their row they stand."""

_PART = re.compile(r"[^ ](?: {0,2}[^ ])*")
"""More blanks than these are left out rather than written."""
_DEFAULT = Color.default()
_FAINT = 0.4


@dataclass(frozen=True, slots=True)
class Look:
    """How text is drawn."""

    colour: str
    bold: bool
    italic: bool
    lines: str


class Looks:
    """Short names for colours and looks, which a style sheet explains."""

    def __init__(self) -> None:
        self._grounds: dict[str, str] = {}
        self._looks: dict[Look, str] = {}

    def row(self, segments: Iterable[Segment]) -> str:
        """One row, with its top at 0."""
        grounds: list[tuple[int, int, str]] = []
        texts: list[tuple[int, str, Look]] = []
        x = 0
        for segment in segments:
            if segment.control or not segment.text:
                continue
            width = cell_len(segment.text)
            look, ground = _look(segment.style or Style())
            if grounds and grounds[-1][2] == ground:
                grounds[-1] = (grounds[-1][0], x + width, ground)
            else:
                grounds.append((x, x + width, ground))
            if texts and texts[-1][2] == look:
                texts[-1] = (texts[-1][0], texts[-1][1] + segment.text, look)
            else:
                texts.append((x, segment.text, look))
            x += width
        return "".join([*self._behind(grounds), *self._letters(texts)])

    def sheet(self) -> str:
        """What the names mean, as CSS."""
        rules = [f".{name}{{fill:{colour}}}" for colour, name in self._grounds.items()]
        for look, name in self._looks.items():
            more = ";font-weight:bold" if look.bold else ""
            more += ";font-style:italic" if look.italic else ""
            more += f";text-decoration:{look.lines}" if look.lines else ""
            rules.append(f".{name}{{fill:{look.colour}{more}}}")
        return "".join(rules)

    def _behind(self, grounds: Iterable[tuple[int, int, str]]) -> Iterator[str]:
        for begin, end, colour in grounds:
            name = self._grounds.setdefault(colour, f"g{len(self._grounds)}")
            yield f'<path class="{name}" d="M{begin * CELL} 0h{(end - begin) * CELL}v{ROW}h-'
            yield f'{(end - begin) * CELL}z"/>'

    def _letters(self, texts: Iterable[tuple[int, str, Look]]) -> Iterator[str]:
        for begin, text, look in texts:
            for column, word in _words(begin, text, whole=bool(look.lines)):
                name = self._looks.setdefault(look, f"t{len(self._looks)}")
                width = cell_len(word)
                # A viewer's font may be of another width: the letters stay in their columns.
                fit = f' textLength="{width * CELL}"' if width > 1 else ""
                yield f'<text class="{name}" x="{column * CELL}" y="{BASE}"{fit}>'
                yield f"{escape(word)}</text>"


def _words(column: int, text: str, *, whole: bool) -> Iterator[tuple[int, str]]:
    """The parts of a text that are seen, with their columns."""
    if whole:
        yield column, text
        return
    for part in _PART.finditer(text):
        yield column + cell_len(text[: part.start()]), part[0]


def _look(style: Style) -> tuple[Look, str]:
    """How text of a style is drawn, and the colour behind it; as `App.export_screenshot` does."""
    fore = (style.color or _DEFAULT).get_truecolor(SVG_EXPORT_THEME, foreground=True)
    back = (style.bgcolor or _DEFAULT).get_truecolor(SVG_EXPORT_THEME, foreground=False)
    if style.reverse:
        fore, back = back, fore
    if style.dim:
        fore = blend_rgb(fore, back, _FAINT)
    lines = " ".join(
        name
        for name, drawn in (("underline", style.underline), ("line-through", style.strike))
        if drawn
    )
    return Look(fore.hex, bool(style.bold), bool(style.italic), lines), back.hex
