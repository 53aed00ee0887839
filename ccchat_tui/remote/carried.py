"""One request of ours on the engine of another ccchat, through any number of connections."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from ccchat_tui.backends.base import BackendError, ErrorKind, Prompt
from ccchat_tui.backends.ccchat import CcchatServer, Json
from ccchat_tui.engine.events import RequestEnded, RequestEvent
from ccchat_tui.engine.handle import RequestHandle
from ccchat_tui.engine.kinds import failure_of
from ccchat_tui.engine.mirrored import MirroredRequests
from ccchat_tui.engine.request import Failure, RequestState
from ccchat_tui.event_log.reader import event_of

_REFUSED: Final = frozenset({400, 403, 404, 409, 413, 429, 503})
"""Statuses by which a request is not taken."""
_LINE: Final[tuple[tuple[str, object], ...]] = (("events", []), ("thinking", ""), ("text", ""))
"""What a line may have, and what stands for what it has not."""
_GONE: Final = frozenset({400, 403, 404})
"""Statuses that one which was taken cannot be followed after. Not 503: there may only be too many
connections at the moment."""


class CarriedRequest:
    """Brings it there, and follows it to its end.

    Args:
        server: Where it runs.
        mirrored: Whose handle it is.
        handle: Its handle here.
        prompt: What is asked.
        terms: The further fields of the request.
        here: Makes a moment of ours of one of the other engine's clock.
        tell: Told of what happens to it, in order.
    """

    def __init__(
        self,
        server: CcchatServer,
        mirrored: MirroredRequests,
        handle: RequestHandle,
        *,
        prompt: Prompt,
        terms: dict[str, Any],
        here: Callable[[float], float],
        tell: Callable[[list[RequestEvent]], None],
    ) -> None:
        self.handle = handle
        self.asking = False
        """Whether it is on its way there, and nobody can say yet whether it has been taken."""
        self.carrying: asyncio.Task[None] | None = None
        """What carries it."""
        self._here = here
        self._server = server
        self._mirrored = mirrored
        self._prompt = prompt
        self._terms = terms
        self._tell = tell
        self._sent = self._tried = False
        self._have = {"events": 0, "thinking": 0, "text": 0}

    async def attempt(self) -> None:
        """Bring it there if it is not yet, and follow it. Returns once it has ended.

        Raises:
            BackendError: The connection broke; another attempt goes on from there.
        """
        if self.handle.ended:
            return
        try:
            if not self._sent:
                await self._bring()
            await self._server.follow(self.handle.id, self._take, **self._have)
        except BackendError as error:
            if not self._definite(error):
                raise
            self.end(RequestState.FAILED, self._failure(error))
        if not self.handle.ended:
            raise BackendError(
                ErrorKind.DISCONNECTED, f"{self._server.address} stopped in the middle of a reply"
            )

    async def _bring(self) -> None:
        self.asking = True
        try:
            await self._server.submit(self._prompt, **self._terms)
            self._sent = True
            if self.handle.ended:  # cancelled here while it was on its way
                await self._server.cancel(self.handle.id)
        finally:
            self.asking, self._tried = False, True

    def _definite(self, error: BackendError) -> bool:
        """Whether a further try would only come to the same."""
        if error.kind in {ErrorKind.UNAUTHORIZED, ErrorKind.PROTOCOL}:
            return True
        return error.status in (_GONE if self._sent else _REFUSED)

    def end(self, state: RequestState, failure: Failure | None) -> None:
        """Have it end here, whatever the other side says of it later."""
        handle = self.handle
        if handle.ended:
            return
        started, now = handle.started_at, self._mirrored.now()
        self._happen(
            RequestEnded(
                now,
                handle.id,
                handle.user,
                handle.session_id,
                state,
                failure,
                None,
                handle.tokens,
                0.0 if started is None else now - started,
            )
        )

    def _failure(self, error: BackendError) -> Failure:
        # There is one of this id already: ours, which was taken by a try of which we heard no more.
        taken_once = self._tried and error.status == 409
        if taken_once or (self._sent and error.status == 404):
            return Failure(
                "lost",
                f"The ccchat at {self._server.address} does not know this request any more; it was "
                "started anew, or waited for us in vain",
            )
        failure = failure_of(error)
        if error.status in {429, 503} and error.retry_after is not None:
            wait = f"; try again in {error.retry_after:g} s"
            return replace(failure, message=failure.message.rstrip(".") + wait)
        return failure

    def _take(self, line: Json) -> None:
        """A line of what is new. The end is told last, after the text that came with it."""
        if self.handle.ended:
            return
        given, thinking, text = (line.get(*each) for each in _LINE)
        if not (isinstance(given, list) and isinstance(thinking, str) and isinstance(text, str)):
            raise ValueError("what is new of a reply is of another kind")
        events = [event_of(each) for each in given]
        self._have["events"] += len(events)
        told = [replace(e, at=self._here(e.at)) for e in events if isinstance(e, RequestEvent)]
        if any(event.request_id != self.handle.id for event in told):
            raise ValueError("another request is told of")
        last = [event for event in told if isinstance(event, RequestEnded)]
        self._happen(*(event for event in told if not isinstance(event, RequestEnded)))
        if thinking or text:
            if not self.handle.state.in_flight:
                raise ValueError("there is a reply before it has been started")
            self._have["thinking"] += len(thinking)
            self._have["text"] += len(text)
            self.handle.feed(text, thinking)
        self._happen(*last)

    def _happen(self, *events: RequestEvent) -> None:
        for event in events:
            self._mirrored.apply(self.handle, event)
        if events:
            self._tell(list(events))
