"""The chart's buckets."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from ccchat_tui.clock import ManualClock
from ccchat_tui.engine.history import HistoryBucket, QueueHistory
from tests.engine.attempts import Attempts, turns
from tests.support.pools import virtual


def tokens(history: QueueHistory, now: float, count: int) -> None:
    if now >= history.edge:
        history.roll(now)
    history.tokens += count


def test_the_last_one_still_grows() -> None:
    clock = ManualClock(100.0)
    history = QueueHistory(clock.monotonic)
    assert history.buckets(5) == [HistoryBucket(0, 0, 0)]
    history.levels(100.0, 2, 7)
    history.levels(100.5, 1, 0)
    tokens(history, 101.0, 3)
    assert history.buckets(5) == [HistoryBucket(2, 7, 3)], "the highest, not the last"
    clock.advance(2.0)
    assert history.buckets(5) == [HistoryBucket(2, 7, 3), HistoryBucket(1, 0, 0)]
    assert history.buckets(1) == [HistoryBucket(1, 0, 0)]
    assert history.buckets(0) == []


def test_quiet_time_is_made_up_for_with_the_levels_that_stood() -> None:
    clock = ManualClock()
    history = QueueHistory(clock.monotonic)
    history.levels(0.0, 3, 1)
    clock.advance(9.0)
    assert history.buckets(9) == [HistoryBucket(3, 1, 0)] * 5
    history.levels(9.5, 0, 0)
    clock.advance(3.0)
    assert history.buckets(3) == [HistoryBucket(3, 1, 0), *[HistoryBucket(0, 0, 0)] * 2]


def test_a_night_costs_no_more_memory_than_an_hour() -> None:
    clock = ManualClock()
    history = QueueHistory(clock.monotonic)
    clock.advance(86_400.0 * 365)
    assert len(history.buckets(10**9)) == 1801
    assert history.edge > clock.monotonic()


moves = st.lists(
    st.tuples(st.floats(0.0, 5.0), st.integers(0, 5), st.integers(0, 5), st.integers(0, 3)),
    max_size=40,
)


@given(moves)
@settings(max_examples=100, derandomize=True, deadline=None)
def test_it_agrees_with_looking_at_every_moment(moves: list[tuple[float, int, int, int]]) -> None:
    clock = ManualClock()
    history = QueueHistory(clock.monotonic)
    spans: list[tuple[float, int, int]] = [(0.0, 0, 0)]
    came: list[tuple[float, int]] = []
    for wait, flight, queue, count in moves:
        clock.advance(wait)
        now = clock.monotonic()
        history.levels(now, flight, queue)
        spans.append((now, flight, queue))
        tokens(history, now, count)
        came.append((now, count))
    now = clock.monotonic()
    expected = []
    for number in range(int(now // 2.0) + 1):
        begin, end = number * 2.0, number * 2.0 + 2.0
        before = [span for span in spans if span[0] < begin][-1:]
        there = before + [span for span in spans if begin <= span[0] < end]
        expected.append(
            HistoryBucket(
                max(span[1] for span in there),
                max(span[2] for span in there),
                sum(count for at, count in came if begin <= at < end),
            )
        )
    assert history.buckets(1000) == expected


@virtual
async def test_the_engine_keeps_it() -> None:
    desk = Attempts(max_concurrent=2)
    handles = [desk.submit() for _ in range(5)]
    await turns()
    handles[0].feed("one ")
    await desk.finish(handles[0], "two")
    assert desk.manager.history.buckets(9) == [HistoryBucket(2, 3, 2)]
    await desk.manager.aclose()
