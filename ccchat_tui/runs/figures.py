"""The figures of a run, made again from its events alone."""

from __future__ import annotations

import copy
from dataclasses import replace
from itertools import islice
from typing import NamedTuple

from ccchat_tui.engine.counters import Tally
from ccchat_tui.engine.events import (
    EngineEvent,
    LimitsChanged,
    ModeChanged,
    Paused,
    RequestEnded,
    RequestEvent,
    RequestFirstToken,
    RequestQueued,
    RequestRejected,
    RequestRetrying,
    RequestStarted,
    Resumed,
)
from ccchat_tui.engine.request import Priority, RequestState
from ccchat_tui.engine.snapshots import user_view
from ccchat_tui.engine.stats import LimitsView, QueueSnapshot, RequestView, UserView

_MS = 1000.0


class _Living(NamedTuple):
    """A request that has not ended. It is never changed but replaced, so that copies of figures can
    share it."""

    id: str
    user: str
    session_id: str
    model: str
    priority: Priority
    sent_at: float
    state: RequestState = RequestState.QUEUED
    started_at: float | None = None
    slot_at: float = 0.0
    first_token_at: float | None = None
    attempt: int = 0
    note: str = ""


class _Share(Tally):
    """The figures of one user, with how many requests are where."""

    __slots__ = ("flying", "queued")

    def __init__(self) -> None:
        super().__init__()
        self.flying = 0
        self.queued = 0


class Figures:
    """Counts events as the engine has counted what they tell of.

    Args:
        limits: Those that the run began with.
        mode: `concurrent` or `sequential`, at the beginning.
        mode_reason: Why.
        at: The moment of the beginning.
        by_user: Whether to count for each user, too.
    """

    def __init__(
        self,
        limits: LimitsView,
        *,
        mode: str = "concurrent",
        mode_reason: str = "",
        at: float = 0.0,
        by_user: bool = True,
    ) -> None:
        self.at = at
        """The moment of the last event."""
        self.began = at
        self._limits = limits
        self._mode, self._reason = mode, mode_reason
        self._paused = False
        self._all = Tally()
        self._by_user = by_user
        self._users: dict[str, _Share] = {}
        self._flying: dict[str, _Living] = {}
        self._waiting: dict[str, _Living] = {}
        self._queued: dict[str, _Living] = {}
        self._peak = 0

    @property
    def in_flight(self) -> int:
        """How many requests hold a slot."""
        return len(self._flying)

    @property
    def queue_length(self) -> int:
        """How many are queued."""
        return len(self._queued)

    def copy(self) -> Figures:
        """Others that begin where these are; only where they do not count by user."""
        assert not self._by_user
        twin = copy.copy(self)
        twin._all = self._all.copy()
        twin._flying = dict(self._flying)
        twin._waiting = dict(self._waiting)
        twin._queued = dict(self._queued)
        return twin

    def feed(self, event: EngineEvent) -> None:
        """One more event."""
        self.at = event.at
        match event:
            case RequestEvent():
                self._request(event)
            case RequestRejected(user=user):
                for tally in self._tallies(user):
                    tally.rejected += 1
            case LimitsChanged():
                self._limits = replace(
                    self._limits,
                    max_concurrent=event.max_concurrent,
                    max_concurrent_per_user=event.max_concurrent_per_user,
                )
            case ModeChanged(mode=mode, reason=reason):
                self._mode, self._reason = mode, reason
            case Paused() | Resumed():
                self._paused = isinstance(event, Paused)
            case _:
                pass

    def snapshot(
        self, requests: int = 0, *, now: float | None = None, users: bool = True, rate: float = 0.0
    ) -> QueueSnapshot:
        """The engine as it was after the last event.

        Args:
            requests: How many rows there may be. Queued ones stand in the order in which they came
                to the queue, for no event tells in which they would be served.
            now: A moment after the last event, until which the rows have waited and run; `None`
                for that of the event.
            users: Whether to say what each user's share is.
            rate: Tokens a second, which no event tells.
        """
        tally = self._all
        return QueueSnapshot(
            at=self.at if now is None else now,
            mode=self._mode,
            mode_reason=self._reason,
            paused=self._paused,
            limits=self._limits,
            queue_length=len(self._queued),
            in_flight=len(self._flying),
            waiting_to_retry=len(self._waiting),
            peak_concurrency=self._peak,
            totals=tally.totals(),
            success_rate=tally.success_rate,
            average_processing_ms=tally.processing.average * _MS,
            p50_ms=tally.processing.quantile(0.5) * _MS,
            p95_ms=tally.processing.quantile(0.95) * _MS,
            average_wait_ms=tally.average_wait * _MS,
            average_first_token_ms=tally.average_first_token * _MS,
            tokens=tally.tokens,
            tokens_per_second=rate,
            requests=self._rows(requests, self.at if now is None else now),
            users=self._shares() if users else (),
        )

    def _shares(self) -> tuple[UserView, ...]:
        return tuple(
            user_view(user, share, share.queued, share.flying, share.tokens)
            for user, share in self._users.items()
        )

    def _rows(self, count: int, now: float) -> tuple[RequestView, ...]:
        groups = (self._flying, self._waiting, self._queued)
        found: list[RequestView] = []
        for group in groups:
            rows = islice(group.values(), max(0, count - len(found)))
            found += [_row(living, now) for living in rows]
        return tuple(found)

    def _request(self, event: RequestEvent) -> None:
        request, user = event.request_id, event.user
        if isinstance(event, RequestFirstToken) and request in self._flying:
            for tally in self._tallies(user):
                _count(event, tally, self._flying[request])
            # It keeps its place among those in flight.
            self._flying[request] = self._flying[request]._replace(
                state=RequestState.STREAMING, first_token_at=event.at
            )
            return
        living = self._take(request)
        for tally in self._tallies(user):
            _count(event, tally, living)
        if isinstance(event, RequestEnded):
            return
        if living is None:
            model, priority = "", Priority.NORMAL
            if isinstance(event, RequestQueued):
                model, priority = event.model, event.priority
            living = _Living(request, user, event.session_id, model, priority, event.at)
        share = self._users.get(user)
        match event:
            case RequestQueued():
                self._queued[request] = living._replace(state=RequestState.QUEUED)
                if share is not None:
                    share.queued += 1
                return
            case RequestRetrying(failure=failure):
                self._waiting[request] = living._replace(
                    state=RequestState.WAITING_TO_RETRY, note=failure.message
                )
                return
            case RequestStarted():
                living = living._replace(
                    state=RequestState.CONNECTING,
                    slot_at=event.at,
                    first_token_at=None,
                    attempt=event.attempt,
                    note="",
                    started_at=event.at if living.started_at is None else living.started_at,
                )
            case _:  # a log that begins in the middle of a run
                living = living._replace(state=RequestState.STREAMING, first_token_at=event.at)
        self._flying[request] = living
        if share is not None:
            share.flying += 1
        self._peak = max(self._peak, len(self._flying))

    def _take(self, request: str) -> _Living | None:
        """Take a request out of where it stands."""
        if (living := self._flying.pop(request, None)) is not None:
            if (share := self._users.get(living.user)) is not None:
                share.flying -= 1
        elif (living := self._queued.pop(request, None)) is not None:
            if (share := self._users.get(living.user)) is not None:
                share.queued -= 1
        else:
            living = self._waiting.pop(request, None)
        return living

    def _tallies(self, user: str) -> tuple[Tally, ...]:
        """Those that something of a user is counted in."""
        if not self._by_user:
            return (self._all,)
        mine = self._users.get(user)
        if mine is None:
            mine = self._users[user] = _Share()
        return self._all, mine


def _count(event: RequestEvent, tally: Tally, living: _Living | None) -> None:
    """Count it, for its user or for all."""
    match event:
        case RequestQueued():
            tally.submitted += living is None
        case RequestStarted(waited=waited) if living is None or living.started_at is None:
            tally.waits += 1
            tally.wait_sum += waited
        case RequestFirstToken(after=after):
            tally.first_tokens += 1
            tally.first_token_sum += after
        case RequestRetrying(counted=counted):
            tally.retried += counted
        case RequestEnded():
            tally.ended[event.state] += 1
            tally.tokens += event.tokens
            if event.state is RequestState.COMPLETED:
                tally.processing.add(event.duration)
        case _:
            pass


def _row(living: _Living, now: float) -> RequestView:
    started, first = living.started_at, living.first_token_at
    return RequestView(
        id=living.id,
        user=living.user,
        session_id=living.session_id,
        model=living.model,
        preview=living.id,
        state=living.state,
        priority=living.priority,
        position=None,
        waited=(now if started is None else started) - living.sent_at,
        first_token_after=None if first is None else first - living.slot_at,
        running=now - living.slot_at if living.state.in_flight else 0.0,
        tokens=0,
        tokens_per_second=0.0,
        attempt=living.attempt,
        cancelling=False,
        note=living.note,
    )
