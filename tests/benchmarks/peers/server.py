"""The server that all of them ask: Ollama's protocol, and OpenAI's at `/v1`, which Ollama has too
and some clients use. Every reply ends with one sign that is nowhere else on a screen.

    python -m tests.benchmarks.peers.server TOKENS RATE
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from math import inf

from ccchat_tui.testing.ollama_server import OllamaServer
from ccchat_tui.testing.ollama_server.chat import Chat, Phase
from ccchat_tui.testing.ollama_server.replies import pieces_of
from ccchat_tui.testing.ollama_server.steps import End, Head, Request, answer
from ccchat_tui.testing.ollama_server.wire import Connection
from tests.support.openai_server.replies import PLAIN, SSE, events_of, whole

LAST = "\u2042"
"""How every reply ends: an asterism."""


class PeersServer(OllamaServer):
    """Says how many asked it, how many it answers and answered at once (`/asked`).

    Args:
        tokens: How many a reply has.
        rate: Of them in a second; infinite for no pauses.
    """

    def __init__(self, tokens: int, rate: float) -> None:
        super().__init__(slots=64, rate=rate, pieces=self._reply)
        self.tokens = tokens

    def _reply(self, question: str) -> list[str]:
        return [*pieces_of(question, self.tokens - 1), f"\n\n{LAST}"]

    async def handle(self, connection: Connection, request: Request) -> None:
        """Answer one request."""
        connection.gate = connection.hold = connection.sent = None
        if request.path == "/asked":
            said = {"asked": len(self.chats), "now": self.generating, "peak": self.peak}
            await connection.play([answer(said)])
        elif request.path == "/v1/chat/completions":
            await self._as_openai(connection, request)
        else:
            await super().handle(connection, request)

    async def _as_openai(self, connection: Connection, request: Request) -> None:
        chat = Chat(request, request.json(), self.changed, manual=False)
        self.chats.append(chat)
        pieces = self._reply(chat.question)
        async with self._generating(chat):
            if not chat.body.get("stream"):
                await connection.play([answer(whole(chat.model, "".join(pieces)))])
            else:
                lines = events_of(
                    chat.model, pieces, dialect=PLAIN, thinking=(), reason="stop", count=True
                )
                await connection.play([Head(content_type=SSE), *self._paced(lines), End()])
        chat.go(Phase.COMPLETED)


async def serve(tokens: int, rate: float) -> None:
    """Serve until somebody ends it; the address is the first line that is written."""
    async with PeersServer(tokens, rate) as server:
        sys.stdout.write(server.url + "\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(int(sys.argv[1]), float(sys.argv[2]) or inf))
