"""Draws the app in a browser, for as long as there is somebody who carries it there."""

from __future__ import annotations

from textual.drivers.web_driver import WebDriver


class VisitorDriver(WebDriver):
    """Textual's, which by itself goes on for ever when the server that started it is gone."""

    def run_input_thread(self) -> None:
        """Read until there is nothing more to come; then nobody is left to draw for."""
        super().run_input_thread()
        if not self.exit_event.is_set():
            self._loop.call_soon_threadsafe(self._app.exit)
