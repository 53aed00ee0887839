"""The events of the engine as server-sent events (WHATWG HTML, section 9.2), or as lines of JSON
in the form of the event log."""

from __future__ import annotations

import asyncio
from typing import Final

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ccchat_tui.api.journal import Journal, concerns
from ccchat_tui.api.leaving import while_there
from ccchat_tui.api.replies import NDJSON
from ccchat_tui.api.views import encode
from ccchat_tui.engine.events import EngineEvent
from ccchat_tui.event_log.lines import line_of

HEARTBEAT: Final = 15.0
"""Seconds without an event after which a sign of life is sent. It carries the place that has been
reached, so that who comes back after a quiet hour has missed nothing."""


class EventFeed(Response):
    """Follows the journal from a place in it, for as long as the client stays.

    A client that comes back names the last event it has seen. Where it is not known what came
    since, because that was too long ago or in another run of the program, a `missed` event says so
    before the others, and the client asks for the status anew.

    Args:
        journal: The events.
        user: Whose events are told, beside those of the queue as a whole; `None` for everybody's.
        last: The id of the last event the client has seen; empty for a new one.
        lines: Whether to send lines of JSON: `id` and, but for a sign of life, `event`.
    """

    def __init__(
        self, journal: Journal, user: str | None, last: str = "", *, lines: bool = False
    ) -> None:
        super().__init__(None, media_type=NDJSON if lines else "text/event-stream; charset=utf-8")
        self._lines = lines
        self._journal = journal
        self._user = user
        after = journal.after(last) if last else journal.next
        self._lost = after is None
        self._next = journal.next if after is None else after

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        await while_there(self._send(send), receive, "events")

    async def _send(self, send: Send) -> None:
        head = [(b"content-type", (self.media_type or "").encode())]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        await self._write(send, self._alive() if self._lines else b": ccchat\n\n")
        while not self._journal.closed:
            lost, events = self._journal.since(self._next)
            lines = []
            if lost or self._lost:
                self._lost = False
                missed = {"event": {"event": "missed"}}
                lines.append(
                    encode(missed) + b"\n" if self._lines else b"event: missed\ndata: {}\n\n"
                )
            for number, event in events:
                self._next = number + 1
                if self._user is None or concerns(event, self._user):
                    lines.append(self._told(self._journal.id_of(number), event))
            if lines:
                await self._write(send, b"".join(lines))
            if not events:
                try:
                    async with asyncio.timeout(HEARTBEAT):
                        await self._journal.changed(self._next)
                except TimeoutError:
                    await self._write(send, self._alive())
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    def _told(self, event_id: str, event: EngineEvent) -> bytes:
        if self._lines:
            return encode({"id": event_id, "event": line_of(event)}) + b"\n"
        line = line_of(event)
        return f"id: {event_id}\nevent: {line['event']}\ndata: {encode(line).decode()}\n\n".encode()

    def _alive(self) -> bytes:
        """A sign of life, with the place that has been reached."""
        place = self._journal.id_of(self._next - 1)
        return encode({"id": place}) + b"\n" if self._lines else f"id: {place}\n\n".encode()

    @staticmethod
    async def _write(send: Send, data: bytes) -> None:
        await send({"type": "http.response.body", "body": data, "more_body": True})
