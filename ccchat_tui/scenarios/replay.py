"""The figures of a run, made again from its events alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

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
from ccchat_tui.engine.request import RequestState
from ccchat_tui.engine.stats import LimitsView, QueueSnapshot, UserView
from ccchat_tui.event_log.reader import Begin, End, Lost, read_log
from ccchat_tui.scenarios.report import Report, make_report
from ccchat_tui.scenarios.watch import UserWatch

_MS = 1000.0
_QUEUED, _FLYING, _WAITING = (
    RequestState.QUEUED,
    RequestState.CONNECTING,
    RequestState.WAITING_TO_RETRY,
)


class Replay:
    """Counts events as the engine has counted what they tell of.

    Args:
        limits: Those that the run began with.
        mode: `concurrent` or `sequential`, at the beginning.
        mode_reason: Why.
        names: The users, in the order in which they are to be told of.
        at: The moment of the beginning.
    """

    def __init__(
        self,
        limits: LimitsView,
        *,
        mode: str = "concurrent",
        mode_reason: str = "",
        names: Iterable[str] = (),
        at: float = 0.0,
    ) -> None:
        self.at = at
        """The moment of the last event."""
        self.began = at
        self._limits = limits
        self._mode, self._reason = mode, mode_reason
        self._paused = False
        self._all = Tally()
        self._users: dict[str, Tally] = {}
        self._watch = UserWatch(names)
        self._states: dict[str, tuple[str, RequestState]] = {}
        self._started: set[str] = set()
        self._flying = self._peak = 0

    def feed(self, event: EngineEvent) -> None:
        """One more event."""
        self.at = event.at
        self._watch(event)
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

    def report(self, wall: float | None = None) -> Report:
        """What `ccchat simulate --json` said, or would have said at this moment; but for what no
        event tells: the servers, and what a limit has found by itself.

        Args:
            wall: Seconds that the run took; `None` for those up to the last event.
        """
        wall = self.at - self.began if wall is None else wall
        return make_report(self.snapshot(), wall, self._watch.times())

    def snapshot(self) -> QueueSnapshot:
        """The engine as it was after the last event, without its rows."""
        tally = self._all
        states = [state for _, state in self._states.values()]
        return QueueSnapshot(
            at=self.at,
            mode=self._mode,
            mode_reason=self._reason,
            paused=self._paused,
            limits=self._limits,
            queue_length=states.count(_QUEUED),
            in_flight=self._flying,
            waiting_to_retry=states.count(_WAITING),
            peak_concurrency=self._peak,
            totals=tally.totals(),
            success_rate=tally.success_rate,
            average_processing_ms=tally.processing.average * _MS,
            p50_ms=tally.processing.quantile(0.5) * _MS,
            p95_ms=tally.processing.quantile(0.95) * _MS,
            average_wait_ms=tally.average_wait * _MS,
            average_first_token_ms=tally.average_first_token * _MS,
            tokens=tally.tokens,
            tokens_per_second=0.0,
            users=tuple(self._user(name, mine) for name, mine in self._users.items()),
        )

    def _request(self, event: RequestEvent) -> None:
        for tally in self._tallies(event.user):
            self._count(event, tally)
        request, user = event.request_id, event.user
        match event:
            case RequestQueued():
                self._move(request, user, _QUEUED)
            case RequestStarted():
                self._started.add(request)
                self._move(request, user, _FLYING)
                self._peak = max(self._peak, self._flying)
            case RequestRetrying():
                self._move(request, user, _WAITING)
            case RequestEnded():
                self._started.discard(request)
                self._move(request, user, None)

    def _count(self, event: RequestEvent, tally: Tally) -> None:
        """Count it, for its user or for all."""
        match event:
            case RequestQueued():
                tally.submitted += event.request_id not in self._states
            case RequestStarted(waited=waited) if event.request_id not in self._started:
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

    def _move(self, request: str, user: str, state: RequestState | None) -> None:
        _, before = self._states.pop(request, ("", None))
        self._flying += (state is _FLYING) - (before is _FLYING)
        if state is not None:
            self._states[request] = (user, state)

    def _tallies(self, user: str) -> tuple[Tally, Tally]:
        mine = self._users.get(user)
        if mine is None:
            mine = self._users[user] = Tally()
        return self._all, mine

    def _user(self, name: str, tally: Tally) -> UserView:
        states = [state for user, state in self._states.values() if user == name]
        return UserView(
            user=name,
            queue_length=states.count(_QUEUED),
            in_flight=states.count(_FLYING),
            totals=tally.totals(),
            average_processing_ms=tally.processing.average * _MS,
            p50_ms=tally.processing.quantile(0.5) * _MS,
            p95_ms=tally.processing.quantile(0.95) * _MS,
            average_wait_ms=tally.average_wait * _MS,
            average_first_token_ms=tally.average_first_token * _MS,
            tokens=tally.tokens,
        )


@dataclass(frozen=True, slots=True)
class Replayed:
    """A log that was read to its end."""

    begin: Begin
    figures: Replay
    wall: float
    """Seconds that the run took."""
    whole: bool
    """Whether nothing is missing, neither at the end nor in between."""


def replay_log(
    path: Path,
    complain: Callable[[str], object] = lambda _: None,
    *also: Callable[[EngineEvent], object],
) -> Replayed:
    """Read an event log and count what it tells of.

    Args:
        path: The file.
        complain: Told of what is missing in it.
        also: Who else is told of every event.

    Raises:
        EventLogError: It cannot be read.
    """
    lines = read_log(path, complain)
    begin = next(lines)
    assert isinstance(begin, Begin)
    figures = Replay(
        LimitsView(**begin.limits.model_dump()),
        mode=begin.mode,
        mode_reason=begin.mode_reason,
        names=[user.name for user in begin.users],
        at=begin.at,
    )
    wall, whole, lost = None, False, 0
    for line in lines:
        match line:
            case EngineEvent():
                figures.feed(line)
                for listener in also:
                    listener(line)
            case End(at=at, began=began):
                wall, whole = at - began, True
            case Lost(count=count):
                lost += count
            case _:
                pass
    if lost:
        complain(f"event log {path}: {lost} events are missing, for the disk was too slow for them")
    elif not whole:
        complain(f"event log {path}: has no end: the program was cut off, or still runs")
    wall = figures.at - figures.began if wall is None else wall
    return Replayed(begin, figures, wall, whole and not lost)
