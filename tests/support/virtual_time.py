"""An event loop whose time is a number: it jumps to the next timer instead of waiting for it."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

T = TypeVar("T")


class DeadlockError(AssertionError):
    """Everything waits, and no timer is left that could wake anything."""


class _JumpingSelector(selectors.BaseSelector):
    """Looks at the real files without waiting, and moves the loop's time on instead."""

    def __init__(self) -> None:
        self._real = selectors.DefaultSelector()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = self._real.select(0)
        if not ready:
            if timeout is None:
                raise DeadlockError(f"at {self.now:.3f} s everything waits and no timer is left")
            self.now += max(0.0, timeout)
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
    """A loop for code that does no input or output: only tasks, futures and timers."""

    def __init__(self) -> None:
        self._virtual = _JumpingSelector()
        super().__init__(self._virtual)

    def time(self) -> float:
        """Seconds that have passed in the loop's own time."""
        return self._virtual.now


class LoopClock:
    """The `Clock` that goes with the running loop."""

    def monotonic(self) -> float:
        """The running loop's time, in seconds."""
        return asyncio.get_running_loop().time()

    def now(self) -> datetime:
        """A fixed moment plus the running loop's time."""
        return datetime(2026, 1, 1, 12, tzinfo=UTC) + timedelta(seconds=self.monotonic())


def run_virtual(main: Coroutine[Any, Any, T]) -> T:
    """Run `main` in virtual time, and fail if it leaves a task behind.

    Raises:
        DeadlockError: If everything waits and nothing is left that could wake it.
    """
    loop = VirtualTimeLoop()
    faults: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda _, context: faults.append(context))
    left: list[asyncio.Task[Any]] = []
    try:
        result = loop.run_until_complete(main)
    finally:
        left = [task for task in asyncio.all_tasks(loop) if not task.done()]
        loop.run_until_complete(_end(left))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
    assert not left, f"tasks left behind: {left}"
    assert not faults, f"the loop was told of faults: {faults}"
    return result


async def _end(tasks: list[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
