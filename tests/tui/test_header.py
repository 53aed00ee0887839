"""The first row at every width: what is said, and what goes first when there is little room."""

from __future__ import annotations

import itertools

import pytest
from textual import on
from textual.app import App, ComposeResult

from ccchat_tui.engine.stats import LimitsView, QueueSnapshot, Totals
from ccchat_tui.tui.themes import variable_defaults
from ccchat_tui.tui.widgets.header import NO_SERVER, ServerView, StatusHeader, lay_out

OLLAMA = ServerView("Ollama", "http://127.0.0.1:11434")
DEMO = ServerView("demo model", "built in", notice=NO_SERVER)
CONNECTING = ServerView("Ollama", "http://a-rather-long-name.example:11434", connecting=True)


def snapshot(
    *, mode: str = "concurrent", reason: str = "", paused: bool = False, many: int = 1
) -> QueueSnapshot:
    return QueueSnapshot(
        at=0.0,
        mode=mode,
        mode_reason=reason,
        paused=paused,
        limits=LimitsView(5 * many, 3, 20, 300_000, 2),
        queue_length=2 * many,
        in_flight=3 * many,
        waiting_to_retry=1 * many,
        peak_concurrency=0,
        totals=Totals(),
        success_rate=1.0,
        average_processing_ms=0.0,
        p50_ms=0.0,
        p95_ms=0.0,
        average_wait_ms=0.0,
        average_first_token_ms=0.0,
        tokens=0,
        tokens_per_second=0.0,
    )


FALLBACK = snapshot(
    mode="sequential",
    reason="fallback: the server says that it is out of memory, several times",
    paused=True,
    many=111,
)
SNAPSHOTS = {"idle": snapshot(), "worst": FALLBACK, "none": None}


def text(server: ServerView, queue: QueueSnapshot | None, width: int) -> str:
    return "".join(piece.text for piece in lay_out(server, queue, width))


@pytest.mark.parametrize("queue", SNAPSHOTS)
@pytest.mark.parametrize("server", [OLLAMA, DEMO, CONNECTING], ids=["up", "demo", "connecting"])
def test_it_fits_exactly_at_every_width(server: ServerView, queue: str) -> None:
    for width in range(1, 221):
        pieces = lay_out(server, SNAPSHOTS[queue], width)
        assert sum(piece.width for piece in pieces) == width


@pytest.mark.parametrize("server", [OLLAMA, DEMO, CONNECTING], ids=["up", "demo", "connecting"])
@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
def test_the_figures_and_the_name_are_always_there(server: ServerView, width: int) -> None:
    for queue, figures in ((snapshot(), ("3/5", "3")), (FALLBACK, ("333/555", "333"))):
        row = text(server, queue, width)
        assert " ccchat " in row
        assert f"● {figures[0]}" in row
        assert f"◌ {figures[1]}" in row


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
def test_that_the_demo_answers_is_always_said(width: int) -> None:
    for queue in (snapshot(), FALLBACK):
        assert "▲" in text(DEMO, queue, width)
        assert "demo" in text(DEMO, queue, width)


def test_the_rows_as_they_are_read() -> None:
    assert text(OLLAMA, snapshot(), 80) == (
        " ccchat  Ollama · http://127.0.0.1:11434            ● 3/5 in flight  ◌ 3 queued "
    )
    assert text(DEMO, snapshot(), 120) == (
        " ccchat  demo model · built in  ▲ no server: demo model "
        f"{' ' * 23} concurrent  ● 3/5 in flight  ◌ 3 queued "
    )
    assert text(OLLAMA, snapshot(), 40) == " ccchat  Ollama · http://1…  ● 3/5  ◌ 3 "
    assert text(OLLAMA, snapshot(mode="sequential", reason="by configuration"), 120).endswith(
        " ↧ sequential (by configuration)  ● 3/5 in flight  ◌ 3 queued "
    )
    assert " ↧ sequential  ● 3/5 " in text(OLLAMA, snapshot(mode="sequential", reason="x"), 60)
    assert " ‖ paused " in text(OLLAMA, snapshot(paused=True), 60)


def test_words_go_before_signs_and_signs_before_figures() -> None:
    """Narrower and narrower, nothing that went comes back."""
    since = []
    for words in ("fallback", "in flight", "sequential", "ccchat", "▲", "333/555"):
        there = [words in text(DEMO, FALLBACK, width) for width in range(1, 221)]
        assert there == sorted(there), words
        since.append(there.index(True))
    assert since == sorted(since, reverse=True)
    assert len(set(since)) == len(since)


def test_what_a_server_calls_itself_is_text() -> None:
    hostile = ServerView("[b]\x1b[2J", "http://[/x]\u202e")
    row = text(hostile, snapshot(), 120)
    assert "[b]␛[2J · http://[/x]\ufffd" in row


class Host(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.header = StatusHeader(DEMO)
        self.heard: list[str] = []

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return variable_defaults({"primary": "#4cc9f0"})

    def compose(self) -> ComposeResult:
        yield self.header

    @on(StatusHeader.ReconnectRequested)
    def _reconnect(self) -> None:
        self.heard.append("reconnect")

    @on(StatusHeader.QueueRequested)
    def _queue(self) -> None:
        self.heard.append("queue")


async def test_it_follows_server_queue_and_width() -> None:
    app = Host()
    async with app.run_test(size=(120, 4)) as pilot:
        for width, connecting in itertools.product((40, 80, 200), (False, True)):
            await pilot.resize_terminal(width, 4)
            app.header.show_snapshot(FALLBACK)
            app.header.show_connecting(connecting)
            await pilot.pause()
            row = app.header.render_line(0).text
            assert row == text(app.header.server, FALLBACK, width)
            assert ("…" in row.split("‖", maxsplit=1)[0]) == connecting


async def test_a_click_on_the_notice_and_one_on_the_figures() -> None:
    app = Host()
    async with app.run_test(size=(100, 4)) as pilot:
        app.header.show_snapshot(snapshot())
        await pilot.pause()
        row = app.header.render_line(0).text
        await pilot.click(app.header, offset=(row.index("▲"), 0))
        await pilot.click(app.header, offset=(row.index("◌"), 0))
        await pilot.click(app.header, offset=(1, 0))
        assert app.heard == ["reconnect", "queue"]
