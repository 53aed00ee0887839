"""What becomes of an accepted request, step by step, until its one end.

Everything here happens in steps of the event loop. A step (a submission, a cancel, the end of
what ran, a moment that has come) changes what it changes and then calls `settle`, which gives
free slots to whoever waits and tells the listeners. Between two steps no slot is free that
somebody may have.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable

from ccchat_tui.clock import Later
from ccchat_tui.engine.announcer import Announcer
from ccchat_tui.engine.counters import Counters
from ccchat_tui.engine.deadlines import next_look, overdue, timed_out
from ccchat_tui.engine.flights import CANCELLED, Flights, Runner
from ccchat_tui.engine.guard import Fate, Guard
from ccchat_tui.engine.handle import RequestHandle
from ccchat_tui.engine.history import QueueHistory
from ccchat_tui.engine.limits import EngineSettings, RollingCount
from ccchat_tui.engine.request import ChatRequest, Failure, RequestState
from ccchat_tui.engine.retry import RetryPolicy
from ccchat_tui.engine.scheduler import Scheduler
from ccchat_tui.engine.watchdog import Watchdog

TOKENS_SECONDS = 5.0
"""Tokens a second are counted over so many seconds."""

TRUNCATED = Failure(
    "truncated", "The reply was cut off: it ended without its end mark", retryable=True
)

_QUEUED, _CONNECTING, _STREAMING, _WAITING = (
    RequestState.QUEUED,
    RequestState.CONNECTING,
    RequestState.STREAMING,
    RequestState.WAITING_TO_RETRY,
)


class Lifecycle:
    """Every living request and where it stands.

    Args:
        runner: Runs one attempt.
        settings: The limits in time.
        now: The clock, in seconds.
        retry: What is tried again, and when.
        later: The timers that go with the clock.
    """

    def __init__(
        self,
        runner: Runner,
        settings: EngineSettings,
        now: Callable[[], float],
        retry: RetryPolicy,
        later: Later,
    ) -> None:
        self.now = now
        self.later = later
        self.settings = settings
        self.retry = retry
        self.guard: Guard | None = None
        self.watcher: Callable[[int], None] | None = None
        """Told at the end of every step how many are in flight."""
        self.limit = settings.max_concurrent
        """Requests in flight at once, as it is in force."""
        self.paused = False
        self.living: dict[str, RequestHandle] = {}
        self.flights = Flights(runner, self._closed)
        self.in_flight = self.flights.tasks
        """What holds a slot, in the order of the starts, and the task that runs it."""
        self.waiting: dict[RequestHandle, None] = {}
        """What waits to be tried again."""
        self.queue = Scheduler(settings.max_concurrent_per_user, settings.user_weights)
        self.counters = Counters()
        self.history = QueueHistory(now)
        self.announcer = Announcer()
        self.watchdog = Watchdog(now, self._due, self.settle, later)
        self.tokens = 0
        """Tokens of all requests so far."""
        self.corrections = 0
        """How many of these came in no piece, but were found missing at an end."""
        self.token_rate = RollingCount(TOKENS_SECONDS, 10)
        self._seq = 0
        self._emptied: list[asyncio.Future[None]] = []

    # Steps --------------------------------------------------------------------------------

    def bind(self) -> None:
        """Take the running loop, unless it is the one in use."""
        context = self.flights.bind()
        if context is not None:
            self.watchdog.stop()
            self.watchdog.bind(context)

    def admit(self, request: ChatRequest) -> RequestHandle:
        """Accept a request. The caller has bound a loop, and settles."""
        now = self.now()
        self._seq += 1
        handle = RequestHandle(self, request, now, self._seq)
        self.living[request.id] = handle
        self.counters.submitted(request.user)
        self._enqueue(handle, now)
        return handle

    def settle(self) -> None:
        """The end of every step: hand out free slots, and tell what happened."""
        in_flight, queue = self.in_flight, self.queue
        if not self.paused:
            while queue.queued and len(in_flight) < self.limit:
                handle = queue.pop()
                if handle is None:
                    break
                self._start(handle)
        self.history.levels(self.now(), len(in_flight), queue.queued)
        if self.watcher is not None:
            self.watcher(len(in_flight))
        self.announcer.deliver()

    def cancel_handle(self, handle: RequestHandle) -> bool:
        """Stop a request and settle. See `RequestHandle.cancel`."""
        done = self.stop(handle)
        self.settle()
        return done

    def stop(self, handle: RequestHandle) -> bool:
        """Stop a request; the caller settles."""
        if handle.ended or handle.stats is not None:
            return False
        if not handle.state.in_flight:
            self._end(handle, RequestState.CANCELLED, CANCELLED, self.now())
            return True
        if handle._stop is not None:
            if handle._stop[0] is not RequestState.FAILED or handle.first_token_at is not None:
                return False
            # It was about to be tried again, which is not wanted any more.
            handle._stop = (RequestState.CANCELLED, CANCELLED)
            return True
        self._interrupt(handle, RequestState.CANCELLED, CANCELLED)
        return True

    async def emptied(self) -> None:
        """Wait until nothing lives any more."""
        while self.living:
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._emptied.append(waiter)
            try:
                await waiter
            finally:
                if waiter in self._emptied:
                    self._emptied.remove(waiter)

    def abandon(self, handle: RequestHandle) -> None:
        """End a request whose runner does not close, for the engine is closing."""
        if self.in_flight.pop(handle, None) is not None:
            self.queue.release(handle.request.user)
            self._end(handle, RequestState.CANCELLED, CANCELLED, self.now())

    # What a handle tells ------------------------------------------------------------------

    def first_token(self, handle: RequestHandle, now: float) -> None:
        """The first piece is about to be kept."""
        handle._move(_STREAMING)
        handle.first_token_at = now
        after = now - handle._slot_at
        self.counters.first_token(handle.request.user, after)
        if handle._stop is None:
            self.watchdog.watch(handle, next_look(handle, self.settings))
        if self.announcer.heard:
            self.announcer.first_token(handle, now)
            self.announcer.deliver()

    def count_token(self, now: float) -> None:
        """One more piece came."""
        self.tokens += 1
        self.token_rate.add(now)
        history = self.history
        if now >= history.edge:
            history.roll(now)
        history.tokens += 1

    def correct_tokens(self, difference: int) -> None:
        """The server's own count differs by so much from the pieces that were counted."""
        self.tokens += difference
        self.corrections += difference

    # What a guard decides -----------------------------------------------------------------

    def to_front(self, handle: RequestHandle) -> None:
        """Queue a held request again before everything else; the caller settles."""
        handle._held = False
        assert handle.failure is not None
        self._put_back(handle, handle.failure, self.now())

    def let_go(self, handle: RequestHandle) -> None:
        """A held request goes the usual way after all; the caller settles."""
        handle._held = False
        failure = handle.failure
        assert failure is not None
        now = self.now()
        delay = self.retry.decide(handle.attempt, failure, now, handle._deadline)
        if delay is None:
            self._end(handle, RequestState.FAILED, failure, now)
        else:
            self.counters.retried(handle.request.user)
            self._wait(handle, failure, delay, now, counted=True)

    # Within -------------------------------------------------------------------------------

    def _enqueue(self, handle: RequestHandle, now: float) -> None:
        """Put a request that is in no table into the queue."""
        if handle.state is not _QUEUED:
            handle._move(_QUEUED)
        handle._retry_at = None
        self.queue.push(handle)
        if handle.attempt or handle._front or self.settings.queue_timeout is not None:
            self.watchdog.watch(handle, next_look(handle, self.settings))
        if self.announcer.heard:
            self.announcer.queued(handle, now)

    def _start(self, handle: RequestHandle) -> None:
        """Give a request that was taken out of the queue its slot."""
        now = self.now()
        request = handle.request
        handle._move(_CONNECTING)
        if handle._deadline is not None and handle._deadline <= now:
            # A further attempt whose time ran out in this very moment, before it was looked at.
            self.queue.release(request.user)
            self._end(handle, *timed_out(handle, self.settings), now)
            return
        handle.attempt += 1
        handle.failure = None
        handle._front = False
        handle._slot_at = handle._last_at = now
        if handle.started_at is None:
            handle.started_at = now
        if handle.attempt == 1 and not handle._requeues:
            self.counters.started(request.user, now - handle.submitted_at)
            self.history.waited(now, now - handle.submitted_at)
            self.retry.budget.request(now)
        if handle._deadline is None:
            handle._deadline = now + (request.timeout or self.settings.timeout)
        self.flights.launch(handle)
        self.counters.peak = max(self.counters.peak, len(self.in_flight))
        self.watchdog.watch(handle, next_look(handle, self.settings))
        if self.announcer.heard:
            self.announcer.started(handle, now)

    def _closed(self, handle: RequestHandle, failure: Failure | None) -> None:
        """What ran an attempt has closed: its slot is free, and it is clear what comes next."""
        if self.in_flight.pop(handle, None) is None:
            return  # abandoned
        now = self.now()
        self.queue.release(handle.request.user)
        stop, handle._stop = handle._stop, None
        if handle.stats is not None and (stop is None or stop[0] is not RequestState.CANCELLED):
            self._end(handle, RequestState.COMPLETED, None, now)
        elif stop is not None and stop[0] is not RequestState.FAILED:
            self._end(handle, stop[0], stop[1], now)
        else:
            self._failed(handle, (stop and stop[1]) or failure or TRUNCATED, now)
        self.settle()

    def _failed(self, handle: RequestHandle, failure: Failure, now: float) -> None:
        """An attempt failed, and nobody wants the request stopped."""
        shown = handle.first_token_at is not None
        fate = Fate.USUAL
        if self.guard is not None:
            fate = self.guard.attempt_failed(handle, failure, shown=shown)
        if shown:
            self._end(handle, RequestState.FAILED, failure, now)
        elif fate is Fate.HOLD:
            handle._held = True
            self._wait(handle, failure, self.settings.fallback_window, now)
            handle._retry_at = None
            self.watchdog.watch(handle, next_look(handle, self.settings))
        elif fate is Fate.FRONT:
            self._put_back(handle, failure, now)
        else:
            delay = self.retry.decide(handle.attempt, failure, now, handle._deadline)
            if delay is None:
                self._end(handle, RequestState.FAILED, failure, now)
            else:
                self.counters.retried(handle.request.user)
                self._wait(handle, failure, delay, now, counted=True)

    def _put_back(self, handle: RequestHandle, failure: Failure, now: float) -> None:
        """Begin again as if the attempt had not been: at the front, and with all its time."""
        pause = self.retry.delay(1, failure) if failure.retry_after else 0.0
        if pause >= (handle.request.timeout or self.settings.timeout):
            # The server asks for more than all the time it has, and no fallback changes that.
            self._end(handle, RequestState.FAILED, failure, now)
            return
        handle.attempt -= 1
        handle._requeues += 1
        handle._front = True
        handle._deadline = None
        handle.started_at = None
        if pause:
            self._wait(handle, failure, pause, now)
        else:
            self.waiting.pop(handle, None)
            self._enqueue(handle, now)

    def _wait(
        self,
        handle: RequestHandle,
        failure: Failure,
        delay: float,
        now: float,
        *,
        counted: bool = False,
    ) -> None:
        """Let a request wait, without a slot, until it is queued again."""
        if handle.state is not _WAITING:
            handle._move(_WAITING)
            handle.cancelling = False
        handle.failure = failure
        handle._retry_at = now + delay
        self.waiting[handle] = None
        self.watchdog.watch(handle, next_look(handle, self.settings))
        if self.announcer.heard:
            self.announcer.retrying(handle, failure, delay, now, counted=counted)

    def _due(self, handle: RequestHandle, now: float) -> float:
        """A moment has come that a request was to be looked at. Returns the next one."""
        if handle._stop is not None:
            return math.inf
        verdict = overdue(handle, self.settings, now)
        if verdict is None:
            if handle._retry_at is None or handle._retry_at > now:
                return next_look(handle, self.settings)
            del self.waiting[handle]
            self._enqueue(handle, now)
        elif not handle.state.in_flight:
            self._end(handle, *verdict, now)
        elif handle.stats is not None:
            # The reply is whole; only what ran it does not close.
            self._interrupt(handle, RequestState.COMPLETED, None)
        else:
            self._interrupt(handle, *verdict)
        return math.inf

    def _interrupt(self, handle: RequestHandle, state: RequestState, why: Failure | None) -> None:
        """Have what runs a request close. Its task is cancelled once and never again."""
        handle._stop = (state, why)
        handle.cancelling = state is not RequestState.COMPLETED
        self.watchdog.forget(handle)
        self.flights.stop(handle)

    def _end(
        self, handle: RequestHandle, state: RequestState, failure: Failure | None, now: float
    ) -> None:
        """Reach the one terminal state."""
        before = handle.state
        handle._move(state)
        handle.failure = failure
        handle.ended_at = now
        handle.cancelling = False
        del self.living[handle.request.id]
        if before is _QUEUED:
            self.queue.remove(handle)
        elif before is _WAITING:
            del self.waiting[handle]
            if handle._held and self.guard is not None:
                handle._held = False
                self.guard.forget(handle)
        self.watchdog.forget(handle)
        self.counters.ended(handle, now)
        if self.announcer.heard:
            self.announcer.ended(handle, now)
        handle._wake_all()
        if not self.living and self._emptied:
            for waiter in self._emptied:
                if not waiter.done():
                    waiter.set_result(None)
