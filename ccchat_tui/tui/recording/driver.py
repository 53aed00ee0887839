"""What stands for the terminal while a demo is recorded."""

from __future__ import annotations

from typing import Any

from textual.drivers.headless_driver import HeadlessDriver

from ccchat_tui.tui.steady_columns import steady


class RecordingDriver(HeadlessDriver):
    """Takes what the app draws, as a terminal would get it, and shows it to nobody."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._drawn: list[str] = []

    @property
    def is_headless(self) -> bool:
        """No: nothing would be drawn for it."""
        return False

    def write(self, data: str) -> None:
        """Take what is drawn."""
        self._drawn.append(steady(data))

    def take(self) -> str:
        """What was drawn since this was last asked."""
        drawn = "".join(self._drawn)
        self._drawn.clear()
        return drawn
