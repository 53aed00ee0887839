"""The program with a reply under way, which goes on when the test says so."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from ccchat_tui.testing.ollama_server import Chat, OllamaServer
from tests.e2e.conftest import Start
from tests.e2e.terminal import Terminal


@dataclass(frozen=True, slots=True)
class Streaming:
    """What a test has a hand on."""

    server: OllamaServer
    terminal: Terminal
    chat: Chat
    """The reply: three pieces have come, and are on the screen."""


@asynccontextmanager
async def streaming(
    start: Start, *, env: dict[str, str] | None = None, **server: Any
) -> AsyncIterator[Streaming]:
    """Start the program and ask a question.

    Args:
        start: Starts it.
        env: Further variables of its environment.
        server: How the server is.
    """
    async with (
        OllamaServer(manual=True, **server) as there,
        start(server=there, env=env) as terminal,
    ):
        await terminal.until("llama3.2:3b")
        terminal.send("A question\r")
        chat = await there.chat()
        await chat.release(3)
        await terminal.until("About: A")
        yield Streaming(there, terminal, chat)
