"""What is counted of requests, for all and for each user, in bounded memory."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Iterator

from ccchat_tui.engine.handle import RequestHandle
from ccchat_tui.engine.request import RequestState
from ccchat_tui.engine.stats import Totals

QUIET_USERS = 1000
"""Users without a living request whose figures are kept; the longest quiet one goes first."""


class Durations:
    """How long things took: their number, their average, and percentiles that are right to 1 %.

    The percentiles come from a histogram whose buckets grow by 2 % each (the idea of DDSketch:
    Masson, Rim and Lee, "A Fast and Fully-Mergeable Quantile Sketch with Relative-Error
    Guarantees"), so that a day and a microsecond lie fewer than 1,300 buckets apart.
    """

    __slots__ = ("_buckets", "_high", "_low", "_ranked", "count", "total")

    _STEP = math.log(1.02)
    _SHORTEST = 1e-6

    def __init__(self) -> None:
        self.count = 0
        self.total = 0.0
        self._buckets: dict[int, int] = {}
        self._low = math.inf
        self._high = 0.0
        self._ranked: tuple[int, dict[float, float]] = (0, {})

    def add(self, seconds: float) -> None:
        """One more."""
        self.count += 1
        self.total += seconds
        self._low = min(self._low, seconds)
        self._high = max(self._high, seconds)
        key = int(math.log(seconds / self._SHORTEST) / self._STEP) if seconds > 2e-6 else 0
        buckets = self._buckets
        buckets[key] = buckets.get(key, 0) + 1

    def copy(self) -> Durations:
        """Another one that begins where this one is."""
        twin = Durations()
        twin.count, twin.total = self.count, self.total
        twin._low, twin._high = self._low, self._high
        twin._buckets = dict(self._buckets)
        return twin

    @property
    def average(self) -> float:
        """The average in seconds; 0 while there is none."""
        return self.total / self.count if self.count else 0.0

    def quantile(self, part: float) -> float:
        """The value, in seconds, that this part (0 to 1) of all does not exceed; 0 for none."""
        if not self.count:
            return 0.0
        if self._ranked[0] != self.count:
            self._ranked = (self.count, {})
        known = self._ranked[1]
        if part not in known:
            known[part] = self._find(max(1, math.ceil(part * self.count)))
        return known[part]

    def _find(self, rank: int) -> float:
        for key in sorted(self._buckets):
            rank -= self._buckets[key]
            if rank <= 0:
                middle = self._SHORTEST * math.exp((key + 0.5) * self._STEP)
                return min(self._high, max(self._low, middle))
        return self._high


class Tally:
    """The figures of one user, or of all."""

    __slots__ = (
        "ended",
        "first_token_sum",
        "first_tokens",
        "living",
        "processing",
        "rejected",
        "retried",
        "submitted",
        "tokens",
        "wait_sum",
        "waits",
    )

    def __init__(self) -> None:
        self.submitted = 0
        self.rejected = 0
        self.retried = 0
        self.living = 0
        """Accepted and not ended yet."""
        self.ended = dict.fromkeys(_ENDS, 0)
        self.processing = Durations()
        """Of completed requests: from the first slot to the end."""
        self.waits = 0
        self.wait_sum = 0.0
        """From submission to the first slot, of all that got one."""
        self.first_tokens = 0
        self.first_token_sum = 0.0
        """From the slot to the first token, of all that got one."""
        self.tokens = 0
        """Of ended requests."""

    def copy(self) -> Tally:
        """Another one that begins where this one is."""
        twin = Tally()
        for name in Tally.__slots__:
            setattr(twin, name, getattr(self, name))
        twin.ended = dict(self.ended)
        twin.processing = self.processing.copy()
        return twin

    def totals(self) -> Totals:
        """How many came to what."""
        ended = self.ended
        return Totals(
            submitted=self.submitted,
            completed=ended[RequestState.COMPLETED],
            failed=ended[RequestState.FAILED],
            cancelled=ended[RequestState.CANCELLED],
            timed_out=ended[RequestState.TIMED_OUT],
            rejected=self.rejected,
            retried=self.retried,
        )

    @property
    def average_wait(self) -> float:
        """Seconds; 0 while none got a slot."""
        return self.wait_sum / self.waits if self.waits else 0.0

    @property
    def average_first_token(self) -> float:
        """Seconds; 0 while none got a token."""
        return self.first_token_sum / self.first_tokens if self.first_tokens else 0.0

    @property
    def success_rate(self) -> float:
        """Completed of ended, 0 to 1; 1 while none has ended."""
        ended = sum(self.ended.values())
        return self.ended[RequestState.COMPLETED] / ended if ended else 1.0


_ENDS = (
    RequestState.COMPLETED,
    RequestState.CANCELLED,
    RequestState.FAILED,
    RequestState.TIMED_OUT,
)


class Counters:
    """The figures of all, and of each user who has something going on or had lately."""

    def __init__(self) -> None:
        self.all = Tally()
        self.peak = 0
        """The most that were in flight at once."""
        self._busy: dict[str, Tally] = {}
        self._quiet: OrderedDict[str, Tally] = OrderedDict()

    def submitted(self, user: str) -> None:
        """A request was accepted."""
        tally = self._busy.get(user)
        if tally is None:
            tally = self._quiet.pop(user) if user in self._quiet else Tally()
            self._busy[user] = tally
        tally.submitted += 1
        tally.living += 1
        self.all.submitted += 1
        self.all.living += 1

    def rejected(self, user: str) -> None:
        """A request was refused."""
        self.all.rejected += 1
        self._any(user).rejected += 1

    def retried(self, user: str) -> None:
        """Another attempt is to be made."""
        self.all.retried += 1
        self._busy[user].retried += 1

    def started(self, user: str, wait: float) -> None:
        """A request got its first slot."""
        for tally in (self.all, self._busy[user]):
            tally.waits += 1
            tally.wait_sum += wait

    def first_token(self, user: str, after: float) -> None:
        """The first token of a request came."""
        for tally in (self.all, self._busy[user]):
            tally.first_tokens += 1
            tally.first_token_sum += after

    def ended(self, handle: RequestHandle, now: float) -> None:
        """A request has reached its terminal state."""
        user = handle.request.user
        mine = self._busy[user]
        state = handle.state
        for tally in (self.all, mine):
            tally.living -= 1
            tally.ended[state] += 1
            tally.tokens += handle.tokens
        if state is RequestState.COMPLETED and handle.started_at is not None:
            took = now - handle.started_at
            self.all.processing.add(took)
            mine.processing.add(took)
        if mine.living == 0:
            del self._busy[user]
            self._keep(user, mine)

    def users(self) -> Iterator[tuple[str, Tally]]:
        """Every user that is remembered, those with living requests first."""
        yield from self._busy.items()
        yield from self._quiet.items()

    def _any(self, user: str) -> Tally:
        tally = self._busy.get(user) or self._quiet.get(user)
        if tally is None:
            tally = Tally()
            self._keep(user, tally)
        return tally

    def _keep(self, user: str, tally: Tally) -> None:
        self._quiet[user] = tally
        if len(self._quiet) > QUIET_USERS:
            self._quiet.popitem(last=False)
