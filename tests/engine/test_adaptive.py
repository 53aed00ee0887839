"""The adaptive limit against simulated servers: where it settles, and what it does not heed."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccchat_tui.engine.adaptive import AdaptiveLimit, AdaptiveSettings, Phase
from tests.support.slot_server import SlotServer, slots


def server(count: int, seed: int = 0, **options: Any) -> SlotServer:
    """A full queue before a server of so many slots."""
    limit = options.pop("limit", None) or AdaptiveLimit()
    return SlotServer(limit, slots(count), random.Random(seed), serves=count, **options)


@pytest.mark.parametrize("noise", [0.0, 0.05])
@pytest.mark.parametrize("count", [1, 2, 4, 8])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_it_settles_at_the_number_of_slots(count: int, noise: float, seed: int) -> None:
    sim = server(count, seed, noise=noise)
    sim.run(300)
    assert sim.limit.found == count
    sim.run(300)
    assert sim.limit.found == count
    assert sim.average(since=300) == pytest.approx(count, rel=0.15)


@pytest.mark.parametrize("noise", [0.1, 0.2])
@pytest.mark.parametrize("count", [1, 2, 4, 8])
def test_with_much_noise_it_stays_near(count: int, noise: float) -> None:
    averages = []
    for seed in range(6):
        sim = server(count, seed, noise=noise)
        sim.run(600)
        assert abs(sim.limit.found - count) <= max(1, count // 4), f"seed {seed}"
        averages.append(sim.average(since=300))
    assert sum(averages) / len(averages) == pytest.approx(count, rel=0.2)


@pytest.mark.parametrize("count", [3, 5, 6, 7, 11])
def test_numbers_that_doubling_misses_are_found_too(count: int) -> None:
    sim = server(count)
    sim.run(400)
    assert sim.limit.found == count


def test_it_gets_there_soon_and_then_changes_little() -> None:
    sim = server(4)
    sim.run(600)
    arrived = next(at for at, limit in sim.history if limit == 4)
    assert arrived < 30
    late = [change for change in sim.changes if change[0] > 300]
    assert len(late) <= 16, "trials, each of them a step away and a step back"
    assert {limit for _, limit in late} <= {3, 4, 5}


def test_a_smooth_curve_is_followed_to_where_it_stops_to_pay() -> None:
    def batching(active: int) -> float:
        # More at once gives more, each time less: 1, 1.7 at 2, 2.5 at 4, 3.3 at 8, 4 at infinity.
        return 4.4 * active / (active + 3.4)

    sim = SlotServer(AdaptiveLimit(), batching, random.Random(1), noise=0.03)
    sim.run(900)

    def gradient(limit: int) -> float:
        return math.log(batching(limit + 1) / batching(limit)) / math.log((limit + 1) / limit)

    found = sim.limit.found
    assert gradient(found) <= 0.55, "one more would not pay much"
    assert gradient(found - 1) >= 0.15, "one less would lose something"


def test_it_follows_a_server_that_changes() -> None:
    sim = server(2)
    sim.run(200)
    assert sim.limit.found == 2
    sim.capacity, sim.serves = slots(8), 8
    sim.run(400)
    assert sim.limit.found == 8
    sim.capacity, sim.serves = slots(3), 3
    sim.run(900)
    assert sim.limit.found == 3


def test_an_idle_queue_changes_nothing() -> None:
    sim = server(4)
    sim.run(200)
    changes, found = len(sim.changes), sim.limit.found
    sim.queue = lambda now: 0
    sim.run(3600)
    sim.queue = lambda now: 1
    sim.run(3600)
    assert len(sim.changes) == changes
    assert sim.limit.found == found == 4
    sim.queue = lambda now: 1000
    sim.run(200)
    assert sim.limit.found == 4


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0.1, 100.0), st.integers(0, 3), st.floats(0.0, 1e4)), max_size=80)
)
def test_below_the_limit_nothing_is_ever_learned(
    steps: list[tuple[float, int, float]],
) -> None:
    limit, now = AdaptiveLimit(AdaptiveSettings(start=4)), 0.0
    for seconds, in_flight, tokens in steps:
        now += seconds
        assert limit.observe(now, in_flight, tokens) is None
    assert (limit.limit, limit.phase) == (4, Phase.MEASURING)


def test_a_trial_that_cannot_be_filled_is_given_up() -> None:
    sim = server(4)
    sim.run(300)
    sim.queue = lambda now: 4
    while sim.limit.limit <= sim.limit.found:
        sim.run(1)
        assert sim.now < 2000, "it never tried more"
    began, trial = sim.now, sim.limit.limit
    while sim.limit.limit == trial:
        sim.run(1)
        assert sim.now < began + 80
    assert sim.limit.limit == sim.limit.found == 4
    assert sim.limit.settled, "it does not try again at once"


def test_too_much_at_once_is_taken_back_at_once() -> None:
    limit = AdaptiveLimit(AdaptiveSettings(start=10))
    assert limit.observe(1.0, 10, 100.0) is None
    assert limit.observe(2.0, 10, 100.0, overloaded=True) == 7
    assert limit.observe(2.5, 10, 100.0, overloaded=True) is None, "one and the same"
    assert limit.observe(10.0, 7, 100.0, overloaded=True) == 4
    for second in range(20, 100, 10):
        limit.observe(float(second), limit.limit, 1.0, overloaded=True)
    assert limit.limit == 1


@pytest.mark.parametrize(("in_flight", "trial"), [(3, True), (2, False)])
def test_a_trial_is_to_blame_only_if_it_had_begun_to_fill(in_flight: int, trial: bool) -> None:
    sim = server(4)
    while sim.limit.phase is not Phase.TRYING:
        sim.run(1)
        assert sim.now < 60
    assert (sim.limit.found, sim.limit.limit) == (2, 4)
    assert sim.limit.overloaded(sim.now, in_flight) is trial
    assert sim.limit.limit == sim.limit.found == (2 if trial else 1)
    assert sim.limit.overloaded(sim.now + 1, in_flight) is trial, "one and the same"
    assert sim.limit.found == (2 if trial else 1)


def test_a_server_that_refuses_is_kept_just_below() -> None:
    sim = server(8, refuses_over=5)
    sim.run(900)
    assert sim.limit.found == 5, "what was too much was the trial, not the base"
    assert sim.average(since=450) == pytest.approx(5, rel=0.1)


@pytest.mark.parametrize(("least", "most"), [(1, 3), (6, 16), (4, 4)])
def test_it_keeps_to_its_bounds(least: int, most: int) -> None:
    bounds = AdaptiveSettings(minimum=least, start=least, maximum=most)
    sim = server(5, limit=AdaptiveLimit(bounds))
    sim.run(400)
    assert all(least <= limit <= most for _, limit in sim.history)
    assert sim.limit.found == min(max(5, least), most)
    assert sim.limit.settled or sim.limit.phase is Phase.TRYING or least < most


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.floats(0.0, 200.0),
            st.integers(0, 40),
            st.floats(0.0, 1e6),
            st.one_of(st.none(), st.floats(0.0, 60.0)),
            st.booleans(),
            st.booleans(),
        ),
        max_size=120,
    )
)
def test_whatever_is_observed_the_bounds_hold(
    steps: list[tuple[float, int, float, float | None, bool, bool]],
) -> None:
    limit, now = AdaptiveLimit(AdaptiveSettings(maximum=16)), 0.0
    for seconds, in_flight, tokens, first, overloaded, full in steps:
        now += seconds
        before = limit.limit
        changed = limit.observe(
            now,
            before if full else in_flight,
            tokens,
            first_token=first,
            overloaded=overloaded and not full,
        )
        assert changed is None or changed != before
        assert limit.limit == (before if changed is None else changed)
        assert 1 <= limit.found <= 16
        assert 1 <= limit.limit <= 16
        assert limit.describe()


def test_it_says_in_words_what_it_found() -> None:
    sim = server(4)
    assert sim.limit.describe() == "auto: 2; measuring"
    seen = set()
    for _ in range(200):
        sim.run(1)
        seen.add(sim.limit.describe().partition(";")[2])
    assert " trying 8" in seen
    while not sim.limit.settled:
        sim.run(1)
        assert sim.now < 1000
    assert sim.limit.describe().startswith("auto: settled at 4, 1")
    assert sim.limit.describe().endswith(" tokens/s")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"minimum": 0}, "minimum=0"),
        ({"start": 64}, "start=64"),
        ({"worth": 0.1}, "worth=0.1"),
        ({"cut": 1.0}, "cut=1.0"),
        ({"samples": 1}, "samples=1"),
        ({"rest": 0.0}, "rest=0.0"),
        ({"stale": float("inf")}, "stale=inf"),
    ],
)
def test_wrong_settings_are_named(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        AdaptiveSettings(**wrong)
