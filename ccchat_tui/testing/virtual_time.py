"""Running a test in virtual time, and holding it to leave nothing behind."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from ccchat_tui.scenarios.virtual_time import DeadlockError, LoopClock, VirtualTimeLoop

__all__ = ["DeadlockError", "LoopClock", "VirtualTimeLoop", "run_virtual"]

T = TypeVar("T")


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
