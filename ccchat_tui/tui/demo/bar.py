"""The line that says what is played, how far it is and what happens next."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from ccchat_tui.quick import dataclass
from ccchat_tui.text import one_line
from ccchat_tui.tui.demo.keys import DEMO_KEYS
from ccchat_tui.tui.keymap import Keymap
from ccchat_tui.tui.widgets.line import Piece, PieceLine

HINTS = (
    ("pause", "Alt+G", "pause"),
    ("slower", "Alt+V", "slower"),
    ("faster", "Alt+F", "faster"),
    ("restart", "Alt+R", "again"),
    ("next", "Alt+M", "next"),
    ("compare", "Alt+O", "compare"),
)
"""What can be done, its key, and a word for it; what does not fit is in the help."""


@dataclass(frozen=True, slots=True)
class Status:
    """How a demo stands."""

    title: str
    elapsed: float
    """Seconds of the scenario."""
    speed: float
    paused: bool = False
    over: bool = False
    next: str = ""
    """What happens next by itself."""
    next_in: float = 0.0
    """Seconds of the scenario until then."""
    yours: tuple[str, ...] = ()
    """Users from whom the presenter has taken over."""
    line: str = ""
    """What the scenario says of itself."""
    of_users_only: bool = False
    """Whether the speed is only that of the users, since a real server has its own."""


def clock_words(seconds: float) -> str:
    """Minutes and seconds, as in `1:05`."""
    minutes, rest = divmod(int(seconds + 1e-6), 60)
    return f"{minutes}:{rest:02}"


def lay_out(status: Status, width: int, keymap: Keymap) -> list[Piece]:
    """The line: how it stands at the left, and as many keys at the right as fit."""
    sign, style = ("■", "$text-muted") if status.over else ("▶", "$state-streaming")
    if status.paused and not status.over:
        sign, style = "‖", "$state-queued"
    pieces = [
        Piece(f" {sign} ", f"bold {style}", "pause"),
        Piece(one_line(status.title, 24), "bold $text"),
        Piece(f"  {clock_words(status.elapsed)}", "$text"),
    ]
    if not status.over:
        users = " for users" if status.of_users_only and status.speed != 1 else ""
        pieces.append(Piece(f"  {status.speed:g}x{users}", "$text-muted"))
    room = width - sum(piece.width for piece in pieces)
    for piece in _news(status, keymap.told("demo.back", "Alt+B")):
        if piece.width > room:
            pieces.append(Piece(one_line(piece.text, max(0, room)), piece.style, piece.target))
            return [each for each in pieces if each.text]
        pieces.append(piece)
        room -= piece.width
    hints: list[Piece] = []
    for what, usual, word in HINTS:
        key = keymap.told(f"demo.{what}", usual)
        said = "go on" if what == "pause" and status.paused else word
        if not key or (status.over and what in {"pause", "slower", "faster"}):
            continue
        hint = (Piece(f"  {key}", "bold $primary", what), Piece(f" {said}", "$text-muted", what))
        if sum(piece.width for piece in hint) > room - 1:
            break
        hints += hint
        room -= sum(piece.width for piece in hint)
    return [*pieces, Piece(" " * max(0, room - 1)), *hints]


def _news(status: Status, back: str) -> list[Piece]:
    found = []
    if status.yours:
        names = one_line(", ".join(status.yours), 24)
        verb = "is" if len(status.yours) == 1 else "are"
        how = f", {back} gives back" if back else ""
        found.append(Piece(f"  {names} {verb} yours{how}", "bold $accent", "back"))
    if status.over:
        found.append(Piece("  it is over; the chats are yours", "$text-muted"))
    elif status.paused:
        found.append(Piece("  paused", "bold $state-queued", "pause"))
    elif status.next:
        seconds = max(1, math.ceil(status.next_in - 1e-6))
        found.append(Piece(f"  in {seconds} s: {one_line(status.next, 60)}", "$text-muted"))
    return found


class _Line(PieceLine):
    """The status in one row."""

    def chosen(self, target: str) -> None:
        """A click does what the key does."""
        self.post_message(DemoBar.Chosen(target))


class DemoBar(Vertical):
    """The status of a demo, and under it what the scenario says of itself."""

    class Chosen(Message):
        """Something was clicked that a key does, too."""

        def __init__(self, what: str) -> None:
            super().__init__()
            self.what = what

    BINDINGS: ClassVar[list[BindingType]] = [*DEMO_KEYS]
    DEFAULT_CSS = """
    DemoBar { height: auto; background: $panel; }
    DemoBar .says { height: auto; max-height: 2; padding: 0 1; color: $text; display: none; }
    DemoBar .says.-told { display: block; }
    """

    def __init__(self, keymap: Keymap) -> None:
        super().__init__()
        self._keymap = keymap
        self._line = _Line()
        self._says = Static(classes="says", markup=False)
        self._told = ""
        self._status: Status | None = None

    def compose(self) -> ComposeResult:
        """From top to bottom."""
        yield self._line
        yield self._says

    @property
    def pieces(self) -> Sequence[Piece]:
        """What the line shows."""
        return self._line.pieces

    @property
    def says(self) -> str:
        """What the scenario says just now."""
        return self._told

    def show(self, status: Status) -> None:
        """Show how it stands. Draws only what is other than before."""
        self._status = status
        self._line.show(lay_out(status, self._line.size.width, self._keymap))
        if status.line != self._told:
            self._told = status.line
            self._says.update(Content(one_line(status.line, 300)))
            self._says.set_class(bool(status.line), "-told")

    def on_resize(self) -> None:
        """Lay it out for the new width; where there are few rows, what is said has one."""
        self._says.styles.max_height = 1 if self.screen.size.height < 24 else 2
        if self._status is not None:
            self.show(self._status)
