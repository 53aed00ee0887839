"""A server of OpenAI's protocol for tests: real sockets, real framing, several dialects, faults.

    async with OpenAIServer(manual=True) as server:
        ...  # a client asks at server.url
        chat = await server.chat("a question")
        await chat.release(3)
        await chat.finish()

Sockets, steps and the test's hand on a chat are those of the Ollama server.
"""

from __future__ import annotations

from tests.support.openai_server.faults import FAULTS
from tests.support.openai_server.replies import PLAIN, Dialect
from tests.support.openai_server.server import OpenAIServer

__all__ = ["FAULTS", "PLAIN", "Dialect", "OpenAIServer"]
