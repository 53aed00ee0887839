"""Watches an engine from outside and holds it to its promises, event by event.

It believes nothing that the engine says of itself: from the order of the events it keeps books of
its own, and compares.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from ccchat_tui.engine.events import (
    EngineEvent,
    LimitsChanged,
    ModeChanged,
    Paused,
    RequestEnded,
    RequestFirstToken,
    RequestQueued,
    RequestRejected,
    RequestRetrying,
    RequestStarted,
    Resumed,
)
from ccchat_tui.engine.handle import RequestHandle
from ccchat_tui.engine.limits import MINUTE, EngineSettings
from ccchat_tui.engine.request import Priority, RequestState
from ccchat_tui.engine.service import ConcurrentChatService


@dataclass
class Known:
    """What the auditor knows of one request."""

    user: str
    number: int
    priority: Priority
    place: str = "queued"
    attempts: int = 0
    requeues: int = 0
    shown: bool = False
    company: bool = False
    cancelled: bool = False
    slot_at: float | None = None
    not_before: float = 0.0
    ended: RequestState | None = None
    timeout: float = 0.0


@dataclass
class Auditor:
    """Subscribes to a service; every broken promise raises `AssertionError` at `check`."""

    service: ConcurrentChatService
    settings: EngineSettings
    handles: dict[str, RequestHandle] = field(default_factory=dict)
    known: dict[str, Known] = field(default_factory=dict)
    accepted: dict[str, list[float]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    totals: Counter[str] = field(default_factory=Counter)
    mode: str = "concurrent"
    limit: int = 0
    user_limit: int = 0
    highest: int = 0
    """The highest limit that ever was in force."""
    paused: bool = False

    def __post_init__(self) -> None:
        seen = self.service.snapshot(0)
        self.mode, self.limit = seen.mode, seen.limits.max_concurrent
        self.user_limit = seen.limits.max_concurrent_per_user
        self.highest = self.limit
        self.service.subscribe(self.told)

    def check(self) -> None:
        """Raise what was found, and look at the whole once more."""
        self._look()
        assert not self.faults, "\n".join(self.faults)

    # Each event ---------------------------------------------------------------------------

    def told(self, event: EngineEvent) -> None:
        """One event; nothing that is found here is raised here, for the engine would swallow it."""
        try:
            self._enter(event)
            self._look()
        except Exception as fault:
            self.faults.append(f"{fault}; {type(fault).__name__} at {event}")

    def _enter(self, event: EngineEvent) -> None:
        match event:
            case RequestQueued():
                self._queued(event)
            case RequestStarted():
                self._started(event)
            case RequestFirstToken():
                entry = self.known[event.request_id]
                assert entry.place == "in flight", "a token without a slot"
                assert not entry.shown, "two first tokens"
                entry.shown = True
            case RequestRetrying():
                entry = self.known[event.request_id]
                assert entry.place in ("in flight", "waiting")
                assert not entry.shown, "7: tried again after the first token"
                assert not entry.cancelled, "7: tried again after a cancel"
                entry.place = "waiting"
                entry.not_before = event.at + (event.failure.retry_after or 0.0)
            case RequestEnded():
                self._ended(event)
            case RequestRejected():
                self.totals["rejected"] += 1
                self._refused(event)
            case LimitsChanged():
                self.limit, self.user_limit = event.max_concurrent, event.max_concurrent_per_user
                self.highest = max(self.highest, self.limit)
            case ModeChanged():
                self.mode = event.mode
            case Paused():
                self.paused = True
            case Resumed():
                self.paused = False
            case _:
                raise AssertionError(f"an event nobody knows: {event}")

    def _queued(self, event: RequestQueued) -> None:
        entry = self.known.get(event.request_id)
        if entry is None:
            number = len(self.known)
            entry = Known(event.user, number, event.priority, timeout=self.settings.timeout)
            self.known[event.request_id] = entry
            self.totals["submitted"] += 1
            times = self.accepted.setdefault(event.user, [])
            times.append(event.at)
            allowed = self.settings.requests_per_minute
            within = [at for at in times if at > event.at - MINUTE]
            assert not allowed or len(within) <= allowed, f"6: {len(within)} in a minute"
            return
        assert entry.ended is None, "2: queued after its end"
        assert not entry.shown, "7: queued again after the first token"
        assert not entry.cancelled, "7: queued again after a cancel"
        assert entry.place in ("in flight", "waiting")
        if event.attempt < entry.attempts:
            entry.attempts = event.attempt
            entry.requeues += 1
            entry.slot_at = None
            assert entry.requeues <= 1, "11: put back at the front twice"
        entry.place = "queued"

    def _started(self, event: RequestStarted) -> None:
        entry = self.known[event.request_id]
        assert entry.place == "queued", f"2: started while {entry.place}"
        running = self._at("in flight")
        assert len(running) < self.limit, f"1: {len(running)} run, the limit is {self.limit}"
        assert self.mode != "sequential" or not running, "1: two at once in sequential mode"
        mine = [each for each in running if each.user == entry.user]
        assert len(mine) < self.user_limit, f"1: {len(mine)} of {entry.user} run"
        assert not self.paused, "started while paused"
        entry.attempts += 1
        assert event.attempt == entry.attempts
        if entry.attempts == 1 and not entry.requeues:
            for other in self._at("queued"):
                same = (other.user, other.priority) == (entry.user, entry.priority)
                assert not same or other.number >= entry.number, "5: overtaken by a later one"
        if entry.slot_at is None:
            entry.slot_at = event.at
        assert event.at < entry.slot_at + entry.timeout, "7: started past its deadline"
        assert event.at >= entry.not_before, "7: started before Retry-After was over"
        assert entry.attempts <= 1 + self.settings.retry_attempts, "7: beyond the attempts"
        entry.company = bool(running)
        for other in running:
            other.company = True
        entry.place = "in flight"

    def _ended(self, event: RequestEnded) -> None:
        entry = self.known[event.request_id]
        assert entry.ended is None, "2: ended twice"
        assert event.state.ended
        failure = event.failure
        assert (failure is None) == (event.state is RequestState.COMPLETED), (
            "2: it does not say why"
        )
        assert not entry.cancelled or event.state is RequestState.CANCELLED, "2: not as cancelled"
        if failure is not None and failure.overload and event.state is RequestState.FAILED:
            could_be_put_back = entry.company and not entry.shown and not entry.requeues
            assert not could_be_put_back or not self.settings.concurrent, "11: lost in the fallback"
        entry.ended = event.state
        entry.place = "ended"
        self.totals[event.state.value] += 1

    def _refused(self, event: RequestRejected) -> None:
        if event.reason != "rate_limited":
            return
        allowed = self.settings.requests_per_minute
        within = [at for at in self.accepted.get(event.user, ()) if at > event.at - MINUTE]
        assert 0 < allowed <= len(within), "6: refused though the minute had room"
        assert event.retry_after is not None, "6: a refusal that does not say when"
        oldest = within[-allowed]
        assert abs(event.at + event.retry_after - (oldest + MINUTE)) < 1e-6, "6: a wrong moment"

    # The whole ----------------------------------------------------------------------------

    def _at(self, place: str) -> list[Known]:
        return [entry for entry in self.known.values() if entry.place == place]

    def _look(self) -> None:
        """The engine's state at this moment, between two steps."""
        seen = self.service.snapshot(None)
        totals = seen.totals
        ended = totals.completed + totals.failed + totals.cancelled + totals.timed_out
        there = seen.queue_length + seen.in_flight + seen.waiting_to_retry
        assert totals.submitted == there + ended, f"3: {totals.submitted} != {there} + {ended}"
        assert len(seen.requests) == there, "3: the rows are not the requests that live"
        assert len({row.id for row in seen.requests}) == there, "3: a row is there twice"
        for mine in seen.users:
            gone = mine.totals
            mine_ended = gone.completed + gone.failed + gone.cancelled + gone.timed_out
            assert gone.submitted >= mine_ended + mine.queue_length + mine.in_flight
        if seen.paused:
            return
        running = Counter(row.user for row in seen.requests if row.state.in_flight)
        if seen.in_flight < seen.limits.max_concurrent:
            for row in seen.requests:
                may = running[row.user] < seen.limits.max_concurrent_per_user
                assert row.state is not RequestState.QUEUED or not may, f"4: {row.id} could run"

    def finally_(self) -> None:
        """Everything has ended: the books must agree with the engine's."""
        self.check()
        totals = self.service.snapshot(0).totals
        assert all(entry.ended for entry in self.known.values()), "2: something never ended"
        for name in ("submitted", "completed", "failed", "cancelled", "timed_out", "rejected"):
            assert getattr(totals, name) == self.totals[name], f"3: {name}"
        for request_id, handle in self.handles.items():
            assert handle.state is self.known[request_id].ended, "2: a handle says another end"
