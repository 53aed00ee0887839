"""A whole service over a real socket, and at the other end a server in the hand of a test."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable, Mapping
from typing import Any

from ccchat_tui.backends.base import ChatMessage, Prompt
from ccchat_tui.backends.hosts import read_host
from ccchat_tui.backends.http import HttpServer
from ccchat_tui.backends.ndjson import NdjsonReader
from ccchat_tui.backends.ollama import OllamaBackend
from ccchat_tui.engine.events import EngineEvent, RequestRetrying
from ccchat_tui.engine.handle import RequestHandle
from ccchat_tui.engine.limits import EngineSettings
from ccchat_tui.engine.service import ConcurrentChatService
from ccchat_tui.testing.ollama_server import OllamaServer

MODEL = "llama3.2:3b"
THINKER = "qwen3:8b"
PATIENCE = 10.0
"""Seconds after which a wait for something that never happens raises `TimeoutError`."""

_USUAL: Mapping[str, Any] = {
    "requests_per_minute": 0,
    "max_concurrent_per_user": 9,
    "max_concurrent": 9,
    "timeout": 30.0,
    "retry_base": 0.002,
    "fallback_window": 0.005,
}


class Stage:
    """A service, its backend and its server.

    Args:
        server: At the other end; it is listening.
        settings: The engine's, beside those that keep its pauses short.
    """

    def __init__(self, server: OllamaServer, settings: Mapping[str, Any]) -> None:
        self.server = server
        self.backend = OllamaBackend(read_host(server.url))
        self.settings = EngineSettings(**{**_USUAL, **settings})
        self.service = ConcurrentChatService(self.backend, self.settings, rng=random.Random(1))
        self.retries: list[RequestRetrying] = []
        """Every attempt that is to be followed by another, in order."""
        self._asked = 0
        self._waiting: list[tuple[Callable[[], bool], asyncio.Future[None]]] = []
        self.service.subscribe(self._heard)

    def ask(
        self, text: str | None, model: str = MODEL, user: str = "a", **more: Any
    ) -> RequestHandle:
        """Ask something; `None` asks nothing, which loads the model."""
        self._asked += 1
        messages = () if text is None else (ChatMessage("user", text),)
        prompt = Prompt(model=model, messages=messages, **more)
        return self.service.submit(
            user=user,
            session_id=f"of {user}",
            model=model,
            prompt=lambda: prompt,
            preview=text or "",
            id=f"r{self._asked}",
        )

    async def call(self, method: str, path: str, body: Any = None) -> tuple[int, list[Any]]:
        """Ask for something else than a reply, by our own HTTP: the status, and the objects that
        came, each in its line."""
        sent = None if body is None else json.dumps(body).encode()
        http = HttpServer(read_host(self.server.url))
        async with http.request(method, path, sent) as response:
            reader = NdjsonReader()
            lines = reader.feed(await http.read_whole(response))
            lines += filter(None, [reader.close()])
            return response.status_code, [json.loads(line) for line in lines]

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until something of the engine holds; it is looked at after each of its events.
        Raises `TimeoutError`."""
        if not condition():
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append((condition, future))
            async with asyncio.timeout(PATIENCE):
                await future

    async def close(self) -> None:
        """End everything, and check that nothing of it is left, here or there."""
        await self.service.aclose()
        assert self.backend.open == 0
        assert leftovers(self.service) == []
        for chat in self.server.chats:
            chat.let_go()
        await self.server.settled()
        assert self.server.generating == 0
        await self.backend.aclose()

    def _heard(self, event: EngineEvent) -> None:
        if isinstance(event, RequestRetrying):
            self.retries.append(event)
        for condition, future in self._waiting:
            if not future.done() and condition():
                future.set_result(None)


def leftovers(service: ConcurrentChatService) -> list[str]:
    """What the engine's tables still hold, though nothing lives; empty is right."""
    life, fallback = service._manager.life, service._fallback
    held = {
        "living": len(life.living),
        "in flight": len(life.in_flight),
        "waiting to retry": len(life.waiting),
        "queued": life.queue.queued,
        "in the scheduler": life.queue.size,
        "watched over": life.watchdog.size,
        "held by the fallback": fallback.size,
        "probing": int(fallback._probing is not None),
        "waiting for the end": len(life._emptied),
    }
    return [f"{count} {what}" for what, count in held.items() if count]
