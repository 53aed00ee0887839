"""A runner whose every attempt does what the test tells it to, when the test tells it to."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Any

from ccchat_tui.engine.events import EngineEvent
from ccchat_tui.engine.handle import RequestHandle
from ccchat_tui.engine.limits import EngineSettings
from ccchat_tui.engine.manager import ChatQueueManager
from ccchat_tui.engine.request import (
    AttemptFailed,
    ChatRequest,
    Failure,
    Priority,
    ReplyStats,
    RequestState,
)
from ccchat_tui.testing.virtual_time import LoopClock

BROKEN = Failure("disconnected", "it broke", retryable=True, server_fault=True)


class Attempt:
    """One attempt that runs."""

    def __init__(self, handle: RequestHandle) -> None:
        self.handle = handle
        self.outcome: asyncio.Future[Exception | None] = asyncio.get_running_loop().create_future()
        self.cancels = 0
        self.closed = False


class Attempts:
    """The runner, and the desk from which a test uses the manager.

    Args:
        settings: The engine's; without a limit of the rate unless they set one.
        closing: Seconds that closing takes after a cancel.
    """

    def __init__(self, closing: float = 0.0, **settings: Any) -> None:
        settings = {"requests_per_minute": 0, **settings}
        self.closing = closing
        self.attempts: list[Attempt] = []
        self.events: list[EngineEvent] = []
        self.made = 0
        self.manager = ChatQueueManager(
            self.run, EngineSettings(**settings), clock=LoopClock(), rng=random.Random(1)
        )
        self.manager.subscribe(self.events.append)

    async def run(self, handle: RequestHandle) -> None:
        """The runner."""
        attempt = Attempt(handle)
        self.attempts.append(attempt)
        try:
            fault = await attempt.outcome
            if fault is not None:
                raise fault
        except asyncio.CancelledError:
            attempt.cancels += 1
            if self.closing:
                try:
                    await asyncio.sleep(self.closing)
                except asyncio.CancelledError:
                    attempt.cancels += 1
                    raise
            raise
        finally:
            attempt.closed = True

    def submit(
        self,
        user: str = "a",
        *,
        id: str | None = None,  # noqa: A002
        priority: Priority = Priority.NORMAL,
        timeout: float | None = None,
        prompt: Callable[[], object] = lambda: None,
    ) -> RequestHandle:
        """Ask for something; ids count from `r1`."""
        self.made += 1
        return self.manager.submit(
            ChatRequest(id or f"r{self.made}", user, "s", "m", "", prompt, priority, timeout)
        )

    def of(self, handle: RequestHandle) -> Attempt:
        """The running attempt at a request."""
        return next(a for a in reversed(self.attempts) if a.handle is handle)

    async def finish(self, handle: RequestHandle, *pieces: str) -> None:
        """Give the rest of a reply, and its end."""
        for piece in pieces:
            handle.feed(piece)
        handle.finish(ReplyStats(tokens=len(handle.parts)))
        self.of(handle).outcome.set_result(None)
        await turns()

    async def leave(self, handle: RequestHandle) -> None:
        """Return without the end of the reply."""
        self.of(handle).outcome.set_result(None)
        await turns()

    async def fail(self, handle: RequestHandle, failure: Failure | Exception = BROKEN) -> None:
        """Break an attempt off."""
        fault = AttemptFailed(failure) if isinstance(failure, Failure) else failure
        self.of(handle).outcome.set_result(fault)
        await turns()

    @property
    def running(self) -> list[str]:
        """What holds a slot, in the order of the starts."""
        return [handle.id for handle in self.manager.life.in_flight]

    def told(self, kind: type[EngineEvent]) -> list[Any]:
        """The events of one kind."""
        return [event for event in self.events if type(event) is kind]


async def turns(count: int = 5) -> None:
    """Let whatever is ready go on, without time passing."""
    for _ in range(count):
        await asyncio.sleep(0)


def state_of(handle: RequestHandle) -> RequestState:
    """Where it stands; asked anew each time, which a type checker does not believe of a field."""
    return handle.state
