"""The last minutes as two small charts over one line of time.

Each has its own scale and its own shape: solid bars for what is in flight, dots for the queue.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ccchat_tui.tui.widgets.line import Piece
from ccchat_tui.tui.widgets.piece_rows import PieceRow
from ccchat_tui.tui.widgets.queue_words import count, duration

if TYPE_CHECKING:
    from ccchat_tui.engine.history import HistoryBucket

SCALE = 4
"""Cells for the numbers of the scale, at the left; one more keeps them from the edge."""
BARS = " ▁▂▃▄▅▆▇█"
_LEFT_DOTS = (0x00, 0x40, 0x44, 0x46, 0x47)
_RIGHT_DOTS = (0x00, 0x80, 0xA0, 0xB0, 0xB8)
"""Braille columns filled from the bottom, by how many of their four dots are set."""
_FLIGHT, _QUEUE = "$state-streaming 75%", "$state-queued"
_MUTED = "$text-muted"


def buckets_for(width: int) -> int:
    """How many buckets a chart of this width shows: two in each cell."""
    return 2 * max(0, width - SCALE - 2)


def chart_rows(
    buckets: Sequence[HistoryBucket], width: int, height: int, *, seconds: float, limit: int
) -> list[PieceRow]:
    """Both charts, one above the other, and a row that says which is which.

    Args:
        buckets: Oldest first; those that do not fit are left out.
        width: Cells there are.
        height: Rows for each of the two.
        seconds: What one bucket spans.
        limit: How many may be in flight: the scale of the upper chart, unless more were.
    """
    wanted = buckets_for(width)
    if not wanted:
        return []
    shown = list(buckets)[-wanted:]
    flight = [0] * (wanted - len(shown)) + [bucket.in_flight for bucket in shown]
    queued = [0] * (wanted - len(shown)) + [bucket.queue_length for bucket in shown]
    upper, lower = max(limit, *flight, 1), round_up(max(queued))
    # A bar is one cell wide and stands for two buckets; dots stand for one each.
    pairs = [max(flight[at], flight[at + 1]) for at in range(0, wanted, 2)]
    rows = [
        *_scaled(bars(pairs, upper, height), upper, _FLIGHT),
        *_scaled(dots(queued, lower, height), lower, _QUEUE),
    ]
    return [*rows, _legend(width, wanted * seconds)]


def _scaled(lines: list[str], top: int, style: str) -> list[PieceRow]:
    rows: list[PieceRow] = []
    for number, line in enumerate(lines):
        mark = count(top, SCALE - 1) if number == 0 else ""
        if number and number == len(lines) - 1:
            mark = "0"
        rows.append((Piece(f"{mark:>{SCALE}} ", _MUTED), Piece(line, style)))
    return rows


def bars(values: Sequence[float], top: float, height: int) -> list[str]:
    """Solid bars, a cell each: rows from top to bottom."""
    # The lowest eighth is the ground that all bars stand on, so that zero is seen too.
    filled = [1 + _steps(value, top, 8 * height - 1) for value in values]
    return [
        "".join(BARS[min(8, max(0, steps - 8 * below))] for steps in filled)
        for below in range(height - 1, -1, -1)
    ]


def dots(values: Sequence[float], top: float, height: int) -> list[str]:
    """Columns of dots, two to a cell: rows from top to bottom."""
    filled = [_steps(value, top, 4 * height) for value in values]
    lines = []
    for below in range(height - 1, -1, -1):
        dots = [min(4, max(0, steps - 4 * below)) for steps in filled]
        pairs = zip(dots[::2], dots[1::2], strict=True)
        codes = [_LEFT_DOTS[left] | _RIGHT_DOTS[right] for left, right in pairs]
        lines.append("".join(chr(0x2800 + code) if code else " " for code in codes))
    return lines


def _steps(value: float, top: float, most: int) -> int:
    """How high a value stands; what is there at all is never too low to be seen."""
    return max(1, round(value * most / top)) if value > 0 else 0


def round_up(value: float) -> int:
    """The next of 4, 5, 10, 20, 50, 100, ...: a scale that seldom changes."""
    if value <= 4:
        return 4
    size = 1
    while True:
        for step in (1, 2, 5):
            if value <= step * size:
                return step * size
        size *= 10


def _legend(width: int, seconds: float) -> PieceRow:
    """Which shape is what, and how far back the line of time goes."""
    span = f"last {duration(seconds)}"
    keys = [Piece("█", _FLIGHT), Piece(" in flight", _MUTED)]
    keys += [Piece("   "), Piece("⣿", _QUEUE), Piece(" queued", _MUTED)]
    taken = sum(key.width for key in keys)
    gap = width - SCALE - 1 - taken - len(span) - 1
    if gap < 2:
        return (Piece(" " * min(SCALE + 1, max(1, width - taken - 1))), *keys)
    return (Piece(" " * (SCALE + 1)), *keys, Piece(" " * gap), Piece(span, _MUTED))
