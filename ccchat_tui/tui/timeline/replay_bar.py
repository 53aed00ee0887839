"""Where a replay is: a bar that is pulled, and how fast it plays."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from ccchat_tui.tui.timeline.rows import StyledRows
from ccchat_tui.tui.widgets.queue_words import duration

if TYPE_CHECKING:
    from ccchat_tui.runs.player import Player

_STEP = 50
"""A key goes on by such a part of the run."""
_TIME = re.compile(r"(?:(\d+)(?:h|:(?=\d+:)))?(?:(\d+)(?:m|:))?(?:(\d+(?:\.\d*)?|\.\d+)s?)?")


class ReplayBar(StyledRows, can_focus=True):
    """Shows where a replay is and takes it to other moments; who shows the run is told.

    Args:
        player: What plays.
    """

    BINDING_GROUP_TITLE = "In the bar"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "seek(-1)", "Back", tooltip="Back in time", id="bar.back"),
        Binding("right,l", "seek(1)", "On", tooltip="On in time", id="bar.on"),
        Binding("shift+left,H", "seek(-5)", "Far back", show=False, id="bar.far_back"),
        Binding("shift+right,L", "seek(5)", "Far on", show=False, id="bar.far_on"),
        Binding("home", "seek(-1000)", "To the beginning", show=False, id="bar.begin"),
        Binding("end", "seek(1000)", "To the end", show=False, id="bar.end"),
    ]
    DEFAULT_CSS = """
    ReplayBar { height: 1; background: $panel; color: $foreground; }
    ReplayBar:focus { background: $primary 20%; }
    """

    class Moved(Message):
        """The replay is at another moment."""

    def __init__(self, player: Player) -> None:
        super().__init__()
        self._player = player
        self._from, self._cells = 0, 1
        self._held = False

    def draw(self) -> None:
        """Lay out how it stands now."""
        player, width = self._player, self.size.width
        if width <= 0:
            return
        total = player.end - player.began
        sign = "▶" if player.playing else "‖"
        head = f" {sign} {player.speed:g}x  {duration(player.now - player.began, 7):>7} "
        tail = f" {duration(total, 7)} "
        cells = max(1, width - len(head) - len(tail))
        part = (player.now - player.began) / total if total > 0 else 1.0
        at = min(cells - 1, int(part * cells))
        self._from, self._cells = len(head), cells
        self.show(
            [
                (
                    (head, "bold $foreground"),
                    ("━" * at, "$primary"),
                    ("●", "bold $primary"),
                    ("─" * (cells - at - 1), "$text-muted"),
                    (tail, "$text-muted"),
                )
            ]
        )

    def action_seek(self, steps: int) -> None:
        """Go on by some parts of the run."""
        player = self._player
        part = (player.end - player.began) / _STEP
        self._seek(player.now + steps * part)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Take hold, and go there."""
        event.stop()
        self._held = True
        self.capture_mouse()
        self._go(event.x)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Pulled."""
        if self._held:
            event.stop()
            self._go(event.x)

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """Let go."""
        event.stop()
        self._held = False
        self.release_mouse()

    def _go(self, x: int) -> None:
        part = max(0.0, min(1.0, (x - self._from) / max(1, self._cells - 1)))
        player = self._player
        self._seek(player.began + part * (player.end - player.began))

    def _seek(self, moment: float) -> None:
        # At once, so that a key pressed right behind meets the run as it is then.
        self._player.seek(moment)
        self.post_message(self.Moved())


def read_moment(typed: str, total: float) -> float | None:
    """Seconds since the beginning, from `12.5`, `3m05`, `1:02:03`, `1h20m` or `50%`; `None` if it
    is none of these.

    Args:
        typed: What was typed.
        total: Seconds that the run took.
    """
    text = typed.strip().lower().replace(" ", "")
    if text.endswith("%"):
        try:
            part = float(text[:-1])
        except ValueError:
            return None
        return part / 100 * total if 0 <= part <= 100 else None
    found = _TIME.fullmatch(text)
    if not text or found is None:
        return None
    hours, minutes, seconds = found.groups()
    return int(hours or 0) * 3600 + int(minutes or 0) * 60 + float(seconds or 0)
