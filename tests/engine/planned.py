"""A model server in memory of which every reply, fault and pause is planned beforehand."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass

from ccchat_tui.backends.base import (
    BackendError,
    ChatChunk,
    ChatMessage,
    ChatStats,
    ErrorKind,
    ModelInfo,
    Prompt,
)


@dataclass(frozen=True)
class Plan:
    """What becomes of one attempt at a request. Times in seconds."""

    first: float = 0.1
    """Until the first token."""
    tokens: int = 3
    gap: float = 0.1
    """Between tokens."""
    fault: ErrorKind | None = None
    """What it fails with after its tokens, if it fails."""
    retry_after: float | None = None
    done: bool = True
    """Whether a reply that does not fail ends with its end mark."""
    hangs: bool = False
    """After its tokens nothing comes any more."""
    closing: float = 0.0
    """How long it takes to close after a cancel."""

    @property
    def whole(self) -> bool:
        """Whether it gives a whole reply, if it is left to."""
        return self.fault is None and self.done and not self.hangs


def words_of(request_id: str, count: int) -> list[str]:
    """The pieces of the reply to a request."""
    return [f"{request_id}.{number} " for number in range(count)]


class PlannedServer:
    """A `ChatBackend` that does what the plans say, each request's in turn, its last one again."""

    name = "planned"

    def __init__(self, address: str = "mem://planned") -> None:
        self.address = address
        self.plans: dict[str, list[Plan]] = {}
        self.up = True
        self.asked: list[str] = []
        """The requests that reached it, in order."""
        self.whole: Counter[str] = Counter()
        """How often each was answered to the end."""
        self.open: Counter[str] = Counter()
        """Streams that are open now, by request."""
        self.peak = 0
        self.probes = 0

    def prompt(self, request_id: str, *plans: Plan) -> Prompt:
        """The prompt of a request, with what is planned for it."""
        self.plans[request_id] = list(plans) or [Plan()]
        return Prompt(model="m", messages=(ChatMessage("user", request_id),))

    async def stream(self, prompt: Prompt) -> AsyncIterator[ChatChunk]:
        """Do what is planned."""
        request_id = prompt.messages[-1].content
        plans = self.plans[request_id]
        plan = plans.pop(0) if len(plans) > 1 else plans[0]
        self.asked.append(request_id)
        self.open[request_id] += 1
        self.peak = max(self.peak, self.open.total())
        try:
            if not self.up:
                raise BackendError(ErrorKind.UNREACHABLE, "no server")
            await asyncio.sleep(plan.first)
            for number, word in enumerate(words_of(request_id, plan.tokens)):
                if number:
                    await asyncio.sleep(plan.gap)
                yield ChatChunk(word)
            if plan.hangs:
                await asyncio.Event().wait()
            if plan.fault is not None:
                raise BackendError(plan.fault, "as planned", retry_after=plan.retry_after)
            if plan.done:
                self.whole[request_id] += 1
                yield ChatChunk(stats=ChatStats(done_reason="stop", reply_tokens=plan.tokens))
        except (asyncio.CancelledError, GeneratorExit):
            if plan.closing:
                await asyncio.sleep(plan.closing)
            raise
        finally:
            self.open[request_id] -= 1

    async def probe(self) -> str:
        """A sign of life, if there is one."""
        self.probes += 1
        await asyncio.sleep(0.05)
        if not self.up:
            raise BackendError(ErrorKind.UNREACHABLE, "no server")
        return "1"

    async def models(self) -> list[ModelInfo]:
        """One."""
        return [ModelInfo("m")]

    async def aclose(self) -> None:
        """Nothing is held."""
