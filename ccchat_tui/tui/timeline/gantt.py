"""The timeline: a lane for each user or slot, and a cursor on requests."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from ccchat_tui.tui.timeline.axis import Window, ticks
from ccchat_tui.tui.timeline.details import ROWS, details
from ccchat_tui.tui.timeline.lane_rows import lane_rows, legend
from ccchat_tui.tui.timeline.rows import CursorRows, Row
from ccchat_tui.tui.widgets.queue_words import count

if TYPE_CHECKING:
    from ccchat_tui.runs.course import Course
    from ccchat_tui.runs.lane import Lane
    from ccchat_tui.tui.timeline.source import RunSource

EMPTY = "Nothing was asked yet."
_WHEEL = 8
"""Columns that one notch of the wheel moves by, sideways."""


class Timeline(CursorRows):
    """Draws what is in view and nothing else: the cost is that of its rows and columns.

    Args:
        run: What is shown.
        hint: What is said while there is nothing to show.
    """

    BINDING_GROUP_TITLE = "In the timeline"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,o", "open", "Open chat", tooltip="Open the chat at this turn"),
        Binding("plus,equals_sign", "zoom(-1)", "Closer", tooltip="Less time, closer",
                id="timeline.closer"),
        Binding("minus", "zoom(1)", "Farther", tooltip="More time, from farther away",
                id="timeline.farther"),
        Binding("a,0", "fit", "Fit all", tooltip="Show the whole run"),
        Binding("f", "follow", "Follow", tooltip="Keep the present in view"),
        Binding("s", "slots", "Users/slots", tooltip="A lane for each user, or for each slot"),
        Binding("n", "density", "Numbers", tooltip="How many requests are in one cell"),
        Binding("left,h", "request(-1)", "Request before", show=False, id="timeline.before"),
        Binding("right,l", "request(1)", "Request after", show=False, id="timeline.after"),
        Binding("up,k", "lane(-1)", "Lane above", show=False, id="timeline.above"),
        Binding("down,j", "lane(1)", "Lane below", show=False, id="timeline.below"),
        Binding("pageup", "page(-1)", "Lanes above", show=False, id="timeline.page_up"),
        Binding("pagedown", "page(1)", "Lanes below", show=False, id="timeline.page_down"),
        Binding("shift+left,H", "scroll(-1)", "Back in time", show=False, id="timeline.back"),
        Binding("shift+right,L", "scroll(1)", "On in time", show=False, id="timeline.on"),
        Binding("home", "begin", "To the beginning", show=False),
        Binding("end", "end", "To the present", show=False),
    ]  # fmt: skip
    DEFAULT_CSS = """
    Timeline { height: 1fr; background: $background; color: $foreground; }
    """

    class Opened(Message):
        """The chat of a request is to be shown."""

        def __init__(self, course: Course) -> None:
            super().__init__()
            self.course = course

    def __init__(self, run: RunSource, hint: str = "") -> None:
        super().__init__()
        self._hint = hint
        self.window = Window()
        self.slots = False
        """Whether there is a lane for each slot, and not for each user."""
        self._run = run
        self._dense = True
        self._top = 0
        self._lane = 0
        self._chosen: Course | None = None
        self._in_view = True
        """Whether the lane of the cursor is kept in view."""

    # What is shown ------------------------------------------------------------------------

    @property
    def chosen(self) -> Course | None:
        """The request under the cursor."""
        return self._chosen

    @property
    def lanes(self) -> list[Lane]:
        """Those there are at the moment that is shown."""
        lanes, now = self._run.lanes, self._run.now
        found = lanes.slots if self.slots else lanes.users
        return [lane for lane in found if not lane.entries or lane.entries[0] <= now]

    def draw(self) -> None:
        """Lay out what is in view now."""
        width, height = self.size
        if width <= 0 or height <= 0:
            return
        run, lanes = self._run, self.lanes
        began, now = run.began, run.now
        names = max(8, min(16, width // 6))
        self.window.show(width - names, now - began)
        self._check_cursor(lanes, now)
        each = 2 if self._dense else 1
        room = max(1, height - 2 - ROWS)
        page = max(1, room // each)
        if self._in_view and lanes:
            self._top = min(max(self._top, self._lane - page + 1), self._lane)
        self._top = max(0, min(self._top, len(lanes) - page))
        rows: list[Row] = [self._axis(names, lanes)]
        for number, lane in enumerate(lanes[self._top : self._top + page], self._top):
            marked = number == self._lane and self.has_focus
            rows += lane_rows(
                lane,
                self.window,
                began=began,
                now=now,
                names=names,
                chosen=self._chosen if number == self._lane else None,
                marked=marked,
                density=self._dense,
                said="run" if self.slots else "sent",
            )
        if not lanes:
            rows += [(), ((f"  {EMPTY} {self._hint}", "$text-muted"),)]
        rows += [()] * (height - 1 - ROWS - len(rows))
        rows.append(legend(width))
        rows += self._details(width, began, now)
        self.show(rows)

    def _axis(self, names: int, lanes: list[Lane]) -> Row:
        kind = "slot" if self.slots else "user"
        said = f" {count(len(lanes), 5)} {kind}" + ("" if len(lanes) == 1 else "s")
        marks = ticks(self.window.left, self.window.columns, self.window.seconds)
        return (f"{said:<{names}}"[:names], "bold $foreground"), (marks, "$text-muted")

    def _details(self, width: int, began: float, now: float) -> list[Row]:
        if self._chosen is not None:
            tokens = self._run.tokens_of(self._chosen)
            return details(self._chosen, now, began, tokens, width)
        left_out = self._run.lanes.left_out
        said = f"{count(left_out)} older requests are left out. " if left_out else ""
        return [((f"   {said}The arrow keys choose a request."[:width], "$text-muted"),), (), ()]

    def _check_cursor(self, lanes: list[Lane], now: float) -> None:
        self._lane = max(0, min(self._lane, len(lanes) - 1))
        chosen = self._chosen
        if chosen is None:
            return
        if chosen.sent_at > now or chosen.id not in self._run.lanes.by_id:
            self._chosen = None  # it is still to come, or has been left out
        elif not self.slots and lanes[self._lane].name != chosen.user:
            names = [lane.name for lane in lanes]
            self._lane = names.index(chosen.user) if chosen.user in names else self._lane

    # The cursor ---------------------------------------------------------------------------

    def action_request(self, step: int) -> None:
        """The request before or after, in this lane."""
        lanes = self.lanes
        if not lanes:
            return
        lane = lanes[self._lane]
        there = bisect_right(lane.entries, self._run.now)
        if not there:
            return
        place = self._place_in(lane)
        if place is None:
            place = self._nearest(lane, there)
        else:
            place += step
        self._choose(lane, max(0, min(place, there - 1)))

    def action_lane(self, step: int) -> None:
        """The lane above or below, at about the same time."""
        lanes = self.lanes
        if not lanes:
            return
        self._in_view = True
        self._lane = max(0, min(self._lane + step, len(lanes) - 1))
        lane = lanes[self._lane]
        there = bisect_right(lane.entries, self._run.now)
        if there:
            self._choose(lane, self._nearest(lane, there))
        else:
            self._chosen = None
            self.draw()

    def action_page(self, step: int) -> None:
        """As many lanes as are in view."""
        room = max(1, self.size.height - 2 - ROWS)
        self.action_lane(step * max(1, room // (2 if self._dense else 1) - 1))

    def choose(self, course: Course) -> None:
        """Put the cursor on a request, in the lane of its user."""
        self.slots = False
        names = [lane.name for lane in self.lanes]
        if course.user in names:
            self._lane, self._chosen, self._in_view = names.index(course.user), course, True
            self._bring()

    def _choose(self, lane: Lane, place: int) -> None:
        self._chosen, self._in_view = lane.courses[place], True
        self._bring()

    def _bring(self) -> None:
        chosen, run = self._chosen, self._run
        if chosen is not None:
            end = run.now if chosen.ended_at is None else min(run.now, chosen.ended_at)
            self.window.bring(chosen.sent_at - run.began, end - run.began)
        self.draw()

    def _place_in(self, lane: Lane) -> int | None:
        """The place of the chosen request in a lane; `None` if it is not there."""
        chosen = self._chosen
        if chosen is None:
            return None
        # In the lane of a slot it came in later than it was sent.
        first = bisect_left(lane.entries, chosen.sent_at)
        for place in range(first, len(lane.courses)):
            if lane.courses[place] is chosen:
                return place
            if chosen.ended_at is not None and lane.entries[place] > chosen.ended_at:
                break
        return None

    def _nearest(self, lane: Lane, there: int) -> int:
        """The place of a request near the chosen one in time, or near the end of the view."""
        window, run = self.window, self._run
        chosen = self._chosen
        if chosen is not None:
            moment = chosen.sent_at
        else:
            edge = run.began + (window.left + window.columns) * window.seconds
            moment = min(run.now, edge)
        return max(0, min(bisect_right(lane.entries, moment), there) - 1)

    # What is in view ----------------------------------------------------------------------

    def action_zoom(self, step: int) -> None:
        """See less or more of the time, around the cursor."""
        run, window = self._run, self.window
        if window.follow:
            moment = run.now
        elif self._chosen is not None:
            moment = self._chosen.sent_at
        else:
            moment = run.began + (window.left + window.columns // 2) * window.seconds
        window.zoom(step, moment - run.began)
        self.draw()

    def action_fit(self) -> None:
        """Show the whole run."""
        self.window.fit = True
        self.draw()

    def action_follow(self) -> None:
        """Keep the present in view, or stay where it is."""
        window = self.window
        window.follow, window.fit = not (window.follow and not window.fit), False
        self.draw()

    def action_slots(self) -> None:
        """A lane for each slot, or for each user."""
        self.slots = not self.slots
        lanes, chosen = self.lanes, self._chosen
        self._in_view = True
        if chosen is not None and self.slots:
            found = (at for at, lane in enumerate(lanes) if self._place_in(lane) is not None)
            at = next(found, None)
            self._lane, self._chosen = at or 0, None if at is None else chosen
        self.draw()

    def action_density(self) -> None:
        """Say how many requests are in one cell, or not."""
        self._dense = not self._dense
        self.draw()

    def action_scroll(self, step: int) -> None:
        """Move along in time, by a quarter of what is in view."""
        self._scroll(step * max(1, self.window.columns // 4))

    def action_begin(self) -> None:
        """Go to the beginning."""
        self.window.scroll(-self.window.left)
        self.draw()

    def action_end(self) -> None:
        """Go to the present, and keep it in view."""
        self.window.follow, self.window.fit = True, False
        self.draw()

    def action_open(self) -> None:
        """Ask for the chat of the request under the cursor."""
        if self._chosen is not None:
            self.post_message(self.Opened(self._chosen))

    def _scroll(self, columns: int) -> None:
        last = self.window.column_of(self._run.now - self._run.began)
        self.window.scroll(min(columns, last - self.window.left))
        self.draw()

    # The mouse ----------------------------------------------------------------------------

    def on_click(self, event: events.Click) -> None:
        """Choose the request in a cell; a second click opens its chat."""
        place = event.get_content_offset_capture(self)
        lanes = self.lanes
        number = self._top + (place.y - 1) // (2 if self._dense else 1)
        names = self.size.width - self.window.columns
        if place.y < 1 or not self._top <= number < len(lanes):
            return
        event.stop()
        self.focus()
        self._lane = number
        lane, window = lanes[number], self.window
        begin = self._run.began + (window.left + max(0, place.x - names)) * window.seconds
        found = lane.course_at(begin, min(begin + window.seconds, self._run.now + 1e-9))
        again = found is not None and lane.courses[found] is self._chosen
        self._chosen = None if found is None else lane.courses[found]
        self.draw()
        if again and event.chain == 2:
            self.action_open()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """The wheel moves the lanes; with shift, the time."""
        event.stop()
        self._wheel(1, sideways=event.shift)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """The wheel moves the lanes; with shift, the time."""
        event.stop()
        self._wheel(-1, sideways=event.shift)

    def on_mouse_scroll_right(self, event: events.MouseScrollRight) -> None:
        """On in time."""
        event.stop()
        self._wheel(1, sideways=True)

    def on_mouse_scroll_left(self, event: events.MouseScrollLeft) -> None:
        """Back in time."""
        event.stop()
        self._wheel(-1, sideways=True)

    def _wheel(self, step: int, *, sideways: bool) -> None:
        if sideways:
            self._scroll(step * _WHEEL)
            return
        self._in_view = False
        self._top += step
        self.draw()
