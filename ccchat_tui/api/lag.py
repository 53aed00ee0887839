"""How late the event loop is: the time that a key or a chunk waits because of what runs before."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

EVERY: Final = 1.0
"""Seconds between two looks. One costs a few microseconds."""


class LagSampler:
    """Has itself woken again and again, and says how much too late it was.

    Args:
        told: Called with the seconds.
    """

    def __init__(self, told: Callable[[float], object]) -> None:
        self._told = told
        self._loop = asyncio.get_running_loop()
        self._due = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._wait()

    def close(self) -> None:
        """Look no more. Harmless when called twice."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wait(self) -> None:
        self._due = self._loop.time() + EVERY
        self._timer = self._loop.call_at(self._due, self._look)

    def _look(self) -> None:
        # A loop may be early by the resolution of its clock.
        self._told(max(0.0, self._loop.time() - self._due))
        self._wait()
