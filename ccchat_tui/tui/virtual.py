"""A Textual app in virtual time: its timers, its waiting and its frames go by the loop's number."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any, TypeVar
from unittest import mock

from ccchat_tui.scenarios.virtual_time import VirtualTimeLoop
from ccchat_tui.tui.frames import FrameClock
from ccchat_tui.tui.timeline.event_list import EventList

T = TypeVar("T")

_TURNS = 50
"""Turns of the loop in which everything that is ready has happened, and what that set off."""


def run_app_virtual(main: Coroutine[Any, Any, T]) -> T:
    """Run what drives a Textual app, such as a coroutine with `app.run_test()` in it, in virtual
    time: an app that waits for a minute takes no time, and every frame and every timer comes at
    the same moment in every run. `asyncio.sleep` lets time pass.

    Raises:
        DeadlockError: If everything waits and nothing is left that could wake it.
        AssertionError: It was called where a loop runs already, as in an `async def` test.
    """
    with suppress(RuntimeError):
        asyncio.get_running_loop()
        main.close()
        raise AssertionError("virtual time needs a loop of its own: write a test as a plain def")
    loop = VirtualTimeLoop()
    with asyncio.Runner(loop_factory=lambda: loop) as runner, _textual_goes_by(loop):
        return runner.run(main)


@contextmanager
def _textual_goes_by(loop: VirtualTimeLoop) -> Iterator[None]:
    """Let Textual take its time from a loop instead of from the machine."""
    with ExitStack() as patches:
        patches.enter_context(mock.patch("textual._time.get_time", loop.time))
        # On Windows it would wait for the machine.
        patches.enter_context(mock.patch("textual.timer.sleep", asyncio.sleep))
        # It waits until the processor is idle, which is another moment on every machine.
        patches.enter_context(mock.patch("textual.pilot.wait_for_idle", _idle))
        patches.enter_context(mock.patch("textual.app.wait_for_idle", _idle))
        # What fits into a frame must not hang on how fast the machine draws.
        for init in (FrameClock.__init__, EventList.__init__):
            patches.enter_context(mock.patch.dict(init.__kwdefaults__ or {}, time_source=loop.time))
        yield


async def _idle(*_seconds: float) -> None:
    for _ in range(_TURNS):
        await asyncio.sleep(0)
