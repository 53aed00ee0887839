"""All time limits of all requests, with one timer."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable
from contextvars import Context
from functools import partial

from ccchat_tui.clock import Later, Timer
from ccchat_tui.engine.handle import RequestHandle

_LONGEST = 86_400.0
"""Seconds; a timer is never armed further ahead, for the event loop's own clock has limits."""
_EARLY = 1e-6
"""Seconds by which an event loop may call back before the moment it was asked for."""


class Watchdog:
    """Looks at each request again at the moment that was asked for.

    One timer is armed for the earliest moment. It is only ever armed anew for an earlier one, and
    a request that ends just leaves its entry behind, so that the usual request, which ends long
    before any limit, costs neither a timer nor a task. A limit that moves with every token (the
    stall limit) is looked at when its first moment comes, and then moved on.

    Args:
        now: The engine's clock, in seconds.
        due: Called with the request whose moment has come; returns the next moment to look at
            it, or infinity.
        done: Called once after each round of calls.
        later: The clock's timers.
    """

    def __init__(
        self,
        now: Callable[[], float],
        due: Callable[[RequestHandle, float], float],
        done: Callable[[], None],
        later: Later,
    ) -> None:
        self._now = now
        self._later = later
        self._due = due
        self._done = done
        self._heap: list[tuple[float, int, RequestHandle]] = []
        self._live = 0
        self._timer: Timer | None = None
        self._armed = math.inf
        self._context: Context | None = None

    def bind(self, context: Context) -> None:
        """Set the context that the timer runs in."""
        self._context = context

    def watch(self, handle: RequestHandle, when: float) -> None:
        """Look at the request at `when`, instead of whatever was asked for before."""
        if handle._watch_at is not None:
            self.forget(handle)
        if when == math.inf:
            return
        handle._watch_at = when
        self._live += 1
        heapq.heappush(self._heap, (when, handle._seq, handle))
        if when < self._armed:
            self._arm(when)

    def forget(self, handle: RequestHandle) -> None:
        """The request needs no looking after any more."""
        if handle._watch_at is None:
            return
        handle._watch_at = None
        self._live -= 1
        if len(self._heap) > 64 + 2 * self._live:
            self._heap = [entry for entry in self._heap if entry[2]._watch_at == entry[0]]
            heapq.heapify(self._heap)

    def stop(self) -> None:
        """Disarm the timer; nothing is looked at any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._armed = math.inf

    @property
    def size(self) -> int:
        """How many requests are looked after."""
        return self._live

    def _arm(self, when: float) -> None:
        assert self._context is not None
        if self._timer is not None:
            self._timer.cancel()
        self._armed = when
        delay = min(_LONGEST, max(0.0, when - self._now()))
        self._timer = self._later(delay, partial(self._context.run, self._fire))

    def _fire(self) -> None:
        self._timer = None
        self._armed = math.inf
        now = self._now()
        again: list[tuple[float, RequestHandle]] = []
        while self._heap and self._heap[0][0] <= now + _EARLY:
            when, _, handle = heapq.heappop(self._heap)
            if handle._watch_at != when:
                continue
            handle._watch_at = None
            self._live -= 1
            following = self._due(handle, max(now, when))
            if following < math.inf:
                again.append((following, handle))
        for when, handle in again:
            if handle._watch_at is None and not handle.ended:
                self.watch(handle, when)
        while self._heap and self._heap[0][2]._watch_at != self._heap[0][0]:
            heapq.heappop(self._heap)
        if self._heap and self._heap[0][0] < self._armed:
            self._arm(self._heap[0][0])
        self._done()
