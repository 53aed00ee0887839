"""The chart of the last minutes, and the numbers of the panel."""

from __future__ import annotations

import pytest

from ccchat_tui.engine.history import HistoryBucket
from ccchat_tui.tui.widgets.piece_rows import PieceRow, PieceRows
from ccchat_tui.tui.widgets.queue_chart import BARS, buckets_for, chart_rows
from ccchat_tui.tui.widgets.queue_words import count, duration, rate
from tests.tui.queue_views import PanelApp, snapshot, streaming


def bucket(in_flight: int, queue_length: int) -> HistoryBucket:
    return HistoryBucket(in_flight, queue_length, 0)


def texts(rows: list[PieceRow]) -> list[str]:
    return ["".join(piece.text for piece in row) for row in rows]


def chart(
    buckets: list[HistoryBucket],
    width: int = 16,
    height: int = 1,
    limit: int = 4,
    seconds: float = 2.0,
) -> list[str]:
    return texts(chart_rows(buckets, width, height, seconds=seconds, limit=limit))


def test_the_newest_is_at_the_right_and_each_has_its_own_shape_and_scale() -> None:
    # 16 columns: 10 cells, so 20 buckets; what is older than known is left empty.
    bars, dots, _ = chart([bucket(1, 0), bucket(4, 0), bucket(0, 4), bucket(2, 100)])
    assert bars == "   4 ▁▁▁▁▁▁▁▁█▅"
    assert dots[:5] == " 100 "
    # Of the last cell the left half is 4 of 100, still to be seen, and the right half is full.
    assert dots[5:] == " " * 9 + "\u28f8"
    assert not set(dots[5:]) & set(BARS[1:])


def test_a_chart_of_two_rows_has_twice_the_steps_and_names_both_ends_of_the_scale() -> None:
    rows = chart([bucket(2, 8)] * 20, height=2)
    assert rows[0] == "   4 " + "▁" * 10  # 9 of 16 eighths, one of which is the ground
    assert rows[1] == "   0 " + "█" * 10
    assert rows[2] == "  10 " + "⣤" * 10  # 6 of 8 dots
    assert rows[3] == "   0 " + "⣿" * 10


def test_zero_is_seen_as_the_ground() -> None:
    bars, dots, _ = chart([bucket(0, 0)] * 20)
    assert bars == "   4 " + "▁" * 10
    assert dots == "   4 " + " " * 10


def test_more_than_the_limit_makes_the_scale_longer() -> None:
    bars = chart([bucket(8, 0)] * 18 + [bucket(4, 0)] * 2, limit=4)[0]
    assert bars == "   8 " + "█" * 9 + "▅"


def test_the_legend_tells_the_shapes_and_the_span_where_there_is_room() -> None:
    assert chart([], width=40)[-1].split() == ["█", "in", "flight", "⣿", "queued", "last", "2m16s"]
    assert "last 11m24s" in chart([], width=44, seconds=9.0)[-1]
    assert chart([], width=25)[-1].split() == ["█", "in", "flight", "⣿", "queued"]
    assert chart([], width=5) == []


async def test_the_panel_asks_for_as_many_buckets_as_it_shows() -> None:
    app = PanelApp(columns=42)
    async with app.run_test(size=(120, 40)) as pilot:
        app.panel.show_snapshot(snapshot(streaming(1)))
        await pilot.pause()
        assert app.panel.wanted_buckets == buckets_for(42) == 72
        app.panel.show_history([bucket(5, 30)] * 72, 5.0)
        await pilot.pause()
        shown = app.panel.query_one(".chart", PieceRows).text
        assert "█" * 36 in shown
        assert "last 6m00s" in shown
        await pilot.resize_terminal(120, 14)
        await pilot.pause()
        assert app.panel.wanted_buckets == 0


@pytest.mark.parametrize(
    ("seconds", "width", "words"),
    [
        (-1.0, 6, "0.0s"),
        (0.62, 6, "0.6s"),
        (9.94, 6, "9.9s"),
        (9.96, 6, "10s"),
        (59.4, 6, "59s"),
        (59.6, 6, "1m00s"),
        (185, 6, "3m05s"),
        (754, 6, "12m34s"),
        (754, 5, "12m"),
        (7500, 6, "2h05m"),
        (7500, 4, "2h"),
        (1e12, 6, "99h59m"),
    ],
)
def test_durations(seconds: float, width: int, words: str) -> None:
    assert duration(seconds, width) == words


@pytest.mark.parametrize(
    ("number", "width", "words"),
    [
        (0, 3, "0"),
        (999, 2, "999"),
        (1234, 5, "1,234"),
        (1234, 4, "1.2k"),
        (1234, 3, "1k"),
        (12345, 5, "12.3k"),
        (999_999, 5, "999k"),
        (999_999, 7, "999,999"),
        (1_000_000, 6, "1.0M"),
        (9_999_999, 6, "9.9M"),
        (12_345_678_901, 6, "12.3G"),
    ],
)
def test_counts(number: int, width: int, words: str) -> None:
    assert count(number, width) == words


@pytest.mark.parametrize(
    ("per_second", "width", "words"),
    [
        (0, 6, "0/s"),
        (0.42, 6, "0.4/s"),
        (38.2, 6, "38/s"),
        (1234, 7, "1,234/s"),
        (1234, 6, "1.2k/s"),
    ],
)
def test_rates(per_second: float, width: int, words: str) -> None:
    assert rate(per_second, width) == words
