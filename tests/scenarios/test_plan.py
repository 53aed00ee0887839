"""What a scenario comes to: who begins when, and with what."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from ccchat_tui.engine.request import Priority
from ccchat_tui.scenarios.model import Scenario
from ccchat_tui.scenarios.plan import Conversation, make_plan


def plan(seed: int = 1, *, arrivals: Any = None, **user: Any) -> tuple[Conversation, ...]:
    tables: dict[str, Any] = {"title": "T", "users": [{"name": "Ada", **user}]}
    if arrivals is not None:
        tables["arrivals"] = arrivals
    return make_plan(Scenario.model_validate(tables), seed)


def moments(count: int, **arrivals: Any) -> list[float]:
    return [each.at for each in plan(conversations=count, arrivals=arrivals)]


class TestArrivals:
    def test_all_at_once(self) -> None:
        assert moments(3, how="at_once") == [0, 0, 0]
        assert moments(2, how="at_once", start=4) == [4, 4]

    def test_every_so_many_seconds(self) -> None:
        assert moments(3, how="every", seconds=2.5, start=1) == [1, 3.5, 6]

    def test_in_bursts(self) -> None:
        assert moments(5, how="burst", size=2, seconds=10) == [0, 0, 10, 10, 20]

    def test_on_a_ramp_more_and_more_often_and_all_within_the_time(self) -> None:
        found = moments(100, how="ramp", seconds=60)
        gaps = [b - a for a, b in pairwise(found)]
        assert gaps[0] > gaps[50] > gaps[-1] > 0
        assert 59 < found[-1] < 60
        # A quarter has begun when half of the time is over.
        assert sum(moment < 30 for moment in found) == 25

    def test_poisson_has_the_rate_and_the_spread_of_one(self) -> None:
        found = moments(4000, how="poisson", per_minute=60)
        gaps = [b - a for a, b in pairwise(found)]
        mean = sum(gaps) / len(gaps)
        assert mean == pytest.approx(1, rel=0.1)
        # Its spread is its mean; even or clustered arrivals would have less or more.
        assert (sum((gap - mean) ** 2 for gap in gaps) / len(gaps)) ** 0.5 == pytest.approx(
            mean, rel=0.1
        )

    def test_a_user_may_have_arrivals_of_their_own(self) -> None:
        scenario = Scenario.model_validate(
            {
                "title": "T",
                "arrivals": {"how": "every", "seconds": 1},
                "users": [
                    {"name": "Ada", "conversations": 2},
                    {"name": "Bob", "arrivals": {"how": "at_once", "start": 9}},
                    {"name": "Cleo"},
                ],
            }
        )
        begun = [(each.user, each.at) for each in make_plan(scenario, 0)]
        assert begun == [("Ada", 0), ("Bob", 9), ("Cleo", 1), ("Ada", 2)]

    def test_chance_comes_to_each_user_by_themselves(self) -> None:
        own = {"conversations": 3, "arrivals": {"how": "poisson", "per_minute": 60}}
        users = [{"name": name, **own} for name in ("Ada", "Bob")]
        made = make_plan(Scenario.model_validate({"title": "T", "users": users}), 1)
        ada, bob = ([each.at for each in made if each.user == name] for name in ("Ada", "Bob"))
        assert len(ada) == len(bob) == 3
        assert ada != bob


class TestTurns:
    def test_what_is_said_is_what_the_file_says(self) -> None:
        (only,) = plan(says=["One", "Two"], think=[2, 2], typing=3)
        assert [(turn.text, turn.think, turn.typing) for turn in only.turns] == [
            ("One", 0, 1),
            ("Two", 2, 1),
        ]

    def test_typing_may_take_no_time(self) -> None:
        (only,) = plan(typing=0)
        assert {turn.typing for turn in only.turns} == {0}

    def test_thought_is_within_its_bounds_and_not_always_the_same(self) -> None:
        thought = [turn.think for each in plan(messages=50, think=[2, 5]) for turn in each.turns]
        assert thought[0] == 0
        assert all(2 <= seconds <= 5 for seconds in thought[1:])
        assert len(set(thought)) > 20

    def test_the_priority(self) -> None:
        assert plan(priority="high")[0].priority is Priority.HIGH

    def test_several_of_a_kind_have_names_and_messages_of_their_own(self) -> None:
        users = plan(count=3)
        assert [each.user for each in users] == ["Ada", "Ada 2", "Ada 3"]
        assert len({each.turns for each in users}) == 3


class TestSeed:
    def test_the_same_seed_makes_the_same_plan_and_another_another(self) -> None:
        arrivals = {"how": "poisson", "per_minute": 9}
        assert plan(3, arrivals=arrivals) == plan(3, arrivals=arrivals)
        one, two = plan(3, arrivals=arrivals), plan(4, arrivals=arrivals)
        assert one[0].turns != two[0].turns
        assert one[0].at != two[0].at

    def test_further_users_change_nothing_for_those_before(self) -> None:
        assert plan(count=5)[:3] == plan(count=3)
