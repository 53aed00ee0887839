"""Handles of requests that the engine of another program runs: they follow what is told of it.

Whoever holds such a handle sees no difference: the same states, in the same order, with the same
lists that only grow. Moments are those at which the news came here.
"""

from __future__ import annotations

from collections.abc import Callable

from ccchat_tui.engine.events import (
    RequestEnded,
    RequestEvent,
    RequestFirstToken,
    RequestQueued,
    RequestRetrying,
    RequestStarted,
)
from ccchat_tui.engine.handle import RequestHandle
from ccchat_tui.engine.request import ChatRequest, RequestState


class MirroredRequests:
    """Makes such handles, and moves them on.

    Args:
        now: The clock of this program, in seconds.
        cancel: Asks the other program to stop a request. Returns whether there was anything to ask.
        token: Called for every piece of every reply.
    """

    def __init__(
        self,
        now: Callable[[], float],
        cancel: Callable[[RequestHandle], bool],
        token: Callable[[float], None] = lambda _now: None,
    ) -> None:
        self.now = now
        self._cancel = cancel
        self._token = token
        self._count = 0

    def open(self, request: ChatRequest) -> RequestHandle:
        """The handle of a request that is being submitted."""
        self._count += 1
        return RequestHandle(self, request, self.now(), self._count)

    def apply(self, handle: RequestHandle, event: RequestEvent) -> None:
        """Have a handle stand where the event says. An event that tells nothing new, or comes too
        late, changes nothing."""
        if handle.ended:
            return
        now, state = self.now(), handle.state
        match event:
            case RequestQueued():
                self._queue(handle)
            case RequestStarted(attempt=attempt) if state is RequestState.QUEUED:
                handle._move(RequestState.CONNECTING)
                handle.attempt, handle.failure, handle._slot_at = attempt, None, now
                if handle.started_at is None:
                    handle.started_at = now
            case RequestFirstToken() if state is RequestState.CONNECTING:
                self.first_token(handle, now)
            case RequestRetrying(failure=failure):
                handle.failure = failure
                if state is RequestState.CONNECTING:
                    handle._move(RequestState.WAITING_TO_RETRY)
            case RequestEnded():
                self._end(handle, event, now)
            case _:
                pass

    @staticmethod
    def _queue(handle: RequestHandle) -> None:
        if handle.state is RequestState.CONNECTING:  # the fallback to one at a time put it back
            handle.started_at = None
        elif handle.state is not RequestState.WAITING_TO_RETRY:
            return
        handle._move(RequestState.QUEUED)

    def _end(self, handle: RequestHandle, event: RequestEnded, now: float) -> None:
        if event.state is RequestState.COMPLETED and not handle.state.in_flight:
            # What came before was missed.
            handle.state = RequestState.CONNECTING
        handle._move(event.state)
        handle.failure, handle.stats, handle.tokens = event.failure, event.stats, event.tokens
        handle.cancelling, handle.ended_at = False, now
        handle._wake_all()

    # What a handle needs of whoever made it --------------------------------------------------

    def cancel_handle(self, handle: RequestHandle) -> bool:
        """Ask for it to be stopped; it has ended once the other program says so."""
        if handle.ended or handle.cancelling or not self._cancel(handle):
            return False
        handle.cancelling = True
        return True

    def first_token(self, handle: RequestHandle, now: float) -> None:
        """The first piece is about to be kept."""
        handle._move(RequestState.STREAMING)
        handle.first_token_at = now

    def count_token(self, now: float) -> None:
        """One more piece came."""
        self._token(now)

    def correct_tokens(self, difference: int) -> None:
        """What the server says of its reply comes with the end."""
