"""The queue in view: how it stands, how it stood, and every living request with its button."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message

from ccchat_tui.engine.events import RequestEnded
from ccchat_tui.engine.stats import QueueSnapshot
from ccchat_tui.tui.widgets.ended_requests import EndedRequest, EndedRequests
from ccchat_tui.tui.widgets.piece_rows import PieceRow, PieceRows
from ccchat_tui.tui.widgets.queue_chart import buckets_for, chart_rows
from ccchat_tui.tui.widgets.queue_figures import figure_rows, status_row, title_row
from ccchat_tui.tui.widgets.queue_servers import server_rows
from ccchat_tui.tui.widgets.queue_tools import tool_rows
from ccchat_tui.tui.widgets.request_rows import RequestRows

if TYPE_CHECKING:
    from ccchat_tui.backends.base import ServerStatus
    from ccchat_tui.engine.history import HistoryBucket

_CHART_FROM, _AIRY_FROM, _TALL_CHART_FROM = 17, 24, 29
"""Rows of the panel from which there is a chart, space between the parts, a chart twice as high."""
_LIST_ROWS = 4
"""Rows that the list keeps, however low the panel is; the figures give way."""


class QueuePanel(Vertical):
    """Figures, chart, requests and buttons. It is told what to show and says what was asked for.

    Out of sight it keeps the newest snapshot and does nothing else.
    """

    class CancelRequested(Message):
        """The end of one request was asked for."""

        def __init__(self, request_id: str) -> None:
            super().__init__()
            self.request_id = request_id

    class CancelUserRequested(Message):
        """The end of all requests of one user was asked for."""

        def __init__(self, user: str) -> None:
            super().__init__()
            self.user = user

    class CancelAllRequested(Message):
        """The end of all requests was asked for."""

    class LimitRequested(Message):
        """More or fewer in flight at once."""

        def __init__(self, step: int) -> None:
            super().__init__()
            self.step = step
            """1 or -1."""

    class AutoRequested(Message):
        """The limit is to find itself (again)."""

    class PauseToggled(Message):
        """Starting requests is to stop, or to go on."""

    class OpenRequested(Message):
        """The chat that a request belongs to is to be shown."""

        def __init__(self, session_id: str) -> None:
            super().__init__()
            self.session_id = session_id

    BINDING_GROUP_TITLE = "In the queue"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("x,delete", "cancel", "Cancel", tooltip="Cancel this request"),
        Binding("u", "cancel_user", "Cancel user's", tooltip="Cancel all of this user's requests"),
        Binding("A", "cancel_all", "Cancel all", tooltip="Cancel all requests"),
        Binding("enter,o", "open", "Open chat", tooltip="Open the chat of this request"),
        Binding("p", "pause", "Pause", tooltip="Pause or resume the queue"),
        Binding("a", "auto", "Auto", tooltip="Let the limit find itself"),
        Binding(
            "plus,equals_sign", "limit(1)", "More", tooltip="One more in flight", id="queue.more"
        ),
        Binding("minus", "limit(-1)", "Fewer", tooltip="One fewer in flight", id="queue.fewer"),
        Binding("up,k", "move(-1)", "Up", show=False, id="queue.up"),
        Binding("down,j", "move(1)", "Down", show=False, id="queue.down"),
        Binding("pageup", "page(-1)", "Page up", show=False, id="queue.page_up"),
        Binding("pagedown", "page(1)", "Page down", show=False, id="queue.page_down"),
        Binding("home", "move(-100000)", "First", show=False, id="queue.first"),
        Binding("end", "move(100000)", "Last", show=False, id="queue.last"),
    ]
    DEFAULT_CSS = """
    QueuePanel {
        background: $background;
        color: $foreground;
    }
    QueuePanel > .head, QueuePanel > .chart, QueuePanel > .tools { height: 0; }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._head = PieceRows(classes="head")
        self._chart = PieceRows(classes="chart")
        self.list = RequestRows()
        self._tools = PieceRows(classes="tools")
        self._ended = EndedRequests()
        self._snapshot: QueueSnapshot | None = None
        self._servers: tuple[ServerStatus, ...] = ()
        self._buckets: tuple[HistoryBucket, ...] = ()
        self._seconds = 2.0

    def compose(self) -> ComposeResult:
        """From top to bottom."""
        yield self._head
        yield self._chart
        yield self.list
        yield self._tools

    # What it is told ----------------------------------------------------------------------

    def show_snapshot(self, snapshot: QueueSnapshot) -> None:
        """Show how the queue stands now.

        Args:
            snapshot: With `wanted_rows` requests, or all; no more than those are looked at.
        """
        self._snapshot = snapshot
        if self.seen:
            self._draw_list(snapshot)
            self._draw_around(snapshot)

    def show_servers(self, servers: tuple[ServerStatus, ...]) -> None:
        """Have the servers shown with the next snapshot.

        Args:
            servers: How each is doing now; a single one is the header's matter.
        """
        self._servers = servers

    def show_history(self, buckets: Sequence[HistoryBucket], seconds: float = 2.0) -> None:
        """Show how it stood in the last minutes.

        Args:
            buckets: Oldest first; of `wanted_buckets` there is use for.
            seconds: What one of them spans.
        """
        self._buckets, self._seconds = tuple(buckets), seconds
        if self.seen and self._snapshot is not None:
            self._draw_chart(self._snapshot)

    def request_ended(self, event: RequestEnded, preview: str = "") -> None:
        """A request has ended: from the next snapshot on its row fades.

        Args:
            event: How it ended.
            preview: Its first words, for one that was never in a snapshot.
        """
        if self.seen:
            self._ended.add(event, preview)

    @property
    def seen(self) -> bool:
        """Whether it is on display, as far as it and what it stands in decide."""
        return self.is_attached and all(node.display for node in self.ancestors_with_self)

    @property
    def fading(self) -> bool:
        """Whether rows are there that further snapshots would take away."""
        return bool(len(self._ended))

    @property
    def wanted_rows(self) -> int:
        """How many requests of a snapshot there is use for; 0 while it is out of sight."""
        return self.list.wanted_rows if self.seen else 0

    @property
    def wanted_buckets(self) -> int:
        """How many buckets of history there is use for; 0 while no chart is in sight."""
        return buckets_for(self.size.width) if self.seen and self._chart.display else 0

    # Drawing ------------------------------------------------------------------------------

    def _draw_list(self, snapshot: QueueSnapshot) -> None:
        living = snapshot.in_flight + snapshot.waiting_to_retry + snapshot.queue_length
        shown = snapshot.requests[: self.list.wanted_rows]
        items = self._ended.merge(shown, snapshot.at, whole=len(shown) >= living)
        self.list.show_items(items, living + len(items) - len(shown), living)

    def _draw_around(self, snapshot: QueueSnapshot) -> None:
        width, height = self.size
        if width <= 0 or height <= 0:
            return
        airy = height >= _AIRY_FROM
        tools = tool_rows(snapshot, width) if self.list.buttons else []
        head = [title_row(snapshot, width), status_row(snapshot, width)]
        room = max(0, height - len(tools) - 2 - _LIST_ROWS)
        servers = server_rows(self._servers, width, min(room, self._server_room))
        head += figure_rows(snapshot, width)[: room - len(servers)]
        if servers and airy:
            head.append(())
        head += servers
        _set(self._head, [*head, ()] if airy else head)
        _set(self._tools, tools)
        self._draw_chart(snapshot)

    @property
    def _server_room(self) -> int:
        """Rows that servers may take of this height."""
        return max(1, self.size.height // 5)

    def _draw_chart(self, snapshot: QueueSnapshot) -> None:
        width, height = self.size
        if len(self._servers) > 1:
            height -= min(len(self._servers), self._server_room)
        self._chart.display = height >= _CHART_FROM
        if width <= 0 or not self._chart.display:
            return
        rows = chart_rows(
            self._buckets,
            width,
            2 if height >= _TALL_CHART_FROM else 1,
            seconds=self._seconds,
            limit=snapshot.limits.max_concurrent,
        )
        _set(self._chart, [*rows, ()] if height >= _AIRY_FROM else rows)

    def on_resize(self) -> None:
        """Lay out for the new size."""
        if self._snapshot is not None:
            self._draw_around(self._snapshot)

    def on_show(self) -> None:
        """It was out of sight: show what it was told meanwhile."""
        if self._snapshot is not None:
            self.show_snapshot(self._snapshot)

    def on_hide(self) -> None:
        """Nobody looks: what fades is forgotten."""
        self._ended.clear()

    # What the person does -----------------------------------------------------------------

    def on_piece_rows_pressed(self, event: PieceRows.Pressed) -> None:
        """A click on a row or a button."""
        event.stop()
        what, _, request_id = event.target.partition(":")
        match what:
            case "cancel":
                self.post_message(self.CancelRequested(request_id))
            case "row":
                self.list.focus()
                self.list.select(request_id)
                if event.double:
                    self.action_open()
            case "less" | "more":
                self.action_limit(1 if what == "more" else -1)
            case "pause":
                self.action_pause()
            case "all":
                self.action_cancel_all()

    def action_move(self, steps: int) -> None:
        """Move the cursor by so many requests."""
        self.list.move(steps)

    def action_page(self, pages: int) -> None:
        """Move the cursor by so many screens."""
        self.list.move(pages * self.list.page)

    def action_cancel(self) -> None:
        """Ask for the end of the request under the cursor, unless it ends already."""
        item = self.list.selected
        if item is not None and not isinstance(item, EndedRequest) and not item.cancelling:
            self.post_message(self.CancelRequested(item.id))

    def action_cancel_user(self) -> None:
        """Ask for the end of all of the user whose request is under the cursor."""
        item = self.list.selected
        if item is not None:
            user = item.event.user if isinstance(item, EndedRequest) else item.user
            self.post_message(self.CancelUserRequested(user))

    def action_cancel_all(self) -> None:
        """Ask for the end of everything."""
        self.post_message(self.CancelAllRequested())

    def action_limit(self, step: int) -> None:
        """Ask for another limit."""
        self.post_message(self.LimitRequested(step))

    def action_auto(self) -> None:
        """Ask for the limit to find itself."""
        self.post_message(self.AutoRequested())

    def action_pause(self) -> None:
        """Ask for a pause, or for its end."""
        self.post_message(self.PauseToggled())

    def action_open(self) -> None:
        """Ask for the chat of the request under the cursor."""
        item = self.list.selected
        if item is not None:
            session = item.event.session_id if isinstance(item, EndedRequest) else item.session_id
            self.post_message(self.OpenRequested(session))


def _set(part: PieceRows, rows: Sequence[PieceRow]) -> None:
    part.show(rows)
    part.styles.height = len(rows)
