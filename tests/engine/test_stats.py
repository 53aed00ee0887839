"""Counters, percentiles and the snapshot."""

from __future__ import annotations

import asyncio
import math
from dataclasses import fields

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccchat_tui.engine.counters import QUIET_USERS, Counters, Durations
from ccchat_tui.engine.request import Rejected, ReplyStats, RequestState
from ccchat_tui.engine.stats import QueueSnapshot
from tests.engine.attempts import Attempts, turns
from tests.support.pools import virtual


@given(st.lists(st.floats(0.0, 90_000.0), min_size=1, max_size=200), st.floats(0.0, 1.0))
@settings(max_examples=200, derandomize=True, deadline=None)
def test_percentiles_are_right_to_one_percent(values: list[float], part: float) -> None:
    durations = Durations()
    for value in values:
        durations.add(value)
    exact = sorted(values)[max(1, math.ceil(part * len(values))) - 1]
    assert durations.quantile(part) == pytest.approx(exact, rel=0.011, abs=3e-6)
    assert min(values) <= durations.quantile(part) <= max(values)
    assert durations.average == pytest.approx(sum(values) / len(values))


def test_nothing_is_zero_and_memory_is_bounded() -> None:
    durations = Durations()
    assert (durations.average, durations.quantile(0.5)) == (0.0, 0.0)
    for number in range(20_000):
        durations.add(1e-6 * 1.0013**number)
    assert len(durations._buckets) < 1400


def test_a_percentile_asked_for_again_follows_what_came_since() -> None:
    durations = Durations()
    durations.add(1.0)
    assert durations.quantile(0.95) == 1.0
    durations.add(9.0)
    assert durations.quantile(0.95) == pytest.approx(9.0, rel=0.01)


def test_users_who_went_quiet_are_kept_up_to_a_bound() -> None:
    counters = Counters()
    counters.submitted("busy")
    for number in range(QUIET_USERS + 10):
        counters.rejected(f"u{number}")
    names = [name for name, _ in counters.users()]
    assert names[0] == "busy"
    assert len(names) == QUIET_USERS + 1
    assert "u9" not in names
    assert "u10" in names
    assert counters.all.rejected == QUIET_USERS + 10


@virtual
async def test_the_figures_of_a_known_course() -> None:
    desk = Attempts(max_concurrent=1, retry_attempts=1, requests_per_minute=3)
    first, third, second = desk.submit("a"), desk.submit("b"), desk.submit("a")
    desk.submit("a")
    with pytest.raises(Rejected):
        desk.submit("a")
    await asyncio.sleep(0.5)
    first.feed("x")
    first.feed("y")
    await asyncio.sleep(1.5)
    await desk.finish(first)  # 2 s
    assert third.state is RequestState.CONNECTING
    await asyncio.sleep(1.0)
    third.feed("x")
    await asyncio.sleep(3.0)
    third.finish(ReplyStats(tokens=40))
    await desk.leave(third)  # 4 s, from 2 s to 6 s
    assert second.cancel()
    await turns()
    seen = desk.manager.snapshot()
    assert (seen.queue_length, seen.in_flight, seen.waiting_to_retry) == (0, 1, 0)
    totals = seen.totals
    assert (totals.submitted, totals.completed, totals.cancelled, totals.rejected) == (4, 2, 1, 1)
    assert seen.success_rate == pytest.approx(2 / 3)
    assert seen.average_processing_ms == pytest.approx(3000)
    assert seen.p50_ms == pytest.approx(2000, rel=0.011)
    assert seen.p95_ms == pytest.approx(4000, rel=0.011)
    assert seen.average_wait_ms == pytest.approx((0 + 2000 + 6000 + 6000) / 4)
    assert seen.average_first_token_ms == pytest.approx(750)
    assert seen.tokens == 42
    assert seen.tokens_per_second == pytest.approx(1 / 5), "of the last seconds only"
    assert seen.peak_concurrency == 1
    by_name = {user.user: user for user in seen.users}
    assert by_name["b"].average_wait_ms == pytest.approx(2000)
    assert (by_name["b"].tokens, by_name["a"].tokens) == (40, 2)
    assert by_name["a"].totals.submitted == 3
    assert by_name["a"].totals.rejected == 1
    await desk.manager.aclose()


@virtual
async def test_rows_in_flight_first_then_waiting_then_the_queue_in_its_order() -> None:
    desk = Attempts(max_concurrent=2)
    handles = [desk.submit(user) for user in "aabaab"]
    await turns()
    await desk.fail(handles[0])
    handles[1].feed("x")
    rows = desk.manager.snapshot().requests
    assert [(row.id, row.position) for row in rows] == [
        ("r2", None),
        ("r3", None),
        ("r1", None),
        ("r4", 1),
        ("r6", 2),
        ("r5", 3),
    ]
    assert rows[0].first_token_after == 0.0
    assert rows[0].tokens == 1
    assert rows[2].note == "it broke"
    assert [row.id for row in desk.manager.snapshot(4).requests] == ["r2", "r3", "r1", "r4"]
    assert [row.id for row in desk.manager.snapshot(1).requests] == ["r2"]
    assert desk.manager.snapshot(0).requests == ()
    assert desk.manager.snapshot(0, users=False).users == ()
    await desk.manager.aclose()


@virtual
async def test_tokens_are_counted_as_they_come_and_corrected_at_the_end() -> None:
    desk = Attempts()
    handle = desk.submit()
    await turns()
    for _ in range(10):
        handle.feed("x")
    seen = desk.manager.snapshot()
    assert (seen.tokens, seen.tokens_per_second, seen.users[0].tokens) == (10, 2.0, 10)
    handle.finish(ReplyStats(tokens=12))
    assert desk.manager.snapshot().tokens == 12
    await desk.leave(handle)
    assert desk.manager.snapshot().users[0].tokens == 12


def test_the_names_that_the_json_is_made_of() -> None:
    """`ccchat simulate --json`, the panel and the API read these."""
    names = {field.name for field in fields(QueueSnapshot)}
    assert names >= {
        "mode",
        "mode_reason",
        "limits",
        "queue_length",
        "in_flight",
        "peak_concurrency",
        "totals",
        "success_rate",
        "average_processing_ms",
        "p50_ms",
        "p95_ms",
        "average_wait_ms",
        "average_first_token_ms",
        "tokens",
        "tokens_per_second",
        "users",
    }
