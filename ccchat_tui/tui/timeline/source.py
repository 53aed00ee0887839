"""The run that is looked at: the one that is under way, or one that is played back."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from ccchat_tui.runs.lanes import Lanes

if TYPE_CHECKING:
    from ccchat_tui.engine.events import EngineEvent
    from ccchat_tui.engine.facade import ChatService
    from ccchat_tui.engine.series import HistoryBucket
    from ccchat_tui.engine.stats import QueueSnapshot
    from ccchat_tui.runs.course import Course

EVENTS = 20_000
"""Events of a run under way that are kept, the latest ones."""


class RunSource(Protocol):
    """What there is to show of a run. Moments are seconds of the engine's clock."""

    @property
    def lanes(self) -> Lanes:
        """Every request; of a run that is played back, those to come as well."""
        ...

    @property
    def began(self) -> float:
        """When the run began."""
        ...

    @property
    def now(self) -> float:
        """The moment that is shown."""
        ...

    @property
    def first_event(self) -> int:
        """The number of the oldest event that is kept; the first of all has 0."""
        ...

    @property
    def next_event(self) -> int:
        """The number that the next event will have."""
        ...

    def events(self, first: int, last: int) -> Sequence[EngineEvent]:
        """Those from one number to before another, of which `first_event` knows the oldest."""
        ...

    def whole(self) -> tuple[float, Sequence[HistoryBucket]]:
        """The length of a bucket, and the buckets from the beginning until now."""
        ...

    def snapshot(self, requests: int = 0) -> QueueSnapshot:
        """The queue at that moment."""
        ...

    def tokens_of(self, course: Course, /) -> int | None:
        """How many tokens a living request has so far; `None` where nobody knows."""
        ...


class LiveRun:
    """The run of an engine, from when it was made on. Keeps events and requests in bounded memory;
    all figures are the engine's.

    Args:
        service: The engine. It is listened to for as long as it lives.
    """

    def __init__(self, service: ChatService) -> None:
        self.lanes = Lanes()
        self._service = service
        self._events: deque[EngineEvent] = deque(maxlen=EVENTS)
        self.next_event = 0
        service.subscribe(self._hear)

    def _hear(self, event: EngineEvent) -> None:
        self._events.append(event)
        self.next_event += 1
        self.lanes(event)

    @property
    def began(self) -> float:
        """See `RunSource`."""
        return self._service.history.began

    @property
    def now(self) -> float:
        """See `RunSource`."""
        return self._service.snapshot(0, users=False).at

    @property
    def first_event(self) -> int:
        """See `RunSource`."""
        return self.next_event - len(self._events)

    def events(self, first: int, last: int) -> Sequence[EngineEvent]:
        """See `RunSource`."""
        events, oldest = self._events, self.first_event
        # One by one from the nearer end is what a deque is good at.
        return [events[number - oldest] for number in range(max(first, oldest), last)]

    def whole(self) -> tuple[float, Sequence[HistoryBucket]]:
        """See `RunSource`."""
        return self._service.history.whole()

    def snapshot(self, requests: int = 0) -> QueueSnapshot:
        """See `RunSource`."""
        return self._service.snapshot(requests)

    def tokens_of(self, course: Course, /) -> int | None:
        """See `RunSource`."""
        handle = self._service.find(course.id)
        return None if handle is None else handle.tokens
