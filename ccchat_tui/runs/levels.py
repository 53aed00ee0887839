"""How the queue of a finished run stood at any moment of it, as its charts would have shown it."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable

from ccchat_tui.engine.series import MOST, HistoryBucket, merged, pairs, spread
from ccchat_tui.runs.course import Course

SECONDS = 2.0
"""The length of a bucket, as in the engine."""
MOST_BASE = 50_000
"""Buckets of the finest level; a run that lasts longer than they do has longer ones."""


class Levels:
    """What was in flight and queued, waits and tokens, in buckets of several lengths.

    Args:
        began: When the run began.
        end: When it ended.
        moments: Each moment at which something happened, with what was in flight and queued after
            it.
        courses: The requests. Tokens are spread evenly from the first token to the end, since no
            event tells of each.
    """

    def __init__(
        self,
        began: float,
        end: float,
        moments: Iterable[tuple[float, int, int]],
        courses: Iterable[Course],
    ) -> None:
        self.began = began
        self.seconds = SECONDS
        while (end - began) / self.seconds >= MOST_BASE:
            self.seconds *= 2
        self._ats: list[float] = []
        self._flying: list[int] = []
        self._queued: list[int] = []
        for at, flying, queued in moments:
            self._ats.append(at)
            self._flying.append(flying)
            self._queued.append(queued)
        theirs = list(courses)
        waits = sorted(
            (course.started_at, course.started_at - course.sent_at)
            for course in theirs
            if course.started_at is not None
        )
        self._started = [at for at, _ in waits]
        self._waits = [wait for _, wait in waits]
        count = int((end - began) // self.seconds) + 1
        spans = [
            (course.first_token_at - began, course.ended_at - began, course.tokens)
            for course in theirs
            if course.first_token_at is not None and course.ended_at is not None
        ]
        self._tokens = spread(spans, self.seconds, count)
        base = [
            self._between(began + at * self.seconds, began + (at + 1) * self.seconds, tokens)
            for at, tokens in enumerate(self._tokens)
        ]
        self._levels = [base]
        while len(self._levels[-1]) > 1:
            self._levels.append(pairs(self._levels[-1]))

    def whole(self, now: float) -> tuple[float, list[HistoryBucket]]:
        """What `QueueHistory.whole` would have said at a moment of the run."""
        complete, growing = self._until(now)
        level = 0
        while complete >> level >= MOST:
            level += 1
        kept = complete >> level
        found = self._levels[level][:kept]
        last = growing
        for bucket in reversed(self._levels[0][kept << level : complete]):
            last = merged(bucket, last)
        return self.seconds * (1 << level), [*found, last]

    def recent(self, count: int, now: float) -> list[HistoryBucket]:
        """What `QueueHistory.buckets` would have said at a moment of the run."""
        if count <= 0:
            return []
        complete, growing = self._until(now)
        return [*self._levels[0][max(0, complete - count + 1) : complete], growing]

    def rate(self, now: float) -> float:
        """Tokens a second, about that moment."""
        place = int((now - self.began) // self.seconds)
        return self._tokens[place] / self.seconds if 0 <= place < len(self._tokens) else 0.0

    def _until(self, now: float) -> tuple[int, HistoryBucket]:
        """How many buckets are complete, and the one that grows."""
        complete = max(0, min(int((now - self.began) // self.seconds), len(self._tokens) - 1))
        start = self.began + complete * self.seconds
        part = min(1.0, max(0.0, now - start) / self.seconds)
        return complete, self._between(start, now, self._tokens[complete] * part, inclusive=True)

    def _between(
        self, begin: float, end: float, tokens: float, *, inclusive: bool = False
    ) -> HistoryBucket:
        cut = bisect_right if inclusive else bisect_left
        first, last = bisect_left(self._ats, begin), cut(self._ats, end)
        # What stood at the beginning stood in it, too.
        before = max(0, first - 1)
        started = slice(bisect_left(self._started, begin), cut(self._started, end))
        return HistoryBucket(
            max(self._flying[before:last], default=0),
            max(self._queued[before:last], default=0),
            round(tokens),
            max(self._waits[started], default=0.0),
        )
