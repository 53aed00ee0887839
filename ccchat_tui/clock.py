"""Time, passed in rather than asked for, so that tests, pictures and demos can be repeated."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol, runtime_checkable


class Clock(Protocol):
    """What the rest of the program knows of time."""

    def monotonic(self) -> float:
        """Seconds since some fixed moment; never goes back. For measuring and for deadlines."""
        ...

    def now(self) -> datetime:
        """The date and time of day, aware of its zone. For showing and storing only."""
        ...


class Pace(Protocol):
    """Time for what waits by itself, such as the demo model between two tokens."""

    def monotonic(self) -> float:
        """Seconds since some fixed moment; never goes back."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait so long. May be cancelled like any await."""
        ...


class Timer(Protocol):
    """Something that is to be called at a moment."""

    def cancel(self) -> None:
        """Call it no more. Harmless when called twice."""
        ...


Later = Callable[[float, Callable[[], None]], Timer]
"""Has something called after so many seconds."""


@runtime_checkable
class HasTimers(Protocol):
    """A clock whose seconds are not those of the event loop, and which has timers of its own."""

    def call_later(self, seconds: float, callback: Callable[[], None], /) -> Timer:
        """Have something called after so many of the clock's own seconds."""
        ...


def timers_of(clock: Clock | None) -> Later:
    """The timers that go with a clock: its own, or those of the running event loop."""
    own: object = clock
    if isinstance(own, HasTimers):
        return own.call_later
    return lambda seconds, callback: asyncio.get_running_loop().call_later(seconds, callback)


class LoopPace:
    """The running event loop's own time, so that it may be a loop in virtual time."""

    def monotonic(self) -> float:
        """Seconds of the loop's clock."""
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        """`asyncio.sleep`."""
        await asyncio.sleep(seconds)


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
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._numbers = itertools.count()

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
        while self._sleepers and self._sleepers[0][0] <= self._elapsed:
            sleeper = heapq.heappop(self._sleepers)[2]
            if not sleeper.done():
                sleeper.set_result(None)

    async def sleep(self, seconds: float) -> None:
        """Wait until it has been advanced so far; not at all for 0 or less."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        sleeper: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        due = self._elapsed + seconds
        heapq.heappush(self._sleepers, (due, next(self._numbers), sleeper))
        await sleeper
