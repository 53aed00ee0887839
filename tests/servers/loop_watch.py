"""How long the event loop is held up: every callback is timed, and the longest are remembered.

By the clock on the wall, and by the processor time of this thread: on a machine that others use
too, only the second says what the callback itself did.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import heapq
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")

LONG = 0.010
"""Seconds; a callback of ours that takes longer is too long."""
_NOTED = 0.001
_KEPT = 12
_HERE = str(Path(__file__).parent)


@dataclass(frozen=True, slots=True, order=True)
class Block:
    """One time that the loop could do nothing else. Times in seconds."""

    cpu: float
    wall: float
    collecting: float
    """What of it (by the wall) went into the collection of garbage."""
    label: str
    ours: bool
    """False for what only the test does."""


@dataclass
class LoopWatch:
    """What was seen."""

    callbacks: int = 0
    cpu: float = 0.0
    """Of all callbacks together."""
    longest: list[Block] = field(default_factory=list)
    """The longest of ours by processor time, the longest first."""
    long_ones: Counter[str] = field(default_factory=Counter)
    """How many of ours took longer than `LONG`, by what they were."""
    late: list[float] = field(default_factory=list)
    """How much too late a timer fired, sampled a few hundred times a second."""
    _collected: float = 0.0
    _began: float = 0.0

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Time every callback of every loop of this process meanwhile."""
        run: Callable[[Any], None] = asyncio.Handle._run
        wall, cpu = time.perf_counter, time.thread_time

        def timed(handle: asyncio.Handle) -> None:
            collected, began, spent = self._collected, wall(), cpu()
            run(handle)
            took = cpu() - spent
            self.callbacks += 1
            self.cpu += took
            if took > _NOTED:
                label, ours = _who(handle)
                if ours:
                    self._note(took, wall() - began, self._collected - collected, label)

        gc.callbacks.append(self._collecting)
        asyncio.Handle._run = timed  # type: ignore[method-assign]
        try:
            yield
        finally:
            asyncio.Handle._run = run  # type: ignore[method-assign]
            gc.callbacks.remove(self._collecting)

    def calling(self, label: str, call: Callable[[], T]) -> T:
        """Call something of ours out of a callback of the test, and time that alone."""
        collected, began, spent = self._collected, time.perf_counter(), time.thread_time()
        try:
            return call()
        finally:
            took = time.thread_time() - spent
            if took > _NOTED:
                wall = time.perf_counter() - began
                self._note(took, wall, self._collected - collected, label)

    async def sample(self) -> None:
        """See how late a timer of 1 ms fires, until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + 0.001
            await asyncio.sleep(0.001)
            self.late.append(max(0.0, loop.time() - due))
            await asyncio.sleep(0.004)

    def _note(self, cpu: float, wall: float, collecting: float, label: str) -> None:
        if cpu > LONG:
            self.long_ones[label] += 1
        heapq.heappush(self.longest, Block(cpu, wall, collecting, label, ours=True))
        if len(self.longest) > _KEPT:
            heapq.heappop(self.longest)

    def _collecting(self, phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            self._began = time.perf_counter()
        else:
            self._collected += time.perf_counter() - self._began

    @property
    def worst(self) -> float:
        """Processor time in seconds of the longest callback of ours; 0 if none was noted."""
        return max((block.cpu for block in self.longest), default=0.0)

    def report(self) -> list[str]:
        """What was seen, in lines for people."""
        late = sorted(self.late) or [0.0]
        lines = [
            f"event loop: {self.callbacks:,} callbacks, {self.cpu:.1f} s of processor time; longer "
            f"than {LONG * 1e3:.0f} ms: {sum(self.long_ones.values())} "
            f"{dict(self.long_ones) or ''}".rstrip(),
            f"a 1 ms timer was late by {late[len(late) // 2] * 1e3:.1f} ms (median), "
            f"{late[len(late) * 99 // 100] * 1e3:.1f} (99 %), {late[-1] * 1e3:.1f} (most), by the "
            "wall clock",
            "longest callbacks (processor, wall, of it collecting garbage):",
        ]
        lines += [
            f"  {block.cpu * 1e3:6.1f} ms {block.wall * 1e3:7.1f} ms {block.collecting * 1e3:6.1f} "
            f"ms  {block.label}"
            for block in sorted(self.longest, reverse=True)[:6]
        ]
        return lines


def _who(handle: asyncio.Handle) -> tuple[str, bool]:
    """What a callback is, and whether it is any of ours."""
    callback: Any = handle._callback  # type: ignore[attr-defined]
    owner = getattr(callback, "__self__", None)
    if isinstance(owner, asyncio.Task):
        coroutine: Any = owner.get_coro()
        code = getattr(coroutine, "cr_code", None)
        where = "" if code is None else code.co_filename
        return getattr(coroutine, "__qualname__", repr(coroutine)), not where.startswith(_HERE)
    return getattr(callback, "__qualname__", repr(callback)), True
