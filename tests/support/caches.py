"""What the tests of the reply cache share."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

from ccchat_tui.backends.base import (
    ChatBackend,
    ChatChunk,
    ChatMessage,
    ModelInfo,
    Prompt,
)
from ccchat_tui.backends.cache import CacheSettings, CachingBackend
from ccchat_tui.testing.virtual_time import LoopClock
from tests.support.memory_server import MemoryServer
from tests.support.pools import Odd

MODEL = ModelInfo("m:latest", digest="d1")


def question(text: str = "hello", **changes: Any) -> Prompt:
    """A prompt that may be answered from memory, unless the changes make it one that may not."""
    prompt = Prompt(
        "m", (ChatMessage("user", text),), options={"temperature": 0, "num_ctx": 4096}, user="anna"
    )
    return replace(prompt, **changes)


def cached(
    server: MemoryServer | Odd | None = None, **options: Any
) -> tuple[CachingBackend, MemoryServer]:
    """A cache before a server."""
    inner = server or MemoryServer("a", models=[MODEL], slots=99)
    backend = CachingBackend(inner, CacheSettings(**options), clock=LoopClock())
    return backend, cast(MemoryServer, inner)


async def chunks(backend: ChatBackend, prompt: Prompt) -> list[ChatChunk]:
    """All pieces of a reply."""
    return [chunk async for chunk in backend.stream(prompt)]
