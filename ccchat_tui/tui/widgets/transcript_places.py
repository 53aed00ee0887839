"""Where the rows of a conversation stand: what is in sight is laid out, and stays where the reader
looks, or the view follows the end."""

from __future__ import annotations

from textual import events
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget

from ccchat_tui.sessions.model import Turn
from ccchat_tui.tui.markdown.lines import Line, Wrapper
from ccchat_tui.tui.widgets.transcript_index import RowIndex
from ccchat_tui.tui.widgets.transcript_turn import INDENT, MARGIN, TurnRows


class TranscriptPlaces(ScrollView):
    """Lays turns out when they come into sight, and holds the view where it is.

    Args:
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
        name: str | None = None,
        id: str | None = None,  # noqa: A002 - Textual's own name for it
        classes: str | None = None,
    ) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self._views: list[TurnRows] = []
        self._index = RowIndex()
        self._notice = ""
        self._top_lines: list[Line] = []
        self._following = True
        self._new_rows = 0
        self._anchor: tuple[int, str, int] = (0, "", 0)
        self._placing = False
        self._strips: dict[tuple[int, str], Strip] = {}
        self._painted_width = 0

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
    def _view_height(self) -> int:
        return self.size.height

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

    def _bottom_index(self) -> int:
        """The turn at the lower edge; what grows above it is not news from below."""
        row = round(self.scroll_y) + self._view_height - 1 - len(self._top_lines)
        return self._index.find(row)[0]

    def _grew(self, rows: int) -> None:
        if not self._following and rows > 0:
            self._new_rows += rows
            self.post_message(self.FollowChanged(False, self._new_rows))
            self._refresh_hint()

    def _refresh_hint(self) -> None:
        self.refresh(Region(0, max(0, self.size.height - 1), self.size.width, 1))
