"""What is tried again, after which pause, and how much of it altogether."""

from __future__ import annotations

import math
import random

import pytest

from ccchat_tui.engine.request import Failure
from ccchat_tui.engine.retry import RetryBudget, RetryPolicy

BROKEN = Failure("disconnected", "it broke", retryable=True)


def policy(attempts: int = 3, seed: int = 1) -> RetryPolicy:
    return RetryPolicy(attempts, base=0.5, cap=4.0, rng=random.Random(seed))


@pytest.mark.parametrize(
    ("attempt", "longest"), [(1, 0.5), (2, 1.0), (3, 2.0), (4, 4.0), (99, 4.0)]
)
def test_pauses_double_up_to_the_cap_and_are_drawn_evenly(attempt: int, longest: float) -> None:
    drawn = [policy(seed=seed).delay(attempt, BROKEN) for seed in range(400)]
    assert 0 <= min(drawn) < 0.05 * longest
    assert 0.95 * longest < max(drawn) <= longest
    assert sum(drawn) / len(drawn) == pytest.approx(longest / 2, rel=0.1)


def test_retry_after_is_waited_for_in_full_even_beyond_the_cap() -> None:
    asked = Failure("busy", "", retryable=True, retry_after=60.0)
    drawn = [policy(seed=seed).delay(1, asked) for seed in range(100)]
    assert min(drawn) >= 60.0
    assert max(drawn) <= 60.5
    assert len(set(drawn)) == 100, "they do not all come back at once"


@pytest.mark.parametrize("nonsense", [-1.0, math.inf, math.nan])
def test_a_retry_after_that_is_none_is_ignored(nonsense: float) -> None:
    failure = Failure("busy", "", retryable=True, retry_after=nonsense)
    assert 0 <= policy().delay(1, failure) <= 0.5


def test_what_is_not_worth_it_is_not_done() -> None:
    assert policy().decide(1, Failure("bad_request", ""), 0.0, None) is None
    assert policy(attempts=0).decide(1, BROKEN, 0.0, None) is None
    assert policy(attempts=2).decide(2, BROKEN, 0.0, None) is not None
    assert policy(attempts=2).decide(3, BROKEN, 0.0, None) is None
    late = Failure("busy", "", retryable=True, retry_after=5.0)
    assert policy().decide(1, late, 10.0, 15.0) is None
    assert policy().decide(1, late, 10.0, 16.0) is not None


def test_a_decision_against_uses_up_nothing_of_the_budget() -> None:
    mine = policy()
    for _ in range(20):
        mine.budget.request(0.0)
    for _ in range(50):
        assert mine.decide(1, Failure("bad_request", ""), 0.0, None) is None
    assert mine.decide(1, BROKEN, 0.0, None) is not None


def test_one_retry_for_five_requests_once_ten_have_run() -> None:
    budget = RetryBudget()
    now = 0.0
    retries: list[float] = []
    requests: list[float] = []
    rng = random.Random(2)
    for _ in range(3000):
        now += rng.uniform(0.0, 0.3)
        budget.request(now)
        requests.append(now)
        if budget.allows(now):
            budget.spend(now)
            retries.append(now)
            ran = sum(1 for at in requests if at > now - 60)
            made = sum(1 for at in retries if at > now - 60)
            assert ran < RetryBudget.FREE or made * RetryBudget.PER_RETRY <= ran
    assert len(retries) > len(requests) / RetryBudget.PER_RETRY * 0.8, "and it is used"


def test_the_budget_comes_back_with_time() -> None:
    budget = RetryBudget()
    for _ in range(10):
        budget.request(0.0)
    assert budget.allows(0.0)
    for _ in range(2):
        budget.spend(0.0)
    assert not budget.allows(1.0)
    assert budget.allows(62.0)
