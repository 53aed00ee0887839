"""Shows the queue as it changes: often enough to read, never once per event, never when idle."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ccchat_tui.engine.events import EngineEvent, RequestFirstToken
from ccchat_tui.engine.facade import ChatService

if TYPE_CHECKING:
    from textual.app import App
    from textual.timer import Timer

INTERVAL = 0.1
"""Seconds between a change and its showing, at most."""
SLOW = 5
"""While nothing changes but time, it is shown every so many intervals."""


class QueueWatch:
    """Calls `show` soon after anything happened in the engine, and while anything lives.

    Args:
        app: Whose timers are used.
        service: The engine that is watched.
        show: Draws the queue; returns whether it wants to be called again although nothing
            happens, because something in it still moves with time.
    """

    def __init__(self, app: App[None], service: ChatService, show: Callable[[], bool]) -> None:
        self._app = app
        self._show = show
        self._timer: Timer | None = None
        self._dirty = True
        self._ticks = 0
        self._unsubscribe = service.subscribe(self._on_event)

    @property
    def running(self) -> bool:
        """Whether its timer runs; it does not while the engine is idle."""
        return self._timer is not None

    def wake(self) -> None:
        """Something is to be shown."""
        self._dirty = True
        if self._timer is None:
            self._timer = self._app.set_interval(INTERVAL, self.tick, name="queue watch")

    def tick(self) -> None:
        """Show what is new. The timer calls this; tests may."""
        self._ticks += 1
        if not self._dirty and self._ticks % SLOW:
            return
        dirty, self._dirty = self._dirty, False
        if not self._show() and not dirty and not self._dirty:
            self._stop()

    def stop(self) -> None:
        """Watch no longer. Harmless when called twice."""
        self._unsubscribe()
        self._stop()

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.stop()
            self._timer = None

    def _on_event(self, event: EngineEvent) -> None:
        # A first token changes a row, which the slow beat shows soon enough.
        if not isinstance(event, RequestFirstToken) or self._timer is None:
            self.wake()
