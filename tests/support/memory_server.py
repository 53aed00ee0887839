"""A model server in memory: slots, pace, faults and a count of everything, in the loop's time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

from ccchat_tui.backends.base import (
    BackendError,
    ChatChunk,
    ChatMessage,
    ChatStats,
    ErrorKind,
    ModelInfo,
    Prompt,
)


def ask(text: str, model: str = "m") -> Prompt:
    """A prompt of one message."""
    return Prompt(model=model, messages=(ChatMessage("user", text),))


def words_of(text: str, count: int) -> list[str]:
    """The reply that a `MemoryServer` gives to a text, piece by piece."""
    return [f"{text}/{index} " for index in range(count)]


class MemoryServer:
    """A `ChatBackend` that answers by itself.

    Args:
        label: What it is called.
        models: What it has, newest first.
        slots: How many it serves at once; the others wait without a word, as Ollama has them.
        first_token: Seconds until the first token.
        rate: Tokens a second of one reply.
        tokens: How many tokens each reply has.
    """

    def __init__(
        self,
        label: str,
        *,
        models: Sequence[ModelInfo | str] = ("m:latest",),
        slots: int = 4,
        first_token: float = 0.2,
        rate: float = 20.0,
        tokens: int = 20,
    ) -> None:
        self.label = label
        self.has = [ModelInfo(m) if isinstance(m, str) else m for m in models]
        self.first_token = first_token
        self.rate = rate
        self.tokens = tokens
        self.up = True
        self.faults: list[BackendError] = []
        """What the next requests fail with, before their first token."""
        self.break_after: int | None = None
        """Break the connection after so many tokens."""
        self.probe_hangs = False
        self.list_fault: BackendError | None = None
        """What a question for the models fails with, although the server lives."""
        self.asked: list[str] = []
        """The texts of all requests that reached it."""
        self.completed: list[str] = []
        self.closed_streams = 0
        self.in_flight = 0
        self.peak = 0
        self.probes = 0
        self.probes_at_once = 0
        self.peak_probes = 0
        self.lists = 0
        self.closings = 0
        self._slots = asyncio.Semaphore(slots)

    @property
    def name(self) -> str:
        return "memory"

    @property
    def address(self) -> str:
        return f"mem://{self.label}"

    async def stream(self, prompt: Prompt) -> AsyncIterator[ChatChunk]:
        text = prompt.messages[-1].content
        self.asked.append(text)
        self.in_flight += 1
        self.peak = max(self.peak, self.in_flight)
        try:
            self._must_be_up(ErrorKind.UNREACHABLE, "connection refused")
            if self.faults:
                raise self.faults.pop(0)
            if not any(
                model.name in (prompt.model, f"{prompt.model}:latest") for model in self.has
            ):
                raise BackendError(ErrorKind.MODEL_NOT_FOUND, f"model {prompt.model!r} not found")
            async with self._slots:
                await asyncio.sleep(self.first_token)
                for index, word in enumerate(words_of(text, self.tokens)):
                    self._must_be_up(ErrorKind.DISCONNECTED, "the connection broke")
                    if index == self.break_after:
                        raise BackendError(ErrorKind.DISCONNECTED, "the connection broke")
                    yield ChatChunk(word)
                    await asyncio.sleep(1 / self.rate)
            self.completed.append(text)
            yield ChatChunk(stats=ChatStats(done_reason="stop", reply_tokens=self.tokens))
        finally:
            # A connection takes a step to close; a place given on sooner would be one too many.
            try:
                await asyncio.sleep(0)
            finally:
                self.in_flight -= 1
                self.closed_streams += 1

    async def models(self) -> list[ModelInfo]:
        self.lists += 1
        await asyncio.sleep(0.01)
        self._must_be_up(ErrorKind.UNREACHABLE, "connection refused")
        if self.list_fault is not None:
            raise self.list_fault
        return list(self.has)

    async def probe(self) -> str:
        self.probes += 1
        self.probes_at_once += 1
        self.peak_probes = max(self.peak_probes, self.probes_at_once)
        try:
            await asyncio.sleep(3600.0 if self.probe_hangs else 0.05)
            self._must_be_up(ErrorKind.UNREACHABLE, "connection refused")
            return f"1.0-{self.label}"
        finally:
            self.probes_at_once -= 1

    async def aclose(self) -> None:
        self.closings += 1

    def _must_be_up(self, kind: ErrorKind, words: str) -> None:
        if not self.up:
            raise BackendError(kind, words)
