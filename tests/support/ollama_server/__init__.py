"""A faithful Ollama server for tests: real sockets, real framing, slots, loads, pace and faults.

    async with OllamaServer(manual=True) as server:
        ...  # a client asks at server.url
        chat = await server.chat("a question")
        await chat.release(3)
        await chat.finish()

`python -m tests.support.ollama_server` runs it by hand.
"""

from __future__ import annotations

from tests.support.ollama_server.catalog import Model, usual_models
from tests.support.ollama_server.chat import Chat, Disconnect, Phase
from tests.support.ollama_server.endpoints import VERSION
from tests.support.ollama_server.faults import FAULTS
from tests.support.ollama_server.replies import pieces_of, text_of
from tests.support.ollama_server.server import OllamaServer
from tests.support.ollama_server.steps import Request

__all__ = [
    "FAULTS",
    "VERSION",
    "Chat",
    "Disconnect",
    "Model",
    "OllamaServer",
    "Phase",
    "Request",
    "pieces_of",
    "text_of",
    "usual_models",
]
