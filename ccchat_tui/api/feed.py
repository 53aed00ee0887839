"""The events of the engine as server-sent events (WHATWG HTML, section 9.2)."""

from __future__ import annotations

import asyncio
from typing import Final

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ccchat_tui.api.journal import Journal, concerns
from ccchat_tui.api.views import encode, event_json, event_name

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
    """

    def __init__(self, journal: Journal, user: str | None, last: str = "") -> None:
        super().__init__(None, media_type="text/event-stream")
        self._journal = journal
        self._user = user
        after = journal.after(last) if last else journal.next
        self._lost = after is None
        self._next = journal.next if after is None else after

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        sending = asyncio.create_task(self._send(send), name="events")
        leaving = asyncio.create_task(_left(receive), name="reader of events")
        try:
            await asyncio.wait((sending, leaving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (sending, leaving):
                task.cancel()
            await asyncio.wait((sending, leaving))
        if not sending.cancelled():
            sending.result()

    async def _send(self, send: Send) -> None:
        head = [(b"content-type", b"text/event-stream; charset=utf-8")]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        await self._write(send, b": ccchat\n\n")
        while not self._journal.closed:
            lost, events = self._journal.since(self._next)
            lines = []
            if lost or self._lost:
                self._lost = False
                lines.append(b"event: missed\ndata: {}\n\n")
            for number, event in events:
                self._next = number + 1
                if self._user is None or concerns(event, self._user):
                    lines.append(
                        f"id: {self._journal.id_of(number)}\nevent: {event_name(event)}\n"
                        f"data: {encode(event_json(event)).decode()}\n\n".encode()
                    )
            if lines:
                await self._write(send, b"".join(lines))
            if not events:
                try:
                    async with asyncio.timeout(HEARTBEAT):
                        await self._journal.changed(self._next)
                except TimeoutError:
                    place = self._journal.id_of(self._next - 1) if self._next else ""
                    await self._write(send, f"id: {place}\n\n".encode())
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    @staticmethod
    async def _write(send: Send, data: bytes) -> None:
        await send({"type": "http.response.body", "body": data, "more_body": True})


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
