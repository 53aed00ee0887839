"""`/api/chat`: from the request, through load and slot, to the last line."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from math import inf

from ccchat_tui.testing.ollama_server.catalog import Loader, Model, QueueFullError, seconds_of
from ccchat_tui.testing.ollama_server.chat import Chat, Disconnect, Phase, Planned, fault_in
from ccchat_tui.testing.ollama_server.checks import refusal_of_model, refusal_of_types
from ccchat_tui.testing.ollama_server.endpoints import Endpoints, decoded
from ccchat_tui.testing.ollama_server.faults import BUSY, MOVED, Fault, Wrong
from ccchat_tui.testing.ollama_server.replies import chunk, joined, lines_of, pieces_of
from ccchat_tui.testing.ollama_server.steps import (
    Answer,
    Close,
    End,
    Head,
    Line,
    Pause,
    Request,
    Reset,
    Step,
    answer,
    error,
)
from ccchat_tui.testing.ollama_server.wire import Connection, LeftError


class ChatEndpoint(Endpoints):
    """The endpoint of replies, and what can be set of it while it runs.

    Args:
        models: What the server has.
        loader: Which of them are loaded.
    """

    def __init__(self, models: Sequence[Model] | None, loader: Loader) -> None:
        super().__init__(models, loader)
        self.first_token = 0.0
        """Seconds from the slot to the first line."""
        self.rate = inf
        """Lines a second."""
        self.tokens = 8
        """How many a reply has."""
        self.pieces: Callable[[str], list[str]] = lambda question: pieces_of(question, self.tokens)
        """The reply to a question, token by token."""
        self.manual = False
        """Whether lines wait for `Chat.release`."""
        self.chats: list[Chat] = []
        """All that asked for a reply, in the order of their coming."""
        self.disconnects: list[Disconnect] = []
        """Clients that left before their reply was complete."""
        self.generating = 0
        """How many replies are being written now."""
        self.peak = 0
        """The most there were at once."""
        self._planned: list[Planned] = []

    def changed(self) -> None:
        """Told after every change."""

    async def play_chat(self, connection: Connection, request: Request) -> None:
        """Answer one request to `/api/chat`."""
        refused, body = decoded(request)
        if refused is not None:
            await connection.play([refused])
            return
        chat = Chat(request, body, self.changed, manual=self.manual)
        self.chats.append(chat)
        connection.gate, connection.hold, connection.sent = chat.gate, chat.hold, chat.sent
        self.changed()
        try:
            await self._answer(connection, chat)
        except (LeftError, OSError):
            if not chat.ended:
                chat.go(Phase.FAILED)
            raise
        except asyncio.CancelledError:
            if not chat.ended:
                now = asyncio.get_running_loop().time()
                left = Disconnect(now, request.path, chat.question, chat.phase, chat.lines)
                self.disconnects.append(left)
                chat.go(Phase.LEFT)
            raise

    async def _answer(self, connection: Connection, chat: Chat) -> None:
        chat.fault, after = self._fault_for(chat)
        model = self.model(chat.model)
        steps: list[Step] = []
        refused = self._refusal(chat, model)
        if refused is not None:
            steps = [refused]
        else:
            model = model or Model(chat.model)
            keep = seconds_of(chat.body.get("keep_alive"))
            chat.total = len(lines := self._lines(chat, model))
            if chat.fault is not None:
                steps = chat.fault.make(Wrong(lines, chat.model, after))
            elif not chat.body.get("messages") and keep == 0:
                self.loader.unload(model.name)
                steps = [_single(chat.model, "unload")]
        if model is None or (steps and isinstance(steps[0], (Answer, Close, Reset))):
            # What refuses, or breaks at once, waits neither for a load nor for a slot.
            await connection.play(steps)
            chat.go(Phase.COMPLETED)
            return
        chat.go(Phase.LOADING)
        try:
            async with self.loader.use(model, keep) as runner:
                if not chat.body.get("messages"):
                    await connection.play([_single(chat.model, "load")])
                    chat.go(Phase.COMPLETED)
                    return
                chat.go(Phase.WAITING)
                async with runner.slots, self._generating(chat):
                    await self._generate(connection, chat, lines, steps)
        except QueueFullError:
            await connection.play([error(503, BUSY)])
            chat.go(Phase.COMPLETED)

    def _refusal(self, chat: Chat, model: Model | None) -> Answer | None:
        refused = refusal_of_types(chat.body)
        if refused is None and not chat.model:
            refused = error(400, "model is required")
        if refused is None and chat.fault is None:
            if model is None:
                return error(404, f"model '{chat.model}' not found")
            return refusal_of_model(chat.body, model)
        return refused

    @asynccontextmanager
    async def _generating(self, chat: Chat) -> AsyncIterator[None]:
        self.generating += 1
        self.peak = max(self.peak, self.generating)
        chat.go(Phase.GENERATING)
        try:
            yield
        finally:
            self.generating -= 1
            self.changed()

    async def _generate(
        self, connection: Connection, chat: Chat, lines: Sequence[Line], steps: list[Step]
    ) -> None:
        if steps:
            await connection.play(steps)
        elif chat.body.get("stream") is False:
            await connection.play([*self._paced(lines, silent=True), answer(joined(lines))])
            chat.go(Phase.COMPLETED)
        else:
            await connection.play([Head(), *self._paced(lines), End()])
        if not chat.ended:
            right = chat.fault is None or chat.fault.right
            chat.go(Phase.COMPLETED if right else Phase.FAILED)

    def _lines(self, chat: Chat, model: Model) -> list[Line]:
        options = chat.body.get("options") or {}
        pieces = self.pieces(chat.question)
        limit = options.get("num_predict", -1)
        reason = "length" if 0 <= limit < len(pieces) else "stop"
        pieces = pieces[:limit] if reason == "length" else pieces
        # Absent means true for a model that can think (Ollama source, server/routes.go).
        thinks = "thinking" in model.capabilities and chat.body.get("think", True) is not False
        thinking = ["Let me ", "think. "] if thinks else []
        asked = sum(len(str(m.get("content", "")).split()) for m in chat.body.get("messages") or [])
        return lines_of(chat.model, pieces, thinking=thinking, reason=reason, asked=asked)

    def _paced(self, lines: Sequence[Line], *, silent: bool = False) -> list[Step]:
        """The lines with the pauses between them, or the pauses only."""
        steps: list[Step] = []
        if self.first_token:
            steps.append(Pause(self.first_token))
        for number, each in enumerate(lines):
            if number and self.rate != inf:
                steps.append(Pause(1.0 / self.rate))
            if not silent:
                steps.append(each)
        return steps

    def _fault_for(self, chat: Chat) -> tuple[Fault | None, int]:
        asked = fault_in(chat.question)
        if chat.request.path.startswith(MOVED):
            # It was sent here by a fault, which is dealt with.
            return None, 0
        if asked is not None:
            return asked
        planned = self._take("/api/chat")
        return (None, 0) if planned is None else (planned.fault, planned.after)

    def _take(self, path: str) -> Planned | None:
        for planned in self._planned:
            if planned.path == path and planned.times > 0:
                planned.times -= 1
                return planned
        return None


def _single(model: str, reason: str) -> Answer:
    """What loading and unloading say: one object, whatever `stream` says."""
    return answer({**chunk(model), "done": True, "done_reason": reason})
