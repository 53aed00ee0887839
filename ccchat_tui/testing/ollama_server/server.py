"""The server: its endpoints on a socket, and what a test does with it."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable, Iterable, Sequence
from math import inf

from ccchat_tui.testing.ollama_server.catalog import Loader, Model
from ccchat_tui.testing.ollama_server.chat import Chat, Planned
from ccchat_tui.testing.ollama_server.chat_endpoint import ChatEndpoint
from ccchat_tui.testing.ollama_server.faults import FAULTS, MOVED, Wrong
from ccchat_tui.testing.ollama_server.listener import Listener
from ccchat_tui.testing.ollama_server.steps import PLAIN, Answer, Request, Step, line
from ccchat_tui.testing.ollama_server.wire import Connection


class OllamaServer(Listener, ChatEndpoint):
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
        self.pull_gate: Callable[[], Awaitable[None]] | None = None
        """Waited for before each line of a pull; `None` for as fast as it goes."""
        self.redirect = ""
        """An address that every request is sent on to (307); empty for none."""
        Listener.__init__(self, host, port, tls)
        loader = Loader(slots, max_queue, max_loaded, load_seconds, self.changed)
        ChatEndpoint.__init__(self, models, loader)
        self.first_token = first_token
        self.rate = rate
        self.tokens = tokens
        if pieces is not None:
            self.pieces = pieces
        self.manual = manual
        self.prefix = prefix

    # Running ------------------------------------------------------------------------------

    @property
    def url(self) -> str:
        """Where it is, with its prefix."""
        return self.origin + self.prefix

    async def __aenter__(self) -> OllamaServer:
        await self.start()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.stop()

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

    def _find(self, which: int | str) -> Chat | None:
        if isinstance(which, int):
            return self.chats[which] if which < len(self.chats) else None
        return next((chat for chat in reversed(self.chats) if chat.question == which), None)

    # Requests -----------------------------------------------------------------------------

    async def handle(self, connection: Connection, request: Request) -> None:
        """Answer one request."""
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
        connection.hold = connection.sent = None
        connection.gate = self.pull_gate if path == "/api/pull" else None
        planned = self._take(path)
        if planned is None:
            steps: Iterable[Step] = self.plain(request, path)
        else:
            steps = planned.fault.make(Wrong([line({"status": "x"})], "", planned.after))
        await connection.play(steps, head_only=request.method == "HEAD")
