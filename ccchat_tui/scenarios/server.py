"""The server of a scenario: the demo model with its slots, its pace and its troubles."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import cast

from ccchat_tui.backends.base import BackendError, ChatChunk, ErrorKind, ModelInfo, Prompt
from ccchat_tui.backends.demo import DemoBackend
from ccchat_tui.clock import LoopPace, Pace
from ccchat_tui.scenarios.model import Server, Trouble


class ScenarioServer:
    """A demo model to which things happen at set moments.

    Args:
        server: What it is like.
        troubles: What happens to it.
        seed: Begins every choice.
        faster: How many times faster than the scenario says; troubles keep their moments.
        pace: The time that it goes by; the running loop's unless given.
    """

    name = "demo model"
    address = "built in"

    def __init__(
        self,
        server: Server,
        troubles: Sequence[Trouble],
        seed: int,
        faster: float = 1.0,
        *,
        pace: Pace | None = None,
    ) -> None:
        self._troubles = tuple(troubles)
        self._seed = seed
        self._time = ServerTime([t for t in troubles if t.what == "slow"], pace)
        self._tries: Counter[str] = Counter()
        self._working = 0
        self._demo = DemoBackend(
            seed=seed,
            tokens_per_second=server.tokens_per_second * faster,
            first_token=server.first_token / faster,
            slots=server.slots,
            pace=self._time,
        )

    def begin(self) -> None:
        """The scenario begins now: its moments count from here."""
        self._time.begin()

    async def stream(self, prompt: Prompt) -> AsyncGenerator[ChatChunk, None]:
        """What the demo model says, unless a trouble is in the way. See `ChatBackend`."""
        began = self._time.passed()
        self._refuse(began, prompt)
        self._working += 1
        try:
            chunks = cast("AsyncGenerator[ChatChunk, None]", self._demo.stream(prompt))
            async with aclosing(chunks):
                async for chunk in chunks:
                    if self._down(began, self._time.passed()):
                        raise BackendError(
                            ErrorKind.DISCONNECTED,
                            "The server broke off the connection, as the scenario has it.",
                        )
                    yield chunk
        finally:
            self._working -= 1

    async def models(self) -> list[ModelInfo]:
        """Those of the demo model."""
        return await self._demo.models()

    async def probe(self) -> str:
        """That of the demo model; while the server is down, it is not there."""
        now = self._time.passed()
        if self._down(now, now):
            raise _unreachable()
        return await self._demo.probe()

    async def aclose(self) -> None:
        """There is nothing to close."""

    def _refuse(self, now: float, prompt: Prompt) -> None:
        """Raise what stands in the way of a request that arrives now."""
        for trouble in self._troubles:
            if not trouble.at <= now < trouble.end:
                continue
            if trouble.what == "down":
                raise _unreachable()
            if trouble.what == "busy" and self._working >= trouble.at_once:
                raise BackendError(
                    ErrorKind.BUSY, "The server is busy, as the scenario has it.", status=503
                )
            if trouble.what == "failing" and self._unlucky(trouble, prompt):
                raise BackendError(
                    ErrorKind.SERVER, "The server failed, as the scenario has it.", status=500
                )

    def _unlucky(self, trouble: Trouble, prompt: Prompt) -> bool:
        """Whether this attempt is one of the share that fails. Hangs on what is asked and how
        often, and not on who was there first."""
        asked = f"{prompt.user}:{len(prompt.messages)}:{prompt.messages[-1].content}"
        self._tries[asked] += 1
        chance = random.Random(f"{self._seed}:failing:{asked}:{self._tries[asked]}")
        return chance.random() < trouble.share

    def _down(self, first: float, last: float) -> bool:
        """Whether the server was down at any moment between these."""
        return any(
            trouble.at <= last and first < trouble.end
            for trouble in self._troubles
            if trouble.what == "down"
        )


def _unreachable() -> BackendError:
    return BackendError(
        ErrorKind.UNREACHABLE, "The server cannot be reached: it is down, as the scenario has it."
    )


class ServerTime:
    """The `Pace` of a server that is slow for a while: its own time then passes more slowly.

    Args:
        slow: The troubles that slow it down. Where several do, their factors multiply.
        pace: The time that everybody else goes by; the running loop's unless given.
    """

    def __init__(self, slow: Sequence[Trouble], pace: Pace | None = None) -> None:
        self._pace = pace or LoopPace()
        self._began: float | None = None
        self._slow = tuple(slow)
        self._edges = sorted({edge for t in slow for edge in (t.at, t.end)})

    def begin(self) -> None:
        """The scenario's moments count from now on."""
        self._began = self._pace.monotonic()

    def passed(self) -> float:
        """Seconds since the beginning."""
        now = self._pace.monotonic()
        if self._began is None:
            self._began = now
        return now - self._began

    def monotonic(self) -> float:
        """Seconds of the server's own time."""
        now = self.passed()
        if not self._slow:
            return now
        own = last = 0.0
        for edge in (*(edge for edge in self._edges if edge < now), now):
            own += (edge - last) / self._factor(last)
            last = edge
        return own

    async def sleep(self, seconds: float) -> None:
        """Wait until so much of the server's own time has passed."""
        if not self._slow:
            await self._pace.sleep(seconds)
            return
        now = last = self.passed()
        for edge in self._edges:
            if edge <= last:
                continue
            part = (edge - last) / self._factor(last)
            if part >= seconds:
                break
            seconds -= part
            last = edge
        await self._pace.sleep(last - now + seconds * self._factor(last))

    def _factor(self, moment: float) -> float:
        """How many times slower it is from this moment to the next edge."""
        factor = 1.0
        for trouble in self._slow:
            if trouble.at <= moment < trouble.end:
                factor *= trouble.factor
        return factor
