"""Whether it lives, whether it can answer, and what there is: for whoever watches over it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ccchat_tui.api.hub import Hub, answer
from ccchat_tui.backends.base import BackendError

if TYPE_CHECKING:
    from ccchat_tui.api.views import Json

KNOWN_FOR: Final = 2.0
"""Seconds for which an answer of the model server counts: anybody may ask, so that nobody can have
us ask it again and again."""
WITHIN: Final = 5.0
"""Seconds in which a model server has to answer."""


class Health:
    """The endpoints that tell nothing about anybody, and need no token.

    Args:
        hub: The engine.
        document: What `/openapi.json` says.
    """

    def __init__(self, hub: Hub, document: Json) -> None:
        self._hub = hub
        self._document = document
        self._asked_at = float("-inf")
        self._problem = ""
        self._asking = asyncio.Lock()

    def routes(self) -> list[Route]:
        """Where they are."""
        return [
            Route("/", self.alive, methods=["HEAD"]),
            Route("/healthz", self.healthz, methods=["GET"]),
            Route("/readyz", self.readyz, methods=["GET"]),
            Route("/openapi.json", self.openapi, methods=["GET"]),
        ]

    async def alive(self, _request: Request) -> Response:
        """What Ollama's own clients ask first."""
        return Response(None)

    async def healthz(self, _request: Request) -> Response:
        """It lives."""
        return answer({"status": "ok"})

    async def readyz(self, _request: Request) -> Response:
        """Requests are taken, and a model server answers. Why not, only the status tells."""
        if self._hub.service.draining:
            return answer({"status": "closing"}, 503)
        async with self._asking:
            now = self._hub.clock.monotonic()
            if now - self._asked_at >= KNOWN_FOR:
                self._problem = await self._probe()
                self._asked_at = self._hub.clock.monotonic()
        if self._problem:
            return answer({"status": self._problem}, 503)
        return answer({"status": "ok"})

    async def openapi(self, _request: Request) -> Response:
        """The description of all this, by which clients are made."""
        return answer(self._document)

    async def _probe(self) -> str:
        try:
            async with asyncio.timeout(WITHIN):
                await self._hub.service.backend.probe()
        except (BackendError, TimeoutError):
            return "no model server answers"
        return ""
