"""Snapshots of a queue that tests make up, and a small app that shows them in a panel."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from textual.app import App, ComposeResult
from textual.message import Message
from textual.pilot import Pilot
from textual.widgets import Input

from ccchat_tui.engine.events import RequestEnded
from ccchat_tui.engine.request import Failure, Priority, RequestState
from ccchat_tui.engine.stats import LimitsView, QueueSnapshot, RequestView, Totals
from ccchat_tui.tui.themes import defaults_for, load_themes
from ccchat_tui.tui.widgets.queue_panel import QueuePanel


def view(number: int, state: RequestState = RequestState.QUEUED, **changes: Any) -> RequestView:
    """One request; what is not said is as it is for a request that has just come."""
    plain = RequestView(
        id=f"r{number}",
        user=f"user{number}",
        session_id=f"s{number}",
        model="small",
        preview=f"question {number}",
        state=state,
        priority=Priority.NORMAL,
        position=None,
        waited=1.5,
        first_token_after=None,
        running=0.0,
        tokens=0,
        tokens_per_second=0.0,
        attempt=1,
        cancelling=False,
    )
    return replace(plain, **changes)


def streaming(number: int, **changes: Any) -> RequestView:
    """A request whose reply comes."""
    known: dict[str, Any] = {"first_token_after": 0.62, "tokens": 412, "tokens_per_second": 38.2}
    return view(number, RequestState.STREAMING, **(known | changes))


def queued(number: int, position: int, **changes: Any) -> RequestView:
    """A request that waits for its slot."""
    return view(number, position=position, **changes)


def snapshot(
    *requests: RequestView, at: float = 100.0, queue_length: int | None = None, **changes: Any
) -> QueueSnapshot:
    """A queue with these requests in it."""
    states = [request.state for request in requests]
    waiting = states.count(RequestState.QUEUED)
    plain = QueueSnapshot(
        at=at,
        mode="concurrent",
        mode_reason="",
        paused=False,
        limits=LimitsView(5, 3, 20, 300_000, 2),
        queue_length=waiting if queue_length is None else queue_length,
        in_flight=sum(state.in_flight for state in states),
        waiting_to_retry=states.count(RequestState.WAITING_TO_RETRY),
        peak_concurrency=4,
        totals=Totals(submitted=2000, completed=1204, failed=2, cancelled=7, timed_out=1),
        success_rate=0.99,
        average_processing_ms=4230,
        p50_ms=4000,
        p95_ms=9000,
        average_wait_ms=800,
        average_first_token_ms=610,
        tokens=90_000,
        tokens_per_second=141.4,
        requests=requests,
    )
    return replace(plain, **changes)


def ended(
    number: int,
    state: RequestState = RequestState.COMPLETED,
    *,
    at: float = 100.0,
    failure: Failure | None = None,
    tokens: int = 500,
) -> RequestEnded:
    """The end of a request made by `view`."""
    return RequestEnded(
        at, f"r{number}", f"user{number}", f"s{number}", state, failure, None, tokens, 3.0
    )


class PanelApp(App[None]):
    """A panel beside a box to type in; keeps every message that the panel posts."""

    CSS = """
    Input { dock: left; width: 12; }
    QueuePanel { dock: right; height: 1fr; }
    """

    def __init__(self, columns: int = 42, theme: str = "tideline") -> None:
        super().__init__()
        self.panel = QueuePanel()
        self.panel.styles.width = columns
        self.asked: list[tuple[str, object]] = []
        for each in load_themes().themes.values():
            self.register_theme(each)
        self.theme = theme

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return defaults_for(self.available_themes.get(self.theme))

    def compose(self) -> ComposeResult:
        yield Input()
        yield self.panel

    def on_mount(self) -> None:
        self.screen.set_focus(None)

    def _note(self, event: Message, value: object = None) -> None:
        self.asked.append((type(event).__name__, value))

    def on_queue_panel_cancel_requested(self, event: QueuePanel.CancelRequested) -> None:
        self._note(event, event.request_id)

    def on_queue_panel_cancel_user_requested(self, event: QueuePanel.CancelUserRequested) -> None:
        self._note(event, event.user)

    def on_queue_panel_cancel_all_requested(self, event: QueuePanel.CancelAllRequested) -> None:
        self._note(event)

    def on_queue_panel_limit_requested(self, event: QueuePanel.LimitRequested) -> None:
        self._note(event, event.step)

    def on_queue_panel_auto_requested(self, event: QueuePanel.AutoRequested) -> None:
        self._note(event)

    def on_queue_panel_pause_toggled(self, event: QueuePanel.PauseToggled) -> None:
        self._note(event)

    def on_queue_panel_open_requested(self, event: QueuePanel.OpenRequested) -> None:
        self._note(event, event.session_id)


def screen_rows(app: App[None]) -> list[str]:
    """What is on the screen, row by row, as the compositor has it."""
    strips = app.screen._compositor.render_strips()
    return [strip.text for strip in strips]


def place_of(app: App[None], words: str, *, row_with: str = "") -> tuple[int, int]:
    """Where words stand on the screen: column and row of their first character."""
    for y, row in enumerate(screen_rows(app)):
        if words in row and row_with in row:
            return row.index(words), y
    raise AssertionError(f"{words!r} is not on the screen")


async def click(pilot: Pilot[None], words: str, *, row_with: str = "", times: int = 1) -> None:
    """Click on words, wherever on the screen they are."""
    place = place_of(pilot.app, words, row_with=row_with)
    await pilot.click(offset=place, times=times)
    await pilot.pause()
