"""How the queue went, for charts: the last hour in buckets of two seconds, and the whole run."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from itertools import islice

from ccchat_tui.engine.series import HistoryBucket, RunSeries

__all__ = ["HistoryBucket", "QueueHistory"]

KEPT = 1800
"""Buckets that are remembered: an hour."""


class QueueHistory:
    """How the queue went. Bounded memory, and no timer: time that passed is made up for when
    something happens, or when somebody looks.

    Whoever owns it calls `levels` whenever one of them has changed, and adds to `tokens` after
    calling `roll` at or past `edge`.

    Args:
        now: The engine's clock, in seconds.
    """

    seconds = 2.0
    """The length of a bucket."""

    __slots__ = (
        "_flight",
        "_now",
        "_past",
        "_queue",
        "_run",
        "_top_flight",
        "_top_queue",
        "_top_wait",
        "began",
        "edge",
        "tokens",
    )

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self.began = now()
        """When it began."""
        self.edge = self.began + self.seconds
        """The moment at which the bucket that grows now is complete."""
        self.tokens = 0
        """That came since the last edge."""
        self._flight = self._queue = 0
        self._top_flight = self._top_queue = 0
        self._top_wait = 0.0
        self._run = RunSeries()
        self._past: deque[HistoryBucket] = deque(maxlen=KEPT)

    def levels(self, now: float, in_flight: int, queue_length: int) -> None:
        """So many are in flight and queued from now on."""
        if now >= self.edge:
            self.roll(now)
        self._flight = in_flight
        self._queue = queue_length
        self._top_flight = max(self._top_flight, in_flight)
        self._top_queue = max(self._top_queue, queue_length)

    def waited(self, now: float, seconds: float) -> None:
        """A request has got its first slot after so long."""
        if now >= self.edge:
            self.roll(now)
        self._top_wait = max(self._top_wait, seconds)

    def roll(self, now: float) -> None:
        """Complete every bucket whose time is over."""
        passed = int((now - self.edge) // self.seconds) + 1
        if passed <= 0:
            return
        self._past.append(self._growing)
        self._run.add(self._growing)
        self._top_flight, self._top_queue, self.tokens = self._flight, self._queue, 0
        self._top_wait = 0.0
        still = self._growing
        self._past.extend([still] * min(passed - 1, KEPT))
        self._run.add(still, passed - 1)
        self.edge += passed * self.seconds

    def buckets(self, count: int) -> list[HistoryBucket]:
        """The last buckets, oldest first; the last one is still growing.

        Returns:
            At most `count`; fewer while the engine is younger than that.
        """
        if count <= 0:
            return []
        now = self._now()
        if now >= self.edge:
            self.roll(now)
        past = list(islice(reversed(self._past), count - 1))
        past.reverse()
        return [*past, self._growing]

    def whole(self) -> tuple[float, list[HistoryBucket]]:
        """The whole run since `began`, in bounded memory.

        Returns:
            The length of a bucket in seconds, which doubles from time to time, and the buckets,
            oldest first; the last one is still growing.
        """
        now = self._now()
        if now >= self.edge:
            self.roll(now)
        return self.seconds * self._run.factor, self._run.buckets(self._growing)

    @property
    def _growing(self) -> HistoryBucket:
        return HistoryBucket(self._top_flight, self._top_queue, self.tokens, self._top_wait)
