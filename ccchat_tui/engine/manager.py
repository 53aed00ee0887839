"""The queue manager: what the rest of the program asks of the engine.

It knows no model server: what runs a request is passed in. What becomes of a request once it is
accepted is in `lifecycle`; here are the door, the limits, and the ways to stop.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from ccchat_tui.clock import Clock, SystemClock, timers_of
from ccchat_tui.engine.checks import user_of, wrong_in
from ccchat_tui.engine.events import (
    EngineEvent,
    LimitsChanged,
    ModeChanged,
    Paused,
    RequestRejected,
    Resumed,
)
from ccchat_tui.engine.flights import Runner
from ccchat_tui.engine.guard import Guard
from ccchat_tui.engine.handle import RequestHandle
from ccchat_tui.engine.history import QueueHistory
from ccchat_tui.engine.lifecycle import Lifecycle
from ccchat_tui.engine.limits import EngineSettings, RateLimiter, check_limit
from ccchat_tui.engine.request import ChatRequest, Rejected
from ccchat_tui.engine.retry import RetryPolicy
from ccchat_tui.engine.snapshots import take_snapshot
from ccchat_tui.engine.stats import QueueSnapshot

if TYPE_CHECKING:
    from ccchat_tui.engine.tuner import Tuner

BY_CONFIGURATION = "by configuration"
"""Why requests run one at a time where the settings say so."""


class ChatQueueManager:
    """Takes requests, and runs as many at once as the limits allow.

    Everything but `drain` and `aclose` is done when it returns, waits for nothing, and belongs to
    the thread of the event loop.

    Args:
        runner: Runs one attempt; see `Runner`.
        settings: The limits.
        clock: Where the time comes from; its seconds must be those of the event loop's
            timers, unless it has timers of its own (`HasTimers`).
        rng: Where the jitter of retries comes from.
    """

    def __init__(
        self,
        runner: Runner,
        settings: EngineSettings | None = None,
        *,
        clock: Clock | None = None,
        rng: random.Random | None = None,
    ) -> None:
        self.settings = settings or EngineSettings()
        self._now = (clock or SystemClock()).monotonic
        self._rate = RateLimiter(self.settings.requests_per_minute, self._now)
        retry = RetryPolicy(
            self.settings.retry_attempts,
            self.settings.retry_base,
            self.settings.retry_cap,
            rng or random.Random(),
        )
        self._life = Lifecycle(runner, self.settings, self._now, retry, timers_of(clock))
        self._wanted = self.settings.max_concurrent
        self._user_limit = self.settings.max_concurrent_per_user
        self._cap: int | None = None
        self._reason = ""
        self._tuner: Tuner | None = None
        self._draining = False
        if not self.settings.concurrent:
            self._cap, self._reason = 1, BY_CONFIGURATION
            self._life.limit = 1

    # Requests -----------------------------------------------------------------------------

    def submit(self, request: ChatRequest) -> RequestHandle:
        """Take a request, and start it at once if it may run.

        Raises:
            Rejected: It was not taken; it says why and when to try again.
            RuntimeError: If no event loop runs.
        """
        life = self._life
        life.bind()
        refusal = self._refusal(request)
        if refusal is not None:
            user = user_of(request)
            life.counters.rejected(user)
            if life.announcer.heard:
                life.announcer.post(
                    RequestRejected(
                        self._now(),
                        user,
                        refusal.reason,
                        refusal.message,
                        refusal.retry_after,
                    )
                )
                life.announcer.deliver()
            raise refusal
        self._rate.record(request.user)
        handle = life.admit(request)
        life.settle()
        return handle

    def find(self, request_id: str) -> RequestHandle | None:
        """The living request of this id."""
        return self._life.living.get(request_id)

    def cancel(self, request_id: str) -> bool:
        """Cancel a request wherever it stands. See `RequestHandle.cancel`; false if none lives."""
        handle = self._life.living.get(request_id)
        return handle is not None and self._life.cancel_handle(handle)

    def cancel_user(self, user: str) -> list[str]:
        """Cancel everything of one user. Returns the ids of what this call cancelled."""
        life = self._life
        elsewhere = [h for table in (life.waiting, life.in_flight) for h in table]
        return self._cancel(
            [*life.queue.of_user(user), *(h for h in elsewhere if h.request.user == user)]
        )

    def cancel_all(self) -> list[str]:
        """Cancel everything. Returns the ids of what this call cancelled."""
        return self._cancel(list(self._life.living.values()))

    # The queue as a whole -----------------------------------------------------------------

    def pause(self) -> None:
        """Start nothing until `resume`; what runs runs on."""
        if not self._life.paused:
            self._life.paused = True
            self._tell(Paused(self._now()))

    def resume(self) -> None:
        """Start queued requests again."""
        if self._life.paused:
            self._life.paused = False
            self._tell(Resumed(self._now()))

    def set_limits(
        self, *, max_concurrent: int | None = None, max_concurrent_per_user: int | None = None
    ) -> None:
        """Change limits. Lowering one stops nothing; raising one starts what waits at once.

        Raises:
            ValueError: A limit is below 1 or no whole number; then nothing has changed.
        """
        if max_concurrent is not None:
            check_limit("max_concurrent", max_concurrent)
        if max_concurrent_per_user is not None:
            check_limit("max_concurrent_per_user", max_concurrent_per_user)
        before = (self._life.limit, self._user_limit)
        if max_concurrent is not None:
            self._wanted = max_concurrent
        if max_concurrent_per_user is not None:
            self._user_limit = max_concurrent_per_user
            self._life.queue.set_user_limit(max_concurrent_per_user)
        self._apply(before)
        self.settle()

    def set_wanted(self, limit: int) -> None:
        """Set the limit for all in the middle of a step; the caller settles."""
        before = (self._life.limit, self._user_limit)
        self._wanted = limit
        self._apply(before)

    def set_cap(self, cap: int | None, reason: str = "") -> None:
        """Hold the limit down, whatever it was set to; `None` lifts that. The caller settles, for
        this may happen in the middle of a step.

        Args:
            cap: At most so many at once. A cap of 1 is the sequential mode.
            reason: Why, as the snapshot's `mode_reason` says it.
        """
        if self._reason == BY_CONFIGURATION:
            return
        before, mode = (self._life.limit, self._user_limit), self.mode
        self._cap, self._reason = cap, reason if cap == 1 else ""
        if self.mode != mode:
            self._life.announcer.post(ModeChanged(self._now(), self.mode, self._reason))
        self._apply(before)

    def settle(self) -> None:
        """End a step: hand out free slots, and tell what happened."""
        self._life.settle()

    @property
    def mode(self) -> str:
        """`concurrent` or `sequential`."""
        return "sequential" if self._cap == 1 else "concurrent"

    @property
    def limit(self) -> int:
        """The limit for all that is in force."""
        return self._life.limit

    @property
    def wanted_limit(self) -> int:
        """The limit for all that was set; a cap may hold it down."""
        return self._wanted

    @property
    def capped(self) -> bool:
        """Whether something holds the limit for all down."""
        return self._cap is not None

    @property
    def draining(self) -> bool:
        """Whether new requests are refused for good."""
        return self._draining

    @property
    def history(self) -> QueueHistory:
        """The last minutes."""
        return self._life.history

    @property
    def life(self) -> Lifecycle:
        """The tables themselves, for a guard and for tests."""
        return self._life

    def guard_with(self, guard: Guard) -> None:
        """Have a guard asked about every failed attempt."""
        self._life.guard = guard

    def tune_with(self, tuner: Tuner) -> None:
        """Have snapshots say what a tuner has found."""
        self._tuner = tuner

    def snapshot(self, requests: int | None = None, *, users: bool = True) -> QueueSnapshot:
        """The engine at this moment.

        Args:
            requests: How many rows of living requests there may be; `None` for all.
            users: Whether to say what each user's share is.
        """
        return take_snapshot(
            self._life,
            mode=self.mode,
            mode_reason=self._reason,
            user_limit=self._user_limit,
            adaptive=None if self._tuner is None else self._tuner.view(),
            requests=requests,
            users=users,
        )

    def subscribe(self, listener: Callable[[EngineEvent], None]) -> Callable[[], None]:
        """Have a listener told of every event. Returns what ends that. See `Announcer`."""
        return self._life.announcer.subscribe(listener)

    # Ending -------------------------------------------------------------------------------

    async def drain(self) -> None:
        """Refuse new requests from now on, and wait until all that were taken have ended.

        A paused queue stays paused, and then this waits for `resume`. A cancel ends the waiting
        and nothing else.
        """
        self._draining = True
        await self._life.emptied()

    async def aclose(self) -> None:
        """Refuse new requests, cancel all, and wait until what ran has closed.

        What does not close within the settings' `close_grace` is cancelled once more, and given up
        after the same time again. Harmless when called twice.
        """
        self._draining = True
        self.cancel_all()
        for again in (False, True):
            running = list(self._life.in_flight.values())
            if not running:
                break
            if again:
                for task in running:
                    task.cancel()
            await asyncio.wait(running, timeout=self.settings.close_grace)
        for handle in list(self._life.in_flight):
            self._life.abandon(handle)
        self._life.settle()
        self._life.watchdog.stop()

    # Within -------------------------------------------------------------------------------

    def _refusal(self, request: ChatRequest) -> Rejected | None:
        """Why a request is not taken."""
        life, limits = self._life, self.settings
        if self._draining:
            return Rejected("draining", "The engine is closing and takes no more requests")
        if wrong := wrong_in(request):
            return Rejected("invalid", f"This request cannot be taken: {wrong}")
        if request.id in life.living:
            return Rejected("invalid", f"A request with the id {request.id!r} is under way already")
        if limits.max_queue and life.queue.queued >= limits.max_queue:
            running = life.queue.counts(request.user)[1]
            free = not life.paused and len(life.in_flight) < life.limit
            if not free or running >= self._user_limit:
                waiting = life.queue.queued
                told = "1 request is" if waiting == 1 else f"{waiting} requests are"
                return Rejected(
                    "queue_full",
                    f"{told} waiting, and no more are taken; "
                    "wait until some have ended, or cancel some",
                )
        wait = self._rate.check(request.user)
        if wait > 0:
            many = limits.requests_per_minute
            return Rejected(
                "rate_limited",
                f"{request.user} has sent {many} request{'s'[: many != 1]} within a minute, "
                f"and no more are allowed; try again in {math.ceil(wait)} s",
                retry_after=wait,
            )
        return None

    def _cancel(self, handles: Iterable[RequestHandle]) -> list[str]:
        stopped = [handle.id for handle in handles if self._life.stop(handle)]
        self._life.settle()
        return stopped

    def _apply(self, before: tuple[int, int]) -> None:
        """Put limits in force, and say so if they have changed."""
        self._life.limit = self._wanted if self._cap is None else min(self._wanted, self._cap)
        after = (self._life.limit, self._user_limit)
        if after != before:
            self._life.announcer.post(LimitsChanged(self._now(), *after))

    def _tell(self, event: EngineEvent) -> None:
        self._life.announcer.post(event)
        self.settle()
