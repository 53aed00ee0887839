"""A circuit breaker: leaves a server alone while it is broken, and finds out when it is well.

The breaker does nothing by itself. It has no task and no timer: whoever sends requests asks it
for a `Permit`, and tells the permit what came of the request. A request is judged by what happens
before its first token, because that is what speaks of the server; see `VERDICTS`.
"""

from __future__ import annotations

import math
import random
from collections import deque
from collections.abc import Callable, Mapping
from enum import StrEnum
from types import MappingProxyType

from ccchat_tui.backends.base import BackendError, ErrorKind, ServerState
from ccchat_tui.clock import Clock
from ccchat_tui.quick import dataclass


class Verdict(StrEnum):
    """What a failure before the first token says of the server that it came from."""

    BROKEN = "broken"
    """It cannot serve anybody; counts towards opening the breaker."""
    BUSY = "busy"
    """It works, and has too much to do; others should be asked first for a moment."""
    WELL = "well"
    """It understood and answered; what was asked was wrong. Counts as a success."""
    UNCLEAR = "unclear"
    """Says nothing of the server; counts neither way."""


VERDICTS: Mapping[ErrorKind, Verdict] = MappingProxyType(
    {
        # Nothing listens, or nothing that can be talked to: no request can get through.
        ErrorKind.UNREACHABLE: Verdict.BROKEN,
        # Accepted and then dropped without a word: it crashes, restarts or is shutting down.
        ErrorKind.DISCONNECTED: Verdict.BROKEN,
        # A proxy speaks, and says that the server behind it does not.
        ErrorKind.GATEWAY: Verdict.BROKEN,
        # 5xx: the model runner died or did not load. A request may bring it on itself (a wrong
        # option type is a 500 in Ollama), which is why one failure alone opens nothing.
        ErrorKind.SERVER: Verdict.BROKEN,
        # Another program answers at this address, and will answer the next request too.
        ErrorKind.NOT_OLLAMA: Verdict.BROKEN,
        # The very first thing it says is already not the protocol: much the same.
        ErrorKind.PROTOCOL: Verdict.BROKEN,
        # It says itself that it works and that its queue is full. Opening would turn a server at
        # work into none at all; it is only asked last for a moment.
        ErrorKind.BUSY: Verdict.BUSY,
        # Room for this model is missing now; smaller or already loaded ones still run.
        ErrorKind.OUT_OF_MEMORY: Verdict.BUSY,
        # Works, and says when it will again.
        ErrorKind.RATE_LIMITED: Verdict.BUSY,
        # Answers, but not to us or not for this model. A pause would not change that.
        ErrorKind.UNAUTHORIZED: Verdict.WELL,
        # It looked, and has not got it.
        ErrorKind.MODEL_NOT_FOUND: Verdict.WELL,
        # It understood the request, and refuses it with reason.
        ErrorKind.BAD_REQUEST: Verdict.WELL,
        # A reply that ends before it began: some models do that for some prompts.
        ErrorKind.TRUNCATED: Verdict.UNCLEAR,
        # No token may mean a load or a long prompt; a server sends no sign of either.
        ErrorKind.STALLED: Verdict.UNCLEAR,
        # Our own limit ran out, for the same unknown reason.
        ErrorKind.TIMED_OUT: Verdict.UNCLEAR,
        # A fault of ours.
        ErrorKind.INTERNAL: Verdict.UNCLEAR,
    }
)
"""For every kind of failure, what it says of the server. The only such table."""

SILENT = frozenset(
    {
        ErrorKind.UNREACHABLE,
        ErrorKind.DISCONNECTED,
        ErrorKind.GATEWAY,
        ErrorKind.NOT_OLLAMA,
    }
)
"""Failures of a server that gives no sign of life either. Once it gives one, they are over; after
the other failures a sign of life says nothing new."""


@dataclass(frozen=True, slots=True)
class BreakerSettings:
    """When a breaker opens, and for how long."""

    failures_in_row: int = 5
    """So many failures with no success between them open it."""
    failure_ratio: float = 0.6
    """So large a part of the last `window_requests` failing opens it too; 1.0 for never sooner
    than all of them."""
    window_requests: int = 20
    """How many outcomes back the ratio looks; it says nothing before half of them are there."""
    window_seconds: float = 30.0
    """How old an outcome may be and still count in the ratio."""
    first_pause: float = 1.0
    """Seconds that it stays open the first time."""
    growth: float = 2.0
    """By how much the pause grows each time it opens again without a success between."""
    longest_pause: float = 15.0
    """Seconds that no pause exceeds. Short enough for a person who has just started the server."""
    jitter: float = 0.3
    """The part of a pause that is left to chance, so that many clients do not probe at once."""

    def __post_init__(self) -> None:
        if self.failures_in_row < 1 or self.window_requests < 2:
            raise ValueError(
                f"failures_in_row={self.failures_in_row}, window_requests={self.window_requests}: "
                "give at least 1 and 2"
            )
        if not 0.0 < self.failure_ratio <= 1.0 or not 0.0 <= self.jitter < 1.0:
            raise ValueError(
                f"failure_ratio={self.failure_ratio}, jitter={self.jitter}: "
                "give a ratio over 0 up to 1, and a jitter of 0 up to (not including) 1"
            )
        pauses = (self.first_pause, self.longest_pause, self.window_seconds)
        if not all(math.isfinite(pause) and pause > 0 for pause in pauses) or self.growth < 1:
            raise ValueError(
                f"first_pause={self.first_pause}, longest_pause={self.longest_pause}, "
                f"window_seconds={self.window_seconds}, growth={self.growth}: "
                "give seconds over 0, and a growth of 1 or more"
            )


@dataclass(frozen=True, slots=True)
class BreakerChange:
    """A breaker went from one state to another."""

    at: float
    """Seconds of the breaker's clock."""
    before: ServerState
    after: ServerState
    reason: str
    """Why, in words."""


class Permit:
    """Leave to send one request (or one probe), and the duty to say what came of it.

    The first of its three methods counts, and later ones are ignored. A permit from before the
    breaker last changed its state is out of date: what it says is ignored too, because it speaks
    of another time. So a request that began before the server died cannot close the breaker, nor
    lengthen its pause.
    """

    __slots__ = ("_breaker", "_epoch", "_open", "probe")

    def __init__(self, breaker: CircuitBreaker, epoch: int, *, probe: bool) -> None:
        self._breaker = breaker
        self._epoch = epoch
        self._open = True
        self.probe = probe
        """Whether this is the one probe of a half-open breaker."""

    def succeeded(self) -> None:
        """The server served it: its first token came, or the probe was answered."""
        if self._settle():
            self._breaker._succeeded(probe=self.probe)

    def failed(self, error: BackendError) -> None:
        """It failed before its first token. What that means is in `VERDICTS`."""
        if self._settle():
            self._breaker._failed(error, probe=self.probe)

    def abandoned(self) -> None:
        """It ended without an outcome, such as by a cancel."""
        if self._settle():
            self._breaker._abandoned(probe=self.probe)

    def _settle(self) -> bool:
        was_open, self._open = self._open, False
        return was_open and self._epoch == self._breaker._epoch


class CircuitBreaker:
    """Whether requests should be sent to one server.

    Closed, it lets everything through. After `failures_in_row` failures (or too many of the last
    few) it opens: nothing is let through for a pause that grows, within bounds, each time. When
    the pause is over the first to ask becomes the one probe, and the breaker is half open; all
    others are turned away until the probe's outcome closes it or opens it again.

    After a probe has closed it, it is on trial: a sign of life is no proof that the server can
    generate, so the first failure opens it again, and the pause only starts small again after a
    real success.

    Args:
        clock: Where the time comes from.
        rng: Where the jitter comes from.
        settings: When it opens, and for how long.
        listener: Told of every change of state, after it has happened; must not raise.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        rng: random.Random,
        settings: BreakerSettings | None = None,
        listener: Callable[[BreakerChange], None] | None = None,
    ) -> None:
        self.settings = settings or BreakerSettings()
        self._clock = clock
        self._rng = rng
        self._listener = listener
        self._state = ServerState.CLOSED
        self._epoch = 0
        self._on_trial = False
        self._row = 0
        self._times_opened = 0
        self._until = 0.0
        self._reason = ""
        self._kind: ErrorKind | None = None
        self._outcomes: deque[tuple[float, bool]] = deque(maxlen=self.settings.window_requests)

    @property
    def state(self) -> ServerState:
        """Where it stands. An open one whose pause is over stays open until somebody asks."""
        return self._state

    @property
    def closed(self) -> bool:
        """Whether requests are let through."""
        return self._state is ServerState.CLOSED

    @property
    def failures_in_row(self) -> int:
        """How many failures there were since the last success."""
        return self._row

    @property
    def retry_in(self) -> float | None:
        """Seconds until a probe is let through, 0 if one would be now; `None` unless open."""
        if self._state is not ServerState.OPEN:
            return None
        return max(0.0, self._until - self._clock.monotonic())

    @property
    def reason(self) -> str:
        """What the last failure that counted said; empty after a success."""
        return self._reason

    @property
    def silent(self) -> bool:
        """Whether that failure was one that a sign of life would show to be over."""
        return self._kind in SILENT

    def admit(self, *, at_once: bool = False) -> Permit | None:
        """Ask to send a request.

        Args:
            at_once: Take the probe before the pause is over, as a person does who says "try
                now". Still one probe at a time.

        Returns:
            The permit, whose outcome must be told; or `None`: leave the server alone.
        """
        if self._state is ServerState.CLOSED:
            return Permit(self, self._epoch, probe=False)
        if self._state is ServerState.HALF_OPEN:
            return None
        if not at_once and self._clock.monotonic() < self._until:
            return None
        self._go(ServerState.HALF_OPEN, "trying whether it answers")
        return Permit(self, self._epoch, probe=True)

    def trip(self, error: BackendError) -> None:
        """Open it now, for the server was asked for something that any living one answers at once,
        and gave no sign of life. Other errors, and one that comes while it is open, change
        nothing."""
        if self._state is ServerState.CLOSED and error.kind in SILENT:
            self._row += 1
            self._note(error)
            self._open(error.message)

    def describe(self) -> str:
        """Its state in words, for a panel; empty while nothing is wrong."""
        if self._state is ServerState.OPEN:
            seconds = self.retry_in or 0.0
            when = f"next try in {math.ceil(seconds)} s" if seconds > 0 else "next try due"
            return f"{self._reason}; {when}"
        if self._state is ServerState.HALF_OPEN:
            return f"{self._reason}; trying whether it answers again"
        if self._on_trial:
            return f"it answers again; before that: {self._reason}"
        if self._row:
            times = "failed once" if self._row == 1 else f"failed {self._row} times in a row"
            return f"{times}: {self._reason}"
        return ""

    def _succeeded(self, *, probe: bool) -> None:
        if probe:
            # Whatever answers a probe may still be unable to generate.
            self._on_trial = True
            self._row = 0
            self._go(ServerState.CLOSED, "the probe was answered")
            return
        self._on_trial = False
        self._row = 0
        self._times_opened = 0
        self._reason, self._kind = "", None
        self._outcomes.append((self._clock.monotonic(), True))

    def _failed(self, error: BackendError, *, probe: bool) -> None:
        verdict = VERDICTS[error.kind]
        if verdict is Verdict.WELL:
            self._succeeded(probe=probe)
        elif probe:
            # Even if it says nothing of the server: it gives no reason to let others through.
            self._note(error)
            self._open(error.message)
        elif verdict is Verdict.BROKEN:
            self._row += 1
            self._note(error)
            self._outcomes.append((self._clock.monotonic(), False))
            in_row = 1 if self._on_trial else self.settings.failures_in_row
            if self._row >= in_row or self._too_many():
                self._open(error.message)

    def _abandoned(self, *, probe: bool) -> None:
        if probe:
            # Not a failure, so the pause does not grow; but nobody knows more than before.
            self._until = self._clock.monotonic()
            self._go(ServerState.OPEN, "the probe was broken off")

    def _note(self, error: BackendError) -> None:
        self._reason, self._kind = error.message, error.kind

    def _too_many(self) -> bool:
        oldest = self._clock.monotonic() - self.settings.window_seconds
        recent = [good for at, good in self._outcomes if at >= oldest]
        if len(recent) < (self.settings.window_requests + 1) // 2:
            return False
        return recent.count(False) / len(recent) >= self.settings.failure_ratio

    def _open(self, reason: str) -> None:
        settings = self.settings
        try:
            pause = settings.first_pause * settings.growth**self._times_opened
        except OverflowError:
            pause = settings.longest_pause
        pause = min(pause, settings.longest_pause)
        pause *= 1.0 - settings.jitter * self._rng.random()
        self._times_opened += 1
        self._until = self._clock.monotonic() + pause
        self._outcomes.clear()
        self._go(ServerState.OPEN, reason)

    def _go(self, after: ServerState, reason: str) -> None:
        before, self._state = self._state, after
        self._epoch += 1
        if self._listener is not None:
            self._listener(BreakerChange(self._clock.monotonic(), before, after, reason))
