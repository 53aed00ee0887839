"""One frame clock for the whole app: cost follows frames, not tokens."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.app import App
    from textual.timer import Timer


class FrameClient(Protocol):
    """What is drawn by the clock, usually a transcript."""

    def on_frame(self) -> bool:
        """Take what is new and draw it.

        Returns:
            Whether more frames are wanted. A client that says no is asked again after the next
            `FrameClock.wake`.
        """
        ...


class FrameClock:
    """Asks its clients for a frame, a few at a time, and stands still when nobody wants one.

    Clients may have `is_visible: bool` (out of sight they are skipped, and stay due) and
    `is_urgent: bool` (where the person works: drawn in every frame). The others take turns, and
    halfway between two frames of the urgent ones: what is drawn at once is painted at once, with
    all that lies between, and a key must not wait behind that. Clients may have
    `use_clock(clock | None)`: they are told whom to wake when they come into sight.

    Args:
        app: Whose timers are used.
        fps: Frames a second.
        budget: Seconds that the others may take at once before the rest waits for the next frame;
            one of them has its turn in any case.
        share: Which part of the clients that are not urgent is drawn in one frame: 3 draws a
            third of them, so each is drawn `fps / 3` times a second.
        time_source: Seconds, for the budget.
    """

    def __init__(
        self,
        app: App[Any],
        fps: int = 30,
        *,
        budget: float = 0.010,
        share: int = 2,
        time_source: Callable[[], float] = time.perf_counter,
    ) -> None:
        if fps < 1:
            raise ValueError(f"fps is {fps}; give 1 or more frames a second")
        if share < 1:
            raise ValueError(f"share is {share}; give 1 or more")
        self._app = app
        self._interval = 1 / (2 * fps)
        self._budget = budget
        self._share = share
        self._time = time_source
        self._clients: list[FrameClient] = []
        self._due: dict[FrameClient, None] = {}
        self._timer: Timer | None = None
        self._others_next = False

    @property
    def running(self) -> bool:
        """Whether the timer runs."""
        return self._timer is not None

    def attach(self, client: FrameClient) -> None:
        """Add a client and wake the clock. Adding it twice changes nothing."""
        if client not in self._clients:
            self._clients.append(client)
            self._tell(client, self)
        self.wake()

    def detach(self, client: FrameClient) -> None:
        """Remove a client; unknown ones are ignored."""
        if client in self._clients:
            self._clients.remove(client)
            self._tell(client, None)
        self._due.pop(client, None)
        if not self._clients:
            self._stop()

    def wake(self) -> None:
        """Something may be new: ask every client again from the next frame on."""
        for client in self._clients:
            self._due.setdefault(client)
        if self._timer is None and self._due:
            self._timer = self._app.set_interval(self._interval, self.beat, name="frame clock")

    def beat(self) -> None:
        """Draw half a frame: the urgent clients, or else those of the others whose turn it is. The
        timer calls this."""
        urgent, others = self._waiting()
        if not urgent and not others:
            # Nothing is due, or it is out of sight: that stays due, and `wake` starts the timer.
            self._stop()
            return
        self._others_next = not self._others_next
        if self._others_next:
            for client in urgent:
                self._ask(client)
            return
        started = self._time()
        for number, client in enumerate(others[: -(-len(others) // self._share)]):
            if number and self._time() - started > self._budget:
                break
            self._ask(client)

    def tick(self) -> None:
        """Draw everything that is due and in sight, at once; for tests, and before a picture."""
        urgent, others = self._waiting()
        if not urgent and not others:
            self._stop()
        for client in (*urgent, *others):
            self._ask(client)

    def _waiting(self) -> tuple[list[FrameClient], list[FrameClient]]:
        waiting = [client for client in self._due if getattr(client, "is_visible", True)]
        urgent = [client for client in waiting if getattr(client, "is_urgent", False)]
        return urgent, [client for client in waiting if client not in urgent]

    def _ask(self, client: FrameClient) -> None:
        # Taken out and put back at the end: whoever was drawn longest ago is first.
        self._due.pop(client, None)
        if client.on_frame() and client in self._clients:
            self._due.pop(client, None)
            self._due[client] = None

    @staticmethod
    def _tell(client: FrameClient, clock: FrameClock | None) -> None:
        use_clock = getattr(client, "use_clock", None)
        if use_clock is not None:
            use_clock(clock)

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
