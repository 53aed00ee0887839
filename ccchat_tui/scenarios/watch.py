"""What the service's snapshot does not say of each user, from the events."""

from __future__ import annotations

from collections.abc import Iterable

from ccchat_tui.engine.events import (
    EngineEvent,
    RequestEnded,
    RequestEvent,
    RequestQueued,
    RequestRetrying,
    RequestStarted,
)
from ccchat_tui.scenarios.report import UserTimes


class UserWatch:
    """Watches events, and knows each user's peak and time.

    Args:
        names: The users, in the order in which they are to be told of; others come after them.
    """

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._flights = {name: _Flights() for name in names}
        self._spans: dict[str, tuple[float, float]] = {}

    def __call__(self, event: EngineEvent) -> None:
        """One more event."""
        if not isinstance(event, RequestEvent):
            return
        name = event.user
        flights = self._flights.get(name)
        if flights is None:
            flights = self._flights[name] = _Flights()
        first, _ = self._spans.get(name, (event.at, event.at))
        self._spans[name] = (first, event.at)
        match event:
            case RequestStarted():
                flights.start(event.request_id)
            case RequestQueued() | RequestRetrying() | RequestEnded():
                flights.stop(event.request_id)
            case _:
                pass

    def times(self) -> dict[str, UserTimes]:
        """Each user's."""
        return {
            name: UserTimes(peak=flights.peak, wall=self._wall_of(name))
            for name, flights in self._flights.items()
        }

    def _wall_of(self, name: str) -> float:
        first, last = self._spans.get(name, (0.0, 0.0))
        return last - first


class _Flights:
    """How many requests of one user are in flight, and how many were at the most."""

    __slots__ = ("_ids", "peak")

    def __init__(self) -> None:
        self._ids: set[str] = set()
        self.peak = 0

    def start(self, request_id: str) -> None:
        self._ids.add(request_id)
        self.peak = max(self.peak, len(self._ids))

    def stop(self, request_id: str) -> None:
        self._ids.discard(request_id)
