"""Small terminals: what gives way where rows and columns are few, and what is said below that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from textual.app import ComposeResult
from textual.containers import Middle
from textual.content import Content
from textual.css.query import NoMatches
from textual.geometry import Size
from textual.widgets import Static

if TYPE_CHECKING:
    from textual.screen import Screen

    from ccchat_tui.tui.app import CCChatApp

LEAST: Final = Size(40, 10)
"""Columns and rows below which no screen can be used."""
LOW: Final = [(0, "-low"), (18, "-high")]
"""Classes of a screen by its rows; where they are few, dialogs go without frames and space."""
SLIM: Final = [(0, "-slim"), (72, "-broad")]
"""Classes of a screen by its columns; where they are few, fields stand below one another."""


class TooSmall(Middle):
    """Lies over everything while there is no room for it. Keys go where they went before, so that
    nothing is lost of what somebody is just writing."""

    DEFAULT_CSS = """
    TooSmall {
        layer: _tooltips;
        dock: top;
        width: 100%;
        height: 100%;
        background: $background;
        color: $foreground;
    }
    TooSmall Static { text-align: center; width: 100%; height: auto; }
    """

    def compose(self) -> ComposeResult:
        """The words."""
        yield Static(markup=False)

    def on_resize(self) -> None:
        """Say how small it is, with as many words as there is room for."""
        have, need = (f"{size.width} by {size.height}" for size in (self.app.size, LEAST))
        words = f"Too small: {have}\nccchat needs {need}."
        if self.size.width < 23 or self.size.height < 2:
            words = f"needs {need}"
        self.query_one(Static).update(Content(words))


def classes_of(size: Size) -> tuple[str, str]:
    """The classes that a screen of some size gets from Textual by the tables above, once it has
    been laid out: a screen that has them before is not styled all over again then."""
    rows = max(entry for entry in LOW if size.height >= entry[0])
    columns = max(entry for entry in SLIM if size.width >= entry[0])
    return rows[1], columns[1]


def fit(screen: Screen[object]) -> None:
    """Say of a screen that it is too small, as long as it is."""
    size = screen.app.size
    small = size.width < LEAST.width or size.height < LEAST.height
    try:
        told = screen.query_one(TooSmall)
    except NoMatches:
        if small and screen.is_attached:
            screen.mount(TooSmall())
    else:
        if not small:
            told.remove()


def fit_all(app: CCChatApp) -> None:
    """The same for every screen there is."""
    for screen in app.screen_stack:
        fit(screen)
