"""An engine that is reached over its API, and a line to it that the test can cut."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ccchat_tui.backends.base import ChatMessage, Prompt
from ccchat_tui.backends.ccchat import CcchatServer
from ccchat_tui.backends.hosts import Host
from ccchat_tui.clock import SystemClock
from ccchat_tui.engine.events import EngineEvent
from ccchat_tui.engine.handle import RequestHandle
from ccchat_tui.remote.me import who_am_i
from ccchat_tui.remote.service import RemoteService
from tests.api.desk import MODEL, Desk, api


class Wire:
    """Passes bytes on to an address, until it is cut.

    Args:
        url: Where to.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._there = (parts.hostname, parts.port)
        self._server: asyncio.Server | None = None
        self._open = False
        self._port = 0
        self._writers: set[asyncio.StreamWriter] = set()
        self._passing: set[asyncio.Task[None]] = set()

    async def open(self) -> str:
        """Let connections through, at the same address as before. Returns it."""
        self._open = True
        self._server = await asyncio.start_server(self._pass_on, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]
        return f"http://127.0.0.1:{self._port}"

    async def cut(self) -> None:
        """Break every connection, and let none through."""
        assert self._server is not None
        self._open = False
        self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()
        if self._passing:
            await asyncio.wait(self._passing)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._passing.add(task)
        task.add_done_callback(self._passing.discard)
        self._writers.add(writer)
        with suppress(OSError):
            there_reader, there = await asyncio.open_connection(*self._there)
            self._writers.add(there)
            if not self._open:  # cut while it was coming about
                there.transport.abort()
                writer.transport.abort()
            await asyncio.gather(_copy(reader, there), _copy(there_reader, writer))
            self._writers.discard(there)
        self._writers.discard(writer)
        writer.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


@dataclass
class Far:
    """A service that works from afar, and the desk that it works on."""

    desk: Desk
    wire: Wire
    service: RemoteService
    told: list[EngineEvent] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def ask(self, text: str, user: str = "ada", request_id: str = "", **more: Any) -> RequestHandle:
        """Ask something."""
        prompt = Prompt(MODEL, (ChatMessage("user", text),))
        return self.service.submit(
            user=user,
            session_id="chat-1",
            model=MODEL,
            prompt=lambda: prompt,
            preview=f"shown: {text}",
            id=request_id or f"request-{text.replace(' ', '-')}",
            **more,
        )

    def happened(self, request_id: str) -> list[str]:
        """What was told of a request, by the names of the events."""
        return [
            type(e).__name__.removeprefix("Request")
            for e in self.told
            if getattr(e, "request_id", "") == request_id
        ]


@asynccontextmanager
async def far(
    folder: Path, *, as_: str = "ada", started: bool = True, **settings: Any
) -> AsyncIterator[Far]:
    """Work from afar on an engine with an admin, ada and bob."""
    async with api(folder, **settings) as desk:
        wire = Wire(desk.address.url)
        token = desk.tokens.all()[as_]
        server = CcchatServer(Host(await wire.open()), api_key=token)
        service = RemoteService(server, await who_am_i(server), clock=SystemClock())
        there = Far(desk, wire, service)
        service.say = there.said.append
        service.subscribe(there.told.append)
        if started:
            service.start()
        try:
            yield there
        finally:
            await service.aclose()
            await server.aclose()
            await wire.cut()
