"""What happened lately: the events, for those who follow them, and the requests that ended."""

from __future__ import annotations

import asyncio
import secrets
from collections import OrderedDict, deque
from itertools import islice
from typing import TYPE_CHECKING

from ccchat_tui.api.views import Json, ended_json, named_json
from ccchat_tui.engine.events import (
    EngineEvent,
    RequestEnded,
    RequestEvent,
    RequestQueued,
    RequestRejected,
)

if TYPE_CHECKING:
    from ccchat_tui.engine.service import ConcurrentChatService

EVENTS = 4096
"""Events that are kept for whoever comes back, or reads slowly."""
ENDED = 200
"""Ended requests that are remembered."""


class Journal:
    """Keeps the last events and the last ended requests, in bounded memory.

    Nobody has a queue of their own: each reader has a place in the one there is, so that one who
    reads slowly costs nothing, and is told when something has been missed.

    Args:
        service: What is listened to, until `close`.
    """

    def __init__(self, service: ConcurrentChatService) -> None:
        self.closed = False
        """Whether nothing more is going to come."""
        self.next = 1
        """The number of the next event."""
        self._epoch = secrets.token_hex(4)
        self._events: deque[EngineEvent] = deque(maxlen=EVENTS)
        self._service = service
        self._named: dict[str, Json] = {}
        self._ended: OrderedDict[str, Json] = OrderedDict()
        self._waiting: list[asyncio.Future[None]] = []
        self._unsubscribe = service.subscribe(self._hear)

    def close(self) -> None:
        """Listen no more, and send home whoever waits."""
        self.closed = True
        self._unsubscribe()
        self._wake()

    # Ended requests -----------------------------------------------------------------------

    def ended(self, request_id: str) -> Json | None:
        """A request that ended lately."""
        return self._ended.get(request_id)

    def all_ended(self) -> list[Json]:
        """Those that ended lately, the last first."""
        return list(reversed(self._ended.values()))

    # Events -------------------------------------------------------------------------------

    def id_of(self, number: int) -> str:
        """How an event is called outside; no run of the program uses another's names."""
        return f"{self._epoch}-{number}"

    def after(self, event_id: str) -> int | None:
        """The number of the event after this one; `None` if it is not known what came since."""
        epoch, _, number = event_id.partition("-")
        if epoch != self._epoch or not (number.isascii() and number.isdigit()) or len(number) > 18:
            return None
        following = int(number) + 1
        return following if self._first <= following <= self.next else None

    def since(self, number: int, most: int = 64) -> tuple[bool, list[tuple[int, EngineEvent]]]:
        """Events from this number on, not too many at once, and whether older ones are lost."""
        first = max(number, self._first)
        found = islice(self._events, first - self._first, first - self._first + most)
        return first > number, list(enumerate(found, first))

    async def changed(self, number: int) -> None:
        """Return once there is an event of this number, or none will come."""
        while self.next <= number and not self.closed:
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(waiter)
            try:
                await waiter
            finally:
                if waiter.cancelled() and waiter in self._waiting:
                    self._waiting.remove(waiter)

    @property
    def _first(self) -> int:
        return self.next - len(self._events)

    def _hear(self, event: EngineEvent) -> None:
        if isinstance(event, RequestQueued) and event.request_id not in self._named:
            handle = self._service.find(event.request_id)
            preview = "" if handle is None else handle.request.preview
            self._named[event.request_id] = named_json(event, preview)
        elif isinstance(event, RequestEnded):
            self._end(event)
        self._events.append(event)
        self.next += 1
        self._wake()

    def _end(self, event: RequestEnded) -> None:
        known = self._named.pop(event.request_id, None)
        if known is None:  # it was asked before anybody listened
            known = {"id": event.request_id, "user": event.user, "session_id": event.session_id,
                     "model": "", "preview": ""}  # fmt: skip
        self._ended.pop(event.request_id, None)
        self._ended[event.request_id] = ended_json(
            known,
            state=event.state.value,
            failure=None if event.failure is None else event.failure.message,
            tokens=event.tokens,
            duration=event.duration,
        )
        if len(self._ended) > ENDED:
            self._ended.popitem(last=False)

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, []
        for waiter in waiting:
            if not waiter.done():
                waiter.set_result(None)


def concerns(event: EngineEvent, user: str) -> bool:
    """Whether a user may know of an event: their own, and those of the queue as a whole."""
    if isinstance(event, RequestEvent | RequestRejected):
        return event.user == user
    return True
