"""One SVG picture that moves: it fetches nothing, runs no script, and stands still for whoever
prefers that."""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape

from textual.strip import Strip

from ccchat_tui.tui.pictures import FONTS
from ccchat_tui.tui.recording.rows import CELL, ROW, SIZE, Looks

HOLD = 3.0
"""Seconds for which the last picture stands before it begins anew."""
MARGIN = 8
"""Around the screen, of the picture's units."""


class Animated:
    """Collects pictures of the screen; a row that comes again is kept once.

    Args:
        width: Columns.
        height: Rows.
        title: What it shows.
    """

    def __init__(self, width: int, height: int, title: str) -> None:
        self._width = width * CELL + 2 * MARGIN
        self._height = height * ROW + 2 * MARGIN
        self._title = title
        self._looks = Looks()
        self._rows: dict[str, int] = {}
        self._pictures: list[tuple[float, list[int]]] = []

    def add(self, at: float, strips: Sequence[Strip]) -> None:
        """Add a picture; one that is as the one before only stands for longer.

        Args:
            at: Seconds since the beginning.
            strips: The rows of the screen.
        """
        rows = [self._rows.setdefault(self._looks.row(strip), len(self._rows)) for strip in strips]
        if not self._pictures or self._pictures[-1][1] != rows:
            self._pictures.append((at, rows))

    def svg(self, end: float) -> str:
        """The picture.

        Args:
            end: Seconds from the beginning at which the recording ended.
        """
        whole = end + HOLD
        begins = [at for at, _ in self._pictures]
        still = len(begins) // 2
        styles, groups = [], []
        for number, (begin, until) in enumerate(zip(begins, [*begins[1:], whole], strict=True)):
            styles.append(_shown(number, 100 * begin / whole, 100 * until / whole))
            mark = " still" if number == still else ""
            uses = "".join(
                f'<use href="#r{row}" y="{y * ROW}"/>' if y else f'<use href="#r{row}"/>'
                for y, row in enumerate(self._pictures[number][1])
            )
            groups.append(f'<g class="f{mark}" style="animation-name:k{number}">{uses}</g>')
        defined = "".join(f'<g id="r{number}">{row}</g>' for row, number in self._rows.items())
        title = escape(self._title)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self._width} {self._height}" '
            f'role="img" aria-label="{title}"><title>{title}</title><style>'
            f"text{{font-family:{FONTS};font-size:{SIZE}px;white-space:pre}}"
            f".f{{visibility:hidden;animation:{whole:g}s step-end infinite}}"
            f".still{{visibility:visible}}"
            "@media(prefers-reduced-motion:reduce){.f{animation:none!important}}"
            f"{''.join(styles)}{self._looks.sheet()}</style><defs>{defined}</defs>"
            f'<rect class="g0" width="100%" height="100%" rx="8"/>'
            f'<g transform="translate({MARGIN},{MARGIN})">{"".join(groups)}</g></svg>\n'
        )


def _shown(number: int, begin: float, until: float) -> str:
    """When a picture is seen, in hundredths of the whole."""
    before = "0%{visibility:hidden}" if begin else ""
    after = f"{until:.3f}%" if until < 100 else ""
    hidden = f"{after}{{visibility:hidden}}" if after else ""
    return f"@keyframes k{number}{{{before}{begin:.3f}%{{visibility:visible}}{hidden}}}"
