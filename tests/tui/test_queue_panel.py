"""What the queue panel shows and what it asks for, by mouse and by keyboard."""

from __future__ import annotations

import pytest
from rich.cells import cell_len
from textual.events import MouseScrollDown

from ccchat_tui.engine.request import RequestState
from ccchat_tui.engine.stats import AdaptiveView, LimitsView
from tests.tui.queue_views import PanelApp, click, queued, screen_rows, snapshot, streaming, view

SIZE = (120, 40)


def whole(app: PanelApp) -> str:
    return "\n".join(screen_rows(app))


async def test_every_figure_is_shown() -> None:
    app = PanelApp()
    async with app.run_test(size=SIZE) as pilot:
        app.panel.show_snapshot(snapshot(streaming(1), streaming(2), queued(3, 1)))
        await pilot.pause()
        words = " ".join(whole(app).split())
        for figure in (
            "in flight 2/5 completed 1,204",
            "queued 1 failed 3",  # two failed, one timed out
            "peak 4 cancelled 7",
            "average 4.2s first token 0.6s",
            "tokens 141/s to retry 0",
            "⇉ concurrent",
        ):
            assert figure in words.replace("│ ", "")


async def test_a_row_tells_everything_of_its_request() -> None:
    app = PanelApp(columns=80)
    async with app.run_test(size=SIZE) as pilot:
        app.panel.show_snapshot(
            snapshot(
                streaming(1, user="Ada", preview="how  do\ntides work?", waited=12.2),
                view(
                    2,
                    RequestState.WAITING_TO_RETRY,
                    attempt=2,
                    note="server busy",
                    waited=185.0,
                ),
                queued(3, 1),
            )
        )
        await pilot.pause()
        rows = [row.strip() for row in app.panel.list.text.splitlines()]
        assert rows[0].split() == ["3", "requests", "waited", "first", "token", "tokens", "rate"]
        assert rows[1].split() == ["●", "Ada", "how", "do", "tides", "work?", "✕", "cancel"]
        assert rows[2].split() == ["streaming", "12s", "0.6s", "412", "38/s"]
        assert "try 2" in rows[3]
        assert rows[3].startswith("↻")
        assert rows[4].split() == ["waiting", "to", "retry", "3m05s", "server", "busy"]
        assert rows[6].split() == ["queued", "#1", "1.5s"]


async def test_mode_reason_and_pause_are_told_in_words() -> None:
    app = PanelApp()
    async with app.run_test(size=SIZE) as pilot:
        app.panel.show_snapshot(snapshot(mode="sequential", mode_reason="by configuration"))
        await pilot.pause()
        assert "↧ sequential" in whole(app)
        assert "by configuration" in whole(app)
        assert "pause " in whole(app)
        app.panel.show_snapshot(snapshot(paused=True))
        await pilot.pause()
        assert "‖ paused" in whole(app)
        assert "resume" in whole(app)


@pytest.mark.parametrize("columns", [25, 42, 80])
async def test_what_the_limit_has_found_by_itself_is_told(columns: int) -> None:
    words = "auto: settled at 4, 118 tokens/s"
    app = PanelApp(columns=columns)
    async with app.run_test(size=(100, 40)) as pilot:
        found = AdaptiveView(True, 4, "resting", words)
        app.panel.show_snapshot(snapshot(streaming(1), adaptive=found))
        await pilot.pause()
        assert words[: columns - 5] in whole(app)
        app.panel.show_snapshot(
            snapshot(adaptive=found, mode="sequential", mode_reason="fallback: server busy")
        )
        await pilot.pause()
        assert "fallback: server busy" in whole(app), "which holds it down"
        assert "auto" not in whole(app)


@pytest.mark.parametrize("key", ["x", "delete"])
async def test_a_key_cancels_the_request_under_the_cursor(key: str) -> None:
    app = PanelApp()
    async with app.run_test(size=SIZE) as pilot:
        app.panel.show_snapshot(snapshot(streaming(1), streaming(2), queued(3, 1)))
        app.panel.list.focus()
        await pilot.press("down", key)
        assert app.asked == [("CancelRequested", "r2")]


async def test_the_mouse_cancels_the_request_whose_button_it_hits() -> None:
    app = PanelApp()
    async with app.run_test(size=SIZE) as pilot:
        app.panel.show_snapshot(snapshot(streaming(1), streaming(2), queued(3, 1)))
        await pilot.pause()
        await click(pilot, "✕", row_with="question 2")
        await click(pilot, "✕", row_with="question 3")
        assert app.asked == [("CancelRequested", "r2"), ("CancelRequested", "r3")]


async def test_a_click_on_a_button_leaves_the_focus_where_the_person_types() -> None:
    app = PanelApp()
    async with app.run_test(size=SIZE) as pilot:
        app.panel.show_snapshot(snapshot(streaming(1)))
        box = app.query_one("Input")
        box.focus()
        await pilot.pause()
        await click(pilot, "✕", row_with="question 1")
        await click(pilot, "pause")
        assert app.focused is box
        await click(pilot, "question 1")
        assert app.focused is app.panel.list


async def test_a_request_that_is_being_cancelled_says_so_and_has_no_button() -> None:
    app = PanelApp()
    async with app.run_test(size=SIZE) as pilot:
        app.panel.show_snapshot(snapshot(streaming(1, cancelling=True), streaming(2)))
        app.panel.list.focus()
        await pilot.pause()
        rows = app.panel.list.text.splitlines()
        assert "⊘" in rows[1]
        assert "✕" not in rows[1]
        assert "cancelling…" in rows[2]
        assert "✕" in rows[3]
        await pilot.press("x")
        assert app.asked == []


async def test_keys_for_the_whole_queue() -> None:
    app = PanelApp()
    async with app.run_test(size=SIZE) as pilot:
        app.panel.show_snapshot(snapshot(streaming(1), streaming(2)))
        app.panel.list.focus()
        await pilot.press("down", "u", "A", "plus", "minus", "a", "p", "o")
        assert app.asked == [
            ("CancelUserRequested", "user2"),
            ("CancelAllRequested", None),
            ("LimitRequested", 1),
            ("LimitRequested", -1),
            ("AutoRequested", None),
            ("PauseToggled", None),
            ("OpenRequested", "s2"),
        ]


@pytest.mark.parametrize("columns", [25, 42, 80])
async def test_buttons_for_the_whole_queue(columns: int) -> None:
    app = PanelApp(columns=columns)
    async with app.run_test(size=SIZE) as pilot:
        app.panel.show_snapshot(snapshot(streaming(1)))
        await pilot.pause()
        for words in ("−", "+", "pause", "all"):
            await click(pilot, words)
        assert app.asked == [
            ("LimitRequested", -1),
            ("LimitRequested", 1),
            ("PauseToggled", None),
            ("CancelAllRequested", None),
        ]


async def test_a_double_click_opens_the_chat() -> None:
    app = PanelApp()
    async with app.run_test(size=SIZE) as pilot:
        app.panel.show_snapshot(snapshot(streaming(1), streaming(2)))
        await pilot.pause()
        await click(pilot, "question 2")
        assert app.asked == []
        await click(pilot, "question 2", times=2)
        assert app.asked == [("OpenRequested", "s2")]


async def test_keys_do_nothing_where_there_is_no_request() -> None:
    app = PanelApp()
    async with app.run_test(size=SIZE) as pilot:
        app.panel.show_snapshot(snapshot())
        app.panel.list.focus()
        await pilot.press("down", "end", "pagedown", "x", "u", "o")
        assert app.asked == []
        assert "Nothing is running." in whole(app)


async def test_the_cursor_stays_on_its_request_when_the_rows_move() -> None:
    app = PanelApp()
    async with app.run_test(size=SIZE) as pilot:
        app.panel.show_snapshot(snapshot(streaming(1), queued(2, 1), queued(3, 2)))
        app.panel.list.focus()
        await pilot.press("end")
        app.panel.show_snapshot(snapshot(streaming(3), streaming(9), queued(2, 1), queued(8, 2)))
        await pilot.press("x")
        assert app.asked == [("CancelRequested", "r3")]
        # It is gone: the one in its place is next.
        app.panel.show_snapshot(snapshot(streaming(9), queued(2, 1), queued(8, 2)))
        await pilot.press("x")
        assert app.asked[1:] == [("CancelRequested", "r9")]


async def test_the_cursor_is_kept_when_the_focus_goes_and_comes_back() -> None:
    app = PanelApp()
    async with app.run_test(size=SIZE) as pilot:
        app.panel.show_snapshot(snapshot(streaming(1), streaming(2)))
        app.panel.list.focus()
        await pilot.press("down")
        assert "▎" in app.panel.list.text
        app.query_one("Input").focus()
        await pilot.pause()
        assert "▎" not in app.panel.list.text
        app.panel.list.focus()
        await pilot.press("x")
        assert app.asked == [("CancelRequested", "r2")]


async def test_moving_scrolls_and_the_wheel_does_not_move_the_cursor() -> None:
    app = PanelApp()
    async with app.run_test(size=(120, 30)) as pilot:
        shown = snapshot(*(queued(number, number) for number in range(1, 60)))
        app.panel.show_snapshot(shown)
        app.panel.list.focus()
        await pilot.pause()
        page = app.panel.list.page
        await pilot.press(*["down"] * (page + 2))
        assert f"#{page + 3} " in app.panel.list.text
        assert "question 1 " not in app.panel.list.text
        await pilot.press("home")
        wheel = MouseScrollDown(app.panel.list, 5, 5, 0, 1, 0, shift=False, meta=False, ctrl=False)
        for _ in range(3):
            app.panel.list.post_message(wheel)
        await pilot.pause()
        app.panel.show_snapshot(shown)
        assert "question 1 " not in app.panel.list.text
        await pilot.press("x")
        assert app.asked == [("CancelRequested", "r1")]


async def test_ten_thousand_queued_cost_no_more_than_what_is_on_the_screen() -> None:
    app = PanelApp()
    async with app.run_test(size=SIZE) as pilot:
        assert 0 < app.panel.wanted_rows < 60
        everything = [queued(number, number) for number in range(1, 10_001)]
        app.panel.show_snapshot(snapshot(*everything))
        await pilot.pause()
        page = app.panel.list.page
        assert len(app.panel.list._items) < 60
        assert f"… and {10_000 - page:,} more" in whole(app)
        app.panel.list.focus()
        await pilot.press("pagedown")
        assert app.panel.wanted_rows < 100
        app.panel.show_snapshot(snapshot(*everything[: app.panel.wanted_rows], queue_length=10_000))
        await pilot.press("pagedown", "x")
        assert app.asked == [("CancelRequested", f"r{2 * page + 1}")]


@pytest.mark.parametrize("columns", [25, 26, 33, 37, 38, 41, 57, 60, 68, 80, 99])
@pytest.mark.parametrize("height", [8, 14, 20, 27, 40])
async def test_nothing_is_wider_than_the_panel(columns: int, height: int) -> None:
    odd = "日本語 \u0301\u0301 [/oops] 👩‍👩‍👧‍👦 " * 40
    app = PanelApp(columns=columns)
    async with app.run_test(size=(120, height)) as pilot:
        app.panel.show_snapshot(
            snapshot(
                streaming(1, user=odd, preview=odd, tokens=123_456_789, tokens_per_second=98_765.0),
                streaming(2, waited=359_000.0, first_token_after=4000.0, note=odd, attempt=12_345),
                view(3, RequestState.WAITING_TO_RETRY, note=odd, attempt=3),
                streaming(4, cancelling=True),
                queued(5, 123_456, note=odd),
                queue_length=9_999_999,
                paused=True,
                mode="sequential",
                mode_reason=odd,
                tokens_per_second=123_456.0,
                average_processing_ms=5e8,
            )
        )
        await pilot.pause()
        for part in app.panel.children:
            for row in getattr(part, "rows", ()):
                assert sum(cell_len(piece.text) for piece in row) <= columns, row
        buttons = [row for row in screen_rows(app) if "✕" in row and "all" not in row]
        assert len({cell_len(row.split("✕")[0]) for row in buttons}) <= 1, buttons
        # The list and the buttons are there at any height.
        assert app.panel.list.size.height >= 3
        assert "−" in whole(app)


async def test_why_requests_wait_although_there_is_room_is_told() -> None:
    app = PanelApp()
    async with app.run_test(size=(42, 40)) as pilot:
        app.panel.show_snapshot(snapshot(streaming(1), queued(2, 1)))
        await pilot.pause()
        assert "each user may run 3 at once" in whole(app)
        one = LimitsView(1, 3, 20, 300_000, 2)
        app.panel.show_snapshot(snapshot(streaming(1), queued(2, 1), limits=one))
        await pilot.pause()
        assert "each user" not in whole(app)
