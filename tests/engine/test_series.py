"""A whole run in bounded memory: what was highest stays, and nothing is counted twice or lost."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccchat_tui.clock import ManualClock
from ccchat_tui.engine.history import QueueHistory
from ccchat_tui.engine.series import HistoryBucket, RunSeries, merged, spread

buckets = st.builds(
    HistoryBucket,
    st.integers(0, 9),
    st.integers(0, 99),
    st.integers(0, 999),
    st.floats(0, 60),
)


def folded(parts: list[HistoryBucket]) -> HistoryBucket:
    whole = parts[0]
    for part in parts[1:]:
        whole = merged(whole, part)
    return whole


@given(st.lists(buckets, max_size=100), st.sampled_from([2, 4, 8]), st.none() | buckets)
@settings(max_examples=200, derandomize=True, deadline=None)
def test_each_bucket_is_all_that_came_in_its_time(
    added: list[HistoryBucket], most: int, growing: HistoryBucket | None
) -> None:
    series = RunSeries(most)
    for bucket in added:
        series.add(bucket)
    found = series.buckets(growing)
    all_of_them = [*added, *([] if growing is None else [growing])]
    size = series.factor
    assert found == [folded(all_of_them[at : at + size]) for at in range(0, len(all_of_them), size)]
    assert len(found) <= most
    assert size == 1 or len(found) >= most // 2, "no coarser than it must be"


@given(st.lists(st.tuples(buckets, st.integers(1, 300)), max_size=20))
@settings(max_examples=100, derandomize=True, deadline=None)
def test_many_of_one_kind_are_as_many_one_by_one(given: list[tuple[HistoryBucket, int]]) -> None:
    at_once, one_by_one = RunSeries(8), RunSeries(8)
    for bucket, times in given:
        still = HistoryBucket(bucket.in_flight, bucket.queue_length, 0)
        at_once.add(still, times)
        for _ in range(times):
            one_by_one.add(still)
    assert at_once.buckets() == one_by_one.buckets()
    assert at_once.factor == one_by_one.factor


@given(st.lists(buckets, min_size=1, max_size=100))
@settings(max_examples=100, derandomize=True, deadline=None)
def test_peaks_survive_and_no_token_is_lost(added: list[HistoryBucket]) -> None:
    series = RunSeries(4)
    for bucket in added:
        series.add(bucket)
    found = series.buckets()
    for name in ("in_flight", "queue_length", "waited"):
        highest = max(getattr(bucket, name) for bucket in added)
        assert max(getattr(bucket, name) for bucket in found) == highest
    assert sum(bucket.tokens for bucket in found) == sum(bucket.tokens for bucket in added)


def test_an_odd_bound_is_refused() -> None:
    with pytest.raises(ValueError, match="most is 3"):
        RunSeries(3)


@given(
    st.lists(st.tuples(st.floats(0, 30), st.floats(0, 30), st.integers(0, 500)), max_size=20),
    st.sampled_from([0.5, 2.0]),
)
@settings(max_examples=100, derandomize=True, deadline=None)
def test_spreading_tokens_loses_none(spans: list[tuple[float, float, int]], width: float) -> None:
    told = [(min(a, b), max(a, b), tokens) for a, b, tokens in spans]
    found = spread(told, width, int(30 / width) + 1)
    assert sum(found) == pytest.approx(sum(tokens for _, _, tokens in told))
    assert all(value >= 0 for value in found)


def test_tokens_are_spread_by_time() -> None:
    assert spread([(1.0, 5.0, 8)], 2.0, 3) == pytest.approx([2.0, 4.0, 2.0])


def test_the_engine_keeps_the_whole_run() -> None:
    clock = ManualClock(100.0)
    history = QueueHistory(clock.monotonic)
    history.levels(100.0, 5, 9)
    history.waited(100.5, 3.25)
    history.levels(101.0, 1, 0)
    clock.advance(3600.0 * 3)
    seconds, found = history.whole()
    assert seconds == 16.0, "5,400 buckets of two seconds: each eight are one"
    assert found[0] == HistoryBucket(5, 9, 0, 3.25), "the peak of the first second is still there"
    assert set(found[1:]) == {HistoryBucket(1, 0, 0)}
    assert (len(found) - 1) * seconds <= 3600 * 3 < len(found) * seconds


def test_a_wait_counts_once_in_the_span_in_which_it_ended() -> None:
    clock = ManualClock()
    history = QueueHistory(clock.monotonic)
    history.waited(1.0, 0.5)
    history.waited(2.5, 2.0)
    history.waited(3.0, 1.0)
    clock.advance(5.0)
    assert [bucket.waited for bucket in history.buckets(9)] == [0.5, 2.0, 0.0]
