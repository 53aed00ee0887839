"""Requests that outlive the connection which asked for them.

An app that works on this engine from afar may lose its connection in the middle of five replies.
What it asked goes on meanwhile; it comes back, says how much it has, and is sent the rest. Who
does not come back within `LINGER` has left: the request is cancelled, as it is for everybody else
who closes a connection, only later.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ccchat_tui.api.leaving import while_there
from ccchat_tui.api.replies import NDJSON
from ccchat_tui.api.rest import Rest
from ccchat_tui.api.revoking import Gone
from ccchat_tui.api.views import encode
from ccchat_tui.engine.events import EngineEvent, RequestEnded, RequestEvent
from ccchat_tui.event_log.lines import line_of

if TYPE_CHECKING:
    from ccchat_tui.engine.handle import RequestHandle
    from ccchat_tui.engine.service import ConcurrentChatService

LINGER: Final = 30.0
"""Seconds for which a request is kept that nobody follows: one that lives is cancelled then, one
that has ended forgotten."""
HEARTBEAT: Final = 10.0
"""Seconds without news after which a sign of life is sent, so that either side notices when the
other is gone: a model that is being loaded says nothing for minutes."""
MOST: Final = 10_000
"""Detached requests that are kept at once. Far above what limits let anybody have in `LINGER`."""


class DetachedRequest:
    """A request, what has happened to it, and how many follow it.

    Args:
        owner: Whose it is.
    """

    __slots__ = ("alone", "events", "handle", "over", "owner", "readers", "waiting")

    def __init__(self, owner: str) -> None:
        self.owner = owner
        self.handle: RequestHandle | None = None
        self.events: list[EngineEvent] = []
        self.readers = 0
        self.over: Callable[[], None] = lambda: None
        """Called when it is forgotten."""
        self.alone: asyncio.TimerHandle | None = None
        self.waiting: list[asyncio.Future[None]] = []

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen to it."""
        return bool(self.events) and isinstance(self.events[-1], RequestEnded)


class DetachedRequests:
    """All of them, by their ids.

    Args:
        service: The engine; it is listened to until `close`.
    """

    def __init__(self, service: ConcurrentChatService) -> None:
        self._service = service
        self._there: dict[str, DetachedRequest] = {}
        self._unsubscribe = service.subscribe(self._hear)

    def __len__(self) -> int:
        return len(self._there)

    @property
    def full(self) -> bool:
        """Whether no further one can be kept."""
        return len(self._there) >= MOST

    def find(self, request_id: str) -> DetachedRequest | None:
        """The one of this id."""
        return self._there.get(request_id)

    def expect(self, request_id: str, owner: str) -> DetachedRequest:
        """Be ready for a request that is about to be submitted: the engine may tell of it before
        `submit` returns."""
        detached = self._there[request_id] = DetachedRequest(owner)
        self._watch(request_id, detached)
        return detached

    def depend(self, request_id: str, begun: tuple[Gone, Callable[[], None]]) -> None:
        """Have it end with the token that it was asked with."""
        detached = self._there[request_id]
        gone, detached.over = begun

        def ended(gone: Gone) -> None:
            if not gone.cancelled() and detached.handle is not None:
                detached.handle.cancel()

        gone.add_done_callback(ended)

    def forget(self, request_id: str) -> None:
        """It was not taken, or is over. Harmless when called twice."""
        detached = self._there.pop(request_id, None)
        if detached is None:
            return
        detached.over()
        if detached.alone is not None:
            detached.alone.cancel()

    def close(self) -> None:
        """Listen no more."""
        self._unsubscribe()
        for request_id in list(self._there):
            self.forget(request_id)

    def came(self, detached: DetachedRequest) -> None:
        """One more follows it."""
        detached.readers += 1
        if detached.alone is not None:
            detached.alone.cancel()
            detached.alone = None

    def left(self, request_id: str, detached: DetachedRequest) -> None:
        """One fewer follows it."""
        detached.readers -= 1
        if not detached.readers and self._there.get(request_id) is detached:
            self._watch(request_id, detached)

    def _watch(self, request_id: str, detached: DetachedRequest) -> None:
        loop = asyncio.get_running_loop()
        detached.alone = loop.call_later(LINGER, self._give_up, request_id, detached)

    def _give_up(self, request_id: str, detached: DetachedRequest) -> None:
        detached.alone = None
        if detached.ended or detached.handle is None:
            self.forget(request_id)
            return
        detached.handle.cancel()
        # It is kept until its connection is closed, and a while longer.
        self._watch(request_id, detached)

    def _hear(self, event: EngineEvent) -> None:
        if not isinstance(event, RequestEvent):
            return
        detached = self._there.get(event.request_id)
        if detached is None:
            return
        detached.events.append(event)
        waiting, detached.waiting = detached.waiting, []
        for waiter in waiting:
            if not waiter.done():
                waiter.set_result(None)


class Followed(Response):
    """A detached request as its follower is sent it: lines of JSON with what is new since the last.

    A line has `events` (in the form of the event log), `thinking` and `text`, each only where there
    is something, and in this order of meaning: what happened comes before the text that it
    announces. The last line has the event `ended`. A line without anything is a sign of life.

    Args:
        all_: All of them.
        request_id: Which.
        detached: The same.
        events: How many events the follower has.
        thinking: How many characters of the thinking it has.
        text: How many characters of the reply it has.
    """

    def __init__(
        self,
        all_: DetachedRequests,
        request_id: str,
        detached: DetachedRequest,
        *,
        events: int,
        thinking: int,
        text: int,
    ) -> None:
        super().__init__(None, media_type=NDJSON)
        self._all = all_
        self._id = request_id
        self._detached = detached
        self._events = events
        self._thinking = Rest(thinking)
        self._text = Rest(text)

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        self._all.came(self._detached)
        try:
            await while_there(self._send(send), receive, f"follower of {self._id}")
        finally:
            self._all.left(self._id, self._detached)

    async def _send(self, send: Send) -> None:
        head = [(b"content-type", NDJSON.encode())]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        detached = self._detached
        while True:
            line = self._news()
            over = detached.ended and self._events == len(detached.events)
            if line or over:
                await self._line(send, line, more=not over)
                if over:
                    return
            elif not await self._changed():
                await self._line(send, {}, more=True)

    def _news(self) -> dict[str, Any]:
        detached, line = self._detached, dict[str, Any]()
        events, more = detached.events[self._events :], False
        if (handle := detached.handle) is not None:
            if thinking := self._thinking.of(handle.thinking):
                line["thinking"] = thinking
            if text := self._text.of(handle.parts):
                line["text"] = text
            more = self._thinking.more(handle.thinking) or self._text.more(handle.parts)
        if more and detached.ended:
            events = events[:-1]  # the end is told last
        if events:
            self._events += len(events)
            line["events"] = [line_of(event) for event in events]
        return line

    async def _changed(self) -> bool:
        """Return at the next piece or event. Returns false if it is time for a sign of life."""
        detached = self._detached
        event: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        detached.waiting.append(event)
        waits: list[asyncio.Future[None]] = [event]
        if detached.handle is not None and not detached.handle.ended:
            waits.append(asyncio.ensure_future(detached.handle.changed()))
        try:
            done, _ = await asyncio.wait(
                waits, timeout=HEARTBEAT, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            for waiter in waits:
                waiter.cancel()
            await asyncio.wait(waits)
            if event in detached.waiting:
                detached.waiting.remove(event)
        return bool(done)

    @staticmethod
    async def _line(send: Send, line: dict[str, Any], *, more: bool) -> None:
        body = encode(line) + b"\n"
        await send({"type": "http.response.body", "body": body, "more_body": more})
