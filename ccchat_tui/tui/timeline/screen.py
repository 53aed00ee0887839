"""The screen of a run: timeline, charts and events, one at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.dom import DOMNode
from textual.message import Message
from textual.screen import Screen
from textual.widget import Widget

from ccchat_tui.runs.course import Course
from ccchat_tui.text import one_line
from ccchat_tui.tui.timeline.charts import Charts
from ccchat_tui.tui.timeline.event_list import EventList
from ccchat_tui.tui.timeline.event_words import read_wanted
from ccchat_tui.tui.timeline.gantt import Timeline
from ccchat_tui.tui.widgets.fields import Line
from ccchat_tui.tui.widgets.key_hints import KeyHints
from ccchat_tui.tui.widgets.line import Piece, PieceLine

if TYPE_CHECKING:
    from ccchat_tui.tui.timeline.replay_queue import ReplayQueue
    from ccchat_tui.tui.timeline.source import RunSource

NAMES = ("timeline", "charts", "events", "queue")
FILTER_HELP = 'words, kind:ended, user:Ada, request:"Ada 3"; Enter goes back to the list'


class Views(PieceLine):
    """The first row: what can be looked at, and which of it is."""

    class Chosen(Message):
        """Another one was clicked."""

        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

    DEFAULT_CSS = """
    Views { background: $panel; color: $foreground; }
    """

    def tell(self, names: tuple[str, ...], shown: str, more: str) -> None:
        """Show the names, and something to the right."""
        pieces = [Piece(" ")]
        for number, name in enumerate(names, 1):
            style = "bold $primary reverse" if name == shown else "$foreground"
            pieces += [Piece(f" {number} {name.title()} ", style, name), Piece(" ")]
        room = self.size.width - sum(piece.width for piece in pieces) - 1
        told = one_line(more, room) if room > 8 else ""
        gap = " " * max(0, room - Piece(told).width)
        self.show([*pieces, Piece(gap), Piece(told, "$text-muted")])

    def chosen(self, target: str) -> None:
        """A name was clicked."""
        self.post_message(self.Chosen(target))


class RunScreen(Screen[Course | None]):
    """Shows a run. It is told by `show_news` that there is something to draw, and draws only what
    is in sight. Its answer is the request whose chat is to be opened.

    Args:
        run: What is shown.
        chats: Whether there are chats that can be opened.
        queue: A further view, of the queue as it was, for a run that is played back.
        below: What stands under the views.
    """

    BINDING_GROUP_TITLE = "Run"
    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("1", "view('timeline')", "Timeline", tooltip="Every request on a line of time",
                id="run.timeline"),
        Binding("2", "view('charts')", "Charts", tooltip="Charts of the whole run",
                id="run.charts"),
        Binding("3", "view('events')", "Events", tooltip="Every event of the engine",
                id="run.events"),
        Binding("4", "view('queue')", "Queue", tooltip="The queue, in a replay",
                show=False, id="run.queue"),
        Binding("tab", "next_view", "Next view", show=False, priority=True),
        Binding("escape,q", "leave", "Back", tooltip="Back to the chats"),
    ]  # fmt: skip
    DEFAULT_CSS = """
    RunScreen { background: $background; color: $foreground; }
    RunScreen > #filter { display: none; }
    RunScreen > #filter.-asked { display: block; }
    """

    def __init__(
        self,
        run: RunSource,
        *,
        chats: bool = True,
        queue: ReplayQueue | None = None,
        below: Widget | None = None,
    ) -> None:
        super().__init__()
        self.run = run
        self._chats = chats
        self._views = Views()
        hint = "What you send in any chat shows up here." if chats else "Space plays the run."
        self.timeline = Timeline(run, hint)
        self.charts = Charts(run)
        self.events = EventList(run)
        self._queue = queue
        self._below = below
        self._shown = "timeline"

    @property
    def names(self) -> tuple[str, ...]:
        """The views there are."""
        return NAMES if self._queue is not None else NAMES[:3]

    @property
    def shown(self) -> str:
        """The name of the view in sight."""
        return self._shown

    @property
    def view(self) -> Timeline | Charts | EventList | ReplayQueue:
        """The view in sight."""
        views: dict[str, Timeline | Charts | EventList | ReplayQueue | None] = {
            "timeline": self.timeline,
            "charts": self.charts,
            "events": self.events,
            "queue": self._queue,
        }
        found = views[self._shown]
        assert found is not None
        return found

    def compose(self) -> ComposeResult:
        """From top to bottom."""
        yield self._views
        yield Line(placeholder=FILTER_HELP, compact=True, id="filter")
        yield self.timeline
        yield self.charts
        yield self.events
        if self._queue is not None:
            yield self._queue
        if self._below is not None:
            yield self._below
        yield KeyHints()

    def places(self) -> list[tuple[str, DOMNode]]:
        """Where keys do something, for the help."""
        return [
            ("In a run", self),
            ("In the timeline", self.timeline),
            ("In the events", self.events),
        ]

    def on_mount(self) -> None:
        """The timeline first."""
        self.action_view(self._shown)

    def show_news(self) -> None:
        """Draw what is in sight, as it is now."""
        if not self.is_mounted:
            return
        view = self.view
        view.draw()
        self._views.tell(self.names, self._shown, self._told())

    def _told(self) -> str:
        window = self.timeline.window
        if self._shown != "timeline":
            return ""
        mode = "whole run" if window.fit else "following" if window.follow else "standing still"
        return f"{window.seconds:g} s a column · {mode}"

    def action_view(self, name: str) -> None:
        """Look at something else."""
        if name not in self.names:
            return
        self._shown = name
        for each in (self.timeline, self.charts, self.events, self._queue):
            if each is not None:
                each.display = False
        self.view.display = True
        asked = name == "events" and bool(self.query_one("#filter", Line).value)
        self.query_one("#filter").set_class(asked, "-asked")
        self.focus_view()
        self.call_after_refresh(self.show_news)

    def focus_view(self) -> None:
        """Keys are for the view from now on; at once, for what is pressed right behind."""
        self.set_focus(self._queue.list if self.view is self._queue else self.view)

    def action_next_view(self) -> None:
        """The next of them, in a circle."""
        names = self.names
        self.action_view(names[(names.index(self._shown) + 1) % len(names)])

    def action_leave(self) -> None:
        """Go back; from the line above the list to the list."""
        if isinstance(self.focused, Line):
            self._leave_filter()
        else:
            self.dismiss(None)

    def on_resize(self) -> None:
        """Lay out the first row for the new width."""
        self.call_after_refresh(self.show_news)

    # What the views ask for ---------------------------------------------------------------

    @on(Views.Chosen)
    def _view_chosen(self, event: Views.Chosen) -> None:
        event.stop()
        self.action_view(event.name)

    @on(Timeline.Opened)
    def _opened(self, event: Timeline.Opened) -> None:
        event.stop()
        if self._chats:
            self.dismiss(event.course)
        else:
            self.notify("There are no chats here: a log has no words of anybody.", timeout=4)

    @on(EventList.RequestChosen)
    def _request_chosen(self, event: EventList.RequestChosen) -> None:
        event.stop()
        course = self.run.lanes.by_id.get(event.request_id)
        if course is None:
            self.notify("This request is too old to be on the timeline.", timeout=4)
            return
        self.action_view("timeline")
        self.timeline.choose(course)

    @on(EventList.Copied)
    def _copied(self, event: EventList.Copied) -> None:
        event.stop()
        self.notify(f"Copied: {event.what}", timeout=2, markup=False)

    @on(EventList.FilterAsked)
    def _filter_asked(self, event: EventList.FilterAsked) -> None:
        event.stop()
        line = self.query_one("#filter", Line)
        line.set_class(True, "-asked")
        line.focus()

    @on(Line.Changed, "#filter")
    def _filter_changed(self, event: Line.Changed) -> None:
        event.stop()
        self.events.want(read_wanted(event.value))

    @on(Line.Submitted, "#filter")
    def _filter_entered(self, event: Line.Submitted) -> None:
        event.stop()
        self._leave_filter()

    def _leave_filter(self) -> None:
        line = self.query_one("#filter", Line)
        line.set_class(bool(line.value), "-asked")
        self.set_focus(self.events)

    @on(KeyHints.Chosen)
    async def _hint_chosen(self, event: KeyHints.Chosen) -> None:
        for node, binding, _enabled, _tip in list(self.active_bindings.values()):
            if binding.action == event.action:
                await self.app.run_action(binding.action, node)
                return
