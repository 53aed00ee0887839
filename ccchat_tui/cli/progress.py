"""The progress line of `ccchat simulate`."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Self, TextIO

from ccchat_tui.cli.output import visible

if TYPE_CHECKING:
    from types import TracebackType

    from ccchat_tui.engine.stats import QueueSnapshot
    from ccchat_tui.scenarios.simulate import Simulation

REDRAWN = 0.2
"""Seconds between two drawings on a terminal."""
WRITTEN = 10.0
"""Seconds between two lines anywhere else."""


class Progress:
    """Tells how far a simulation is, while the `async with` lasts.

    Args:
        stream: Where to; `None` (a program without a console) for nowhere.
        snapshot: Asks the service.
        simulation: What is told of.
        redraw: Whether one line is drawn again and again, as a terminal can.
        live: Whether anything is told before the end. In virtual time there is no such moment.
        title: A line for the beginning.
    """

    def __init__(
        self,
        stream: TextIO | None,
        snapshot: Callable[[], QueueSnapshot],
        simulation: Simulation,
        *,
        redraw: bool,
        title: str,
        live: bool = True,
    ) -> None:
        self._stream = stream
        self._snapshot = snapshot
        self._simulation = simulation
        self._redraw = redraw and live
        self._live = live
        self._title = title
        self._drawn = 0
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._write(f"{visible(self._title)}\n")
        if self._live:
            self._task = asyncio.create_task(self._tell(), name="progress")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        if self._redraw:
            self._write("\r" + " " * self._drawn + "\r")
        else:
            self._write(f"{self.line()}\n")

    async def _tell(self) -> None:
        while True:
            if self._redraw:
                # Blanks instead of an escape sequence: every console knows those.
                line = self.line()[: shutil.get_terminal_size().columns - 1]
                self._write("\r" + line.ljust(self._drawn))
                self._drawn = len(line)
                await asyncio.sleep(REDRAWN)
            else:
                await asyncio.sleep(WRITTEN)
                self._write(f"{self.line()}\n")

    def line(self) -> str:
        """How far it is, in one line."""
        now = self._snapshot()
        totals = now.totals
        parts = [
            f"{totals.completed} of {self._simulation.expected} completed",
            f"{now.in_flight} in flight",
            f"{now.queue_length} queued",
        ]
        for count, name in (
            (now.waiting_to_retry, "waiting to retry"),
            (totals.failed + totals.timed_out, "failed"),
            (totals.cancelled, "cancelled"),
            (len(self._simulation.waiting), "users held back by a limit"),
        ):
            if count:
                parts.append(f"{count} {name}")
        parts.append(f"{now.tokens} tokens")
        parts.append(f"{self._simulation.wall:.1f} s")
        if now.mode != "concurrent":
            parts.append(f"{now.mode} ({now.mode_reason})")
        return ", ".join(parts)

    def _write(self, text: str) -> None:
        if self._stream is None:
            return
        # A progress line that nobody can read is no reason to end the load.
        with suppress(OSError):
            self._stream.write(text)
            self._stream.flush()
