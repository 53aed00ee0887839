"""The events of a run one by one: filtered, held still, copied."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from ccchat_tui.engine.events import EngineEvent, RequestEvent
from ccchat_tui.tui.timeline.event_words import Wanted, event_row, heading, json_of
from ccchat_tui.tui.timeline.rows import CursorRows, Row
from ccchat_tui.tui.widgets.queue_words import count

if TYPE_CHECKING:
    from ccchat_tui.tui.timeline.source import RunSource

AT_ONCE = 0.004
"""Seconds that events are looked through for what is asked for before others have a turn."""
MOST_COPIED = 1_000
"""Events that are copied at once."""
_WHEEL = 3


class EventList(CursorRows):
    """Asks for the events in sight and no others.

    Args:
        run: What is shown.
        time_source: Seconds, for the time that looking through takes.
    """

    BINDING_GROUP_TITLE = "In the events"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "Filter", tooltip="Show only events with some words"),
        Binding("p", "hold", "Hold", tooltip="Hold the list still, or let it go on"),
        Binding("f", "follow", "Follow", tooltip="Keep the newest event in view"),
        Binding("c,y", "copy", "Copy", tooltip="Copy the event as JSON"),
        Binding("C", "copy_all", "Copy all", tooltip="Copy every event that is listed, as JSON"),
        Binding("enter,o", "open", "Timeline", tooltip="Show the request on the timeline"),
        Binding("up,k", "move(-1)", "Up", show=False, id="events.up"),
        Binding("down,j", "move(1)", "Down", show=False, id="events.down"),
        Binding("pageup", "page(-1)", "Page up", show=False, id="events.page_up"),
        Binding("pagedown", "page(1)", "Page down", show=False, id="events.page_down"),
        Binding("home", "move(-1000000000)", "First", show=False, id="events.first"),
        Binding("end", "follow_end", "Last", show=False, id="events.last"),
    ]
    DEFAULT_CSS = """
    EventList { height: 1fr; background: $background; color: $foreground; }
    """

    class FilterAsked(Message):
        """What is to be listed is to be asked for."""

    class Copied(Message):
        """Something is in the clipboard."""

        def __init__(self, what: str) -> None:
            super().__init__()
            self.what = what

    class RequestChosen(Message):
        """A request is to be shown."""

        def __init__(self, request_id: str) -> None:
            super().__init__()
            self.request_id = request_id

    def __init__(
        self, run: RunSource, *, time_source: Callable[[], float] = time.perf_counter
    ) -> None:
        super().__init__()
        self._run = run
        self._time = time_source
        self._wanted = Wanted()
        self._matches: list[int] = []
        """The numbers of the events that are asked for, as far as has been looked."""
        self._looked = 0
        """The number before which all events have been looked at."""
        self._held: int | None = None
        """The number of the first event that is not shown while the list is held."""
        self._follow = True
        self._top = 0
        self._at = 0
        """Where the cursor is: a number of an event."""

    # What is listed -----------------------------------------------------------------------

    @property
    def wanted(self) -> Wanted:
        """What is asked for."""
        return self._wanted

    @property
    def held(self) -> bool:
        """Whether it is held still."""
        return self._held is not None

    def want(self, wanted: Wanted) -> None:
        """List other events."""
        self._wanted = wanted
        self._matches, self._looked = [], 0
        self.draw()

    @property
    def _end(self) -> int:
        end = self._run.next_event
        return end if self._held is None else min(end, self._held)

    def _numbers(self) -> Sequence[int]:
        """The numbers of the events that are listed."""
        if not self._wanted:
            return range(self._run.first_event, self._end)
        return self._matches

    def _look_on(self) -> bool:
        """Look for events that are asked for. Returns whether there are more to look at."""
        run, end, matches = self._run, self._end, self._matches
        # Events are forgotten at one end; a replay goes back at the other.
        del matches[: bisect_left(matches, run.first_event)], matches[bisect_left(matches, end) :]
        self._looked = max(run.first_event, min(self._looked, end))
        began = self._time()
        while self._looked < end and self._time() - began < AT_ONCE:
            upto = min(end, self._looked + 64)
            for number, event in enumerate(run.events(self._looked, upto), self._looked):
                if self._wanted.fits(event):
                    matches.append(number)
            self._looked = upto
        return self._looked < end

    def draw(self) -> None:
        """Lay out what is in view."""
        width, height = self.size
        if width <= 0 or height <= 0:
            return
        more = bool(self._wanted) and self._look_on()
        numbers = self._numbers()
        room = self._room
        last = len(numbers) - 1
        place = bisect_left(numbers, self._at)
        if self._follow:
            place = last
        place = max(0, min(place, last))
        if numbers:
            self._at = numbers[place]
        self._top = max(0, min(max(self._top, place - room + 1), place, max(0, last + 1 - room)))
        rows: list[Row] = [heading(width)]
        began = self._run.began
        for number in numbers[self._top : self._top + room]:
            event = self._event(number)
            chosen = number == self._at and (self.has_focus or not self._follow)
            rows.append(event_row(event, began, width, selected=chosen))
        if not numbers:
            none = "Nothing happened yet." if not self._wanted else "No event has that."
            rows.append(((f"  {'Looking…' if more else none}", "$text-muted"),))
        rows += [()] * (height - 1 - len(rows))
        rows.append(((f" {self._told(len(numbers), place, more)}"[:width], "$text-muted"),))
        self.show(rows)
        if more:
            self.call_later(self.draw)

    def _told(self, total: int, place: int, more: bool) -> str:
        told = f"{count(place + 1) if total else 0} of {count(total)} events"
        if self._wanted:
            told += " that are asked for" + (", still looking" if more else "")
        if self._run.first_event:
            told += f" · {count(self._run.first_event)} older ones are left out"
        if self._held is not None:
            told += f" · held, {count(self._run.next_event - self._end)} came since"
        elif self._follow:
            told += " · following"
        return told

    @property
    def _room(self) -> int:
        return max(1, self.size.height - 2)

    def _event(self, number: int) -> EngineEvent:
        return self._run.events(number, number + 1)[0]

    @property
    def selected(self) -> EngineEvent | None:
        """The event under the cursor."""
        numbers = self._numbers()
        place = bisect_left(numbers, self._at)
        return self._event(numbers[place]) if place < len(numbers) else None

    # What the person does -----------------------------------------------------------------

    def action_move(self, step: int) -> None:
        """Move the cursor; at the last event it follows."""
        numbers = self._numbers()
        if not numbers:
            return
        place = max(0, min(bisect_left(numbers, self._at) + step, len(numbers) - 1))
        self._follow = step > 0 and place == len(numbers) - 1
        self._at = numbers[place]
        self.draw()

    def action_page(self, step: int) -> None:
        """Move the cursor by a screen."""
        self.action_move(step * max(1, self._room - 1))

    def action_follow(self) -> None:
        """Keep the newest event in view, or stay."""
        self._follow = not self._follow
        self.draw()

    def action_follow_end(self) -> None:
        """Go to the newest event and keep it in view."""
        self._follow = True
        self.draw()

    def action_hold(self) -> None:
        """Hold the list still, or let it go on."""
        self._held = self._run.next_event if self._held is None else None
        self.draw()

    def action_filter(self) -> None:
        """Ask what is to be listed."""
        self.post_message(self.FilterAsked())

    def action_copy(self) -> None:
        """Copy the event under the cursor."""
        if (event := self.selected) is not None:
            self.app.copy_to_clipboard(json_of(event))
            self.post_message(self.Copied("the event"))

    def action_copy_all(self) -> None:
        """Copy all that are listed, or the last of them if they are too many."""
        numbers = self._numbers()[-MOST_COPIED:]
        if not numbers:
            return
        self.app.copy_to_clipboard("".join(f"{json_of(self._event(n))}\n" for n in numbers))
        several = "1 event" if len(numbers) == 1 else f"{count(len(numbers))} events"
        first = "the last " if len(numbers) < len(self._numbers()) else ""
        self.post_message(self.Copied(f"{first}{several}"))

    def action_open(self) -> None:
        """Show the request of the event."""
        if isinstance(event := self.selected, RequestEvent):
            self.post_message(self.RequestChosen(event.request_id))

    def on_click(self, event: events.Click) -> None:
        """Put the cursor on an event; a second click shows its request."""
        place = self._top + event.get_content_offset_capture(self).y - 1
        numbers = self._numbers()
        event.stop()
        self.focus()
        if 0 <= place < len(numbers):
            self._follow, self._at = False, numbers[place]
            self.draw()
            if event.chain == 2:
                self.action_open()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """The wheel moves the cursor along."""
        event.stop()
        self.action_move(_WHEEL)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """The wheel moves the cursor along."""
        event.stop()
        self.action_move(-_WHEEL)
