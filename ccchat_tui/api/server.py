"""The HTTP server, in the event loop of whoever has the engine."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from socket import socket
from typing import TYPE_CHECKING, Final

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route

from ccchat_tui.api import dashboard
from ccchat_tui.api.connection import MOST_HEAD, Connection
from ccchat_tui.api.control import Control
from ccchat_tui.api.detached import DetachedRequests
from ccchat_tui.api.doors import Doors
from ccchat_tui.api.gateway import Gateway
from ccchat_tui.api.health import Health
from ccchat_tui.api.hub import Hub, answer
from ccchat_tui.api.journal import Journal
from ccchat_tui.api.metrics import Metrics
from ccchat_tui.api.openapi import document
from ccchat_tui.api.tokens import Tokens
from ccchat_tui.beside import Outside
from ccchat_tui.fault import write_trace

if TYPE_CHECKING:
    from ccchat_tui.clock import Clock
    from ccchat_tui.engine.service import ConcurrentChatService

IDLE: Final = 30
"""Seconds that a connection may be kept alive with nothing to do."""
LEAVING: Final = 2
"""Seconds that what is under way has to end when the server does."""


class _Server(uvicorn.Server):
    """Without what belongs to the program: signals, and a look at the clock ten times a second."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.stop = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are answered by whoever has the loop."""
        yield

    async def main_loop(self) -> None:
        """Do nothing until it is time to end."""
        await self.stop.wait()


def make_app(hub: Hub, metrics: Metrics) -> Starlette:
    """All endpoints."""
    routes = [
        *Control(hub).routes(),
        *dashboard.routes(),
        *Gateway(hub).routes(),
        *metrics.routes(),
        *Health(hub, document()).routes(),
    ]
    app = Starlette(routes=routes, exception_handlers={HTTPException: _refused, Exception: _failed})
    app.router.redirect_slashes = False
    return app


@asynccontextmanager
async def serving(
    service: ConcurrentChatService,
    listener: socket,
    tokens: Tokens,
    *,
    clock: Clock,
    model: str = "",
    names: Sequence[str] = (),
    any_ip: bool = False,
    outside: Outside | None = None,
) -> AsyncIterator[None]:
    """Serve the API while the `async with` lasts.

    A fault of the server is written down, and takes nobody with it. At the end what is still under
    way is given a moment, and cancelled then.

    Args:
        service: The engine; it stays its owner's.
        listener: Where requests come in; closed at the end.
        tokens: Who is known.
        clock: The service's.
        model: What is asked where a request names no model.
        names: Further host names by which we are reached.
        any_ip: Whether any address is right as a host.
        outside: Is told of its end.
    """
    # A program that draws on the terminal must not find the server's words there.
    for name in ("uvicorn", "ccchat_tui"):
        logging.getLogger(name).addHandler(logging.NullHandler())
    journal = Journal(service)
    detached = DetachedRequests(service)
    hub = Hub(service, journal, detached, clock, model)
    metrics = Metrics(hub)
    app = Doors(make_app(hub, metrics), tokens, names, any_ip=any_ip)
    server = _Server(
        uvicorn.Config(
            app,
            http=Connection,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=False,
            timeout_keep_alive=IDLE,
            timeout_graceful_shutdown=LEAVING,
            h11_max_incomplete_event_size=MOST_HEAD,
        )
    )
    task = asyncio.create_task(_serve(server, listener), name="api")
    task.add_done_callback(partial(_tell, server, outside or Outside("")))
    try:
        yield
    finally:
        journal.close()
        detached.close()
        metrics.close()
        server.stop.set()
        await asyncio.wait((task,))
        for connection in list(server.server_state.connections):
            connection.transport.abort()
        listener.close()


async def _serve(server: _Server, listener: socket) -> None:
    try:
        await server.serve(sockets=[listener])
    except SystemExit as stop:  # which an event loop lets end the whole program
        raise RuntimeError(f"the server has left with {stop.code}") from stop


def _tell(server: _Server, outside: Outside, task: asyncio.Task[None]) -> None:
    """It has ended; before its time, that is a fault."""
    error = None if task.cancelled() else task.exception()
    if not server.stop.is_set():
        outside.problem = write_trace(error, ended="the API").removeprefix("ccchat: ")
    outside.ended.set()


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    headers = dict(error.headers or {})
    if error.status_code == 405:
        # Starlette tells of the first route at this path; there is one for each method.
        here = [
            route.methods or ()
            for route in request.app.routes
            if isinstance(route, Route) and route.matches(request.scope)[0] is not Match.NONE
        ]
        headers["allow"] = ", ".join(sorted(set().union(*here)))
        headers.pop("Allow", None)
    return answer({"error": error.detail}, error.status_code, **headers)


async def _failed(_request: Request, _error: Exception) -> Response:
    """A fault of ours; the details are in the log, where Starlette's caller puts them."""
    return answer({"error": "a fault of ccchat's own; its log has the details"}, 500)
