"""What tests of streaming backends share: prompts, and ways to read a reply."""

from __future__ import annotations

import gc
import socket
from contextlib import aclosing
from typing import Any, cast

from ccchat_tui.backends.base import BackendError, ChatBackend, ChatChunk, ChatMessage, Prompt


def ask(text: str, model: str = "llama3.2:3b", **more: Any) -> Prompt:
    """A prompt of one message."""
    return Prompt(model=model, messages=(ChatMessage("user", text),), **more)


async def read(
    backend: ChatBackend, prompt: Prompt, into: list[ChatChunk] | None = None
) -> list[ChatChunk]:
    """All chunks of a reply; they go into a list that is still there if it fails."""
    chunks: list[ChatChunk] = [] if into is None else into
    async with aclosing(cast(Any, backend.stream(prompt))) as pieces:
        async for piece in pieces:
            chunks.append(piece)  # noqa: PERF401 - kept if it breaks off
    return chunks


async def outcome(
    backend: ChatBackend, prompt: Prompt
) -> tuple[list[ChatChunk], BackendError | None]:
    """What came of a reply, and what it failed with, if it did."""
    chunks: list[ChatChunk] = []
    try:
        await read(backend, prompt, chunks)
    except BackendError as error:
        return chunks, error
    return chunks, None


def text_in(chunks: list[ChatChunk]) -> str:
    """The text of a reply."""
    return "".join(chunk.text for chunk in chunks)


def open_sockets() -> int:
    """How many sockets of this process are open, whoever has them."""
    return sum(
        1 for each in gc.get_objects() if isinstance(each, socket.socket) and each.fileno() >= 0
    )
