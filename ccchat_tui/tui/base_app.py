"""What every app of ours does alike: its pictures, and how it ends when a fault of ours ends it."""

from __future__ import annotations

from rich.text import Text
from textual.app import App

from ccchat_tui.fault import write_trace
from ccchat_tui.tui.pictures import without_fonts


class BaseApp(App[None]):
    """An app of ours."""

    def export_screenshot(self, *, title: str | None = None, simplify: bool = False) -> str:
        """The screen as an SVG picture that fetches nothing when it is opened."""
        return without_fonts(super().export_screenshot(title=title, simplify=simplify))

    def _fatal_error(self) -> None:
        """A fault of ours: the person gets a sentence, and the details go to a file."""
        message = write_trace(self._exception)
        self.bell()
        # As text: a bare string is read as markup, and a fault that quotes some would never end.
        self.panic(Text(message))
