"""A faithful Ollama server for tests: real sockets, real framing, slots, loads, pace and faults.

    async with OllamaServer(manual=True) as server:
        ...  # a client asks at server.url
        chat = await server.chat("a question")
        await chat.release(3)
        await chat.finish()

`python -m ccchat_tui.testing.ollama_server` runs it by hand.
"""

from __future__ import annotations

from ccchat_tui.testing.ollama_server.catalog import Model, usual_models
from ccchat_tui.testing.ollama_server.chat import Chat, Disconnect, Phase
from ccchat_tui.testing.ollama_server.endpoints import VERSION
from ccchat_tui.testing.ollama_server.faults import FAULTS
from ccchat_tui.testing.ollama_server.replies import pieces_of, text_of
from ccchat_tui.testing.ollama_server.server import OllamaServer
from ccchat_tui.testing.ollama_server.steps import Request

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
