"""A backend whose every piece is released by the test, so that nothing depends on timing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from ccchat_tui.backends.base import (
    BackendError,
    ChatChunk,
    ChatStats,
    ErrorKind,
    ModelInfo,
    Prompt,
)

PATIENCE = 10.0
"""Seconds after which a wait for something that never happens raises `TimeoutError`."""


@dataclass(eq=False)
class ScriptedCall:
    """One request that reached the backend."""

    prompt: Prompt
    pieces: asyncio.Queue[ChatChunk | BackendError | None] = field(default_factory=asyncio.Queue)
    taken: asyncio.Event = field(default_factory=asyncio.Event)
    closed: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the stream was left, by its end, a fault or a cancel."""

    @property
    def question(self) -> str:
        """The last message of the prompt."""
        return self.prompt.messages[-1].content


class ScriptedBackend:
    """A `ChatBackend` that says what the test tells it to, when the test tells it to.

    Args:
        models: What `models()` answers.
        name: What kind it says it is.
        address: Where it says it is.
        down: Words with which every call fails as if no server answered; empty for a live one.
    """

    def __init__(
        self,
        models: tuple[str, ...] = ("llama3.2:3b", "qwen3:8b", "gemma3:4b"),
        *,
        name: str = "Ollama",
        address: str = "http://127.0.0.1:11434",
        down: str = "",
    ) -> None:
        self._name = name
        self._address = address
        self.down = down
        self.model_infos = [
            ModelInfo(
                name=model,
                family=model.split(":", maxsplit=1)[0],
                parameter_size=model.partition(":")[2].upper() or None,
                quantization="Q4_K_M",
                size=2_000_000_000 + 500_000_000 * index,
            )
            for index, model in enumerate(models)
        ]
        self.calls: list[ScriptedCall] = []
        """Every request that was started, in order."""
        self.closed = False
        self.hold_cancel: asyncio.Event | None = None
        """While set to an unset event, a cancelled stream closes only when it is set, as a server
        does that notices the closed connection late."""
        self._arrived = asyncio.Condition()

    @property
    def name(self) -> str:
        """What kind it says it is."""
        return self._name

    @property
    def address(self) -> str:
        """Where it says it is."""
        return self._address

    async def stream(self, prompt: Prompt) -> AsyncIterator[ChatChunk]:
        """Yield what `emit`, `finish` and `fail` release."""
        if self.down:
            raise BackendError(ErrorKind.UNREACHABLE, self.down)
        if self.model_infos and prompt.model not in {info.name for info in self.model_infos}:
            raise BackendError(
                ErrorKind.MODEL_NOT_FOUND, f"model '{prompt.model}' not found", status=404
            )
        call = ScriptedCall(prompt)
        self.calls.append(call)
        async with self._arrived:
            self._arrived.notify_all()
        try:
            while True:
                piece = await call.pieces.get()
                if piece is None:
                    return
                if isinstance(piece, BackendError):
                    raise piece
                yield piece
                if call.pieces.empty():
                    call.taken.set()
        except (asyncio.CancelledError, GeneratorExit):
            if self.hold_cancel is not None:
                await self.hold_cancel.wait()
            raise
        finally:
            call.taken.set()
            call.closed.set()

    async def models(self) -> list[ModelInfo]:
        """The models it was made with."""
        if self.down:
            raise BackendError(ErrorKind.UNREACHABLE, self.down)
        return list(self.model_infos)

    async def probe(self) -> str:
        """A version, unless it is down."""
        if self.down:
            raise BackendError(ErrorKind.UNREACHABLE, self.down)
        return "0.33.0"

    async def aclose(self) -> None:
        """Remember that it was closed."""
        self.closed = True

    # What the test does -------------------------------------------------------------------

    async def arrived(self, count: int) -> None:
        """Wait until so many requests have been started. Raises `TimeoutError`."""
        async with asyncio.timeout(PATIENCE), self._arrived:
            await self._arrived.wait_for(lambda: len(self.calls) >= count)

    async def call(self, which: int | str) -> ScriptedCall:
        """A started request by its place or by its question, waiting for it to start.

        Raises:
            TimeoutError: It never started.
        """
        found: Callable[[], ScriptedCall | None]
        if isinstance(which, int):
            index = which
            found = lambda: self.calls[index] if index < len(self.calls) else None  # noqa: E731
        else:
            question = which
            found = lambda: next(  # noqa: E731
                (call for call in reversed(self.calls) if call.question == question), None
            )
        async with asyncio.timeout(PATIENCE), self._arrived:
            await self._arrived.wait_for(lambda: found() is not None)
        result = found()
        assert result is not None
        return result

    async def emit(self, which: int | str, text: str, *, thinking: str = "") -> None:
        """Release one piece, and wait until it has been taken. Raises `TimeoutError`."""
        await self._release(await self.call(which), ChatChunk(text=text, thinking=thinking))

    async def finish(
        self, which: int | str, *, tokens: int = 7, reason: str = "stop", rate: float = 35.0
    ) -> None:
        """End a reply as a server does that says `done`. Raises `TimeoutError`."""
        stats = ChatStats(
            done_reason=reason,
            prompt_tokens=12,
            reply_tokens=tokens,
            reply_seconds=tokens / rate,
        )
        call = await self.call(which)
        call.pieces.put_nowait(ChatChunk(stats=stats))
        call.pieces.put_nowait(None)
        await self._left(call)

    async def fail(
        self, which: int | str, kind: ErrorKind, message: str, *, hints: tuple[str, ...] = ()
    ) -> None:
        """Break a reply off. Raises `TimeoutError`."""
        call = await self.call(which)
        call.pieces.put_nowait(BackendError(kind, message, hints=hints))
        await self._left(call)

    async def _release(self, call: ScriptedCall, piece: ChatChunk) -> None:
        call.taken.clear()
        call.pieces.put_nowait(piece)
        async with asyncio.timeout(PATIENCE):
            await call.taken.wait()

    @staticmethod
    async def _left(call: ScriptedCall) -> None:
        async with asyncio.timeout(PATIENCE):
            await call.closed.wait()
