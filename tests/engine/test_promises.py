"""The engine's promises (DESIGN.md), by random use of the real service in virtual time.

The second half breaks the engine on purpose, one promise at a time, and shows that the machine
finds each break: a check that cannot fail proves nothing.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import settings

from ccchat_tui.engine.announcer import Announcer
from ccchat_tui.engine.fallback import Fallback
from ccchat_tui.engine.guard import Fate
from ccchat_tui.engine.handle import RequestHandle
from ccchat_tui.engine.lifecycle import Lifecycle
from ccchat_tui.engine.limits import RateLimiter
from ccchat_tui.engine.manager import ChatQueueManager
from ccchat_tui.engine.request import Failure, RequestState
from ccchat_tui.engine.retry import RetryPolicy
from ccchat_tui.engine.scheduler import Scheduler, _Lane
from ccchat_tui.engine.tuner import Tuner
from tests.engine.machine import PromisesMachine
from tests.engine.steady import UNSHRUNK, run, steady

SEED = 1
"""Any other finds the same; `python -m tests.engine.long_run` tries many."""


def test_promises() -> None:
    run(PromisesMachine, SEED)


Break = Callable[[pytest.MonkeyPatch], None]


def no_limit_of_a_user(patch: pytest.MonkeyPatch) -> None:
    def can_run(self: Scheduler, line: Any) -> bool:
        while line.lanes and line.lanes[0].live == 0:
            line.lanes.popleft()
            line.stale -= 1
        return bool(line.lanes)

    patch.setattr(Scheduler, "_can_run", can_run)


def one_more_than_the_limit(patch: pytest.MonkeyPatch) -> None:
    settle = Lifecycle.settle

    def more(self: Lifecycle) -> None:
        self.limit += 1
        settle(self)
        self.limit -= 1

    patch.setattr(Lifecycle, "settle", more)


def whoever_waits_is_not_woken(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(RequestHandle, "_wake_all", lambda self: None)


def ended_twice(patch: pytest.MonkeyPatch) -> None:
    end = Lifecycle._end

    def twice(self: Lifecycle, handle: RequestHandle, *rest: Any) -> None:
        end(self, handle, *rest)
        self.announcer.post(self.announcer._posted[-1])

    patch.setattr(Lifecycle, "_end", twice)


def a_retry_is_forgotten(patch: pytest.MonkeyPatch) -> None:
    wait = Lifecycle._wait

    def forget(self: Lifecycle, handle: RequestHandle, *rest: Any) -> None:
        wait(self, handle, *rest)
        self.waiting.pop(handle, None)

    patch.setattr(Lifecycle, "_wait", forget)


def a_freed_slot_waits_for_the_next_step(patch: pytest.MonkeyPatch) -> None:
    closed = Lifecycle._closed

    def late(self: Lifecycle, handle: RequestHandle, failure: Any) -> None:
        paused, self.paused = self.paused, True
        closed(self, handle, failure)
        self.paused = paused
        asyncio.get_running_loop().call_soon(self.settle)

    patch.setattr(Lifecycle, "_closed", late)


def raising_a_limit_starts_nothing(patch: pytest.MonkeyPatch) -> None:
    set_limits = ChatQueueManager.set_limits

    def idle(self: ChatQueueManager, **limits: Any) -> None:
        paused, self._life.paused = self._life.paused, True
        set_limits(self, **limits)
        self._life.paused = paused

    patch.setattr(ChatQueueManager, "set_limits", idle)


def last_come_first_served(patch: pytest.MonkeyPatch) -> None:
    take = _Lane.take

    def last(self: _Lane) -> RequestHandle:
        self.fresh = deque(reversed(self.fresh))
        return take(self)

    patch.setattr(_Lane, "take", last)


def a_minute_by_the_clock(patch: pytest.MonkeyPatch) -> None:
    def check(self: RateLimiter, user: str) -> float:
        now = self._now()
        begun = now // 60.0 * 60.0
        used = [at for at in self._moments.get(user, ()) if at >= begun]
        return 0.0 if not self.limit or len(used) < self.limit else begun + 60.0 - now

    patch.setattr(RateLimiter, "check", check)


def tried_again_for_ever(patch: pytest.MonkeyPatch) -> None:
    decide = RetryPolicy.decide

    def always(self: RetryPolicy, attempt: int, *rest: Any) -> float | None:
        return decide(self, min(attempt, 1), *rest)

    patch.setattr(RetryPolicy, "decide", always)


def retry_after_is_not_waited_for(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(RetryPolicy, "delay", lambda self, attempt, failure: 0.1)


def tried_again_after_a_cancel(patch: pytest.MonkeyPatch) -> None:
    closed = Lifecycle._closed

    def forget(self: Lifecycle, handle: RequestHandle, failure: Any) -> None:
        if handle._stop is not None and handle.first_token_at is None:
            handle._stop = None
        closed(self, handle, failure)

    patch.setattr(Lifecycle, "_closed", forget)


def a_cancelled_one_stays_in_the_queue(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Scheduler, "remove", lambda self, handle: None)


def a_cancel_takes_the_others_too(patch: pytest.MonkeyPatch) -> None:
    def cancel(self: Lifecycle, handle: RequestHandle) -> bool:
        done = self.stop(handle)
        for other in list(self.in_flight):
            self.stop(other)
        self.settle()
        return done

    patch.setattr(Lifecycle, "cancel_handle", cancel)


def lowering_a_limit_stops_the_newest(patch: pytest.MonkeyPatch) -> None:
    set_limits = ChatQueueManager.set_limits

    def cut(self: ChatQueueManager, **limits: Any) -> None:
        set_limits(self, **limits)
        for handle in list(self._life.in_flight)[self._life.limit :]:
            self._life.stop(handle)

    patch.setattr(ChatQueueManager, "set_limits", cut)


def a_listener_is_heard_out(patch: pytest.MonkeyPatch) -> None:
    def deliver(self: Announcer) -> None:
        while self._posted:
            event = self._posted.popleft()
            for listener in tuple(self._listeners.values()):
                listener(event)

    patch.setattr(Announcer, "deliver", deliver)


def ended_requests_are_watched_on(patch: pytest.MonkeyPatch) -> None:
    end = Lifecycle._end

    def leave(self: Lifecycle, handle: RequestHandle, *rest: Any) -> None:
        watched = handle._watch_at
        end(self, handle, *rest)
        if watched is not None:
            self.watchdog._live += 1

    patch.setattr(Lifecycle, "_end", leave)


def the_fallback_does_not_come_back(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Fallback, "_arm_rise", lambda self: None)


def the_fallback_puts_nothing_back(patch: pytest.MonkeyPatch) -> None:
    failed = Fallback.attempt_failed

    def drop(self: Fallback, *args: Any, **options: Any) -> Fate:
        fate = failed(self, *args, **options)
        return Fate.USUAL if fate is Fate.FRONT else fate

    patch.setattr(Fallback, "attempt_failed", drop)


def run_again_though_it_was_whole(patch: pytest.MonkeyPatch) -> None:
    closed = Lifecycle._closed

    def again(self: Lifecycle, handle: RequestHandle, failure: Failure | None) -> None:
        if handle.stats is not None and handle._company and not handle._requeues:
            handle.stats, handle.state, handle.first_token_at = None, RequestState.CONNECTING, None
            handle.parts.clear()
            failure = Failure("busy", "so it says", retryable=True, overload=True)
        closed(self, handle, failure)

    patch.setattr(Lifecycle, "_closed", again)


def it_looks_on_while_nothing_lives(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Tuner, "_end_looks", lambda self: None)


BREAKS: dict[Break, str] = {
    no_limit_of_a_user: "1:",
    one_more_than_the_limit: "1:",
    ended_twice: "2:",
    whoever_waits_is_not_woken: "2:",
    a_retry_is_forgotten: "3:",
    a_freed_slot_waits_for_the_next_step: "4:",
    raising_a_limit_starts_nothing: "4:",
    last_come_first_served: "5:",
    a_minute_by_the_clock: "6:",
    tried_again_for_ever: "7:",
    retry_after_is_not_waited_for: "7:",
    tried_again_after_a_cancel: "2:",
    a_cancelled_one_stays_in_the_queue: "3:|IndexError|StopIteration",
    a_cancel_takes_the_others_too: "8:",
    lowering_a_limit_stops_the_newest: "9:",
    a_listener_is_heard_out: "3:|ZeroDivisionError",
    ended_requests_are_watched_on: "10:",
    it_looks_on_while_nothing_lives: "10:",
    the_fallback_does_not_come_back: "11:",
    the_fallback_puts_nothing_back: "11:",
    run_again_though_it_was_whole: "7:",
}
"""Each break, and what the machine says of it (the number is the promise's)."""


def test_each_promise_is_broken_at_least_once() -> None:
    broken = {int(words.partition(":")[0]) for words in BREAKS.values()}
    assert broken == set(range(1, 12))


@pytest.mark.parametrize("break_it", BREAKS, ids=lambda value: value.__name__)
def test_the_machine_finds_a_break(monkeypatch: pytest.MonkeyPatch, break_it: Break) -> None:
    break_it(monkeypatch)
    try:
        run(PromisesMachine, SEED, settings(steady, phases=UNSHRUNK))
    except Exception as found:
        said = f"{type(found).__name__}: {found}"
    else:
        said = "nothing"
    assert any(words in said for words in BREAKS[break_it].split("|")), said
