"""Where the panes lie: one at a time under the tabs, or several side by side."""

from __future__ import annotations

from textual.containers import Container
from textual.message import Message
from textual.widget import AwaitMount

from ccchat_tui.quick import dataclass
from ccchat_tui.tui.frames import FrameClock
from ccchat_tui.tui.widgets.chat_pane import ChatPane

PANE_WIDTH = 46
"""Cells a pane needs in the grid to be read well."""
PANE_HEIGHT = 12
"""Rows a pane needs in the grid."""
COMPARED_WIDTH = 28
"""Cells with which a pane is content in a comparison, where seeing all at once matters more."""
COMPARED_HEIGHT = 12
"""Rows it is content with there."""


@dataclass(frozen=True, slots=True)
class GridShape:
    """How many panes lie beside and below each other, and which of all they are."""

    columns: int
    rows: int
    first: int
    """Index of the first pane in sight."""
    count: int
    """How many panes are in sight."""


def compared_shape(panes: int, active: int, width: int, height: int) -> GridShape:
    """Choose a grid for panes that belong together: as many at once as can be read somehow. Those
    that do not fit come into sight one page on, and a page is always full.

    Args:
        panes: How many there are.
        active: Index of the one that must be in sight.
        width: Cells.
        height: Rows.
    """
    columns = max(1, min(panes, width // COMPARED_WIDTH))
    rows = max(1, min(-(-panes // columns), height // COMPARED_HEIGHT))
    count = min(panes, columns * rows)
    rows = -(-count // columns)
    first = min(active // count * count, panes - count)
    return GridShape(columns=-(-count // rows), rows=rows, first=first, count=count)


def grid_shape(panes: int, active: int, width: int, height: int) -> GridShape:
    """Choose a grid for the room there is.

    Args:
        panes: How many there are.
        active: Index of the one that must be in sight.
        width: Cells.
        height: Rows.
    """
    most_columns = max(1, width // PANE_WIDTH)
    most_rows = max(1, height // PANE_HEIGHT)
    page = most_columns * most_rows
    first = active // page * page
    count = max(1, min(page, panes - first))
    rows = -(-count // most_columns)
    return GridShape(columns=-(-count // rows), rows=rows, first=first, count=count)


class Deck(Container):
    """Holds every pane for its whole life; a change of layout moves none and loses nothing."""

    class Paged(Message):
        """Other panes are in sight than before."""

    DEFAULT_CSS = """
    Deck {
        layout: grid;
        grid-size: 1 1;
        width: 1fr;
        height: 1fr;
        overflow: hidden;
    }
    """

    def __init__(self, frames: FrameClock, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._frames = frames
        self._panes: list[ChatPane] = []
        self._laid: list[ChatPane] = []
        """Those that lie together with the active one, in sight or some pages away."""
        self._active: ChatPane | None = None
        self._mounting: AwaitMount | None = None
        self.grid = False
        """Whether several panes are shown side by side."""
        self.shape = GridShape(1, 1, 0, 1)

    @property
    def panes(self) -> list[ChatPane]:
        """All of them, in the order of the tabs."""
        return list(self._panes)

    @property
    def active(self) -> ChatPane | None:
        """The one the person works in."""
        return self._active

    @property
    def in_sight(self) -> list[ChatPane]:
        """Those that are shown."""
        return [pane for pane in self._panes if pane.display]

    def add(self, pane: ChatPane) -> None:
        """Take a pane in, out of sight until it is shown."""
        self._panes.append(pane)
        pane.display = False
        self._mounting = self.mount(pane)

    async def settled(self) -> None:
        """Wait until the newest pane can be written in."""
        if self._mounting is not None:
            await self._mounting

    def take_out(self, pane: ChatPane) -> None:
        """Remove a pane for good."""
        self._frames.detach(pane.transcript)
        self._panes.remove(pane)
        if self._active is pane:
            self._active = None
        # Textual's text area is told of selections and themes for good, and so is never let go. It
        # must not hold the pane, nor all that was ever typed into it.
        composer = pane.composer
        self.screen.text_selection_started_signal.unsubscribe(composer)
        composer.completion = None
        composer.history.clear()
        pane.remove()

    def show(self, active: ChatPane | None = None, *, grid: bool | None = None) -> None:
        """Bring a pane into sight, and say how panes lie."""
        if active is not None:
            self._active = active
        if grid is not None:
            self.grid = grid
        self._arrange()

    def on_resize(self) -> None:
        """Choose the grid again for the new room."""
        self._arrange()

    def neighbour(self, across: int, down: int) -> ChatPane | None:
        """The pane beside, above or below the active one in the grid, if there is one."""
        if self._active is None:
            return None
        at = self._laid.index(self._active)
        if self._active.comparison is not None and across and not down:
            # Also those that are out of sight.
            at += across
            return self._laid[at] if 0 <= at < len(self._laid) else None
        place = at - self.shape.first
        row, column = divmod(place, self.shape.columns)
        row, column = row + down, column + across
        if not (0 <= column < self.shape.columns and 0 <= row < self.shape.rows):
            return None
        index = row * self.shape.columns + column
        if down:
            # The last pane fills the rest of its row.
            index = min(index, self.shape.count - 1)
        if index >= self.shape.count:
            return None
        return self._laid[self.shape.first + index]

    def _arrange(self) -> None:
        if self._active is None or not self.size.width:
            return
        group = self._active.comparison
        self._laid = [pane for pane in self._panes if pane.comparison is group]
        active = self._laid.index(self._active)
        beside = self.grid or group is not None
        if group is not None:
            self.shape = compared_shape(len(self._laid), active, *self.size)
        elif self.grid:
            self.shape = grid_shape(len(self._laid), active, *self.size)
        else:
            self.shape = GridShape(1, 1, active, 1)
        shape = self.shape
        self.styles.grid_size_columns = shape.columns
        self.styles.grid_size_rows = shape.rows
        self.set_class(beside, "-grid")
        shown = self._laid[shape.first : shape.first + shape.count]
        changed = shown != self.in_sight
        for pane in self._panes:
            visible = pane in shown
            pane.display = visible
            pane.styles.column_span = 1
            pane.framed = beside
            pane.set_class(beside and pane is self._active, "-active")
            pane.set_beside(beside and pane not in shown[:1])
            if visible:
                self._frames.attach(pane.transcript)
            else:
                self._frames.detach(pane.transcript)
        if shown:
            shown[-1].styles.column_span = shape.columns * shape.rows - shape.count + 1
        if changed:
            self.post_message(self.Paged())
