"""The API over a real socket, before an engine whose model server the test holds in its hand."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from ccchat_tui.api.address import Address, bind
from ccchat_tui.api.server import serving
from ccchat_tui.api.tokens import ADMIN, Tokens
from ccchat_tui.backends.base import ChatBackend
from ccchat_tui.clock import SystemClock
from ccchat_tui.engine.limits import EngineSettings
from ccchat_tui.engine.service import ConcurrentChatService
from ccchat_tui.testing.app import until
from ccchat_tui.testing.scripted import ScriptedBackend

MODEL = "llama3.2:3b"


@dataclass
class Desk:
    """An API that runs, and clients for each of those who may come in."""

    service: ConcurrentChatService
    tokens: Tokens
    address: Address
    clients: dict[str, httpx.AsyncClient]
    backend: ScriptedBackend

    @property
    def admin(self) -> httpx.AsyncClient:
        """The admin's client."""
        return self.clients[ADMIN]

    @property
    def ada(self) -> httpx.AsyncClient:
        """A user's client."""
        return self.clients["ada"]

    @property
    def bob(self) -> httpx.AsyncClient:
        """Another user's."""
        return self.clients["bob"]

    async def until_living(self, count: int) -> None:
        """Wait until so many requests live."""
        await until(lambda: len(self.service.snapshot().requests) == count)


def chat(text: str, **more: Any) -> dict[str, Any]:
    """The body of a chat."""
    return {"model": MODEL, "messages": [{"role": "user", "content": text}], **more}


@asynccontextmanager
async def api(
    folder: Path,
    backend: ChatBackend | None = None,
    *,
    names: tuple[str, ...] = (),
    any_ip: bool = False,
    **settings: Any,
) -> AsyncIterator[Desk]:
    """Serve the API, with an admin and two users."""
    script = ScriptedBackend()
    service = ConcurrentChatService(
        backend or script, EngineSettings(**{"requests_per_minute": 0, **settings})
    )
    tokens = Tokens(folder / "tokens.json")
    named = tokens.make_missing((ADMIN, "ada", "bob"))
    listener, address = bind(Address("127.0.0.1", 0))
    clients = {
        name: httpx.AsyncClient(
            base_url=address.url,
            headers={"authorization": f"Bearer {token}"},
            timeout=20,
            trust_env=False,
        )
        for name, token in named.items()
    }
    try:
        async with serving(
            service, listener, tokens, clock=SystemClock(), names=names, any_ip=any_ip
        ):
            yield Desk(service, tokens, address, clients, script)
    finally:
        for client in clients.values():
            await client.aclose()
        await service.aclose()


async def lines(response: httpx.Response) -> AsyncIterator[dict[str, Any]]:
    """The lines of a streamed reply."""
    async for line in response.aiter_lines():
        yield json.loads(line)


@asynccontextmanager
async def asking(
    client: httpx.AsyncClient, text: str, **more: Any
) -> AsyncIterator[httpx.Response]:
    """A streamed chat on the control API."""
    async with client.stream("POST", "/api/ai/requests", json=chat(text, **more)) as response:
        assert response.status_code == 200, await response.aread()
        yield response


async def events(response: httpx.Response) -> AsyncIterator[tuple[str, str, dict[str, Any]]]:
    """Server-sent events: id, kind, data."""
    fields: dict[str, str] = {}
    async for line in response.aiter_lines():
        if line and not line.startswith(":"):
            name, _, value = line.partition(":")
            fields[name] = value.lstrip()
        elif not line:
            if "data" in fields:
                yield fields.get("id", ""), fields["event"], json.loads(fields["data"])
            fields = {}
