"""One request of ours on the engine of another ccchat, through any number of connections."""

from __future__ import annotations

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

_DEFINITE: Final = frozenset({400, 403, 404, 409, 413, 429, 503})
"""Statuses that a further try would only be answered with again."""


class CarriedRequest:
    """Brings it there, and follows it to its end.

    Args:
        server: Where it runs.
        mirrored: Whose handle it is.
        handle: Its handle here.
        prompt: What is asked.
        terms: The further fields of the request.
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
        tell: Callable[[list[RequestEvent]], None],
    ) -> None:
        self.handle = handle
        self.offset = 0.0
        """Seconds from the other engine's clock to ours."""
        self._server = server
        self._mirrored = mirrored
        self._prompt = prompt
        self._terms = terms
        self._tell = tell
        self._sent = False
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
                await self._server.submit(self._prompt, **self._terms)
                self._sent = True
            await self._server.follow(self.handle.id, self._take, **self._have)
        except BackendError as error:
            if error.status not in _DEFINITE and error.kind is not ErrorKind.UNAUTHORIZED:
                raise
            self.end(RequestState.FAILED, self._failure(error))
        if not self.handle.ended:
            raise BackendError(
                ErrorKind.DISCONNECTED, f"{self._server.address} stopped in the middle of a reply"
            )

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
        if self._sent and error.status == 404:
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
        events = [event_of(each) for each in line.get("events", ())]
        self._have["events"] += len(events)
        told = [replace(e, at=e.at + self.offset) for e in events if isinstance(e, RequestEvent)]
        last = [event for event in told if isinstance(event, RequestEnded)]
        self._happen(*(event for event in told if not isinstance(event, RequestEnded)))
        thinking, text = str(line.get("thinking", "")), str(line.get("text", ""))
        if thinking or text:
            self._have["thinking"] += len(thinking)
            self._have["text"] += len(text)
            self.handle.feed(text, thinking)
        self._happen(*last)

    def _happen(self, *events: RequestEvent) -> None:
        for event in events:
            self._mirrored.apply(self.handle, event)
        if events:
            self._tell(list(events))
