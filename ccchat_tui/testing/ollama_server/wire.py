"""The socket side of the server: one connection, its requests one after the other, its replies."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
import sys
from collections.abc import Awaitable, Callable, Iterable

from ccchat_tui.testing.ollama_server.steps import (
    Answer,
    Close,
    End,
    Head,
    Hold,
    Line,
    Pause,
    Raw,
    Request,
    Reset,
    Step,
    answer_bytes,
    chunk_bytes,
    head_bytes,
)


class LeftError(ConnectionError):
    """The connection is of no more use: it was broken on purpose."""


class Protocol(asyncio.StreamReaderProtocol):
    """Streams that say at once when the client has left, also while nothing is read."""

    def __init__(
        self, opened: Callable[[Connection], None], lost: Callable[[Connection], None]
    ) -> None:
        self._lost = lost
        self._opened = opened
        self.connection: Connection | None = None
        self._stream = asyncio.StreamReader(limit=1 << 20)
        super().__init__(self._stream, self._connected)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connection = Connection(reader, writer)
        self._opened(self.connection)

    def eof_received(self) -> bool | None:
        """The client will send nothing more; Go's server takes that for having left, and so do
        we."""
        if self.connection is not None:
            self.connection.leave()
        return super().eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is closed on our side too."""
        super().connection_lost(exc)
        if self.connection is not None:
            self.connection.leave()
            self._lost(self.connection)


class Connection:
    """One client's connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.number = 0
        self.requests = 0
        self.gone = False
        """Whether the client has left."""
        self.busy = False
        """Whether a request is being answered."""
        self.task: asyncio.Task[None] | None = None
        self._head: Head | None = None
        self._begun = False
        self._due = 0.0
        self.gate: Callable[[], Awaitable[None]] | None = None
        """Waited for before each `Line`."""
        self.hold: Callable[[], Awaitable[None]] | None = None
        """Waited for at each `Hold`."""
        self.sent: Callable[[], None] | None = None
        """Called after each `Line`."""

    def leave(self) -> None:
        """Note that the client has left, which ends whatever is done for it."""
        if not self.gone:
            self.gone = True
            if self.task is not None:
                self.task.cancel()

    async def read_request(self) -> Request | None:
        """The next request; `None` if there will be none."""
        try:
            top = await self.reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError):
            return None
        first, *rest = top.decode("latin-1").split("\r\n")
        method, path, _ = first.split(" ", 2)
        headers = {}
        for text in filter(None, rest):
            name, _, value = text.partition(":")
            headers[name.strip().lower()] = value.strip()
        length = int(headers.get("content-length", "0"))
        try:
            body = await self.reader.readexactly(length)
        except (asyncio.IncompleteReadError, OSError):
            return None
        request = Request(method, path, headers, body, self.requests, self.number)
        self.requests += 1
        self._head, self._begun = None, False
        return request

    async def play(self, steps: Iterable[Step], *, head_only: bool = False) -> None:
        """Send a reply.

        Raises:
            LeftError: The last thing to do was to break or close the connection.
        """
        self._due = asyncio.get_running_loop().time()
        for step in steps:
            match step:
                case bytes():
                    await self._write(chunk_bytes(step))
                case Line(data):
                    if self.gate is not None:
                        await self.gate()
                    await self._write(chunk_bytes(data), told=self.sent)
                case Head():
                    self._head = step
                case Answer():
                    self._begun = True
                    await self._write(answer_bytes(step, body=not head_only))
                case Raw(data):
                    await self._write(data, head=self._head is not None)
                case Pause(seconds):
                    await self._pause(seconds)
                case Hold():
                    await (self.hold() if self.hold is not None else asyncio.Event().wait())
                case Reset():
                    self.reset()
                    raise LeftError("reset")
                case Close():
                    await self._flush()
                    raise LeftError("closed")
                case End():
                    await self._write(b"0\r\n\r\n")

    async def _write(
        self, data: bytes, *, head: bool = True, told: Callable[[], None] | None = None
    ) -> None:
        if head and not self._begun:
            self._begun = True
            data = head_bytes(self._head or Head()) + data
        self.writer.write(data)
        if told is not None:
            # Before anybody else runs: a client may read the line, leave, and be gone by then.
            told()
        await self._flush()

    async def _pause(self, seconds: float) -> None:
        """Wait against a schedule, so that a coarse timer does not slow the pace down."""
        now = asyncio.get_running_loop().time()
        self._due += seconds
        if self._due < now - 0.25:
            self._due = now
        await asyncio.sleep(max(0.0, self._due - now))

    async def _flush(self) -> None:
        await self.writer.drain()
        # Lets the client read what was sent as a piece of its own.
        await asyncio.sleep(0)

    def reset(self) -> None:
        """Break the connection: the client reads a reset, and not an end."""
        sock = self.writer.get_extra_info("socket")
        # No lingering: closing then sends a reset.
        linger = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.writer.transport.abort()

    async def close(self) -> None:
        """Close it, and wait until it is."""
        self.writer.close()
        with contextlib.suppress(OSError, ssl.SSLError):
            await self.writer.wait_closed()
