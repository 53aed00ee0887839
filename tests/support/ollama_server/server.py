"""The server: its socket, its endpoints, its counts."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Sequence
from math import inf

from tests.support.ollama_server.catalog import Loader, Model
from tests.support.ollama_server.chat import PATIENCE, Chat, Planned
from tests.support.ollama_server.chat_endpoint import ChatEndpoint
from tests.support.ollama_server.faults import FAULTS, MOVED, Wrong
from tests.support.ollama_server.steps import PLAIN, Answer, Request, line
from tests.support.ollama_server.wire import Connection, LeftError, Protocol


class OllamaServer(ChatEndpoint):
    """An Ollama server as its clients see it, on a real socket. Use it as a context.

    Lines can be held back by the test's hand (`manual`, then `Chat.release`) or come at a pace;
    by default everything is sent as fast as it goes. A fault is met by the next requests (`fail`),
    or by those whose question says `fault:NAME` or `fault:NAME@LINES`.

    Args:
        models: What it has; four of different abilities by default.
        slots: How many replies of one model at once (OLLAMA_NUM_PARALLEL).
        max_queue: How many may wait for a load (OLLAMA_MAX_QUEUE).
        max_loaded: How many models may be loaded at once.
        load_seconds: How long a load takes.
        first_token: Seconds from the slot to the first line.
        rate: Lines a second; infinite for no pauses.
        tokens: How many a reply has.
        pieces: What the reply to a question is, token by token, if not the usual.
        manual: Whether lines wait for `Chat.release`.
        prefix: A path before `/api`, such as `/ollama`.
        host: The address to listen at.
        port: 0 for any that is free.
        tls: For HTTPS, the context with the certificate.
    """

    def __init__(
        self,
        *,
        models: Sequence[Model] | None = None,
        slots: int = 4,
        max_queue: int = 512,
        max_loaded: int = 3,
        load_seconds: float = 0.0,
        first_token: float = 0.0,
        rate: float = inf,
        tokens: int = 8,
        pieces: Callable[[str], list[str]] | None = None,
        manual: bool = False,
        prefix: str = "",
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.redirect = ""
        """An address that every request is sent on to (307); empty for none."""
        self._waiters: list[tuple[Callable[[], bool], asyncio.Future[None]]] = []
        loader = Loader(slots, max_queue, max_loaded, load_seconds, self.changed)
        super().__init__(models, loader)
        self.first_token = first_token
        self.rate = rate
        self.tokens = tokens
        if pieces is not None:
            self.pieces = pieces
        self.manual = manual
        self.prefix = prefix
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

    # Running ------------------------------------------------------------------------------

    @property
    def url(self) -> str:
        """Where it is, with its prefix."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self._tls else 'http'}://{host}:{self.port}{self.prefix}"

    async def __aenter__(self) -> OllamaServer:
        await self.start()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.stop()

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

    def close_idle(self) -> int:
        """Close the connections that are kept alive with nothing to do; returns how many."""
        idle = [each for each in self.open if not each.busy and each.requests]
        for connection in idle:
            connection.writer.close()
        return len(idle)

    # What a test does ---------------------------------------------------------------------

    def fail(
        self, fault: str, *, times: float = 1, after: int = 2, path: str = "/api/chat"
    ) -> None:
        """Let the next requests meet a fault.

        Args:
            fault: Its name in `FAULTS`.
            times: How many requests; infinite for all.
            after: How many lines come first, where it comes in the middle.
            path: Which requests.
        """
        self._planned.append(Planned(FAULTS[fault], after, times, path))

    async def chat(self, which: int | str = 0) -> Chat:
        """A chat by its place or its question (the newest of several), waiting for it to come.
        Raises `TimeoutError`."""
        await self.until(lambda: self._find(which) is not None)
        found = self._find(which)
        assert found is not None
        return found

    async def arrived(self, count: int) -> None:
        """Wait until so many chats have come. Raises `TimeoutError`."""
        await self.until(lambda: len(self.chats) >= count)

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

    def _find(self, which: int | str) -> Chat | None:
        if isinstance(which, int):
            return self.chats[which] if which < len(self.chats) else None
        return next((chat for chat in reversed(self.chats) if chat.question == which), None)

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

    # Connections --------------------------------------------------------------------------

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
                await self._handle(connection, request)
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

    async def _handle(self, connection: Connection, request: Request) -> None:
        path = request.path.partition("?")[0]
        if self.redirect:
            await connection.play([Answer(307, b"", "", (("Location", self.redirect),))])
            return
        for prefix in filter(None, (self.prefix, MOVED)):
            if path.startswith(prefix + "/"):
                path = path.removeprefix(prefix)
                break
        else:
            if self.prefix:
                await connection.play([Answer(404, b"404 page not found", PLAIN)])
                return
        if (request.method, path) == ("POST", "/api/chat"):
            await self.play_chat(connection, request)
            return
        connection.gate = connection.hold = connection.sent = None
        planned = self._take(path)
        if planned is None:
            steps = self.plain(request, path)
        else:
            steps = planned.fault.make(Wrong([line({"status": "x"})], "", planned.after))
        await connection.play(steps, head_only=request.method == "HEAD")
