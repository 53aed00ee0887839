"""How the program is asked to end by a signal, and what comes of that.

SIGTERM asks for an end in good order: what was taken may come to its end, within a time limit. So
does Ctrl+Break on Windows, which has no SIGTERM between programs, and tells a console program in
the same way that its window is being closed. Whoever asks twice does not want to wait.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ccchat_tui.engine.facade import ChatService

PATIENT: Final = frozenset({"SIGTERM", "SIGBREAK"})
"""Those that leave time; not every platform has all of these names."""
AT_ONCE: Final = frozenset({"SIGINT", "SIGHUP"})
"""Those of a person who waits, and of a terminal that is gone."""


class Ending:
    """Answers the signals that ask the program to end.

    The first patient one is answered by `drain`, every other one, and any after it, by `stop`.
    After a `stop` that somebody asked for by hand, the next one ends the process as the platform
    does by itself; only that a terminal is gone may be told several times.

    Both answers may be changed as things go on.

    Args:
        drain: Lets what runs come to its end. Called in the event loop, at most once.
        stop: Ends without waiting. Called in the event loop; harmless when called twice.
        patient: The signals that leave time.

    Attributes:
        came: The first signal that came; 0 while none has.
    """

    def __init__(
        self,
        drain: Callable[[], object],
        stop: Callable[[], object],
        *,
        patient: Collection[str] = PATIENT,
    ) -> None:
        self.came = 0
        self.drain = drain
        self.stop = stop
        self._patient = patient

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Listen inside; afterwards signals are what they were before."""
        loop = asyncio.get_running_loop()
        before = {}
        for name in sorted(PATIENT | AT_ONCE):
            number = getattr(signal, name, None)
            # `nohup` has a program not be told, and that stays so.
            if number is not None and not (name == "SIGHUP" and _ignored(number)):
                before[number] = signal.getsignal(number)

        def restore(*, of_terminal: bool = True) -> None:
            for number, handler in before.items():
                if of_terminal or number.name != "SIGHUP":
                    signal.signal(number, handler)

        def heard(number: int, _frame: FrameType | None) -> None:
            name = signal.Signals(number).name
            waits = name in self._patient and not self.came
            self.came = self.came or number
            if not waits and name != "SIGHUP":
                restore(of_terminal=False)
            # Also wakes a loop that sleeps, on every platform.
            loop.call_soon_threadsafe(self.drain if waits else self.stop)

        for number in before:
            signal.signal(number, heard)
        try:
            yield
        finally:
            restore()


async def drain_within(service: ChatService, seconds: float, now: asyncio.Event) -> bool:
    """Have the engine refuse what is new, and wait until what it has taken has ended.

    Args:
        service: The engine. What has not ended then still runs; its `aclose` cancels it.
        seconds: How long to wait at most.
        now: Set when there is to be no more waiting.

    Returns:
        Whether all of it has ended.
    """
    draining = asyncio.create_task(service.drain(), name="drain")
    hurry = asyncio.create_task(now.wait(), name="end at once")
    try:
        await asyncio.wait((draining, hurry), timeout=seconds, return_when="FIRST_COMPLETED")
        return draining.done()
    finally:
        for task in (draining, hurry):
            task.cancel()
        await asyncio.wait((draining, hurry))


def _ignored(number: signal.Signals) -> bool:
    return signal.getsignal(number) is signal.SIG_IGN
