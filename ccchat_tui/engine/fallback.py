"""Falling back to one at a time when running at once is too much for the server.

It has been too much when the server says so (busy, out of memory), or when several requests that
were in flight together fail within a moment of each other while the server answers a probe: a
server that is down fails them together, too, and for that running one at a time is no remedy.

Then the limit becomes 1, and what failed before it had shown anything is queued again before
everything else, with its attempt and its time given back, once for each request. What runs, runs
on. After a quiet spell, without a sign of overload, the limit rises by one, and so on until it is
what was set. Falling back again on the way doubles the quiet spell, up to `LONGEST_QUIET` times
what was set, so that a server that can only do so many at once is not overrun every minute.

Where the limit finds itself and it was its trial of a higher one that was too much, taking the
trial back is all that happens: how many the server can do at once is known.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable

from ccchat_tui.clock import Timer
from ccchat_tui.engine.guard import Fate
from ccchat_tui.engine.handle import RequestHandle
from ccchat_tui.engine.manager import ChatQueueManager
from ccchat_tui.engine.request import Failure

_log = logging.getLogger(__name__)

REASONS = {
    "busy": "fallback: server busy",
    "out_of_memory": "fallback: server out of memory",
}
"""Why it fell back, by the kind of the failure with which the server said so."""
OVERLOADED = "fallback: server overloaded"
"""Why, where the server said it with a failure of another kind."""
TOGETHER = "fallback: requests failed together"
"""Why, where the server said nothing, but several failed together and a probe was answered."""

REQUEUES = 1
"""How many times one request is put back at the front without using up an attempt."""
PROBE_TIMEOUT = 5.0
"""Seconds a server has to answer a probe."""
LONGEST_QUIET = 8
"""The quiet spell is at most so many times what was set."""

Probe = Callable[[], Awaitable[object]]
"""Asks the server for a sign of life, and raises whatever it likes if there is none."""
Relief = Callable[[int], bool]
"""Told of so many at once having been too much; whether it has set a limit that is known not to
be."""


class Fallback:
    """The guard that watches for signs of overload, and the way back.

    It holds at most one timer for requests that it keeps until it knows more, one for the way
    back, and one task for a probe. `aclose` ends all of them.

    Args:
        manager: Whose limit it holds down.
        probe: Asks the server for a sign of life.
        relief: Told of every overload before it falls back, and may make that needless.
    """

    def __init__(
        self, manager: ChatQueueManager, probe: Probe, relief: Relief = lambda _at_once: False
    ) -> None:
        self._manager = manager
        self._life = manager.life
        self._probe = probe
        self._relief = relief
        self._window = manager.settings.fallback_window
        self._quiet = manager.settings.fallback_quiet
        self._spell = self._quiet
        self._cap: int | None = None
        self._signs: deque[float] = deque()
        self._held: dict[RequestHandle, float] = {}
        self._probing: asyncio.Task[None] | None = None
        self._release: Timer | None = None
        self._rise: Timer | None = None

    # Of the manager -----------------------------------------------------------------------

    def attempt_failed(self, handle: RequestHandle, failure: Failure, *, shown: bool) -> Fate:
        """Say what is to become of a request, and take its failure as a sign."""
        again = not shown and handle._company and handle._requeues < REQUEUES
        if failure.overload:
            self._fall_back(REASONS.get(failure.kind, OVERLOADED), failed=1)
            return Fate.FRONT if again else Fate.USUAL
        if not failure.server_fault or not handle._company:
            return Fate.USUAL
        if self._cap == 1:
            # It was started before the fallback, and failed of the same cause.
            return Fate.FRONT if again else Fate.USUAL
        now = self._life.now()
        self._signs.append(now)
        while self._signs[0] < now - self._window:
            self._signs.popleft()
        if again:
            self._held[handle] = now
        if len(self._signs) > 1:
            self._ask()
        elif again:
            self._arm_release(self._window)
        return Fate.HOLD if again else Fate.USUAL

    def forget(self, handle: RequestHandle) -> None:
        """A held request has ended."""
        self._held.pop(handle, None)

    # Of the service -----------------------------------------------------------------------

    def overruled(self) -> None:
        """The person has raised the limit by hand, or the server is another one: begin anew."""
        self._spell = self._quiet
        self._signs.clear()
        if self._cap is not None:
            self._set_cap(None)
            self._manager.settle()

    async def aclose(self) -> None:
        """End the timers and the probe. Harmless when called twice."""
        for timer in (self._release, self._rise):
            if timer is not None:
                timer.cancel()
        self._release = self._rise = None
        probing = self._probing
        if probing is not None:
            probing.cancel()
            await asyncio.wait([probing])

    @property
    def size(self) -> int:
        """How many requests it holds."""
        return len(self._held)

    # Falling back, and the way back -------------------------------------------------------

    def _fall_back(self, reason: str, failed: int) -> None:
        """So many have just failed because of too much at once."""
        if self._manager.wanted_limit == 1:
            return
        if self._cap != 1 and self._relief(len(self._life.in_flight) + failed):
            self._signs.clear()
            return
        if self._cap is not None and self._cap > 1:
            self._spell = min(2 * self._spell, LONGEST_QUIET * self._quiet)
        self._signs.clear()
        if self._cap != 1:
            self._set_cap(1, reason)
        else:
            self._arm_rise()

    def _set_cap(self, cap: int | None, reason: str = "") -> None:
        self._cap = cap
        if cap is None:
            if self._rise is not None:
                self._rise.cancel()
                self._rise = None
        else:
            self._arm_rise()
        self._manager.set_cap(cap, reason)

    def _arm_rise(self) -> None:
        """Begin a quiet spell."""
        if self._rise is not None:
            self._rise.cancel()
        self._rise = self._life.later(self._spell, self._one_more)

    def _one_more(self) -> None:
        """It was quiet for long enough: one more at once."""
        self._rise = None
        assert self._cap is not None
        more = self._cap + 1
        if more < self._manager.wanted_limit:
            self._set_cap(more)
        else:
            self._spell = self._quiet
            self._set_cap(None)
        self._manager.settle()

    # Finding out whether several failed together ------------------------------------------

    def _arm_release(self, seconds: float) -> None:
        if self._release is None:
            self._release = self._life.later(seconds, self._window_over)

    def _window_over(self) -> None:
        """Let go of what has failed alone; a probe decides on the others."""
        self._release = None
        if self._probing is not None:
            return
        now = self._life.now()
        for handle, at in list(self._held.items()):
            if at + self._window > now + 1e-6:
                self._arm_release(at + self._window - now)
                break
            del self._held[handle]
            self._life.let_go(handle)
        self._manager.settle()

    def _ask(self) -> None:
        """Ask the server whether it lives, unless it is being asked."""
        if self._probing is None:
            self._probing = asyncio.get_running_loop().create_task(self._find_out())

    async def _find_out(self) -> None:
        answers = False
        try:
            async with asyncio.timeout(PROBE_TIMEOUT):
                await self._probe()
            answers = True
        except Exception as fault:
            _log.debug("The probe was not answered: %s", fault)
        finally:
            # Also on a cancel, so that nothing is held for ever.
            self._probing = None
            self._decide(answers=answers)

    def _decide(self, *, answers: bool) -> None:
        held, self._held = list(self._held), {}
        if answers and self._signs:
            self._fall_back(TOGETHER, failed=len(held))
        self._signs.clear()
        for handle in held:
            if answers:
                self._life.to_front(handle)
            else:
                self._life.let_go(handle)
        self._manager.settle()
