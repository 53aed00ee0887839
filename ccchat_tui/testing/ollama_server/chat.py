"""One chat: what was asked, how far its reply has come, and the test's hand on it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from enum import StrEnum
from math import inf
from typing import Any

from ccchat_tui.quick import dataclass
from ccchat_tui.testing.ollama_server.faults import FAULTS, Fault
from ccchat_tui.testing.ollama_server.steps import Request

PATIENCE = 10.0
"""Seconds after which a wait for something that never happens raises `TimeoutError`."""

_ASKED_FAULT = re.compile(r"fault:([a-z0-9_]+)(?:@(\d+))?")


class Phase(StrEnum):
    """How far a chat has come."""

    ARRIVED = "arrived"
    LOADING = "loading"
    """In the scheduler's queue, or being loaded for."""
    WAITING = "waiting"
    """For a slot, without a word."""
    GENERATING = "generating"
    """It has a slot, and the last line has not been sent."""
    COMPLETED = "completed"
    """The last line was sent, or a whole answer."""
    FAILED = "failed"
    """It ended otherwise, as a fault wanted it."""
    LEFT = "left"
    """The client left before."""


ENDED = frozenset({Phase.COMPLETED, Phase.FAILED, Phase.LEFT})


@dataclass(frozen=True, slots=True)
class Disconnect:
    """A client that left before its reply was complete."""

    at: float
    """The event loop's time in seconds."""
    path: str
    question: str
    phase: Phase
    """What was under way."""
    lines: int
    """How many lines had been sent."""


class Chat:
    """A request to `/api/chat` that reached the server.

    Args:
        request: As it came.
        body: Its object.
        changed: Called after each change.
        manual: Whether its lines wait for `release`.
    """

    def __init__(
        self,
        request: Request,
        body: dict[str, Any],
        changed: Callable[[], None],
        *,
        manual: bool,
    ) -> None:
        self.request = request
        self.body = body
        self.model = str(body.get("model", ""))
        messages = body.get("messages") or []
        self.question = str(messages[-1].get("content", "")) if messages else ""
        """The last message."""
        self.phase = Phase.ARRIVED
        self.lines = 0
        """How many have been sent."""
        self.total = 0
        """How many there are in the whole reply."""
        self.fault: Fault | None = None
        self._changed = changed
        self._allowed = 0.0 if manual else inf
        self._free = asyncio.Event()
        self._move = asyncio.Event()

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen."""
        return self.phase in ENDED

    def go(self, phase: Phase) -> None:
        """Enter a phase."""
        self.phase = phase
        self._tell()

    # The test's hand ---------------------------------------------------------------------

    async def release(self, lines: int = 1) -> None:
        """Let so many further lines be sent, and wait until they were. The last line of a reply
        counts as one. Raises `TimeoutError`."""
        self._allowed = max(self._allowed, self.lines) if self._allowed != inf else inf
        wanted = self.lines + lines
        self._allowed = max(self._allowed, wanted)
        self._tell()
        async with asyncio.timeout(PATIENCE):
            while self.lines < wanted and not self.ended:
                await self._moved()

    async def finish(self) -> None:
        """Let everything be sent, and wait until it was. Raises `TimeoutError`."""
        self.let_go()
        async with asyncio.timeout(PATIENCE):
            while not self.ended:
                await self._moved()

    def let_go(self) -> None:
        """Let everything be sent, also what a fault holds back, and wait for nothing."""
        self._allowed = inf
        self._free.set()
        self._tell()

    async def reached(self, phase: Phase) -> None:
        """Wait until it is in this phase. Raises `TimeoutError`."""
        async with asyncio.timeout(PATIENCE):
            while self.phase is not phase:
                await self._moved()

    # The server's side -------------------------------------------------------------------

    async def gate(self) -> None:
        """Wait until the next line may go."""
        while self.lines >= self._allowed:
            await self._moved()

    async def hold(self) -> None:
        """Wait until the test lets go."""
        await self._free.wait()

    def sent(self) -> None:
        """One more line has gone."""
        self.lines += 1
        if self.lines == self.total:
            self.phase = Phase.COMPLETED
        self._tell()

    def _tell(self) -> None:
        move, self._move = self._move, asyncio.Event()
        move.set()
        self._changed()

    async def _moved(self) -> None:
        await self._move.wait()


@dataclass
class Planned:
    """A fault that the next requests meet."""

    fault: Fault
    after: int
    times: float
    path: str


def fault_in(text: str) -> tuple[Fault, int] | None:
    """The fault that a question asks for (`fault:NAME` or `fault:NAME@LINES`), if it does."""
    found = _ASKED_FAULT.search(text)
    if found is None or found[1] not in FAULTS:
        return None
    return FAULTS[found[1]], int(found[2] or 2)
