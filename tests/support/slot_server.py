"""A simulated server with slots, for what adapts to it: no asyncio, just steps of time."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from ccchat_tui.engine.adaptive import AdaptiveLimit

STEP = 0.05


def slots(count: int) -> Callable[[int], float]:
    """Tokens a second of so many requests at once, in parts of one request's."""
    return lambda active: float(min(active, count))


@dataclass
class SlotServer:
    """A full queue before a server, under an adaptive limit.

    Args:
        limit: What it is under.
        capacity: Tokens a second at so many at once, in parts of what one request alone gets.
        rng: Where lengths and noise come from.
        noise: Spread of the tokens of one second, as a part of them.
        queue: How many requests there are to be had at a time in seconds.
    """

    limit: AdaptiveLimit
    capacity: Callable[[int], float]
    rng: random.Random
    noise: float = 0.0
    queue: Callable[[float], int] = lambda now: 1000
    serves: int = 1000
    """How many requests it works on; the others wait in it."""
    refuses_over: int | None = None
    """At more requests than this it says that it is too busy."""
    rate: float = 30.0
    first_token: float = 0.3
    now: float = 0.0
    tokens: float = 0.0
    active: list[list[float]] = field(default_factory=list)
    history: list[tuple[float, int]] = field(default_factory=list)
    changes: list[tuple[float, int]] = field(default_factory=list)

    def run(self, seconds: float) -> None:
        """Let time pass; the limit observes once a second."""
        for _ in range(round(seconds)):
            self._second()

    def average(self, since: float) -> float:
        """The limit's average since then."""
        values = [limit for at, limit in self.history if at >= since]
        return sum(values) / len(values)

    def _second(self) -> None:
        made, lowest = 0.0, 10**9
        factor = max(0.05, self.rng.gauss(1.0, self.noise))
        for _ in range(round(1 / STEP)):
            wanted = min(self.limit.limit, self.queue(self.now))
            while len(self.active) < wanted:
                self.active.append([self.first_token, self.rng.uniform(40, 160)])
            lowest = min(lowest, len(self.active))
            working = self.active[: self.serves]
            each = self.rate * self.capacity(len(working)) / max(1, len(working)) * factor * STEP
            for request in working:
                if request[0] > 0:
                    request[0] -= STEP
                else:
                    request[1] -= each
                    made += each
            self.active = [request for request in self.active if request[1] > 0]
            self.now += STEP
        while len(self.active) < min(self.limit.limit, self.queue(self.now)):
            # A place is handed on in the same step.
            self.active.append([self.first_token, self.rng.uniform(40, 160)])
        self.tokens += made
        too_many = self.refuses_over is not None and len(self.active) > self.refuses_over
        if too_many and self.refuses_over is not None:
            del self.active[self.refuses_over :]
        changed = self.limit.observe(
            self.now,
            len(self.active),
            made,
            first_token=self.first_token,
            overloaded=too_many,
        )
        if changed is not None:
            self.changes.append((self.now, changed))
        self.history.append((self.now, self.limit.limit))
