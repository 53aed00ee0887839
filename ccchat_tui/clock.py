"""Time, passed in rather than asked for, so that tests, pictures and demos can be repeated."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """What the rest of the program knows of time."""

    def monotonic(self) -> float:
        """Seconds since some fixed moment; never goes back. For measuring and for deadlines."""
        ...

    def now(self) -> datetime:
        """The date and time of day, aware of its zone. For showing and storing only."""
        ...


class SystemClock:
    """The machine's own clocks."""

    def monotonic(self) -> float:
        """Seconds of the monotonic clock, the one asyncio's event loop uses too."""
        return time.monotonic()

    def now(self) -> datetime:
        """The present moment in UTC."""
        return datetime.now(UTC)


class ManualClock:
    """A clock that stands still until it is told to move.

    Args:
        start: What `monotonic` first says, in seconds.
        moment: What `now` first says.
    """

    def __init__(self, start: float = 0.0, moment: datetime | None = None) -> None:
        self._start = start
        self._elapsed = 0.0
        self._moment = moment or datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)

    def monotonic(self) -> float:
        """The start plus everything advanced so far, in seconds."""
        return self._start + self._elapsed

    def now(self) -> datetime:
        """The first moment plus everything advanced so far."""
        return self._moment + timedelta(seconds=self._elapsed)

    def advance(self, seconds: float) -> None:
        """Move time forward.

        Args:
            seconds: How far; must not be negative, for this clock never goes back.
        """
        if seconds < 0:
            raise ValueError(f"a clock cannot be advanced by {seconds} s; give 0 or more")
        self._elapsed += seconds
