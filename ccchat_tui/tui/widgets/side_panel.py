"""The queue panel with the edge by which it is made wider or narrower."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from ccchat_tui.tui.widgets.queue_panel import QueuePanel

NARROWEST = 26
"""Columns below which the panel cannot be read."""
WIDEST = 100
"""Columns above which it shows nothing more."""
STEP = 4
"""Columns that a key moves the edge."""


class Edge(Widget):
    """One column that can be dragged."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    Edge {
        width: 1;
        height: 1fr;
        color: $foreground 20%;
        pointer: ew-resize;
    }
    Edge:hover, Edge.-dragged {
        color: $primary;
    }
    """

    class Dragged(Message):
        """The edge was pulled; positive is to the right."""

        def __init__(self, columns: int) -> None:
            super().__init__()
            self.columns = columns

    def render(self) -> Content:
        """A line from top to bottom."""
        return Content("\n".join("│" * self.size.height))

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Take hold."""
        event.stop()
        self.capture_mouse()
        self.add_class("-dragged")

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """Let go."""
        event.stop()
        self.release_mouse()
        self.remove_class("-dragged")

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Pull."""
        if self.app.mouse_captured is self:
            event.stop()
            columns = round(event.screen_x) - self.region.x
            if columns:
                self.post_message(self.Dragged(columns))


class SidePanel(Horizontal):
    """Edge and panel. Its width is the person's choice, within what the screen allows."""

    BINDING_GROUP_TITLE = "In the queue panel"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("less_than_sign", "widen(1)", "Wider", show=False, id="panel.wider"),
        Binding("greater_than_sign", "widen(-1)", "Narrower", show=False, id="panel.narrower"),
    ]
    DEFAULT_CSS = """
    SidePanel {
        dock: right;
        height: 1fr;
        max-width: 67%;
        min-width: 26;
        background: $background;
    }
    SidePanel QueuePanel {
        width: 1fr;
        height: 1fr;
    }
    """

    def __init__(self, width: int, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._columns = min(max(width, NARROWEST), WIDEST)
        self.queue = QueuePanel()

    @property
    def columns(self) -> int:
        """The width that was chosen; a narrow screen may show less."""
        return self._columns

    def compose(self) -> ComposeResult:
        """Edge, then panel."""
        yield Edge()
        yield self.queue

    def on_mount(self) -> None:
        """Take the width it was made with."""
        self.set_columns(self._columns)

    def set_columns(self, columns: int) -> None:
        """Choose a width; what is too much or too little is brought into bounds."""
        most = max(NARROWEST, min(WIDEST, self.app.size.width * 2 // 3))
        self._columns = min(max(columns, NARROWEST), most)
        self.styles.width = self._columns

    def on_edge_dragged(self, event: Edge.Dragged) -> None:
        """Follow the mouse."""
        event.stop()
        self._choose(-event.columns)

    def action_widen(self, steps: int) -> None:
        """Move the edge by steps; negative makes it narrower."""
        self._choose(steps * STEP)

    def _choose(self, columns: int) -> None:
        """So many columns more than are seen; from now on it is as wide as the person wants."""
        seen = self.size.width or self._columns
        self.add_class("-chosen")
        self.set_columns(min(self._columns, seen) + columns)
