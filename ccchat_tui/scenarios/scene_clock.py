"""Time that can be slowed down, hurried and stopped, for whoever shows something."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable
from datetime import datetime
from itertools import count

from ccchat_tui.clock import Clock, Later, Timer

SLOWEST, FASTEST = 0.5, 8.0
_EARLY = 1e-6
"""Seconds by which an event loop may call back before the moment it was asked for."""


class SceneTimer:
    """Something that is to be called at a moment of a scene."""

    __slots__ = ("callback", "when")

    def __init__(self, when: float, callback: Callable[[], None]) -> None:
        self.when = when
        self.callback: Callable[[], None] | None = callback

    def cancel(self) -> None:
        """Call it no more. Harmless when called twice."""
        self.callback = None


class SceneClock:
    """A `Clock`, a `Pace` and its timers (`HasTimers`), all of them going by one time that passes
    `speed` times as fast as that of another clock, or not at all.

    Args:
        base: The other clock.
        speed: How many times faster than it.
        later: The other clock's timers, by which `beat` is called when something is due; the
            running loop's unless given.
        driven: Whoever moves the other clock calls `beat` too, and no timers are needed.
    """

    def __init__(
        self, base: Clock, *, speed: float = 1.0, later: Later | None = None, driven: bool = False
    ) -> None:
        self._base = base
        self._later = None if driven else later or _loop_later
        self._speed = _within(speed)
        self._paused = False
        self._since = base.monotonic()
        self._passed = 0.0
        self._timers: list[tuple[float, int, SceneTimer]] = []
        self._numbers = count()
        self._armed: Timer | None = None
        self._armed_for = float("inf")

    # Time ---------------------------------------------------------------------------------

    @property
    def speed(self) -> float:
        """How many times faster than the other clock."""
        return self._speed

    @property
    def paused(self) -> bool:
        """Whether it stands still."""
        return self._paused

    def monotonic(self) -> float:
        """Seconds of the scene; 0 when it was made."""
        if self._paused:
            return self._passed
        return self._passed + (self._base.monotonic() - self._since) * self._speed

    def now(self) -> datetime:
        """The other clock's date and time of day: those are not played with."""
        return self._base.now()

    def set_speed(self, speed: float) -> None:
        """Go faster or slower from now on, within 0.5 and 8 times."""
        self._settle()
        self._speed = _within(speed)
        self._arm()

    def pause(self) -> None:
        """Stand still."""
        self._settle()
        self._paused = True
        self._arm()

    def resume(self) -> None:
        """Go on."""
        self._settle()
        self._paused = False
        self._arm()

    # What goes by it ----------------------------------------------------------------------

    async def sleep(self, seconds: float) -> None:
        """Wait so long; not at all for 0 or less."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def over() -> None:
            if not waiting.done():
                waiting.set_result(None)

        timer = self.call_later(seconds, over)
        try:
            await waiting
        finally:
            timer.cancel()

    def call_later(self, seconds: float, callback: Callable[[], None], /) -> SceneTimer:
        """Have something called after so many seconds of the scene."""
        timer = SceneTimer(self.monotonic() + max(0.0, seconds), callback)
        heapq.heappush(self._timers, (timer.when, next(self._numbers), timer))
        if timer.when < self._armed_for:
            self._arm()
        return timer

    def beat(self) -> None:
        """Call what is due."""
        while self._timers and self._timers[0][0] <= self.monotonic() + _EARLY:
            callback = heapq.heappop(self._timers)[2].callback
            if callback is not None:
                callback()
        self._arm()

    def stop(self) -> None:
        """Call nothing any more."""
        self._timers.clear()
        self._arm()

    # Within -------------------------------------------------------------------------------

    def _settle(self) -> None:
        self._passed, self._since = self.monotonic(), self._base.monotonic()

    def _arm(self) -> None:
        """Have `beat` called when the first timer is due."""
        if self._armed is not None:
            self._armed.cancel()
            self._armed = None
        self._armed_for = float("inf")
        while self._timers and self._timers[0][2].callback is None:
            heapq.heappop(self._timers)
        if self._timers and self._later is not None and not self._paused:
            self._armed_for = self._timers[0][0]
            wait = max(0.0, self._armed_for - self.monotonic()) / self._speed
            self._armed = self._later(wait, self._beat_as_armed)

    def _beat_as_armed(self) -> None:
        self._armed = None
        self._armed_for = float("inf")
        self.beat()


def _within(speed: float) -> float:
    return min(FASTEST, max(SLOWEST, speed))


def _loop_later(seconds: float, callback: Callable[[], None]) -> Timer:
    return asyncio.get_running_loop().call_later(seconds, callback)
