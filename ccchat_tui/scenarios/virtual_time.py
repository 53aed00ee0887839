"""An event loop whose time is a number: it jumps to the next timer instead of waiting for it.

With it an hour of a scenario on the demo model takes seconds, and gives the same events whatever
the machine. For code that does no input or output: only tasks, futures, timers, and work that is
given to a thread and waited for, during which time stands still.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

T = TypeVar("T")

_RESOLUTION = 1e-9
"""Timers so close to each other go off together. The loop's own is that of the machine's clock,
which is not the same everywhere."""


class DeadlockError(AssertionError):
    """Everything waits, and no timer is left that could wake anything."""


class _JumpingSelector(selectors.BaseSelector):
    """Looks at the real files without waiting, and moves the loop's time on instead."""

    def __init__(self, may_move: Callable[[float], bool]) -> None:
        self._real = selectors.DefaultSelector()
        self._may_move = may_move
        self.now = 0.0
        self.outside = 0
        """How many pieces of work are with threads; each wakes the loop when it is done."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is not None and timeout <= 0:
            # Something is to be done now: files can wait until time is about to move.
            return []
        if self.outside:
            return self._real.select()
        ready = self._real.select(0)
        if not ready:
            if timeout is None:
                raise DeadlockError(f"at {self.now:.3f} s everything waits and no timer is left")
            if self._may_move(self.now + timeout):
                self.now += timeout
        return ready

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._real.unregister(fileobj)

    def close(self) -> None:
        self._real.close()

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._real.get_map()


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """A loop in virtual time, which begins at 0.

    Args:
        may_move: Asked before time jumps, with the moment that it would jump to. It may keep the
            loop waiting; if it says no, time stands still and whatever has become ready is done.
    """

    def __init__(self, may_move: Callable[[float], bool] = lambda _moment: True) -> None:
        self._virtual = _JumpingSelector(may_move)
        super().__init__(self._virtual)
        self._clock_resolution = _RESOLUTION

    def time(self) -> float:
        """Seconds that have passed in the loop's own time."""
        return self._virtual.now

    def run_in_executor(  # type: ignore[override]
        self, executor: Any, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        """Give work to a thread. Time stands still until it is done."""
        work = super().run_in_executor(executor, func, *args)
        self._virtual.outside += 1
        work.add_done_callback(self._came_back)
        return work

    async def shutdown_default_executor(self, *args: Any, **more: Any) -> None:
        """Wait for the threads, which takes no time either."""
        self._virtual.outside += 1
        try:
            await super().shutdown_default_executor(*args, **more)
        finally:
            self._virtual.outside -= 1

    def _came_back(self, _work: asyncio.Future[Any]) -> None:
        self._virtual.outside -= 1


class LoopClock:
    """The `Clock` that goes with the running loop."""

    def monotonic(self) -> float:
        """The running loop's time, in seconds."""
        return asyncio.get_running_loop().time()

    def now(self) -> datetime:
        """A fixed moment plus the running loop's time."""
        return datetime(2026, 1, 1, 12, tzinfo=UTC) + timedelta(seconds=self.monotonic())


def run_fast(main: Coroutine[Any, Any, T]) -> T:
    """`asyncio.run`, in virtual time."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(main)
