"""Every letter in its column, whatever a terminal takes for its width.

Terminals do not agree on how wide a cluster is: a thumb with a skin tone takes two cells in one and
four in another, an aeroplane with a variation selector two or one (tmux 3.3a: four, and one). What
stands behind it in the row would be shifted. So the cells of such a cluster are emptied first, and
behind it the cursor is put where it belongs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from rich.cells import cell_len, split_graphemes
from rich.console import Console
from textual._compositor import ChopsUpdate, LayoutUpdate

_DOUBTFUL: Final = re.compile(
    "[\u0300-\u036f\u0483-\u0489\u0591-\u08ff\u0900-\u109f\u1100-\u11ff\u1700-\u1aff\u1dc0-\u1dff"
    "\u200b-\u200d\u20d0-\u20ff\ufe00-\ufe0f\ufe20-\ufe2f\U0001f000-\U0001ffff\U000e0000-\U000e0fff]"
)
"""What begins or belongs to a cluster, and every emoji: new ones are not known everywhere."""
_TOKENS: Final = re.compile(
    r"\x1b\[(\d+);(\d+)H|\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|[^\x1b]+|\x1b"
)
_FLAG_LETTERS: Final = range(0x1F1E6, 0x1F200)


def steady(sequence: str) -> str:
    """What is to be written to a terminal, with every cluster's columns made sure of.

    Args:
        sequence: Text with escape sequences, which puts the cursor somewhere before it writes.
    """
    if not _DOUBTFUL.search(sequence):
        return sequence
    out: list[str] = []
    x = 0
    for token in _TOKENS.finditer(sequence):
        text = token[0]
        if text[0] == "\x1b":
            if token[2]:
                x = int(token[2]) - 1
            out.append(text)
        elif _DOUBTFUL.search(text):
            for cluster, cells in clusters(text):
                begin, x = x + 1, x + cells
                if cells and _DOUBTFUL.search(cluster):
                    out += " " * cells, f"\x1b[{begin}G", cluster, f"\x1b[{x + 1}G"
                else:
                    out.append(cluster)
        else:
            out.append(text)
            x += cell_len(text)
    return "".join(out)


def clusters(text: str) -> Iterator[tuple[str, int]]:
    """The clusters of a text and their cells; two letters of a flag are one."""
    flag = ""
    width = 0
    for begin, end, cells in split_graphemes(text)[0]:
        cluster = text[begin:end]
        if ord(cluster[0]) in _FLAG_LETTERS:
            flag, width = flag + cluster, width + cells
            if len(flag) > 1:
                yield flag, width
                flag, width = "", 0
            continue
        if flag:
            yield flag, width
            flag, width = "", 0
        yield cluster, cells
    if flag:
        yield flag, width


def keep_columns() -> None:
    """Let everything that is drawn from now on go through `steady`."""
    drawn: tuple[Any, ...] = (LayoutUpdate, ChopsUpdate)
    for kind in drawn:
        kind.render_segments = _steadied(kind.render_segments)


def _steadied(render: Callable[[Any, Console], str]) -> Callable[[Any, Console], str]:
    def render_segments(self: object, console: Console) -> str:
        return steady(render(self, console))

    return render_segments
