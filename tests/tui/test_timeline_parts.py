"""The parts of the timeline, the charts and the events that need no screen."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from ccchat_tui.engine.events import EngineEvent, RequestRejected
from ccchat_tui.engine.series import HistoryBucket
from ccchat_tui.event_log.lines import KINDS
from ccchat_tui.runs.lane import PHASE_MARKS, Cell, Mark
from ccchat_tui.runs.lanes import Lanes
from ccchat_tui.tui.timeline.axis import SCALES, Window, ticks
from ccchat_tui.tui.timeline.charts import chart_rows, charts_of
from ccchat_tui.tui.timeline.details import details
from ccchat_tui.tui.timeline.event_words import Wanted, event_row, json_of, read_wanted
from ccchat_tui.tui.timeline.lane_rows import (
    CHOSEN,
    SIGNS,
    lane_rows,
    legend,
    numbers,
    own_marks,
)
from ccchat_tui.tui.timeline.sampling import sampled
from tests.runs.plays import made_up
from tests.tui.queue_views import snapshot


class TestWindow:
    """Which stretch of time is in view."""

    def test_it_follows_the_present_until_one_looks_elsewhere(self) -> None:
        window = Window()
        window.show(100, 10.0)
        assert (window.left, window.follow) == (0, True), "the beginning fits"
        window.show(100, 120.0)
        assert window.left + 100 - 1 == window.column_of(120.0)
        window.scroll(-30)
        left = window.left
        window.show(100, 150.0)
        assert (window.left, window.follow) == (left, False)

    @given(st.floats(0, 1e6), st.integers(10, 250))
    @settings(max_examples=100, derandomize=True, deadline=None)
    def test_all_fits(self, lasted: float, columns: int) -> None:
        window = Window()
        window.fit = True
        window.show(columns, lasted)
        assert window.left == 0
        assert window.column_of(lasted) < columns or window.seconds == SCALES[-1]
        closer = [scale for scale in SCALES if scale < window.seconds]
        assert not closer or lasted / closer[-1] >= columns, "and from no farther than needed"

    @given(st.lists(st.sampled_from([-1, 1]), max_size=30), st.floats(0, 5000))
    @settings(max_examples=100, derandomize=True, deadline=None)
    def test_zooming_keeps_the_moment_where_it_is(self, steps: list[int], moment: float) -> None:
        window = Window()
        window.show(80, 10_000.0)
        window.scroll(window.column_of(moment) - 40 - window.left)
        at = window.column_of(moment) - window.left
        for step in steps:
            window.zoom(step, moment)
            assert window.left >= 0
            assert window.column_of(moment) - window.left == at or window.left == 0
            at = window.column_of(moment) - window.left

    def test_bringing_what_is_in_view_moves_nothing(self) -> None:
        window = Window()
        window.show(80, 400.0)
        left = window.left
        window.bring((left + 5) * 0.5, (left + 9) * 0.5)
        assert (window.left, window.follow) == (left, True)
        window.bring(10.0, 12.0)
        assert window.left <= window.column_of(10.0) < window.left + 80
        assert not window.follow


class TestAxis:
    @given(st.integers(0, 10_000), st.integers(5, 200), st.floats(0.01, 90_000))
    @settings(max_examples=200, derandomize=True, deadline=None)
    def test_marks_stand_at_their_moments(self, left: int, columns: int, seconds: float) -> None:
        row = ticks(left, columns, seconds)
        assert len(row) == columns
        for found in re.finditer(r"╵([0-9.]+)s(?= |╵|$)", row):
            moment = float(found[1])
            if moment < 60:
                assert found.start() + left == int(moment / seconds + 1e-6)

    def test_every_mark_of_an_hour_is_whole(self) -> None:
        assert ticks(0, 60, 60.0).split() == [
            "╵0s", "╵10m00s", "╵20m00s", "╵30m00s", "╵40m00s", "╵50m00s"
        ]  # fmt: skip

    @given(st.integers(0, 200_000), st.sampled_from(SCALES))
    @settings(max_examples=200, derandomize=True, deadline=None)
    def test_no_two_marks_tell_the_same(self, left: int, seconds: float) -> None:
        marks = ticks(left, 160, seconds).split()
        assert len(marks) >= 2
        whole = [mark for mark in marks if mark != "╵"]
        assert len(set(whole)) == len(whole)


class TestSampling:
    @given(st.lists(st.floats(0, 1e6), min_size=1, max_size=300), st.integers(1, 200))
    @settings(max_examples=200, derandomize=True, deadline=None)
    def test_no_peak_is_lost_and_none_is_made_up(self, values: list[float], columns: int) -> None:
        found = sampled(values, columns)
        assert len(found) == columns
        assert max(found) == max(values)
        for column, value in enumerate(found):
            first = column * len(values) // columns
            assert value in values[first : first + -(-len(values) // columns) + 1]
        if len(values) == columns:
            assert found == values

    def test_nothing_is_nothing(self) -> None:
        assert sampled([], 3) == [0.0, 0.0, 0.0]


class TestCharts:
    def test_peaks_scales_and_times(self) -> None:
        buckets = [HistoryBucket(1, 0, 10), HistoryBucket(5, 37, 400, 12.0), HistoryBucket(0, 0, 0)]
        charts = charts_of(buckets, 2.0, 5.0, snapshot())
        rows = ["".join(text for text, _ in chart_rows(c, 60, 3, 5.0)[0]) for c in charts]
        assert "most 5 at" in rows[0]
        assert "most 37 at" in rows[1]
        assert "most 200/s at" in rows[2], "400 tokens in two seconds"
        assert "most 12s at" in rows[3]
        for chart in charts:
            for row in chart_rows(chart, 60, 3, 5.0):
                assert cell_len("".join(text for text, _ in row)) <= 60

    def test_the_bucket_that_grows_is_no_dip(self) -> None:
        buckets = [HistoryBucket(1, 0, 100), HistoryBucket(1, 0, 50)]
        assert charts_of(buckets, 2.0, 3.0, snapshot())[2].values == [50.0, 50.0]


class TestLaneRows:
    def lanes(self) -> Lanes:
        lanes = Lanes()
        for event in made_up(60, users=2, seed=4):
            lanes(event)
        return lanes

    @pytest.mark.parametrize("chosen", [False, True])
    def test_a_lane_fills_the_width_and_says_what_its_cells_say(self, chosen: bool) -> None:
        lanes, window = self.lanes(), Window()
        window.show(70, 60.0)
        lane = lanes.users[0]
        course = lane.courses[3] if chosen else None
        rows = lane_rows(lane, window, began=100.0, now=160.0, names=10, chosen=course,
                         marked=True, density=True)  # fmt: skip
        first, second = ("".join(text for text, _ in row) for row in rows)
        assert cell_len(first) == cell_len(second) == 80
        cells = lane.cells(100.0 + window.left * 0.5, 0.5, 70, 160.0)
        own = own_marks(course, window, 100.0, 160.0) if course else {}
        for column, cell in enumerate(cells):
            if column not in own:
                assert first[10 + column] == SIGNS[cell.worst]
            else:
                assert first[10 + column] == CHOSEN[own[column]]
        assert second[10:] == numbers(cells)

    def test_every_sign_is_another_and_one_cell_wide(self) -> None:
        assert len(set(SIGNS.values())) == len(SIGNS) == len(Mark) + 1
        assert all(cell_len(sign) == 1 for sign in (*SIGNS.values(), *CHOSEN.values()))

    @pytest.mark.parametrize("width", [60, 80, 120])
    def test_the_legend_has_every_sign_at_every_width(self, width: int) -> None:
        told = "".join(text for text, _ in legend(width))
        assert cell_len(told.rstrip()) <= width
        assert all(sign in told for mark, sign in SIGNS.items() if mark)

    def test_many_are_told(self) -> None:
        assert numbers([Cell(2, 0), Cell(2, 1), Cell(2, 2), Cell(2, 9), Cell(2, 12)]) == "  29+"

    def test_one_request_alone(self) -> None:
        lanes, window = self.lanes(), Window()
        window.show(400, 100.0)
        for course in lanes.courses:
            assert course.ended_at is not None
            own = own_marks(course, window, 100.0, 1e9)
            assert min(own) == window.column_of(course.sent_at - 100.0)
            assert max(own) == window.column_of(course.ended_at - 100.0)
            if course.ended_at == course.sent_at:
                continue
            before = own_marks(course, window, 100.0, course.sent_at)
            assert set(before.values()) <= set(PHASE_MARKS.values()), "its end is not known yet"

    def test_details_tell_nothing_of_what_is_to_come(self) -> None:
        course = next(c for c in self.lanes().courses if c.failure and c.first_token_at)
        assert course.first_token_at is not None
        early = details(course, course.first_token_at, 100.0, None, 200)
        late = details(course, 1e9, 100.0, None, 200)
        text = ["".join(piece for row in rows for piece, _ in row) for rows in (early, late)]
        assert course.failure in text[1]
        assert course.failure not in text[0]
        assert "in all" in text[1]
        assert "in all" not in text[0]
        assert "streaming" in text[0]


class TestEventWords:
    """What is asked for, and what is shown."""

    EVENTS = tuple(made_up(80, users=3, seed=6))

    @pytest.mark.parametrize(
        ("typed", "wanted"),
        [
            ("", Wanted()),
            ("kind:ended", Wanted(kinds=("ended",))),
            ("KIND:Ended user:Ada", Wanted(kinds=("ended",), users=("ada",))),
            ('user:"Ada L" busy', Wanted(users=("ada l",), words=("busy",))),
            ("kind:queued kind:ended", Wanted(kinds=("queued", "ended"))),
            ('request:"r 1', Wanted(requests=("r 1",))),
            ("user: x", Wanted(words=("user:", "x"))),
            ("http://x", Wanted(words=("http://x",))),
        ],
    )
    def test_what_is_typed(self, typed: str, wanted: Wanted) -> None:
        assert read_wanted(typed) == wanted

    def test_each_part_leaves_out_what_it_should(self) -> None:
        def found(typed: str) -> list[EngineEvent]:
            return [event for event in self.EVENTS if read_wanted(typed).fits(event)]

        assert {KINDS[type(event)] for event in found("kind:ended")} == {"ended"}
        assert {getattr(event, "user", "") for event in found('user:"user 1"')} == {"user 1"}
        both = found('kind:ended user:"user 1"')
        assert both == [e for e in found("kind:ended") if getattr(e, "user", "") == "user 1"]
        busy = found("BUSY")
        assert busy
        assert all("busy" in json_of(event) for event in busy)
        assert len(found("")) == len(self.EVENTS)

    @pytest.mark.parametrize("width", [60, 80, 120])
    def test_rows_have_the_width_and_no_control_characters(self, width: int) -> None:
        nasty = RequestRejected(
            1.0, "[/x]\x1b[2J\u4f60\u597d" * 5, "queue_full", "\x9b\n[bold", None
        )
        for event in (*self.EVENTS[:20], nasty):
            text = "".join(piece for piece, _ in event_row(event, 0.0, width, selected=True))
            assert cell_len(text) == width
            assert text.isprintable()

    def test_copied_is_the_line_of_the_log(self) -> None:
        line = json.loads(json_of(self.EVENTS[0]))
        assert list(line)[:2] == ["event", "at"]
        assert line["event"] == "queued"
