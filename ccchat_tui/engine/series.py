"""How the queue went over a whole run, in bounded memory: the longer it lasts, the coarser."""

from __future__ import annotations

from collections.abc import Iterable

from ccchat_tui.quick import dataclass

MOST = 720
"""Buckets of a run; when there are as many, each two become one."""


@dataclass(frozen=True, slots=True)
class HistoryBucket:
    """What the queue was like in one span of time."""

    in_flight: int
    """The highest in it."""
    queue_length: int
    """The highest."""
    tokens: int
    """That came in it."""
    waited: float = 0.0
    """The longest wait, in seconds, of those that first got a slot in it; 0 for none."""


def merged(one: HistoryBucket, other: HistoryBucket) -> HistoryBucket:
    """Two spans as one: what was highest stays so, and no token is lost."""
    return HistoryBucket(
        max(one.in_flight, other.in_flight),
        max(one.queue_length, other.queue_length),
        one.tokens + other.tokens,
        max(one.waited, other.waited),
    )


class RunSeries:
    """Buckets of a whole run. They are all of one length, which doubles when there are too many.

    Args:
        most: How many buckets there may be; even.
    """

    __slots__ = ("_buckets", "_most", "_part", "_parts", "factor")

    def __init__(self, most: int = MOST) -> None:
        if most < 2 or most % 2:
            raise ValueError(f"most is {most}; give an even number, 2 or more")
        self._most = most
        self.factor = 1
        """How many of the buckets that are added make one that is kept: a power of 2."""
        self._buckets: list[HistoryBucket] = []
        self._part: HistoryBucket | None = None
        self._parts = 0

    def add(self, bucket: HistoryBucket, times: int = 1) -> None:
        """One more bucket, or the same one several times; only one without tokens may be."""
        while times > 0:
            taken = min(times, self.factor - self._parts)
            self._part = bucket if self._part is None else merged(self._part, bucket)
            self._parts += taken
            times -= taken
            if self._parts == self.factor:
                self._buckets.append(self._part)
                self._part, self._parts = None, 0
                if len(self._buckets) == self._most:
                    self._buckets = pairs(self._buckets)
                    self.factor *= 2

    def buckets(self, growing: HistoryBucket | None = None) -> list[HistoryBucket]:
        """All of them, oldest first.

        Args:
            growing: One that is not complete yet, and comes into the last of them.
        """
        last = self._part
        if growing is not None:
            last = growing if last is None else merged(last, growing)
        return [*self._buckets, *(() if last is None else (last,))]


def pairs(buckets: list[HistoryBucket]) -> list[HistoryBucket]:
    """Each two as one; the last of an odd number stays as it is."""
    twos = [merged(one, two) for one, two in zip(buckets[::2], buckets[1::2], strict=False)]
    return [*twos, *buckets[len(twos) * 2 :]]


def spread(spans: Iterable[tuple[float, float, int]], seconds: float, count: int) -> list[float]:
    """How many tokens came in each bucket, if each reply's came evenly: events tell how many there
    were only at its end.

    Args:
        spans: When each reply began and ended, in seconds from the first bucket on, and its tokens.
        seconds: The length of a bucket.
        count: How many buckets there are.
    """
    found = [0.0] * count
    for begin, end, tokens in spans:
        first = min(max(0, int(begin / seconds)), count - 1)
        last = min(max(first, int(end / seconds)), count - 1)
        if first == last or end <= begin:
            found[first] += tokens
            continue
        rate = tokens / (end - begin)
        for bucket in range(first, last + 1):
            inside = min(end, (bucket + 1) * seconds) - max(begin, bucket * seconds)
            found[bucket] += rate * max(0.0, inside)
    return found
