"""The turns of a conversation as rows: which are shown, and which of their rows changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.geometry import Region
from textual.widget import Widget

from ccchat_tui.clock import Clock, SystemClock
from ccchat_tui.sessions.model import Turn
from ccchat_tui.text import sanitize
from ccchat_tui.tui.widgets.transcript_index import RowIndex
from ccchat_tui.tui.widgets.transcript_paint import OFFSET_BITS, Painter
from ccchat_tui.tui.widgets.transcript_places import TranscriptPlaces
from ccchat_tui.tui.widgets.transcript_turn import Changes, TurnRows

if TYPE_CHECKING:
    from ccchat_tui.tui.frames import FrameClock


class TranscriptRows(TranscriptPlaces):
    """Keeps the rows of turns, and brings them up to date while replies stream.

    Args:
        clock: For how long a turn has been waiting.
        name: As for every widget.
        id: As for every widget.
        classes: As for every widget.
    """

    def __init__(
        self,
        *,
        clock: Clock | None = None,
        name: str | None = None,
        id: str | None = None,  # noqa: A002 - Textual's own name for it
        classes: str | None = None,
    ) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self._clock: Clock = clock or SystemClock()
        self._by_id: dict[str, TurnRows] = {}
        self._live: dict[TurnRows, None] = {}
        self._painter = Painter(self)
        self._cursor: int | None = None
        self._frames: FrameClock | None = None
        self._compact = False

    def use_clock(self, clock: FrameClock | None) -> None:
        """Whom to wake when this comes into sight; the frame clock says so itself."""
        self._frames = clock

    # What is shown --------------------------------------------------------------------------

    @property
    def is_urgent(self) -> bool:
        """Whether the person works in the same pane."""
        parent = self.parent
        return isinstance(parent, Widget) and parent.has_focus_within

    def set_turns(self, turns: Sequence[Turn]) -> None:
        """Show these turns and no others, at the end."""
        self._views = []
        self._by_id = {}
        self._live = {}
        self._index = RowIndex()
        self._strips.clear()
        self._cursor = None
        self._new_rows = 0
        self._following = True
        for turn in turns:
            self._append(turn)
        self._settle()
        self.refresh()

    def add_turn(self, turn: Turn) -> None:
        """Add a turn at the end; one that is shown already is only brought up to date."""
        if turn.id in self._by_id:
            self.turn_changed(turn)
            return
        view = self._append(turn)
        if self.is_visible:
            view.lay_out()
            self._index.set(view.index, view.height)
        self._grew(self._index.height(view.index))
        self._settle()
        self.refresh()

    def turn_changed(self, turn: Turn) -> None:
        """Its state, note or revision changed. A turn that is not shown is ignored."""
        view = self._by_id.get(turn.id)
        if view is None:
            return
        self._live[view] = None
        if self.is_visible:
            self.on_frame()

    def set_notice(self, text: str) -> None:
        """Show a plain line at the top; an empty text removes it."""
        self._notice = sanitize(text).replace("\t", " ").strip()
        self._lay_out_top()
        self._strips.clear()
        self._settle()
        self.refresh()

    def set_compact(self, compact: bool) -> None:
        """Leave out the empty row above each reply, or not."""
        if compact == self._compact:
            return
        self._compact = compact
        for view in self._views:
            view.compact = compact
        self._lay_out_anew()

    def on_frame(self) -> bool:
        """Take what is new from turns that are alive, and draw the rows that changed.

        Returns:
            Whether any turn is still alive.
        """
        if not self.is_visible:
            return bool(self._live)
        first_dirty: int | None = None
        moved = False
        grown = 0
        rows: list[int] = []
        bottom = self._bottom_index()
        for view in list(self._live):
            if not view.laid_out:
                # Not in sight: it costs nothing until it is.
                if not view.turn.state.alive:
                    del self._live[view]
                continue
            changes = view.update()
            delta = self._index.set(view.index, view.height)
            if not view.live:
                del self._live[view]
            if not changes:
                continue
            self._forget_strips(view, changes)
            top = self._index.top(view.index)
            rows += [top + row for row in changes.rows]
            if changes.below is not None:
                # Other turns stand below; they have moved only if this one has another height.
                at = top + changes.below
                if delta:
                    moved = True
                    grown += delta if view.index >= bottom else 0
                    first_dirty = at if first_dirty is None else min(first_dirty, at)
                else:
                    rows += range(at, top + view.height)
        if not rows and first_dirty is None:
            return bool(self._live)
        before_scroll = self.scroll_offset.y
        if moved:
            self._grew(grown)
            self._settle()
        if self.scroll_offset.y == before_scroll:
            self._refresh_rows(rows, first_dirty)
        return bool(self._live)

    def _append(self, turn: Turn, view: TurnRows | None = None) -> TurnRows:
        """Add a turn at the end; with the rows that it had in another place, if it had some."""
        if view is None:
            view = TurnRows(turn, len(self._views), self._content_width, self._clock)
            if keymap := getattr(self.app, "keymap", None):
                view.retry_key = keymap.told("retry_last", view.retry_key)
                view.go_on_key = keymap.told("replies.continue", view.go_on_key)
            view.compact = self._compact
        else:
            view.move(len(self._views))
        self._views.append(view)
        self._by_id[turn.id] = view
        self._index.append(view.height if view.laid_out else view.estimate())
        if view.live and turn.state.alive:
            self._live[view] = None
        return view

    def on_show(self) -> None:
        """In sight again: take everything that has come meanwhile, and see that it goes on."""
        self._settle()
        self.on_frame()
        self.refresh()
        if self._frames is not None:
            self._frames.wake()

    # What is to be drawn again ---------------------------------------------------------------

    def _forget_strips(self, view: TurnRows, changes: Changes) -> None:
        base = view.index << OFFSET_BITS
        strips = self._strips
        for row in changes.rows:
            strips.pop((base | row, ""), None)
        if changes.below is not None:
            first, last = base | changes.below, base + (1 << OFFSET_BITS)
            for key in [key for key in strips if first <= key[0] < last]:
                del strips[key]

    def _refresh_rows(self, rows: list[int], first_dirty: int | None) -> None:
        top = round(self.scroll_y) - len(self._top_lines)
        height, width = self.size.height, self.size.width
        for row in rows:
            y = row - top
            if 0 <= y < height:
                self.refresh(Region(0, y, width, 1))
        if first_dirty is not None:
            y = max(0, first_dirty - top)
            if y < height:
                self.refresh(Region(0, y, width, height - y))
