"""What may be retried, when, and how much of it altogether."""

from __future__ import annotations

import math
import random

from ccchat_tui.engine.limits import RollingCount
from ccchat_tui.engine.request import Failure


class RetryBudget:
    """No more than one retry for every five requests in a rolling minute, once ten have run.

    A server that is dying would otherwise get two or three times its usual load just then. The
    minute is counted in seconds: retries a second too long, requests a second too short, so that
    the promise holds for the exact minute too.
    """

    PER_RETRY = 5
    FREE = 10

    def __init__(self) -> None:
        self._requests = RollingCount(60.0, 60)
        self._retries = RollingCount(61.0, 61)

    def request(self, now: float) -> None:
        """A request got its first slot."""
        self._requests.add(now)

    def allows(self, now: float) -> bool:
        """Whether one more retry may be made."""
        requests = self._requests.total(now)
        if requests < self.FREE:
            return True
        return (self._retries.total(now) + 1) * self.PER_RETRY <= requests

    def spend(self, now: float) -> None:
        """A retry is made."""
        self._retries.add(now)


class RetryPolicy:
    """Exponential backoff with full jitter.

    The pause before retry n is drawn evenly from 0 to `min(cap, base * 2 ** (n - 1))` seconds, so
    that requests which failed together do not come back together (the "full jitter" of the AWS
    Architecture Blog, "Exponential Backoff And Jitter"). A server's Retry-After is waited for in
    full, and the first pause's jitter is added to it for the same reason.

    Args:
        attempts: Retries after the first attempt.
        base: Seconds; the longest first pause.
        cap: Seconds; the longest pause of our own.
        rng: Where chance comes from.
    """

    def __init__(self, attempts: int, base: float, cap: float, rng: random.Random) -> None:
        self.attempts = attempts
        self.budget = RetryBudget()
        self._base = base
        self._cap = cap
        self._rng = rng

    def delay(self, attempt: int, failure: Failure) -> float:
        """Seconds to wait after the given attempt (1 for the first) failed."""
        wanted = failure.retry_after
        if wanted is not None and 0 <= wanted < math.inf:
            return wanted + self._rng.uniform(0.0, self._base)
        longest = min(self._cap, self._base * 2.0 ** min(attempt - 1, 60))
        return self._rng.uniform(0.0, longest)

    def decide(
        self, attempt: int, failure: Failure, now: float, deadline: float | None
    ) -> float | None:
        """Whether to try again.

        The caller has made sure that nothing of the reply was handed on and that nobody wants the
        request stopped.

        Args:
            attempt: The attempt that failed, 1 for the first.
            failure: Why.
            now: The moment.
            deadline: When the request's total time is over.

        Returns:
            Seconds to wait, already taken from the budget; `None` for no further attempt.
        """
        if not failure.retryable or attempt > self.attempts:
            return None
        delay = self.delay(attempt, failure)
        if deadline is not None and now + delay >= deadline:
            return None
        if not self.budget.allows(now):
            return None
        self.budget.spend(now)
        return delay
