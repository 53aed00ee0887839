"""The limits: at once, for each user, in every rolling minute, and in time."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import field
from types import MappingProxyType
from typing import Any

from ccchat_tui.engine.adaptive import AdaptiveSettings
from ccchat_tui.quick import dataclass

MINUTE = 60.0

_ADAPTIVE = AdaptiveSettings()
_NO_WEIGHTS: Mapping[str, int] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """What the engine is built with. Times in seconds; a bad value raises `ValueError`."""

    max_concurrent: int = 5
    """Requests in flight at once, all users together."""
    adapts: bool = False
    """True: that limit finds itself, and `max_concurrent` is only what it begins with."""
    adaptive: AdaptiveSettings = _ADAPTIVE
    """Within what bounds, also where it is told to later. Its `start` is not heeded."""
    max_concurrent_per_user: int = 3
    """Requests in flight at once of one user."""
    requests_per_minute: int = 20
    """Accepted requests of one user in any rolling 60 seconds; 0 for no limit."""
    timeout: float = 300.0
    """What a request may take from its slot on, further attempts and their pauses included."""
    retry_attempts: int = 2
    """Further attempts after the first."""
    concurrent: bool = True
    """False: one at a time for good."""
    max_queue: int = 1000
    """Requests that may wait for a slot; one more is refused. 0 for no bound."""
    queue_timeout: float | None = None
    """What a request may wait for its first slot; `None` for no limit."""
    first_token_timeout: float | None = None
    """What an attempt may take to its first token; `None` leaves it to `timeout`, for a server may
    be loading a model for minutes without a sign of life."""
    stall_timeout: float | None = 120.0
    """How long a reply may stand still after its first token; `None` for no limit."""
    user_weights: Mapping[str, int] = field(default_factory=lambda: _NO_WEIGHTS)
    """Turns a user gets where others get one; users not named get one."""
    retry_base: float = 0.5
    """The longest pause before the first retry; it doubles with each further one."""
    retry_cap: float = 30.0
    """No pause of our own is longer than this; a server's Retry-After may be."""
    fallback_quiet: float = 60.0
    """After this long without a sign of overload one more request at once is tried again."""
    fallback_window: float = 0.5
    """Requests that fail within this time of each other have failed together."""
    close_grace: float = 5.0
    """How long closing waits for what runs to close its connections."""

    def __post_init__(self) -> None:
        for name, lowest in _WHOLE.items():
            _check_whole(name, getattr(self, name), lowest)
        for name, optional in _SECONDS.items():
            _check_seconds(name, getattr(self, name), optional=optional)
        for user, weight in self.user_weights.items():
            _check_whole(f"user_weights[{user!r}]", weight, 1)


_WHOLE = {
    "max_concurrent": 1,
    "max_concurrent_per_user": 1,
    "requests_per_minute": 0,
    "retry_attempts": 0,
    "max_queue": 0,
}
_SECONDS = {
    "timeout": False,
    "queue_timeout": True,
    "first_token_timeout": True,
    "stall_timeout": True,
    "retry_base": False,
    "retry_cap": False,
    "fallback_quiet": False,
    "fallback_window": False,
    "close_grace": False,
}


def _check_whole(name: str, value: Any, lowest: int) -> None:
    if type(value) is not int or value < lowest:
        raise ValueError(f"{name} is {value!r}; give a whole number of {lowest} or more")


def _check_seconds(name: str, value: Any, *, optional: bool) -> None:
    if value is None and optional:
        return
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not 0 < value < math.inf:
        nothing = ", or None for no limit" if optional else ""
        raise ValueError(f"{name} is {value!r}; give seconds above 0{nothing}")


def check_limit(name: str, value: Any) -> None:
    """Raise `ValueError`, naming the limit, if it is not one that `set_limits` may set."""
    _check_whole(name, value, _WHOLE[name])


class RateLimiter:
    """At most so many accepted requests of one user in any rolling 60 seconds, exactly.

    It remembers the moments themselves: at most one for each request that a user may have in a
    minute, and nothing of a user who has been quiet for one. `check` and `record` are apart, so
    that a request which is refused for another reason uses nothing up.

    Args:
        limit: Requests a minute; 0 for no limit. May be changed at any time.
        now: The engine's clock, in seconds.
    """

    def __init__(self, limit: int, now: Callable[[], float]) -> None:
        self.limit = limit
        self._now = now
        self._moments: dict[str, deque[float]] = {}
        self._order: deque[tuple[float, str]] = deque()

    def check(self, user: str) -> float:
        """Seconds until one more request of the user would be taken; 0 if it is taken now."""
        moments = self._moments.get(user)
        if moments is None or self.limit == 0 or len(moments) < self.limit:
            return 0.0
        now = self._now()
        free_at = moments[-self.limit] + MINUTE
        if free_at <= now:
            return 0.0
        wait = free_at - now
        while now + wait < free_at:  # rounding: who waits exactly this long must be taken
            wait = math.nextafter(wait, math.inf)
        return wait

    def record(self, user: str) -> None:
        """One more request of the user was accepted, now."""
        if self.limit == 0:
            return
        now = self._now()
        moments = self._moments.get(user)
        if moments is None:
            moments = self._moments[user] = deque()
        while moments and moments[0] + MINUTE <= now:
            moments.popleft()
        moments.append(now)
        self._order.append((now, user))
        self._forget(now)

    def _forget(self, now: float) -> None:
        """Let go of users who have been quiet, a few at a time, so that no call takes long."""
        order = self._order
        for _ in range(4):
            if not order or order[0][0] + MINUTE > now:
                return
            user = order.popleft()[1]
            moments = self._moments.get(user)
            if moments is not None and moments[-1] + MINUTE <= now:
                del self._moments[user]

    @property
    def size(self) -> int:
        """How many users it remembers something of."""
        return len(self._moments)


class RollingCount:
    """How often something happened in the last seconds, in a ring of equal parts of time.

    Args:
        seconds: How far back to count.
        parts: Into how many parts that is divided; what is counted goes back between
            `seconds - seconds / parts` and `seconds`.
    """

    __slots__ = ("_at", "_counts", "_part", "_sum", "edge")

    def __init__(self, seconds: float, parts: int) -> None:
        self._part = seconds / parts
        self._counts = [0] * parts
        self._sum = 0
        self._at = 0
        self.edge = -math.inf
        """The moment at which the current part ends."""

    def add(self, now: float) -> None:
        """Count one, at a moment not before the last."""
        if now >= self.edge:
            self._roll(now)
        self._counts[self._at] += 1
        self._sum += 1

    def total(self, now: float) -> int:
        """How many there were."""
        if now >= self.edge:
            self._roll(now)
        return self._sum

    def _roll(self, now: float) -> None:
        counts = self._counts
        passed = (now - self.edge) / self._part
        if passed >= len(counts):
            self._counts = [0] * len(counts)
            self._sum = 0
            self._at = 0
            self.edge = now + self._part
            return
        for _ in range(int(passed) + 1):
            self._at = (self._at + 1) % len(counts)
            self._sum -= counts[self._at]
            counts[self._at] = 0
            self.edge += self._part
