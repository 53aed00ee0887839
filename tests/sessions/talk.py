"""A conversation over the real engine, with a backend whose every piece the test releases."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from ccchat_tui.backends.base import ErrorKind
from ccchat_tui.clock import ManualClock
from ccchat_tui.engine.limits import EngineSettings
from ccchat_tui.engine.service import ConcurrentChatService
from ccchat_tui.sessions.ids import counted_ids
from ccchat_tui.sessions.manager import SessionManager
from ccchat_tui.sessions.model import Session, Turn, TurnState
from ccchat_tui.testing.scripted import PATIENCE, ScriptedBackend

MODEL = "llama3.2:3b"


class Talk:
    """A manager over an engine over a script, and one conversation."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self.script = ScriptedBackend()
        self.service = ConcurrentChatService(self.script, EngineSettings(**settings))
        self.manager = SessionManager(
            self.service, clock=ManualClock(), new_id=counted_ids(), system="", options=None
        )
        self.manager.set_models([MODEL, "qwen3:8b"], MODEL)
        self.told: list[tuple[Session, Turn | None]] = []
        self.manager.subscribe(lambda session, turn: self.told.append((session, turn)))
        self._changed = asyncio.Event()
        self.service.subscribe(lambda _event: self._changed.set())
        self.session = self.manager.create("Ada")

    def send(self, text: str) -> Turn:
        return self.manager.send(self.session, text)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for something that an event of the engine makes true. Raises `TimeoutError`."""
        async with asyncio.timeout(PATIENCE):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    async def becomes(self, turn: Turn, state: TurnState) -> None:
        await self.until(lambda: turn.state is state)

    async def answer(self, turn: Turn, *pieces: str) -> None:
        """Let a turn have its whole reply."""
        for piece in pieces:
            await self.script.emit(turn.question, piece)
        await self.script.finish(turn.question)
        await self.becomes(turn, TurnState.COMPLETED)

    async def fail(self, turn: Turn, kind: ErrorKind, message: str = "it failed") -> None:
        await self.script.fail(turn.question, kind, message)
        await self.until(lambda: not turn.state.alive)

    async def asked(self, question: str) -> list[tuple[str, str]]:
        """The messages with which a question reached the backend."""
        call = await self.script.call(question)
        return [(message.role, message.content) for message in call.prompt.messages]


@asynccontextmanager
async def talking(**settings: Any) -> AsyncIterator[Talk]:
    talk = Talk({"retry_attempts": 0} | settings)
    try:
        yield talk
    finally:
        talk.manager.stop()
        await talk.service.aclose()
