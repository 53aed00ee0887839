"""Which request goes next: order, turns, weights, ageing, the front lane, and looking ahead."""

from __future__ import annotations

import random
from collections import Counter
from itertools import pairwise
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccchat_tui.engine.handle import RequestHandle
from ccchat_tui.engine.request import ChatRequest, Priority, RequestState
from ccchat_tui.engine.scheduler import PATIENCE, Scheduler

LOW, NORMAL, HIGH = Priority.LOW, Priority.NORMAL, Priority.HIGH


class Desk:
    """A scheduler, and requests for it."""

    def __init__(self, user_limit: int = 10**6, **weights: int) -> None:
        self.scheduler = Scheduler(user_limit, weights)
        self.made = 0

    def push(self, user: str, priority: Priority = NORMAL) -> RequestHandle:
        self.made += 1
        request = ChatRequest(f"{user}{self.made}", user, "s", "m", "", lambda: None, priority)
        handle = RequestHandle(cast(Any, None), request, 0.0, self.made)
        self.scheduler.push(handle)
        return handle

    def pop(self) -> RequestHandle | None:
        handle = self.scheduler.pop()
        if handle is not None:
            handle.state = RequestState.CONNECTING
        return handle

    def users(self, count: int) -> str:
        """Whose the next so many are, each of which ends at once."""
        found = []
        for _ in range(count):
            handle = self.pop()
            assert handle is not None
            self.scheduler.release(handle.user)
            found.append(handle.user)
        return "".join(found)

    def cancel(self, handle: RequestHandle) -> None:
        handle.state = RequestState.CANCELLED
        self.scheduler.remove(handle)

    def back(self, handle: RequestHandle, *, front: bool = False) -> None:
        """An attempt failed, and it is queued again."""
        self.scheduler.release(handle.user)
        handle.state = RequestState.QUEUED
        handle._front = front
        self.scheduler.push(handle)


def test_one_user_is_served_in_order() -> None:
    desk = Desk()
    pushed = [desk.push("a") for _ in range(5)]
    assert [desk.pop() for _ in range(6)] == [*pushed, None]


def test_users_take_turns_however_much_one_has_queued() -> None:
    desk = Desk()
    for user in "aaaaaabbc":
        desk.push(user)
    assert desk.users(9) == "abcabaaaa"


def test_weights_are_turns_in_a_row() -> None:
    desk = Desk(a=3)
    for user in "aaaaaabbbb":
        desk.push(user)
    assert desk.users(10) == "aaabaaabbb"


def test_an_idle_user_saves_no_credit() -> None:
    desk = Desk()
    desk.push("b")
    for _ in range(20):
        desk.push("a")
    assert desk.users(10) == "baaaaaaaaa"
    desk.push("b")
    desk.push("b")
    desk.push("b")
    assert desk.users(6) == "ababab", "in turns again, and nothing is caught up on"


def test_who_leaves_and_comes_back_gains_nothing() -> None:
    desk = Desk()
    for user in "bcbcbc":
        desk.push(user)
    served = ""
    for _ in range(3):
        desk.push("a")
        served += desk.users(3)
    assert served == "bcabcabca"


def test_a_cancelled_place_is_no_place() -> None:
    desk = Desk()
    first = desk.push("a")
    desk.push("b")
    desk.cancel(first)
    desk.push("a")
    assert desk.users(2) == "ba", "whoever leaves and comes back stands at the end"


def test_a_higher_priority_goes_first() -> None:
    desk = Desk()
    for user, priority in (("a", LOW), ("b", NORMAL), ("c", HIGH), ("d", HIGH)):
        desk.push(user, priority)
    assert desk.users(4) == "cdba"


def test_a_low_one_is_passed_over_so_many_times_and_no_more() -> None:
    desk = Desk()
    desk.push("low", LOW)
    for _ in range(50):
        desk.push("high", HIGH)
    order = [desk.pop() for _ in range(20)]
    assert [h.user for h in order if h].index("low") == PATIENCE[LOW]


def test_under_load_of_every_priority_each_gets_its_part() -> None:
    desk = Desk()
    for _ in range(300):
        for priority in Priority:
            desk.push(priority.name, priority)
    order = [cast(RequestHandle, desk.pop()).request.priority for _ in range(180)]
    counts = Counter(order)
    assert counts[HIGH] > counts[NORMAL] > counts[LOW] >= 180 // (PATIENCE[LOW] + 1)
    gaps = [b - a for a, b in pairwise([i for i, p in enumerate(order) if p is NORMAL])]
    assert max(gaps) <= PATIENCE[NORMAL] + 2


def test_a_users_own_high_ones_do_not_starve_its_low_one() -> None:
    """At a limit of one, a user is taken out of every line each time one of its requests runs."""
    desk = Desk(user_limit=1)
    desk.push("a", LOW)
    before = 0
    while True:
        desk.push("a", HIGH)
        desk.push("b", LOW)
        for _ in range(2):
            handle = desk.pop()
            assert handle is not None
            if handle.user == "a" and handle.request.priority is LOW:
                assert before == PATIENCE[LOW]
                return
            before += handle.user == "a"
            assert before <= PATIENCE[LOW]
            if handle.user == "b":
                desk.scheduler.release("b")
        desk.scheduler.release("a")


@given(
    st.lists(
        st.tuples(st.sampled_from("abcd"), st.sampled_from(Priority)), min_size=1, max_size=120
    ),
    st.dictionaries(st.sampled_from("abcd"), st.integers(1, 3)),
)
@settings(max_examples=60, derandomize=True, deadline=None)
def test_the_bound_of_the_lowest_holds(
    asked: list[tuple[str, Priority]], weights: dict[str, int]
) -> None:
    """While more and more of everything comes, a first low request waits no longer than said."""
    desk = Desk(**weights)
    low = desk.push("low", LOW)
    rng = random.Random(len(asked))
    turns_before = sum(weights.get(user, 1) for user in "abcd") + 1
    bound = (PATIENCE[LOW] + 1) * turns_before
    for _ in range(bound + 1):
        for user, priority in rng.sample(asked, min(3, len(asked))):
            desk.push(user, priority)
        handle = desk.pop()
        assert handle is not None
        desk.scheduler.release(handle.user)
        if handle is low:
            return
    pytest.fail(f"it waited for more than {bound} turns")


@given(
    st.lists(st.sampled_from("aaabc"), max_size=60),
    st.dictionaries(st.sampled_from("abc"), st.integers(1, 3)),
)
@settings(max_examples=100, derandomize=True, deadline=None)
def test_turns_are_exactly_those_of_a_round(users: list[str], weights: dict[str, int]) -> None:
    desk = Desk(**weights)
    for user in users:
        desk.push(user)
    left, line, expected = Counter(users), list(dict.fromkeys(users)), ""
    while line:
        user = line.pop(0)
        visit = min(left[user], weights.get(user, 1))
        expected += user * visit
        left[user] -= visit
        if left[user]:
            line.append(user)
    assert desk.users(len(users)) == expected


def test_a_user_at_its_limit_is_not_looked_at_again() -> None:
    desk = Desk(user_limit=1)
    for user in range(1000):
        desk.push(f"u{user}")
        desk.push(f"u{user}")
    for _ in range(1000):
        assert desk.pop() is not None
    assert desk.pop() is None
    assert not any(line.lanes for line in desk.scheduler._lines), "nobody who can run is in a line"
    desk.scheduler.release("u7")
    handle = desk.pop()
    assert handle is not None
    assert handle.user == "u7"
    assert desk.pop() is None


def test_a_visit_that_was_broken_off_by_the_limit_goes_on() -> None:
    desk = Desk(user_limit=1, a=2)
    for user in "aaaabb":
        desk.push(user)
    first = desk.pop()
    second = desk.pop()
    assert first is not None and second is not None  # noqa: PT018
    assert (first.user, second.user) == ("a", "b")
    desk.scheduler.release("b")
    desk.scheduler.release("a")
    assert desk.users(3) == "aba"


def test_raising_the_limit_of_a_user_brings_it_back() -> None:
    desk = Desk(user_limit=1)
    for _ in range(3):
        desk.push("a")
    assert desk.pop() is not None
    assert desk.pop() is None
    desk.scheduler.set_user_limit(2)
    assert desk.pop() is not None
    assert desk.pop() is None


def test_what_comes_back_keeps_its_place_by_submission() -> None:
    desk = Desk()
    first, second, third, fourth = (desk.push("a") for _ in range(4))
    for _ in range(3):
        desk.pop()
    desk.back(third)
    desk.back(first)
    assert [desk.pop(), desk.pop(), desk.pop()] == [first, third, fourth]
    desk.back(second)
    assert desk.pop() is second


def test_the_front_lane_goes_before_everything() -> None:
    desk = Desk()
    low, other = desk.push("a", LOW), desk.push("a", LOW)
    desk.pop()
    desk.pop()
    for _ in range(20):
        desk.push("b", HIGH)
    desk.back(other, front=True)
    desk.back(low, front=True)
    assert [desk.pop(), desk.pop()] == [low, other]


def test_cancelled_ones_are_swept_out() -> None:
    desk = Desk()
    handles = [desk.push("a") for _ in range(1000)]
    for handle in handles[:-10]:
        desk.cancel(handle)
    lane = desk.scheduler._users["a"].lanes[NORMAL]
    assert lane is not None
    assert len(lane.fresh) <= 10 + 64 + 10
    assert [desk.pop() for _ in range(11)] == [*handles[-10:], None]


def test_lines_are_swept_out_too() -> None:
    desk = Desk()
    desk.push("stays")
    for number in range(1000):
        desk.cancel(desk.push(f"u{number}"))
    assert len(desk.scheduler._lines[NORMAL].lanes) < 200
    assert desk.scheduler.size == 1


def test_nothing_is_left_when_nothing_waits_and_nothing_runs() -> None:
    desk = Desk(user_limit=2)
    for user in "aabbcc":
        for priority in Priority:
            desk.push(user, priority)
    while handle := desk.pop():
        desk.scheduler.release(handle.user)
    scheduler = desk.scheduler
    assert (scheduler.size, scheduler.queued, len(scheduler._parked)) == (0, 0, 0)
    assert not any(line.lanes or line.stale or line.passed for line in scheduler._lines)


steps = st.lists(
    st.one_of(
        st.tuples(st.just("push"), st.sampled_from("abc"), st.sampled_from(Priority)),
        st.tuples(st.just("pop"), st.just(""), st.just(NORMAL)),
        st.tuples(st.just("cancel"), st.just(""), st.just(NORMAL)),
        st.tuples(st.just("back"), st.just(""), st.just(NORMAL)),
        st.tuples(st.just("front"), st.just(""), st.just(NORMAL)),
        st.tuples(st.just("end"), st.just(""), st.just(NORMAL)),
    ),
    max_size=60,
)


@given(steps, st.integers(1, 3), st.dictionaries(st.sampled_from("abc"), st.integers(1, 3)))
@settings(max_examples=300, derandomize=True, deadline=None)
def test_looking_ahead_tells_the_order_and_changes_nothing(
    steps: list[tuple[str, str, Priority]], user_limit: int, weights: dict[str, int]
) -> None:
    desk = Desk(user_limit, **weights)
    running: list[RequestHandle] = []
    queued: list[RequestHandle] = []
    rng = random.Random(1)
    for step, user, priority in steps:
        if step == "push":
            queued.append(desk.push(user, priority))
        elif step == "pop":
            handle = desk.pop()
            if handle is not None:
                handle._front = False
                queued.remove(handle)
                running.append(handle)
        elif step == "cancel" and queued:
            desk.cancel(queued.pop(rng.randrange(len(queued))))
        elif running and step != "cancel":
            handle = running.pop(rng.randrange(len(running)))
            if step == "end":
                desk.scheduler.release(handle.user)
            else:
                desk.back(handle, front=step == "front")
                queued.append(handle)
        assert desk.scheduler.queued == len(queued)
        assert set(desk.scheduler.ahead(100)) == set(queued)
        assert desk.scheduler.ahead(2) == desk.scheduler.ahead(100)[:2]
    # With no limit in the way, what was foretold is what happens.
    for handle in running:
        desk.scheduler.release(handle.user)
    desk.scheduler.set_user_limit(10**6)
    foretold = desk.scheduler.ahead(len(queued))
    assert [desk.pop() for _ in foretold] == foretold
    assert desk.pop() is None


@pytest.mark.parametrize("seed", range(20))
def test_looking_ahead_knows_who_is_due_and_whose_visit_is_half_over(seed: int) -> None:
    rng = random.Random(seed)
    desk = Desk(a=3, b=2)
    for _ in range(120):
        desk.push(rng.choice("abc"), rng.choice(list(Priority)))
    for _ in range(rng.randrange(40)):
        desk.pop()
    foretold = desk.scheduler.ahead(60)
    assert [desk.pop() for _ in range(60)] == foretold
