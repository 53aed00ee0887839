"""Which stretch of time is in view, and the marks of an axis under it."""

from __future__ import annotations

import math
from collections.abc import Iterator

SCALES = (
    *(0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0),
    *(60.0, 120.0, 300.0, 600.0, 1200.0, 1800.0, 3600.0, 7200.0, 14400.0, 43200.0, 86400.0),
)
"""Seconds that one column may stand for."""
FIRST = SCALES.index(0.5)


class Window:
    """The stretch of time in view, in whole columns from the run's beginning on.

    Attributes:
        left: The first column in view.
        follow: Whether the present is kept in view.
        fit: Whether the whole run is kept in view.
    """

    def __init__(self) -> None:
        self.left = 0
        self.follow = True
        self.fit = False
        self._scale = FIRST
        self._columns = 1

    @property
    def seconds(self) -> float:
        """What one column stands for."""
        return SCALES[self._scale]

    @property
    def columns(self) -> int:
        """How many columns there are."""
        return self._columns

    def column_of(self, since: float) -> int:
        """The column of a moment, given in seconds since the beginning."""
        return math.floor(since / self.seconds + 1e-9)

    def show(self, columns: int, lasted: float) -> None:
        """So many columns show a run that has lasted so long."""
        self._columns = max(1, columns)
        if self.fit:
            fitting = (at for at, scale in enumerate(SCALES) if lasted / scale < self._columns)
            self._scale = next(fitting, len(SCALES) - 1)
            self.left = 0
        elif self.follow:
            self.left = max(0, self.column_of(lasted) - self._columns + 1)

    def zoom(self, step: int, around: float) -> None:
        """See less or more of the time around a moment, which stays where it is."""
        at = self.column_of(around) - self.left
        at = at if 0 <= at < self._columns else self._columns // 2
        self._scale = max(0, min(self._scale + step, len(SCALES) - 1))
        self.fit = False
        self.left = max(0, self.column_of(around) - at)

    def scroll(self, columns: int) -> None:
        """Look so many columns further on, or back."""
        self.follow = self.fit = False
        self.left = max(0, self.left + columns)

    def bring(self, begin: float, end: float) -> None:
        """Bring a stretch into view, of what does not fit its beginning."""
        first, last = self.column_of(begin), self.column_of(end)
        if first >= self.left and last < self.left + self._columns:
            return
        if first < self.left + self._columns and last >= self.left and first >= self.left:
            return  # it has begun in view
        self.scroll(first - max(0, self._columns // 4) - self.left)


def ticks(left: int, columns: int, seconds: float) -> str:
    """The row of an axis: a mark at round moments, with how long after the beginning each is.

    Args:
        left: The first column.
        columns: How many there are.
        seconds: What one of them stands for.
    """
    if seconds <= 0:
        return " " * columns
    edge, step = (left + columns) * seconds, 0.0
    for step in _steps():
        # The sign before it and a space behind it.
        if step >= seconds * max(9.99, len(_moment(edge, step)) + 1.99):
            break
    row = [" "] * columns
    number = math.ceil(left * seconds / step - 1e-9)
    while (at := math.floor(number * step / seconds + 1e-9) - left) < columns:
        label = f"╵{_moment(number * step, step)}"
        number += 1
        # A label that the edge cuts would tell of another moment.
        whole = label if at + len(label) <= columns else "╵"
        row[at : at + len(whole)] = whole
    return "".join(row)


def _steps() -> Iterator[float]:
    """What may lie between two marks, in seconds."""
    yield from SCALES
    step = SCALES[-1]
    while True:
        step *= 2
        yield step


def _moment(seconds: float, step: float) -> str:
    """A moment, as exactly as it takes to tell it from the one a step before."""
    if seconds < 60:
        return f"{round(seconds, 2):g}s"
    whole, rest = divmod(round(seconds * 100), 100)
    hours, minutes = divmod(whole // 60, 60)
    before = f"{hours}h{minutes:02}m" if hours else f"{minutes}m"
    if hours and step >= 60:
        return before
    after = f"{whole % 60:02}" if step >= 1 else f"{whole % 60:02}.{rest:02}"
    return f"{before}{after}s"
