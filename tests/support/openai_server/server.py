"""The server: its two endpoints on a socket, and what a test does with it."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Sequence
from typing import Any

from ccchat_tui.testing.ollama_server.chat import Chat, Phase
from ccchat_tui.testing.ollama_server.listener import Listener
from ccchat_tui.testing.ollama_server.replies import pieces_of
from ccchat_tui.testing.ollama_server.steps import Answer, End, Head, Request, Step, answer
from ccchat_tui.testing.ollama_server.wire import Connection, LeftError
from tests.support.openai_server.faults import FAULTS, Fault, Wrong, error, openai_error
from tests.support.openai_server.replies import PLAIN, SSE, Dialect, events_of

_ASKED_FAULT = re.compile(r"fault:([a-z0-9_]+)(?:@(\d+))?")


class OpenAIServer(Listener):
    """A server of the OpenAI protocol as its clients see it, on a real socket. Use it as a context.

    Events can be held back by the test's hand (`manual`, then `Chat.release`). A fault is met by
    the next requests (`fail`), or by those whose question says `fault:NAME` or `fault:NAME@EVENTS`.

    Args:
        models: The objects of its list.
        dialect: In what it differs from others.
        tokens: How many a reply has.
        manual: Whether events wait for `Chat.release`.
        key: The key that it asks for; empty for none.
        prefix: The path before its endpoints.
        tls: For HTTPS, the context with the certificate.
    """

    def __init__(
        self,
        *,
        models: Sequence[dict[str, Any]] | None = None,
        dialect: Dialect = PLAIN,
        tokens: int = 8,
        manual: bool = False,
        key: str = "",
        prefix: str = "/v1",
        tls: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__("127.0.0.1", 0, tls)
        self.models = [{"id": "mist-7b", "object": "model"}] if models is None else list(models)
        self.dialect = dialect
        self.tokens = tokens
        self.manual = manual
        self.key = key
        self.prefix = prefix
        self.redirect = ""
        """An address that every request is sent on to (307); empty for none."""
        self.chats: list[Chat] = []
        """All that asked for a reply, in the order of their coming."""
        self.left: list[Chat] = []
        """Those whose client left before the reply was complete."""
        self._planned: list[tuple[str, Fault, int]] = []

    @property
    def url(self) -> str:
        """Where it is, with its prefix."""
        return self.origin + self.prefix

    async def __aenter__(self) -> OpenAIServer:
        await self.start()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.stop()

    def fail(self, fault: str, *, after: int = 2, path: str = "/chat/completions") -> None:
        """Let the next request for this path meet a fault."""
        self._planned.append((path, FAULTS[fault], after))

    async def chat(self, question: str) -> Chat:
        """The newest chat with this question, waiting for it to come. Raises `TimeoutError`."""

        def found() -> Chat | None:
            return next((each for each in reversed(self.chats) if each.question == question), None)

        await self.until(lambda: found() is not None)
        chat = found()
        assert chat is not None
        return chat

    async def handle(self, connection: Connection, request: Request) -> None:
        """Answer one request."""
        connection.gate = connection.hold = connection.sent = None
        path = request.path.removeprefix(self.prefix)
        known = (request.method, path) in (("GET", "/models"), ("POST", "/chat/completions"))
        steps: list[Step]
        if self.redirect:
            steps = [Answer(307, b"", "", (("Location", self.redirect),))]
        elif not request.path.startswith(self.prefix + "/") or not known:
            steps = [error(404, {"detail": "Not Found"})]
        elif self.key and request.headers.get("authorization") != f"Bearer {self.key}":
            steps = [error(401, {"error": "Unauthorized"})]
        elif path == "/models":
            planned = self._take(path)
            listed: Step = answer({"object": "list", "data": self.models})
            steps = [listed] if planned is None else planned[0].make(Wrong([], "", 0, ""))
        else:
            await self._play_chat(connection, request)
            return
        await connection.play(steps)

    async def _play_chat(self, connection: Connection, request: Request) -> None:
        chat = Chat(request, request.json(), self.changed, manual=self.manual)
        self.chats.append(chat)
        connection.gate, connection.hold, connection.sent = chat.gate, chat.hold, chat.sent
        self.changed()
        try:
            await connection.play(self._reply(chat))
            if not chat.ended:
                chat.go(Phase.COMPLETED)
        except (LeftError, OSError):
            if not chat.ended:
                chat.go(Phase.FAILED)
            raise
        except asyncio.CancelledError:
            if not chat.ended:
                self.left.append(chat)
                chat.go(Phase.LEFT)
            raise

    def _reply(self, chat: Chat) -> list[Step]:
        counted = "stream_options" in chat.body
        refusal = self.dialect.counting
        if counted and refusal in (400, 422):
            return [error(refusal, openai_error("Unrecognized argument", "invalid_request_error"))]
        if "continue_final_message" in chat.body and self.dialect.going_on != 200:
            return [error(self.dialect.going_on, openai_error("Unknown", "invalid_request_error"))]
        pieces = pieces_of(chat.question, self.tokens)
        limit = chat.body.get("max_tokens")
        events = events_of(
            chat.model,
            pieces[:limit],
            dialect=self.dialect,
            thinking=["Let me ", "think. "] if "ponder" in chat.question else [],
            reason="stop" if limit is None or limit >= len(pieces) else "length",
            count=counted and refusal == 200,
        )
        chat.total = len(events)
        chat.go(Phase.GENERATING)
        planned = self._asked(chat) or self._take("/chat/completions")
        if planned is not None:
            wrong = Wrong(events, chat.model, planned[1], "".join(pieces[:limit]))
            return planned[0].make(wrong)
        return [Head(content_type=SSE), *events, End()]

    def _asked(self, chat: Chat) -> tuple[Fault, int] | None:
        found = _ASKED_FAULT.search(chat.question)
        return (FAULTS[found[1]], int(found[2] or 2)) if found else None

    def _take(self, path: str) -> tuple[Fault, int] | None:
        for place, (wanted, fault, after) in enumerate(self._planned):
            if wanted == path:
                del self._planned[place]
                return fault, after
        return None
