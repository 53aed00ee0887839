"""Tells whoever listens what happened, when a step of the engine is over."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable

from ccchat_tui.engine.events import (
    EngineEvent,
    RequestEnded,
    RequestFirstToken,
    RequestQueued,
    RequestRetrying,
    RequestStarted,
)
from ccchat_tui.engine.handle import RequestHandle
from ccchat_tui.engine.request import Failure

_log = logging.getLogger(__name__)


class Announcer:
    """Tells listeners what happened, each of everything and in the order in which it happened.

    Events are posted while a step is under way and delivered when it is over, so that a listener
    never sees the engine half-way through one. What a listener sets off itself is told after what
    is being told. A listener that raises changes nothing: its first fault is logged, the others
    are told, and so is it of the next event.
    """

    def __init__(self) -> None:
        self._listeners: dict[object, Callable[[EngineEvent], None]] = {}
        self._posted: deque[EngineEvent] = deque()
        self._telling = False
        self._blamed: set[object] = set()

    def subscribe(self, listener: Callable[[EngineEvent], None]) -> Callable[[], None]:
        """Have a listener told of every event from now on. Returns what ends that."""
        ticket = object()  # the same listener may subscribe twice
        self._listeners[ticket] = listener

        def unsubscribe() -> None:
            self._listeners.pop(ticket, None)
            self._blamed.discard(ticket)

        return unsubscribe

    @property
    def heard(self) -> bool:
        """Whether anybody listens; if not, nothing need be posted."""
        return bool(self._listeners)

    def post(self, event: EngineEvent) -> None:
        """Tell it when the step is over."""
        self._posted.append(event)

    def deliver(self) -> None:
        """The step is over."""
        if self._telling:
            return
        self._telling = True
        try:
            while self._posted:
                event = self._posted.popleft()
                for ticket, listener in tuple(self._listeners.items()):
                    if ticket not in self._listeners:
                        continue  # it left while the others were told
                    try:
                        listener(event)
                    except Exception:
                        if ticket not in self._blamed:
                            self._blamed.add(ticket)
                            _log.exception("A listener failed at %r", event)
        finally:
            self._telling = False

    # What happens to a request ------------------------------------------------------------

    def queued(self, handle: RequestHandle, now: float) -> None:
        """It was accepted, or is back in the queue."""
        request = handle.request
        self.post(
            RequestQueued(
                now,
                request.id,
                request.user,
                request.session_id,
                request.model,
                request.priority,
                handle.attempt,
            )
        )

    def started(self, handle: RequestHandle, now: float) -> None:
        """It got a slot."""
        request = handle.request
        waited = now - handle.submitted_at
        self.post(
            RequestStarted(
                now, request.id, request.user, request.session_id, handle.attempt, waited
            )
        )

    def first_token(self, handle: RequestHandle, now: float) -> None:
        """The first piece of its reply came."""
        request = handle.request
        after = now - handle._slot_at
        self.post(RequestFirstToken(now, request.id, request.user, request.session_id, after))

    def retrying(
        self, handle: RequestHandle, failure: Failure, delay: float, now: float, *, counted: bool
    ) -> None:
        """It waits for another attempt."""
        request = handle.request
        self.post(
            RequestRetrying(
                now,
                request.id,
                request.user,
                request.session_id,
                failure,
                delay,
                handle.attempt,
                counted,
            )
        )

    def ended(self, handle: RequestHandle, now: float) -> None:
        """It has reached its terminal state."""
        request, started = handle.request, handle.started_at
        self.post(
            RequestEnded(
                now,
                request.id,
                request.user,
                request.session_id,
                handle.state,
                handle.failure,
                handle.stats,
                handle.tokens,
                0.0 if started is None else now - started,
            )
        )
