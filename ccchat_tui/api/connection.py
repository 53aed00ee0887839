"""One connection, within bounds: how many there are, how long a head may take, how long a client
may not read."""

from __future__ import annotations

import asyncio
from typing import Any, Final, cast

from uvicorn.protocols.http.h11_impl import H11Protocol

MOST_CONNECTIONS: Final = 512
MOST_HEAD: Final = 16 * 1024
"""Bytes of the request line and the headers."""
HEAD_SECONDS: Final = 15.0
"""How long a head may take to come."""
READ_SECONDS: Final = 60.0
"""How long a client may leave what it was sent unread."""


class Connection(H11Protocol):
    """uvicorn's, which by itself waits for ever for a first request, and for a reader."""

    _late: asyncio.TimerHandle | None = None
    _stuck: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """One more; it is closed at once if there are too many."""
        super().connection_made(cast(asyncio.Transport, transport))
        if len(self.connections) > MOST_CONNECTIONS:
            self.transport.write(
                b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n"
                b"retry-after: 1\r\nconnection: close\r\n\r\n"
            )
            self.transport.close()
            return
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over."""
        self._late = _stop(self._late)
        self._stuck = _stop(self._stuck)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """A piece of a request came."""
        super().data_received(data)
        if self._answering:
            self._late = _stop(self._late)
        else:
            self._wait_for_head()

    def pause_writing(self) -> None:
        """The client does not read as fast as it is sent to."""
        super().pause_writing()
        _stop(self._stuck)
        self._stuck = self.loop.call_later(READ_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """It has read."""
        self._stuck = _stop(self._stuck)
        super().resume_writing()

    @property
    def _answering(self) -> bool:
        cycle: Any = self.cycle
        return cycle is not None and not cycle.response_complete

    def _wait_for_head(self) -> None:
        # Not longer with each byte: who sends one a minute would stay for ever.
        if self._late is None and not self.transport.is_closing():
            self._late = self.loop.call_later(HEAD_SECONDS, self._too_late)

    def _too_late(self) -> None:
        self._late = None
        if not self._answering:
            self.transport.abort()


def _stop(timer: asyncio.TimerHandle | None) -> asyncio.TimerHandle | None:
    """Stop a timer; there is none any more."""
    if timer is not None:
        timer.cancel()
    return None
