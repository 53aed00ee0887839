"""Jump mode: a letter over every place one can go to; pressing it goes there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Final

from textual import events
from textual.app import ComposeResult
from textual.content import Content
from textual.geometry import Offset
from textual.screen import ModalScreen
from textual.widgets import Static

from ccchat_tui.quick import dataclass

if TYPE_CHECKING:
    from ccchat_tui.tui.screens.chats import ChatsScreen

LETTERS: Final = "asdfghjklqwertyuiopzxcvbnm"
"""In the order in which they are given: those under the fingers first."""

Go = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Place:
    """Somewhere to go."""

    at: Offset
    """The cell at which its letter is shown."""
    go: Go


def places(chats: ChatsScreen) -> Iterator[Place]:
    """Every place of the chats that can be seen: tabs, then what can have the focus, from left to
    right and from top to bottom."""
    if chats.tabs.display and chats.tabs.region:
        x, seen = 0, set()
        for piece in chats.tabs.pieces:
            session_id = piece.target.removeprefix("tab:")
            pane = chats.pane_of(session_id)
            if pane is not None and session_id not in seen:
                seen.add(session_id)
                yield Place(chats.tabs.region.offset + Offset(x, 0), partial(chats.activate, pane))
            x += piece.width
    for widget in chats.focus_chain:
        region = widget.region.intersection(chats.region)
        if region:
            yield Place(region.offset, partial(chats.set_focus, widget))


class JumpScreen(ModalScreen[None]):
    """Lies over the chats, which stream on. Any other key leaves it.

    Args:
        chats: What lies below.
    """

    DEFAULT_CSS = """
    JumpScreen { background: $background 40%; }
    JumpScreen Static {
        position: absolute;
        width: 3;
        height: 1;
        background: $primary;
        color: $background;
        text-style: bold;
    }
    """

    def __init__(self, chats: ChatsScreen) -> None:
        super().__init__()
        self._measured = chats.size
        self._left = False
        self._places = dict(zip(LETTERS, places(chats), strict=False))

    @property
    def letters(self) -> dict[str, Place]:
        """The places, by their letters."""
        return dict(self._places)

    def compose(self) -> ComposeResult:
        """The letters."""
        for letter, place in self._places.items():
            shown = Static(Content(f" {letter} "))
            shown.styles.offset = (place.at.x, place.at.y)
            yield shown

    def on_key(self, event: events.Key) -> None:
        """Go there, or back."""
        event.stop()
        event.prevent_default()
        if self._left:
            # Pressed in one go with the letter: it is for the place that was gone to.
            self.app.post_message(events.Key(event.key, event.character))
            return
        place = self._places.get((event.character or "").lower())
        self._leave(place.go if place else None)

    def on_click(self) -> None:
        """Back."""
        self._leave(None)

    def on_resize(self, event: events.Resize) -> None:
        """On a screen of another size the places stand elsewhere."""
        if event.size != self._measured:
            self._leave(None)

    def _leave(self, go: Go | None) -> None:
        if not self._left:
            self._left = True
            self.dismiss(None)
            if go is not None:
                # At once: what is typed right behind is for that place.
                go()
