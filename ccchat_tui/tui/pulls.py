"""Models that are being fetched: how far each has come, and who owns the task that follows it.

Whoever shows them looks when a frame is drawn; a line of the server's changes figures here, and
draws nothing.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import aclosing
from enum import StrEnum
from typing import TYPE_CHECKING, cast

from ccchat_tui.backends.base import BackendError, ManagesModels, PullStep
from ccchat_tui.clock import Clock
from ccchat_tui.quick import dataclass

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

SPAN = 10.0
"""Seconds over which the rate is taken."""
SAMPLE = 0.5
"""Seconds between two looks at how much has come."""
ENDED_KEPT = 8
"""Pulls that have ended and are still shown."""


class PullState(StrEnum):
    """Where a pull stands."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(slots=True)
class Layer:
    """One of the files that a model is made of."""

    digest: str
    total: int
    completed: int


class Pull:
    """One model on its way to one server.

    Args:
        model: Its name, as it was asked for.
        server: Which server fetches it; empty where there is only one.
        now: Seconds of the clock.
    """

    def __init__(self, model: str, server: str, now: float) -> None:
        self.model = model
        self.server = server
        self.state = PullState.RUNNING
        self.status = ""
        """The server's own words for what it does."""
        self.layers: dict[str, Layer] = {}
        """By digest, in the order in which the server came to them."""
        self.problem = ""
        """Why it failed, in words."""
        self.begun = self.heard = now
        self.ended: float | None = None
        self._come = 0
        """Bytes that came since it began; what was there before does not count."""
        self._samples: deque[tuple[float, int]] = deque([(now, 0)])

    @property
    def running(self) -> bool:
        """Whether it may still come to something."""
        return self.state is PullState.RUNNING

    @property
    def total(self) -> int:
        """Bytes of the layers that are known so far."""
        return sum(layer.total for layer in self.layers.values())

    @property
    def completed(self) -> int:
        """Bytes of them that are there."""
        return sum(layer.completed for layer in self.layers.values())

    @property
    def share(self) -> float | None:
        """How much of what is known is there, 0 to 1; `None` while nothing is known."""
        return self.completed / self.total if self.total else None

    def take(self, step: PullStep, now: float) -> None:
        """The server has said how far it is."""
        self.status, self.heard = step.status, now
        if step.digest and step.total is not None:
            done = min(step.completed, step.total)
            known = self.layers.get(step.digest)
            if known is None:
                self.layers[step.digest] = Layer(step.digest, step.total, done)
            else:
                self._come += max(0, done - known.completed)
                known.total, known.completed = step.total, done
        if now - self._samples[-1][0] >= SAMPLE:
            self._samples.append((now, self._come))

    def rate(self, now: float) -> float | None:
        """Bytes a second, lately; `None` while that cannot be told."""
        while len(self._samples) > 1 and self._samples[1][0] <= now - SPAN:
            self._samples.popleft()
        since, before = self._samples[0]
        if not self.running or now - since < 2 * SAMPLE:
            return None
        return (self._come - before) / (now - since)

    def left(self, now: float) -> float | None:
        """Seconds until all that is known has come, at the rate of late; `None` while that cannot
        be told."""
        rate = self.rate(now)
        missing = self.total - self.completed
        return missing / rate if rate and missing else None


class Pulls:
    """Every pull of this program. Owns their tasks; `aclose` ends and awaits them.

    Args:
        clock: For rates.
        changed: Called at every step and every end: something may be drawn.
        ended: Called when a pull has ended, in whatever way.
    """

    def __init__(
        self, clock: Clock, *, changed: Callable[[], None], ended: Callable[[Pull], None]
    ) -> None:
        self._clock = clock
        self._changed = changed
        self._ended = ended
        self._tasks: dict[Pull, asyncio.Task[PullState]] = {}
        self.all: list[Pull] = []
        """Those that run and those that ended lately, newest first."""

    @property
    def running(self) -> list[Pull]:
        """Those on their way, newest first."""
        return [pull for pull in self.all if pull.running]

    def now(self) -> float:
        """Seconds of the clock that pulls are timed by."""
        return self._clock.monotonic()

    def start(self, model: str, server: str, manager: ManagesModels) -> Pull:
        """Fetch a model, in the background. One that is under way already is given back."""
        for pull in self.running:
            if (pull.model, pull.server) == (model, server):
                return pull
        pull = Pull(model, server, self.now())
        before = [each for each in self.all if (each.model, each.server) != (model, server)]
        ended = [each for each in before if not each.running]
        self.all = [pull, *(each for each in before if each not in ended[ENDED_KEPT:])]
        task = asyncio.get_running_loop().create_task(self._follow(pull, manager))
        self._tasks[pull] = task
        task.add_done_callback(lambda _: self._end(pull, task))
        self._changed()
        return pull

    def cancel(self, pull: Pull) -> None:
        """Stop a pull: its connection is closed. Harmless for one that has ended."""
        task = self._tasks.get(pull)
        if task is not None and not task.cancelling():
            task.cancel()

    async def aclose(self) -> None:
        """Stop all of them, and wait until their connections are closed."""
        tasks = list(self._tasks.values())
        for pull in list(self._tasks):
            self.cancel(pull)
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _follow(self, pull: Pull, manager: ManagesModels) -> PullState:
        """Take what the server says; how it ended."""
        try:
            steps = cast("AsyncGenerator[PullStep]", manager.pull(pull.model))
            async with aclosing(steps):
                async for step in steps:
                    pull.take(step, self.now())
                    self._changed()
        except BackendError as error:
            pull.problem = error.message
        except Exception as fault:
            # Of a backend of somebody else's; it must not take the program along.
            pull.problem = f"{type(fault).__name__}: {fault}"
        else:
            return PullState.DONE
        return PullState.FAILED

    def _end(self, pull: Pull, task: asyncio.Task[PullState]) -> None:
        """A task is over; cancelled, it may never have begun."""
        pull.state = PullState.CANCELLED if task.cancelled() else task.result()
        pull.ended = self.now()
        del self._tasks[pull]
        self._changed()
        self._ended(pull)
