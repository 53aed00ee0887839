"""Finds by itself how many requests at once give the most tokens a second.

A server with k slots makes k times the tokens of one slot, and with more requests no more: the
rest wait inside it, unseen. Others slow down smoothly. Either way the limit worth having is where
the curve of tokens a second over requests in flight stops rising.

The method is that of the gradient limits known from network congestion control (Vegas, and the
gradient limits of Netflix's concurrency-limits): try a little more and compare. There the signal
is the round trip time; here it is throughput, since a reply's time says more of its length than
of the server. The gradient of a trial from limit a to limit b is

    ln(tokens at b / tokens at a) / ln(b / a)

which is 1 where tokens rise in proportion and 0 where they do not rise. Between the gradient that
is worth a step up and the one that allows a step down lies a gap, so that noise does not make the
limit swing.
"""

from __future__ import annotations

import math
from enum import StrEnum
from math import log

from ccchat_tui.quick import dataclass


@dataclass(frozen=True, slots=True)
class AdaptiveSettings:
    """Bounds and patience of an `AdaptiveLimit`. Times in seconds."""

    minimum: int = 1
    maximum: int = 32
    start: int = 2
    worth: float = 0.4
    """A step up is kept if its gradient is at least this."""
    worthless: float = 0.2
    """A step down is kept if the gradient of what it gives up is at most this."""
    settle: float = 2.0
    """After a change, so long (and at least the time to a first token) nothing is measured: new
    requests have no tokens yet."""
    samples: int = 4
    """How many observations a comparison needs on each side, at least."""
    most_samples: int = 24
    """After so many on each side it is decided as it stands, however noisy."""
    rest: float = 10.0
    """How long it stays after a trial that changed nothing; each further one doubles it."""
    longest_rest: float = 120.0
    stale: float = 60.0
    """What was measured so long ago is not compared with what is measured now."""
    cut: float = 0.7
    """What is left of the limit when the server says that it has too much to do."""

    def __post_init__(self) -> None:
        if not 1 <= self.minimum <= self.start <= self.maximum:
            raise ValueError(
                f"minimum={self.minimum}, start={self.start}, maximum={self.maximum}: "
                "give 1 <= minimum <= start <= maximum"
            )
        if not 0 <= self.worthless < self.worth < 1 or not 0 < self.cut < 1:
            raise ValueError(
                f"worthless={self.worthless}, worth={self.worth}, cut={self.cut}: "
                "give 0 <= worthless < worth < 1, and a cut between 0 and 1"
            )
        if not 2 <= self.samples <= self.most_samples:
            raise ValueError(
                f"samples={self.samples}, most_samples={self.most_samples}: "
                "give 2 <= samples <= most_samples"
            )
        times = (self.settle, self.rest, self.longest_rest, self.stale)
        if not all(math.isfinite(seconds) and seconds > 0 for seconds in times):
            raise ValueError(
                f"settle={self.settle}, rest={self.rest}, longest_rest={self.longest_rest}, "
                f"stale={self.stale}: give seconds over 0"
            )


class Phase(StrEnum):
    """What it is doing."""

    MEASURING = "measuring"
    """At the limit it believes in, to have something to compare with."""
    TRYING = "trying"
    """At another limit, to see whether it is better."""
    RESTING = "resting"
    """Settled; it tries again after a while, for servers change."""


class _Rate:
    """Tokens a second at one limit: mean and spread of the observations."""

    __slots__ = ("count", "mean", "spread", "until")

    def __init__(self) -> None:
        self.count = 0
        self.mean = 0.0
        self.spread = 0.0
        self.until = -math.inf

    def add(self, value: float, now: float) -> None:
        """One more (Welford's way, which needs no list)."""
        self.count += 1
        delta = value - self.mean
        self.mean += delta / self.count
        self.spread += delta * (value - self.mean)
        self.until = now

    @property
    def doubt(self) -> float:
        """The standard error of the mean, as a part of the mean."""
        if self.count < 2 or self.mean <= 0:
            return math.inf
        return math.sqrt(self.spread / (self.count - 1) / self.count) / self.mean


class AdaptiveLimit:
    """A limit that looks for its own best value. A plain object: no task, no timer, no clock.

    Whoever owns the queue calls `observe` at even times (a second apart or so) and sets the limit
    that comes back. It only learns while the queue is full, that is while exactly as many
    requests are in flight as the limit allows: an idle server says nothing of what it could do,
    and neither does one that still works off what an earlier, higher limit let through.

    It starts by doubling, until more at once no longer pays; then goes by ever smaller steps, then
    rests and tries one more and one less from time to time.
    """

    def __init__(self, settings: AdaptiveSettings | None = None) -> None:
        self.settings = settings or AdaptiveSettings()
        self._base = self.settings.start
        self._limit = self._base
        self._phase = Phase.MEASURING
        self._at_base = _Rate()
        self._at_trial = _Rate()
        self._step = self._base
        self._direction = 1
        self._doubling = True
        self._refused = 0
        self._rest = self.settings.rest
        self._rest_until = -math.inf
        self._full_since: float | None = None
        self._last_seen: float | None = None
        self._cut_at = -math.inf
        self._cut_trial = False
        self._first_token = 0.0

    @property
    def limit(self) -> int:
        """The limit in force now, which during a trial is the one being tried."""
        return self._limit

    @property
    def found(self) -> int:
        """The limit it believes in: what a panel should show."""
        return self._base

    @property
    def phase(self) -> Phase:
        """What it is doing."""
        return self._phase

    @property
    def settled(self) -> bool:
        """Whether it has tried both one more and one less, and kept neither."""
        return self._phase is Phase.RESTING

    def describe(self) -> str:
        """What it has found, in words, for a panel."""
        rate = f", {self._at_base.mean:.0f} tokens/s" if self._at_base.count else ""
        if self._phase is Phase.TRYING:
            return f"auto: {self._base}{rate}; trying {self._limit}"
        if self._phase is Phase.RESTING:
            return f"auto: settled at {self._base}{rate}"
        return f"auto: {self._base}{rate}; measuring"

    def observe(
        self,
        now: float,
        in_flight: int,
        tokens: float,
        *,
        first_token: float | None = None,
        overloaded: bool = False,
    ) -> int | None:
        """Take note of what happened since the last call.

        Args:
            now: The time in seconds, of any monotonic clock.
            in_flight: How many requests are in flight now, and were throughout if the queue was
                full. Give the lowest number there was, where it is known.
            tokens: How many tokens came since the last call, of all requests together.
            first_token: Seconds from a request's slot to its first token, typically, where there
                was one: after a change so long nothing is measured.
            overloaded: Whether the server refused something since then because of too much at
                once (busy, out of memory).

        Returns:
            The new limit, or `None` if it stays.
        """
        before, last = self._limit, self._last_seen
        self._last_seen = now
        if first_token is not None and first_token > 0:
            known = self._first_token or first_token
            self._first_token = known + (first_token - known) * 0.3
        if overloaded:
            self.overloaded(now, self._limit)
        elif in_flight != self._limit or last is None or now <= last:
            # Idle, or not yet at the limit, or still above it.
            self._full_since = None
            self._give_up_unfilled(now, in_flight)
        else:
            self._full(now, tokens / (now - last))
        return self._limit if self._limit != before else None

    def overloaded(self, now: float, in_flight: int) -> bool:
        """The server says that it has too much to do: down at once, as all congestion control
        does, and up again by trials only.

        Args:
            now: The time in seconds.
            in_flight: How many requests it had when it said so.

        Returns:
            Whether it was a trial that was too much, and is over: what was before it was not.
        """
        if now - self._cut_at < self.settings.settle:
            # What was under way when it was cut may be refused too; that is one and the same.
            return self._cut_trial
        self._cut_at = now
        self._cut_trial = self._base < self._limit and self._base < in_flight
        if not self._cut_trial:
            self._base = max(self.settings.minimum, math.floor(self._base * self.settings.cut))
            self._at_base = _Rate()
        self._step, self._direction, self._doubling = 1, 1, False
        self._set(self._base)
        self._settle(now)
        return self._cut_trial

    def forget(self) -> None:
        """The servers have changed, so that what was measured says nothing of what comes: measure
        anew, at the limit that it believed in."""
        self._set(self._base)
        self._begin(Phase.MEASURING)
        self._step, self._direction, self._doubling = max(1, self._base // 2), 1, False
        self._refused, self._rest = 0, self.settings.rest
        self._full_since = None
        self._first_token = 0.0

    def _full(self, now: float, rate: float) -> None:
        """An observation that means something: the queue was full."""
        if self._full_since is None:
            # Only the next one has been full from its beginning.
            self._full_since = now
            return
        if now - self._full_since < max(self.settings.settle, 1.5 * self._first_token):
            return
        if self._phase is Phase.RESTING and now >= self._rest_until:
            self._begin(Phase.MEASURING)
        fresh = now - max(self._at_base.until, self._at_trial.until) <= self._staleness
        if self._phase is Phase.TRYING and not fresh:
            self._set(self._base)
            self._begin(Phase.MEASURING)
        elif self._phase is Phase.TRYING:
            self._at_trial.add(rate, now)
            self._judge(now)
        else:
            if not fresh:
                self._at_base = _Rate()
            self._at_base.add(rate, now)
            if self._phase is Phase.MEASURING and self._known(self._at_base):
                if self._target() == self._base:
                    # At a bound: there is nothing to try in this direction.
                    self._kept_nothing(now)
                else:
                    self._try()

    def _give_up_unfilled(self, now: float, in_flight: int) -> None:
        """End a trial for which there are not requests enough, though enough for the base: or
        else it would stay in force for as long as they are that many."""
        if self._phase is not Phase.TRYING or not self._base <= in_flight < self._limit:
            return
        if now - max(self._at_base.until, self._at_trial.until) > self._staleness:
            # What can be filled is tried the next time.
            self._step, self._doubling = max(1, in_flight - self._base), False
            self._set(self._base)
            self._settle(now)

    @property
    def _staleness(self) -> float:
        """How long a measurement may be compared with the next: a trial takes its time, too."""
        return self.settings.stale + self.settings.settle + 1.5 * self._first_token

    def _known(self, rate: _Rate) -> bool:
        """Whether the base is known well enough to compare the step in question with."""
        if rate.count < self.settings.samples:
            return False
        # A step of the whole limit changes much and needs little; one of a tenth needs more.
        step = abs(log(self._target() / self._base)) or 1.0
        return rate.count >= self.settings.most_samples or rate.doubt <= 0.15 * step

    def _target(self) -> int:
        wanted = self._base + self._direction * self._step
        return max(self.settings.minimum, min(self.settings.maximum, wanted))

    def _try(self) -> None:
        self._at_trial = _Rate()
        self._phase = Phase.TRYING
        self._set(self._target())

    def _judge(self, now: float) -> None:
        """Compare, as soon as the difference is clear, or when patience is at its end."""
        trial, base = self._at_trial, self._at_base
        if trial.count < self.settings.samples:
            return
        step = log(self._limit / self._base)
        if trial.mean <= 0 or base.mean <= 0:
            gradient, doubt = float(trial.mean > base.mean), 0.0
        else:
            gradient = log(trial.mean / base.mean) / step
            doubt = math.hypot(trial.doubt, base.doubt) / abs(step)
        more = step > 0
        border = self.settings.worth if more else self.settings.worthless
        if abs(gradient - border) < 2 * doubt and trial.count < self.settings.most_samples:
            return
        if gradient >= border if more else gradient <= border:
            self._keep()
        else:
            self._set(self._base)
            self._kept_nothing(now)

    def _keep(self) -> None:
        """The trial was worth it: it is the new base, and its measurement with it."""
        self._base = self._limit
        self._at_base = self._at_trial
        self._refused = 0
        self._rest = self.settings.rest
        # Well on its way it goes faster; a refusal halves the step again.
        self._step = self._base if self._doubling else min(2 * self._step, max(1, self._base // 2))
        self._phase = Phase.MEASURING

    def _kept_nothing(self, now: float) -> None:
        """The trial was not worth it, or there was nothing to try."""
        self._doubling = False
        if self._step > 1:
            # It lies between: half as far in the same direction.
            self._step //= 2
            self._begin(Phase.MEASURING)
            return
        self._direction = -self._direction
        self._refused += 1
        if self._refused < 2:
            self._begin(Phase.MEASURING)
            return
        self._settle(now)

    def _settle(self, now: float) -> None:
        """Leave well alone for a while, each time for longer."""
        self._refused = 0
        self._rest_until = now + self._rest
        self._rest = min(2 * self._rest, self.settings.longest_rest)
        self._phase = Phase.RESTING

    def _begin(self, phase: Phase) -> None:
        self._phase = phase
        self._at_base = _Rate()

    def _set(self, limit: int) -> None:
        if limit != self._limit:
            self._limit = limit
            self._full_since = None
