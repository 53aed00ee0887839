"""The settings, the rolling minute, and the rolling count."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccchat_tui.clock import ManualClock
from ccchat_tui.engine.limits import MINUTE, EngineSettings, RateLimiter, RollingCount


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_concurrent", 0),
        ("max_concurrent", 2.0),
        ("max_concurrent", True),
        ("max_concurrent_per_user", -1),
        ("requests_per_minute", -1),
        ("retry_attempts", "2"),
        ("max_queue", None),
        ("timeout", 0),
        ("timeout", None),
        ("timeout", math.inf),
        ("stall_timeout", -1.0),
        ("queue_timeout", math.nan),
        ("first_token_timeout", True),
        ("fallback_quiet", 0.0),
    ],
)
def test_a_bad_setting_is_named_with_its_value(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"^{name} is {value!r}; give "):
        EngineSettings(**{name: value})


def test_a_bad_weight_names_its_user() -> None:
    with pytest.raises(ValueError, match=r"user_weights\['ann'\] is 0"):
        EngineSettings(user_weights={"ann": 0})


def test_none_is_no_limit_where_that_is_allowed() -> None:
    settings = EngineSettings(queue_timeout=None, stall_timeout=None, first_token_timeout=None)
    assert settings.stall_timeout is None


waits = st.one_of(
    st.floats(0.0, 90.0),
    st.sampled_from([0.0, 1.0, 20.0, 59.999999999, MINUTE, math.nextafter(MINUTE, 0.0)]),
)


@given(st.integers(1, 5), st.lists(waits, max_size=80), st.floats(0.0, 1e7))
@settings(max_examples=200, derandomize=True, deadline=None)
def test_no_rolling_minute_holds_more_and_none_less(
    limit: int, waits: list[float], start: float
) -> None:
    clock = ManualClock(start)
    limiter = RateLimiter(limit, clock.monotonic)
    taken: list[float] = []
    for wait in waits:
        clock.advance(wait)
        now = clock.monotonic()
        free_in = limiter.check("a")
        within = [at for at in taken if at + MINUTE > now]
        assert (free_in == 0.0) == (len(within) < limit), "refused if and only if it is full"
        if free_in == 0.0:
            limiter.record("a")
            taken.append(now)
        else:
            later = ManualClock(now)
            later.advance(free_in)
            limiter._now = later.monotonic
            assert limiter.check("a") == 0.0, "who waits as long as was said is taken"
            limiter._now = clock.monotonic
    for first in taken:
        assert sum(1 for at in taken if first <= at < first + MINUTE) <= limit


def test_users_who_have_been_quiet_are_forgotten() -> None:
    clock = ManualClock()
    limiter = RateLimiter(2, clock.monotonic)
    for number in range(500):
        limiter.record(f"u{number}")
    assert limiter.size == 500
    clock.advance(MINUTE)
    for _ in range(200):
        limiter.record("busy")
    assert limiter.size == 1
    assert len(limiter._order) <= 200


def test_no_limit_remembers_nothing() -> None:
    limiter = RateLimiter(0, ManualClock().monotonic)
    for _ in range(100):
        assert limiter.check("a") == 0.0
        limiter.record("a")
    assert limiter.size == 0


@given(st.lists(st.floats(0.0, 7.0), max_size=60))
@settings(max_examples=100, derandomize=True, deadline=None)
def test_a_rolling_count_goes_back_as_far_as_it_says(waits: list[float]) -> None:
    count = RollingCount(5.0, 10)
    now, moments = 0.0, []
    for wait in waits:
        now += wait
        count.add(now)
        moments.append(now)
        found = count.total(now)
        # A part is half a second; rounding may put a moment at an edge to either side.
        assert sum(1 for at in moments if at > now - 4.5 + 1e-9) <= found
        assert found <= sum(1 for at in moments if at >= now - 5.0 - 1e-9)
    assert count.total(now + 5.001) == 0
