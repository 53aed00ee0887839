"""What the panel does as time goes by: rows fade, nothing is drawn in vain."""

from __future__ import annotations

import pytest
from rich.color import Color

from ccchat_tui.engine.request import Failure, RequestState
from ccchat_tui.engine.stats import RequestView
from ccchat_tui.tui.widgets.ended_requests import FADE_SECONDS
from ccchat_tui.tui.widgets.piece_rows import PieceRows
from tests.tui.queue_views import (
    PanelApp,
    click,
    ended,
    queued,
    screen_rows,
    snapshot,
    streaming,
    view,
)

SIZE = (120, 40)


def draws(app: PanelApp) -> int:
    return sum(part.draws for part in app.query(PieceRows))


def order(app: PanelApp) -> list[str]:
    return [item.id for item in app.panel.list._items]


async def test_an_ended_request_stays_in_its_place_until_it_has_faded() -> None:
    app = PanelApp()
    async with app.run_test(size=SIZE) as pilot:
        panel = app.panel
        panel.show_snapshot(snapshot(streaming(1), streaming(2), queued(3, 1), at=100.0))
        fading = [panel.fading]
        panel.request_ended(ended(2, at=100.5))
        assert [*fading, panel.fading] == [False, True]
        panel.show_snapshot(snapshot(streaming(1), streaming(3), at=101.0))
        await pilot.pause()
        assert order(app) == ["r1", "r2", "r3"]
        rows = panel.list.text.splitlines()
        assert "✓" in rows[3]
        assert "question 2" in rows[3]
        assert "✕" not in rows[3]
        assert rows[4].split() == ["completed", "1.5s", "0.6s", "500", "38/s"]
        assert "2 requests" in rows[0]
        # Just before the end of its time it is still there, and a frozen clock changes nothing.
        for _ in range(3):
            panel.show_snapshot(snapshot(streaming(1), streaming(3), at=100.4 + FADE_SECONDS))
            assert order(app) == ["r1", "r2", "r3"]
            assert panel.fading
        panel.show_snapshot(snapshot(streaming(1), streaming(3), at=100.5 + FADE_SECONDS))
        assert order(app) == ["r1", "r3"]
        assert not panel.fading


async def test_a_fading_row_is_dimmed_and_cannot_be_cancelled() -> None:
    app = PanelApp()
    async with app.run_test(size=SIZE) as pilot:
        panel = app.panel
        panel.show_snapshot(snapshot(streaming(1), streaming(2)))
        panel.request_ended(
            ended(1, RequestState.FAILED, failure=Failure("server", "the server [/broke] off"))
        )
        panel.show_snapshot(snapshot(streaming(2)))
        await pilot.pause()
        y = next(y for y, row in enumerate(screen_rows(app)) if "question 1" in row)
        colours = {}
        for segment in app.screen._compositor.render_strips()[y]:
            if segment.style is not None and "question" in segment.text:
                colours[segment.text.strip()] = segment.style.color
        muted = Color.parse(app.theme_variables["text-muted"])
        assert list(colours.values()) == [muted]
        panel.list.focus()
        await pilot.press("home", "x", "o")
        assert app.asked == [("OpenRequested", "s1")]


async def test_why_a_request_failed_is_told_while_it_fades() -> None:
    app = PanelApp(columns=80)
    async with app.run_test(size=SIZE) as pilot:
        app.panel.request_ended(
            ended(1, RequestState.TIMED_OUT, failure=Failure("total", "took [/too] long")),
            "my words",
        )
        app.panel.show_snapshot(snapshot())
        await pilot.pause()
        rows = app.panel.list.text.splitlines()
        assert "◷" in rows[1]
        assert "my words" in rows[1]
        assert "timed out" in rows[2]
        assert "took [/too] long" in rows[2]


async def test_the_end_of_a_very_long_queue_keeps_few_rows() -> None:
    app = PanelApp()
    async with app.run_test(size=SIZE) as pilot:
        panel = app.panel
        panel.show_snapshot(snapshot(*(queued(n, n) for n in range(1, 50)), queue_length=10_000))
        for number in range(1, 10_001):
            panel.request_ended(ended(number, RequestState.CANCELLED, tokens=0), "gone")
        panel.show_snapshot(snapshot(at=101.0))
        await pilot.pause()
        assert len(order(app)) < 100
        panel.show_snapshot(snapshot(at=110.0))
        assert order(app) == []
        # What was counted is forgotten too: the next ones fade again.
        panel.request_ended(ended(77, at=110.0), "again")
        panel.show_snapshot(snapshot(at=110.0))
        assert order(app) == ["r77"]


async def test_an_id_that_lives_again_is_not_shown_as_ended() -> None:
    app = PanelApp()
    async with app.run_test(size=SIZE):
        panel = app.panel
        panel.show_snapshot(snapshot(streaming(1)))
        panel.request_ended(ended(1))
        panel.show_snapshot(snapshot(queued(1, 1)))
        assert order(app) == ["r1"]
        assert isinstance(panel.list._items[0], RequestView)
        assert not panel.fading


async def test_nothing_is_drawn_when_nothing_changed() -> None:
    app = PanelApp()
    async with app.run_test(size=SIZE) as pilot:
        requests = (streaming(1), streaming(2), queued(3, 1))
        app.panel.show_snapshot(snapshot(*requests))
        app.panel.list.focus()
        await pilot.pause()
        before = draws(app)
        assert before
        for step in range(5):
            app.panel.show_snapshot(snapshot(*requests, at=101.0 + step))
            app.panel.show_history(())
            await pilot.pause()
        assert draws(app) == before
        # One number changed: one row is drawn, and no other.
        app.panel.show_snapshot(snapshot(streaming(1, tokens=413), *requests[1:]))
        await pilot.pause()
        assert draws(app) == before + 1


@pytest.mark.parametrize("what", ["panel", "parent"])
async def test_out_of_sight_it_does_nothing_and_catches_up(what: str) -> None:
    app = PanelApp()
    async with app.run_test(size=SIZE) as pilot:
        panel = app.panel
        panel.show_snapshot(snapshot(streaming(1), streaming(7)))
        panel.request_ended(ended(7))
        panel.show_snapshot(snapshot(streaming(1)))
        await pilot.pause()
        hidden = panel if what == "panel" else app.screen
        hidden.display = False
        await pilot.pause()
        before, rows = draws(app), panel.list.rows
        panel.request_ended(ended(1))
        panel.show_snapshot(snapshot(streaming(2)))
        await pilot.pause()
        assert (draws(app), panel.list.rows) == (before, rows)
        assert not (panel.fading and what == "panel")
        assert panel.wanted_rows == 0
        assert panel.wanted_buckets == 0
        if what == "panel":
            hidden.display = True
            await pilot.pause()
            assert "question 2" in panel.list.text
            assert "question 1" not in panel.list.text


async def test_text_from_outside_is_shown_as_text() -> None:
    evil = "[/INST] [bold red]x[/] [x=1: \x1b]0;owned\x07 \x9b2J \u202eback\x1b[31m"
    app = PanelApp(columns=99)
    async with app.run_test(size=SIZE) as pilot:
        panel = app.panel
        panel.show_snapshot(
            snapshot(
                streaming(1, user=f"\x1b[1m{evil}", preview=evil, note=evil),
                view(2, RequestState.WAITING_TO_RETRY, note=evil),
                mode="sequential",
                mode_reason=evil,
            )
        )
        panel.request_ended(ended(3, RequestState.FAILED, failure=Failure("x", evil)), evil)
        panel.show_snapshot(snapshot(streaming(1, user=f"\x1b[1m{evil}", preview=evil, note=evil)))
        await pilot.pause()
        shown = "".join(screen_rows(app))
        assert "[/INST] [bold red]x[/] [x=1:" in shown
        assert not set(shown) & {"\x1b", "\x07", "\x9b", "\u202e"}
        await click(pilot, "✕", row_with="[/INST]")
        assert app.asked == [("CancelRequested", "r1")]


async def test_another_theme_paints_the_states_anew() -> None:
    app = PanelApp()
    async with app.run_test(size=SIZE) as pilot:
        app.panel.show_snapshot(snapshot(streaming(1)))
        await pilot.pause()
        for theme in ("paper", "beacon", "tideline"):
            app.theme = theme
            await pilot.pause()
            y = next(y for y, row in enumerate(screen_rows(app)) if "streaming" in row)
            strip = app.screen._compositor.render_strips()[y]
            found = next(part for part in strip if part.text.startswith("streaming"))
            assert found.style is not None
            assert found.style.color == Color.parse(app.theme_variables["state-streaming"])
