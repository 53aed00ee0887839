"""Lays out a conversation: which rows there are, where they stand, and which of them changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual import events
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget

from ccchat_tui.clock import Clock, SystemClock
from ccchat_tui.sessions.model import Turn
from ccchat_tui.text import sanitize
from ccchat_tui.tui.markdown.lines import Line, Wrapper
from ccchat_tui.tui.widgets.transcript_index import RowIndex
from ccchat_tui.tui.widgets.transcript_paint import OFFSET_BITS, Painter
from ccchat_tui.tui.widgets.transcript_turn import INDENT, MARGIN, Changes, TurnRows

if TYPE_CHECKING:
    from ccchat_tui.tui.frames import FrameClock


class TranscriptRows(ScrollView):
    """Keeps the rows of turns, follows replies that stream, and stays where the reader is.

    Args:
        clock: For how long a turn has been waiting.
        name: As for every widget.
        id: As for every widget.
        classes: As for every widget.
    """

    class FollowChanged(Message, namespace="transcript"):
        """The view began or ceased to follow the end, or there is more below it."""

        def __init__(self, following: bool, new_rows: int) -> None:
            super().__init__()
            self.following = following
            self.new_rows = new_rows

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
        self._views: list[TurnRows] = []
        self._by_id: dict[str, TurnRows] = {}
        self._index = RowIndex()
        self._live: dict[TurnRows, None] = {}
        self._painter = Painter(self)
        self._notice = ""
        self._top_lines: list[Line] = []
        self._following = True
        self._new_rows = 0
        self._anchor: tuple[int, str, int] = (0, "", 0)
        self._placing = False
        self._strips: dict[tuple[int, str], Strip] = {}
        self._painted_width = 0
        self._cursor: int | None = None
        self._frames: FrameClock | None = None
        self._compact = False

    def use_clock(self, clock: FrameClock | None) -> None:
        """Whom to wake when this comes into sight; the frame clock says so itself."""
        self._frames = clock

    # What is shown --------------------------------------------------------------------------

    @property
    def turns(self) -> list[Turn]:
        """The turns shown, oldest first."""
        return [view.turn for view in self._views]

    @property
    def following(self) -> bool:
        """Whether the view follows the end."""
        return self._following

    @property
    def new_rows(self) -> int:
        """Rows that have come below since the view ceased to follow."""
        return self._new_rows

    @property
    def is_visible(self) -> bool:
        """Whether it is on the screen; the frame clock leaves it alone otherwise."""
        return (
            self.is_attached
            and self.size.height > 0
            and self.screen.is_current
            and self.is_on_screen
        )

    @property
    def is_urgent(self) -> bool:
        """Whether the person works in the same pane."""
        parent = self.parent
        return isinstance(parent, Widget) and parent.has_focus_within

    @property
    def _view_height(self) -> int:
        return self.size.height

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

    def _bottom_index(self) -> int:
        """The turn at the lower edge; what grows above it is not news from below."""
        row = round(self.scroll_y) + self._view_height - 1 - len(self._top_lines)
        return self._index.find(row)[0]

    def _grew(self, rows: int) -> None:
        if not self._following and rows > 0:
            self._new_rows += rows
            self.post_message(self.FollowChanged(False, self._new_rows))
            self._refresh_hint()

    # Where things stand ---------------------------------------------------------------------

    @property
    def _content_width(self) -> int:
        return max(INDENT + MARGIN + 4, self.size.width or 80)

    def _lay_out_top(self) -> None:
        self._top_lines = []
        if self._notice:
            wrapper = Wrapper(self._content_width - INDENT - MARGIN)
            self._top_lines = wrapper.feed([(self._notice, "notice")]) + wrapper.close()
            self._top_lines.append(Line([], 0))

    def _settle(self) -> None:
        """Lay out what is in sight, then set the size and the scroll position, so that what the
        reader looks at does not move."""
        height = self._view_height
        if not self.is_visible or self._placing:
            return
        top_rows = len(self._top_lines)
        target = 0
        for _ in range(50):
            total = top_rows + self._index.total
            if self._following:
                target = max(0, total - height)
            else:
                index, section, number = self._anchor
                target = self._anchored_row(index, section, number)
                target = max(0, min(target, total - height))
            if not self._lay_out_rows(target - top_rows, height):
                break
        self._place(top_rows + self._index.total, target)

    def _see_to(self, view: TurnRows) -> None:
        """Lay a turn out before it is in sight, so that its rows can be counted on."""
        if not view.laid_out:
            view.lay_out()
            self._index.set(view.index, view.height)
            self._settle()

    def _anchored_row(self, index: int, section: str, number: int) -> int:
        if index >= len(self._views):
            return 0
        view = self._views[index]
        if section == "top":
            return number
        row = view.row_of(section, number) if view.laid_out and section else number
        return len(self._top_lines) + self._index.top(index) + row

    def _lay_out_rows(self, row: int, height: int) -> bool:
        """Lay out the turns in a range of rows.

        Returns:
            Whether that changed any height, so that the range must be found again.
        """
        if not self._views:
            return False
        first, offset = self._index.find(row)
        covered = -offset
        changed = False
        for index in range(first, len(self._views)):
            view = self._views[index]
            if not view.laid_out:
                estimated = self._index.height(index)
                view.lay_out()
                delta = self._index.set(index, view.height)
                changed = changed or delta != 0
                if index == self._anchor[0] and not self._following and not self._anchor[1]:
                    # Seen from below: what is below it stays where it is.
                    number = max(0, self._anchor[2] + view.height - estimated)
                    self._anchor = (index, *self._spot(view, number))
            covered += self._index.height(index)
            if covered >= height:
                break
        return changed

    def _spot(self, view: TurnRows, row: int) -> tuple[str, int]:
        found = view.line(row)
        return (found[1], found[2]) if found else ("", row)

    def _place(self, total: int, target: int) -> None:
        self._placing = True
        try:
            size = Size(self.size.width, total)
            if size != self.virtual_size:
                # Set without the layout of the whole screen that the attribute asks for: only the
                # scrollbar depends on it, and that is brought up to date here.
                self.set_reactive(Widget.virtual_size, size)
                self._scroll_update(size)
            moving = self.app.animator.is_being_animated(self, "scroll_y")
            away = round(self.scroll_y) != target
            # Somebody who pages away with an animation is not called back to the end.
            if (away and not (moving and self._following)) or (
                self.scroll_target_y != target and not moving
            ):
                self.scroll_to(y=target, animate=False, force=True, immediate=True)
        finally:
            self._placing = False
        if not self._following and not self._anchor[1]:
            self._take_anchor()

    def _take_anchor(self) -> None:
        """Remember what stands in the first row in sight."""
        row = round(self.scroll_y) - len(self._top_lines)
        if row < 0:
            self._anchor = (0, "top", round(self.scroll_y))
            return
        index, offset = self._index.find(row)
        if index < len(self._views) and self._views[index].laid_out:
            self._anchor = (index, *self._spot(self._views[index], offset))
        else:
            self._anchor = (index, "", offset)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Somebody scrolled: follow the end only while it is in sight."""
        super().watch_scroll_y(old_value, new_value)
        if self._placing or round(old_value) == round(new_value):
            return
        at_end = round(new_value) >= self.max_scroll_y
        if at_end != self._following:
            self._following = at_end
            if at_end:
                self._new_rows = 0
            self.post_message(self.FollowChanged(at_end, self._new_rows))
        if not self._following:
            self._take_anchor()
        self._settle()

    def on_show(self) -> None:
        """In sight again: take everything that has come meanwhile, and see that it goes on."""
        self._settle()
        self.on_frame()
        self.refresh()
        if self._frames is not None:
            self._frames.wake()

    def on_resize(self, _event: events.Resize) -> None:
        """Another size: what is in sight is laid out first, the rest when it is seen."""
        if self._content_width != self._painted_width:
            self._lay_out_anew()
            return
        self._settle()
        self.refresh()

    def _lay_out_anew(self) -> None:
        """Rows stand elsewhere now; the part of a turn that was in sight stays there."""
        width = self._painted_width = self._content_width
        if not self._following and self._views and self._anchor[1] != "top":
            # Rows change their numbers; the turn and the part of it stay.
            index, section, number = self._anchor
            view = self._views[index]
            share = number / max(1, len(view.sections.get(section, ())))
        else:
            index, section, share = 0, "", 0.0
        for view in self._views:
            view.forget(width)
            if not view.laid_out:
                self._index.set(view.index, view.estimate())
        self._strips.clear()
        self._lay_out_top()
        if section and not self._following:
            view = self._views[index]
            view.lay_out()
            self._index.set(index, view.height)
            self._anchor = (index, section, int(share * len(view.sections[section])))
        self._settle()
        self.refresh()

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

    def _refresh_hint(self) -> None:
        self.refresh(Region(0, max(0, self.size.height - 1), self.size.width, 1))
