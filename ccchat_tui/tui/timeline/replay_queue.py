"""The queue panel of a replay: it shows how the queue stood, and changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType

from ccchat_tui.tui.widgets.queue_panel import QueuePanel

if TYPE_CHECKING:
    from ccchat_tui.runs.player import Player


class ReplayQueue(QueuePanel, inherit_bindings=False):
    """Follows a replay.

    Args:
        player: What plays.
    """

    BINDING_GROUP_TITLE = "In the queue"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False, id="queue.up"),
        Binding("down,j", "move(1)", "Down", show=False, id="queue.down"),
        Binding("pageup", "page(-1)", "Page up", show=False, id="queue.page_up"),
        Binding("pagedown", "page(1)", "Page down", show=False, id="queue.page_down"),
        Binding("home", "move(-100000)", "First", show=False, id="queue.first"),
        Binding("end", "move(100000)", "Last", show=False, id="queue.last"),
    ]
    DEFAULT_CSS = """
    ReplayQueue { height: 1fr; }
    """

    def __init__(self, player: Player) -> None:
        super().__init__()
        self._player = player
        self.list.buttons = False

    def draw(self) -> None:
        """Show the queue at the moment of the replay."""
        seconds, buckets = self._player.recent(self.wanted_buckets)
        self.show_history(buckets, seconds)
        self.show_snapshot(self._player.snapshot(self.wanted_rows))
