"""A page for each visitor, and behind it a process of the app that works on the one engine."""

from __future__ import annotations

import asyncio
import logging
import shlex
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from socket import socket
from typing import Any, Final

from aiohttp import web
from textual_serve.app_service import AppService
from textual_serve.server import Server

from ccchat_tui.api.tokens import Caller, Tokens
from ccchat_tui.web.doors import CALLER, TOKEN, door

MOST_VISITORS: Final = 50
"""Processes at once: each of them takes some 70 MB."""
LEAVING: Final = 5.0
"""Seconds that a visitor's process has to end by itself."""
DRIVER: Final = "ccchat_tui.tui.web_driver:VisitorDriver"
NARROWEST, WIDEST = 20, 1000

_log = logging.getLogger(__name__)


class VisitorProcess(AppService):
    """The app of one visitor.

    Args:
        command: How it is started.
        env: What is told to it, and to nobody else: the command line is for all to see.
        more: What the base class takes.
    """

    def __init__(self, command: str, env: Mapping[str, str], **more: Any) -> None:
        super().__init__(command, **more)
        self._more = env

    def _build_environment(self, width: int = 80, height: int = 24) -> dict[str, str]:
        env: dict[str, str] = super()._build_environment(width, height)
        # An editor would be one of this machine, and give its visitor the rest of it.
        kept = {name: value for name, value in env.items() if name not in {"EDITOR", "VISUAL"}}
        return {**kept, "TEXTUAL_DRIVER": DRIVER, **self._more}

    async def stop(self) -> None:
        """End it; if it does not, it is ended."""
        try:
            async with asyncio.timeout(LEAVING):
                await super().stop()
        except (TimeoutError, ConnectionError):
            if self._process is not None and self._process.returncode is None:
                with suppress(ProcessLookupError):
                    self._process.kill()
        if self._process is not None:
            await self._process.wait()


class Visitors(Server):
    """textual-serve's server, with doors of ours, in a loop that others use too.

    Args:
        engine: The URL of the API behind.
        tokens: Who is known.
        names: Host names by which we are reached.
        any_ip: Whether any address is right as a host.
        env_of: What a visitor's process is told besides.
    """

    def __init__(
        self,
        engine: str,
        tokens: Tokens,
        names: Iterable[str],
        *,
        any_ip: bool,
        env_of: Callable[[Caller, str], Mapping[str, str]],
    ) -> None:
        words = [sys.executable, "-m", "ccchat_tui", "--connect", engine]
        # It is started by a shell, which is to be nobody between us and it.
        on_windows = sys.platform == "win32"
        quoted = subprocess.list2cmdline(words) if on_windows else f"exec {shlex.join(words)}"
        super().__init__(quoted, title="ccchat", public_url="")
        self._door = door(tokens, names, any_ip=any_ip)
        self._env_of = env_of
        self._open: set[web.WebSocketResponse] = set()

    async def make(self) -> web.Application:
        """The application, for a runner."""
        app = await self._make_app()
        app.middlewares.append(self._door)  # type: ignore[arg-type] # it is a middleware
        return app

    async def on_startup(self, app: web.Application) -> None:
        """Say nothing: whoever serves says what there is to say."""

    async def on_shutdown(self, app: web.Application) -> None:  # noqa: ARG002 - its base has it
        """Send the visitors home."""
        for socket_ in tuple(self._open):
            await socket_.close(code=1001, message=b"ccchat ends")

    async def handle_index(self, request: web.Request) -> Any:
        """The page, whose addresses are those by which it was asked."""
        secure = request.headers.get("X-Forwarded-Proto", request.scheme) == "https"
        self.public_url = f"http{'s' if secure else ''}://{request.host}"
        return await super().handle_index(request)

    async def handle_websocket(self, request: web.Request) -> web.WebSocketResponse:
        """A visitor: their process lives as long as their page does."""
        if len(self._open) >= MOST_VISITORS:
            raise web.HTTPServiceUnavailable(text="there are too many visitors; try again later\n")
        page = web.WebSocketResponse(heartbeat=15, max_msg_size=4 * 1024 * 1024)
        await page.prepare(request)
        self._open.add(page)
        caller = request[CALLER]
        process = VisitorProcess(
            self.command,
            self._env_of(caller, request[TOKEN]),
            write_bytes=_while_open(page.send_bytes),
            write_str=_while_open(page.send_str),
            close=page.close,
            download_manager=self.download_manager,
        )
        _log.info("visitor_came", extra={"told": {"user": caller.user}})
        try:
            await process.start(_cells(request, "width", 80), _cells(request, "height", 24))
            await self._process_messages(page, process)
        except (AssertionError, KeyError, TypeError, ValueError, IndexError):
            await page.close(code=1003)  # what came is none of its page's
        finally:
            self._open.discard(page)
            await process.stop()
            _log.info("visitor_left", extra={"told": {"user": caller.user}})
        return page


@asynccontextmanager
async def visited(visitors: Visitors, listener: socket) -> AsyncIterator[None]:
    """Serve the app to visitors while the `async with` lasts."""
    for name in ("textual-serve", "aiohttp"):
        logging.getLogger(name).addHandler(logging.NullHandler())
        logging.getLogger(name).propagate = False
    runner = web.AppRunner(
        await visitors.make(), access_log=None, handle_signals=False, shutdown_timeout=LEAVING
    )
    await runner.setup()
    try:
        await web.SockSite(runner, listener).start()
        yield
    finally:
        await runner.cleanup()
        listener.close()


def _while_open(send: Callable[[Any], Awaitable[None]]) -> Callable[[Any], Awaitable[None]]:
    """What is sent to a page that was closed goes nowhere."""

    async def sent(data: Any) -> None:
        with suppress(ConnectionError):
            await send(data)

    return sent


def _cells(request: web.Request, name: str, otherwise: int) -> int:
    text = request.query.get(name, "")
    given = int(text) if text.isascii() and text.isdigit() and len(text) < 6 else otherwise
    return min(max(given, NARROWEST), WIDEST)
