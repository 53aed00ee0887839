"""A socket that is listened at, who came by it, and waiting for what they do."""

from __future__ import annotations

import asyncio
import ssl
from abc import ABC, abstractmethod
from collections.abc import Callable

from ccchat_tui.testing.ollama_server.chat import PATIENCE
from ccchat_tui.testing.ollama_server.steps import Request
from ccchat_tui.testing.ollama_server.wire import Connection, LeftError, Protocol


class Listener(ABC):
    """The socket side of a test server, whatever it speaks.

    Args:
        host: The address to listen at.
        port: 0 for any that is free.
        tls: For HTTPS, the context with the certificate.
    """

    def __init__(self, host: str, port: int, tls: ssl.SSLContext | None) -> None:
        self.host = host
        self.port = port
        self._tls = tls
        self.connections = 0
        """How many were ever accepted."""
        self.open: set[Connection] = set()
        """Those that are open now."""
        self.requests: list[Request] = []
        """All that came, of every kind."""
        self._server: asyncio.Server | None = None
        self._waiters: list[tuple[Callable[[], bool], asyncio.Future[None]]] = []

    @property
    def origin(self) -> str:
        """Where it is, without any path."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self._tls else 'http'}://{host}:{self.port}"

    @abstractmethod
    async def handle(self, connection: Connection, request: Request) -> None:
        """Answer one request."""

    async def start(self) -> None:
        """Begin to listen; after a `stop`, at the same port as before."""
        self._server = await asyncio.get_running_loop().create_server(
            lambda: Protocol(self._opened, self._lost), self.host, self.port, ssl=self._tls
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop to listen and break all connections; a new one is then refused."""
        if self._server is not None:
            self._server.close()
            self._server = None
        tasks = [each.task for each in self.open if each.task is not None]
        for connection in list(self.open):
            connection.writer.transport.abort()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.until(lambda: not self.open)

    async def settled(self) -> None:
        """Wait until no connection is open. Raises `TimeoutError`."""
        await self.until(lambda: not self.open)

    async def until(self, condition: Callable[[], bool], within: float = PATIENCE) -> None:
        """Wait until something holds; it is looked at after each change at the server.

        Raises:
            TimeoutError: It did not come to hold within so many seconds.
        """
        if condition():
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.append((condition, future))
        async with asyncio.timeout(within):
            await future

    def changed(self) -> None:
        """Look at whether those who wait may go on."""
        left = []
        for condition, future in self._waiters:
            if future.done():
                continue
            if condition():
                future.set_result(None)
            else:
                left.append((condition, future))
        self._waiters = left

    def _opened(self, connection: Connection) -> None:
        self.connections += 1
        connection.number = self.connections
        self.open.add(connection)
        connection.task = asyncio.get_running_loop().create_task(self._serve(connection))
        self.changed()

    def _lost(self, connection: Connection) -> None:
        self.open.discard(connection)
        self.changed()

    async def _serve(self, connection: Connection) -> None:
        try:
            while (request := await connection.read_request()) is not None:
                self.requests.append(request)
                connection.busy = True
                await self.handle(connection, request)
                connection.busy = False
                if request.headers.get("connection", "").lower() == "close":
                    break
                self.changed()
        except (LeftError, OSError):
            pass
        except asyncio.CancelledError:
            # Either the client has left or the server stops; there is nobody to tell.
            pass
        finally:
            await connection.close()
