"""The least that a Textual program can be in which one can write: what our start-up is held to."""

from __future__ import annotations

import sys

from textual.app import App, ComposeResult
from textual.widgets import TextArea


class EmptyApp(App[None]):
    """One text area."""

    def compose(self) -> ComposeResult:
        yield TextArea(placeholder=sys.argv[1])


if __name__ == "__main__":
    EmptyApp().run()
