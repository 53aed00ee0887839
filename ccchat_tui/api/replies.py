"""A reply as it goes out: lines in Ollama's chunk form, or one object.

Leaving cancels: whoever closes the connection has no use for the reply, and the slot goes to
somebody else. A client that reads slowly holds up nobody but itself, for what it is sent next is
joined out of the pieces that the engine keeps anyway.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Mapping
from datetime import UTC
from typing import TYPE_CHECKING, Any, Final

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ccchat_tui.api.rest import Rest
from ccchat_tui.api.views import encode
from ccchat_tui.backends.base import ErrorKind
from ccchat_tui.engine.request import RequestState

if TYPE_CHECKING:
    from ccchat_tui.clock import Clock
    from ccchat_tui.engine.handle import RequestHandle

NDJSON: Final = "application/x-ndjson"
_NANOSECONDS: Final = 1e9

_STATUS: Final[Mapping[str, int]] = {
    ErrorKind.BAD_REQUEST: 400,
    ErrorKind.MODEL_NOT_FOUND: 404,
    ErrorKind.RATE_LIMITED: 429,
    "cancelled": 499,
    ErrorKind.OUT_OF_MEMORY: 500,
    ErrorKind.SERVER: 500,
    ErrorKind.INTERNAL: 500,
    ErrorKind.BUSY: 503,
    "queue_deadline": 503,
    ErrorKind.STALLED: 504,
    ErrorKind.TIMED_OUT: 504,
}
"""What a failure is in HTTP where nothing was sent yet; everything else is 502, for it lies between
us and a model server. So does a key that the server refuses: the caller's own is good."""


class Reply(Response):
    """Follows a request to its end.

    Args:
        handle: The request; it is cancelled when the client leaves.
        clock: For the moments that the lines carry.
        stream: Whether the reply comes in lines as it grows, or in one object at its end.
        at_once: Whether headers are sent before anything is known of the reply. Ollama sends them
            with the first line, so that what fails before has a status.
    """

    def __init__(
        self, handle: RequestHandle, clock: Clock, *, stream: bool, at_once: bool = False
    ) -> None:
        super().__init__(None, headers={"x-request-id": handle.id})
        self._handle = handle
        self._clock = clock
        self._stream = stream
        self._at_once = at_once

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        watcher = asyncio.create_task(self._leave(receive), name=f"reader of {self._handle.id}")
        try:
            if self._stream:
                await self._lines(send)
            else:
                await self._whole(send)
        finally:
            self._handle.cancel()
            watcher.cancel()
            await asyncio.wait((watcher,))

    async def _leave(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._handle.cancel()

    async def _lines(self, send: Send) -> None:
        begun = self._at_once
        if begun:
            await self._head(send, 200, NDJSON)
            await self._body(send, self._chunk("", ""), more=True)
        async for thinking, content in _news(self._handle):
            if not begun:
                begun = True
                await self._head(send, 200, NDJSON)
            await self._body(send, self._chunk(content, thinking), more=True)
        if self._handle.state is RequestState.COMPLETED:
            if not begun:
                await self._head(send, 200, NDJSON)
            await self._body(send, self._last("", ""), more=False)
        elif begun:
            await self._body(send, self._error(), more=False)
        else:
            await self._fail(send)

    async def _whole(self, send: Send) -> None:
        handle = self._handle
        if await handle.wait() is not RequestState.COMPLETED:
            await self._fail(send)
            return
        await self._head(send, 200, "application/json")
        whole = self._last(handle.text, "".join(handle.thinking))
        await self._body(send, whole, more=False)

    async def _fail(self, send: Send) -> None:
        failure = self._handle.failure
        status = 500 if failure is None else _STATUS.get(failure.kind, 502)
        wait = None if failure is None else failure.retry_after
        more = {"retry-after": str(math.ceil(wait))} if wait is not None else {}
        await self._head(send, status, "application/json", more)
        await self._body(send, self._error(), more=False)

    def _chunk(self, content: str, thinking: str) -> dict[str, Any]:
        message = {"role": "assistant", "content": content}
        if thinking:
            message["thinking"] = thinking
        now = self._clock.now().astimezone(UTC).isoformat().replace("+00:00", "Z")
        return {
            "model": self._handle.request.model,
            "created_at": now,
            "message": message,
            "done": False,
        }

    def _last(self, content: str, thinking: str) -> dict[str, Any]:
        """The line with the figures. What load and prompt took is not known to the engine."""
        handle = self._handle
        stats, ended = handle.stats, handle.ended_at
        assert stats is not None, f"{handle!r} has completed"
        assert ended is not None
        last = {**self._chunk(content, thinking), "done": True}
        last["done_reason"] = stats.done_reason or "stop"
        last["total_duration"] = round((ended - handle.submitted_at) * _NANOSECONDS)
        if stats.prompt_tokens is not None:
            last["prompt_eval_count"] = stats.prompt_tokens
        last["eval_count"] = handle.tokens
        if stats.tokens_per_second:
            last["eval_duration"] = round(handle.tokens / stats.tokens_per_second * _NANOSECONDS)
        return last

    def _error(self) -> dict[str, Any]:
        handle, failure = self._handle, self._handle.failure
        if failure is None:
            return {"error": f"the request was {handle.state.value}"}
        if failure.kind == ErrorKind.MODEL_NOT_FOUND:
            # Word for word what Ollama says: clients go by it.
            return {"error": f"model '{handle.request.model}' not found"}
        return {"error": failure.message}

    async def _head(
        self, send: Send, status: int, kind: str, more: Mapping[str, str] | None = None
    ) -> None:
        headers = {"content-type": kind, "x-request-id": self._handle.id, **(more or {})}
        raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": raw})

    async def _body(self, send: Send, data: dict[str, Any], *, more: bool) -> None:
        line = encode(data) + b"\n"
        await send({"type": "http.response.body", "body": line, "more_body": more})


async def _news(handle: RequestHandle) -> AsyncIterator[tuple[str, str]]:
    """What is new of a reply each time something is: thinking and text."""
    thought, said = Rest(), Rest()
    while True:
        thinking, content = thought.of(handle.thinking), said.of(handle.parts)
        if thinking or content:
            yield thinking, content
        elif handle.ended:
            return
        else:
            await handle.changed()
