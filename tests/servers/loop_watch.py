"""How long the event loop is held up: every callback is timed, and the longest are remembered.

By the clock on the wall, and by the processor time of this thread: on a machine that others use
too, only the second says what the callback itself did. The search for garbage, which Python makes
whenever it likes, is counted apart.
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
from typing import Any, TypeVar, cast

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
    """Processor time, without the search for garbage."""
    wall: float
    """By the clock on the wall, all of it."""
    label: str


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
    searches: int = 0
    longest_search: float = 0.0
    """Processor time of the longest search for garbage."""
    _searched: float = 0.0
    _began: float = 0.0
    _asked: bool = False

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Time every callback of every loop of this process meanwhile."""
        handles: Any = asyncio.Handle
        run = handles._run
        wall, cpu = time.perf_counter, time.thread_time

        def timed(handle: asyncio.Handle) -> None:
            searched, began, spent = self._searched, wall(), cpu()
            run(handle)
            took = cpu() - spent - (self._searched - searched)
            self.callbacks += 1
            self.cpu += took
            if took > _NOTED:
                label, ours = _who(handle)
                if ours:
                    self._note(Block(took, wall() - began, label))

        gc.callbacks.append(self._search)
        handles._run = timed
        try:
            yield
        finally:
            handles._run = run
            gc.callbacks.remove(self._search)

    def calling(self, label: str, call: Callable[[], T]) -> T:
        """Call something of ours out of a callback of the test, and time that alone."""
        searched, began, spent = self._searched, time.perf_counter(), time.thread_time()
        try:
            return call()
        finally:
            took = time.thread_time() - spent - (self._searched - searched)
            if took > _NOTED:
                self._note(Block(took, time.perf_counter() - began, label))

    def search(self) -> None:
        """Search for garbage now, which is the test's doing and not counted."""
        self._asked = True
        gc.collect()
        self._asked = False

    async def sample(self) -> None:
        """See how late a timer of 1 ms fires, until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + 0.001
            await asyncio.sleep(0.001)
            self.late.append(max(0.0, loop.time() - due))
            await asyncio.sleep(0.004)

    def _note(self, block: Block) -> None:
        if block.cpu > LONG:
            self.long_ones[block.label] += 1
        heapq.heappush(self.longest, block)
        if len(self.longest) > _KEPT:
            heapq.heappop(self.longest)

    def _search(self, phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            self._began = time.thread_time()
        else:
            took = time.thread_time() - self._began
            self._searched += took
            if not self._asked:
                self.searches += 1
                self.longest_search = max(self.longest_search, took)

    @property
    def worst(self) -> float:
        """Processor time in seconds of the longest callback of ours; 0 if none was noted."""
        return max((block.cpu for block in self.longest), default=0.0)

    def report(self) -> list[str]:
        """What was seen, in lines for people."""
        late = sorted(self.late) or [0.0]
        middle, most = late[len(late) // 2], late[len(late) * 99 // 100]
        words = ", ".join(f"{count} {label}" for label, count in self.long_ones.items())
        texts = (
            f"event loop: {self.callbacks:,} callbacks, {self.cpu:.1f} s of processor time;",
            f"longer than {LONG * 1e3:.0f} ms: {sum(self.long_ones.values())} of ours {words}\n",
            f"a 1 ms timer was late by {middle * 1e3:.1f} ms (median), {most * 1e3:.1f} (99 %),",
            f"{late[-1] * 1e3:.1f} (most) by the clock on the wall\n",
            f"Python searched for garbage {self.searches:,} times; the longest took",
            f"{self.longest_search * 1e3:.1f} ms\n",
            "longest callbacks of ours (processor, wall):",
        )
        lines = " ".join(texts).replace("\n ", "\n").split("\n")
        lines += [
            f"  {block.cpu * 1e3:6.1f} ms {block.wall * 1e3:7.1f} ms  {block.label}"
            for block in sorted(self.longest, reverse=True)[:6]
        ]
        return lines


def _who(handle: asyncio.Handle) -> tuple[str, bool]:
    """What a callback is, and whether it is any of ours."""
    callback: Any = cast(Any, handle)._callback
    owner = getattr(callback, "__self__", None)
    if isinstance(owner, asyncio.Task):
        coroutine: Any = owner.get_coro()
        code = getattr(coroutine, "cr_code", None)
        where = "" if code is None else code.co_filename
        return getattr(coroutine, "__qualname__", repr(coroutine)), not where.startswith(_HERE)
    return getattr(callback, "__qualname__", repr(callback)), True
