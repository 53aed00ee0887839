"""The last minutes of the queue, in buckets of two seconds, for a chart."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice

_KEPT = 1800
"""Buckets that are remembered: an hour."""


@dataclass(frozen=True, slots=True)
class HistoryBucket:
    """What the queue was like in one span of time."""

    in_flight: int
    """The highest in it."""
    queue_length: int
    """The highest."""
    tokens: int
    """That came in it."""


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
        "_top_flight",
        "_top_queue",
        "edge",
        "tokens",
    )

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self.edge = now() + self.seconds
        """The moment at which the bucket that grows now is complete."""
        self.tokens = 0
        """That came since the last edge."""
        self._flight = self._queue = 0
        self._top_flight = self._top_queue = 0
        self._past: deque[HistoryBucket] = deque(maxlen=_KEPT)

    def levels(self, now: float, in_flight: int, queue_length: int) -> None:
        """So many are in flight and queued from now on."""
        if now >= self.edge:
            self.roll(now)
        self._flight = in_flight
        self._queue = queue_length
        self._top_flight = max(self._top_flight, in_flight)
        self._top_queue = max(self._top_queue, queue_length)

    def roll(self, now: float) -> None:
        """Complete every bucket whose time is over."""
        passed = int((now - self.edge) // self.seconds) + 1
        if passed <= 0:
            return
        self._past.append(HistoryBucket(self._top_flight, self._top_queue, self.tokens))
        self._top_flight, self._top_queue, self.tokens = self._flight, self._queue, 0
        still = HistoryBucket(self._flight, self._queue, 0)
        self._past.extend([still] * min(passed - 1, _KEPT))
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
        return [*past, HistoryBucket(self._top_flight, self._top_queue, self.tokens)]
