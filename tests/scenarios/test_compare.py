"""What is compared: each figure by its formula, and one load run in two ways."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ccchat_tui.cli.main import main
from ccchat_tui.cli.report_compare import comparison_table
from ccchat_tui.engine.events import (
    RequestEnded,
    RequestFirstToken,
    RequestQueued,
    RequestRetrying,
    RequestStarted,
)
from ccchat_tui.engine.request import Failure, Priority, RequestState
from ccchat_tui.runs.course import Course, Courses, Phase
from ccchat_tui.scenarios.compare import figures_of, jain, quantile
from ccchat_tui.scenarios.formulas import FORMULAS

pytestmark = pytest.mark.usefixtures("clean_environment")


def course(user: str, sent: float, **more: Any) -> Course:
    return Course(f"{user} {sent}", user, "s", sent, **more)


DONE = RequestState.COMPLETED
TWO = (
    course("Ada", 0, started_at=1, first_token_at=3, ended_at=5, state=DONE, tokens=50),
    course("Bob", 1, started_at=5, first_token_at=5.5, ended_at=11, state=DONE, tokens=20),
    course("Bob", 2, ended_at=3, state=RequestState.CANCELLED),
)


class TestFigures:
    def test_each_is_what_its_formula_says(self) -> None:
        figures = figures_of(TWO, 10)
        assert figures["requests"] == 3
        assert figures["completed"] == 2
        assert figures["wall_ms"] == 10_000
        assert figures["wait_ms"] == {"median": 1000, "p95": 4000, "longest": 4000}
        assert figures["first_token_ms"] == {"median": 3000, "p95": 4500, "longest": 4500}
        assert figures["tokens_per_second"] == 7
        # Ada 50 tokens in 5 s; Bob 20 in 10 s and the second of the cancelled one.
        speeds = {user["user"]: user["speed"] for user in figures["users"]}
        assert speeds == {"Ada": 10, "Bob": pytest.approx(20 / 11, abs=0.001)}
        x, y = 10, 20 / 11
        assert figures["fairness"] == pytest.approx((x + y) ** 2 / (2 * (x * x + y * y)), abs=1e-4)

    def test_nothing_gives_figures_too(self) -> None:
        figures = figures_of((), 0)
        assert figures["wait_ms"] == {"median": 0, "p95": 0, "longest": 0}
        assert figures["tokens_per_second"] == 0
        assert figures["fairness"] == 1

    @pytest.mark.parametrize(
        ("shares", "index"),
        [((3, 3, 3), 1), ((5, 0, 0, 0), 0.25), ((1, 3), 0.8), ((), 1), ((0, 0), 1)],
    )
    def test_jain(self, shares: tuple[float, ...], index: float) -> None:
        assert jain(shares) == pytest.approx(index)

    @pytest.mark.parametrize(
        ("count", "part", "value"),
        [(1, 0.5, 1), (4, 0.5, 2), (5, 0.5, 3), (20, 0.95, 19), (21, 0.95, 20), (7, 1.0, 7)],
    )
    def test_quantiles_are_values_that_occurred(self, count: int, part: float, value: int) -> None:
        assert quantile(list(range(1, count + 1)), part) == value


class TestCourses:
    def test_a_request_that_was_tried_again(self) -> None:
        of = ("1", "Ada", "s")
        why = Failure("busy", "full")
        courses = Courses()
        for event in (
            RequestQueued(1.0, *of, "m", Priority.NORMAL, 0),
            RequestStarted(2.0, *of, 1, 1.0),
            RequestRetrying(3.0, *of, why, 1.0, 1),
            RequestQueued(4.0, *of, "m", Priority.NORMAL, 1),
            RequestStarted(5.0, *of, 2, 4.0),
            RequestFirstToken(6.0, *of, 1.0),
            RequestEnded(7.0, *of, RequestState.FAILED, why, None, 9, 5.0),
        ):
            courses(event)
        (found,) = courses.all
        assert found.phases == [
            (Phase.WAITING, 1.0),
            (Phase.CONNECTING, 2.0),
            (Phase.RETRYING, 3.0),
            (Phase.WAITING, 4.0),
            (Phase.CONNECTING, 5.0),
            (Phase.STREAMING, 6.0),
        ]
        assert (found.started_at, found.first_token_at, found.ended_at) == (2.0, 6.0, 7.0)
        assert (found.tokens, found.attempts, found.failure) == (9, 2, "full")

    def test_an_id_may_come_again_after_its_end(self) -> None:
        of = ("1", "Ada", "s")
        courses = Courses()
        for _ in range(2):
            courses(RequestQueued(1.0, *of, "m", Priority.NORMAL, 0))
            courses(RequestEnded(2.0, *of, RequestState.CANCELLED, None, None, 0, 0.0))
        assert len(courses.all) == 2


class TestCommand:
    def compared(self, capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
        assert main(["simulate", "--fast", "--compare", "--json", *words]) == 0
        told: dict[str, Any] = json.loads(capsys.readouterr().out)
        return told

    def test_the_same_load_is_run_both_ways(self, capsys: pytest.CaptureFixture[str]) -> None:
        told = self.compared(capsys, "--scenario", "rush-hour")
        before, after = told["one_at_a_time"], told["at_once"]
        assert before["completed"] == after["completed"] == 48
        assert before["tokens"] == after["tokens"]
        assert before["wall_ms"] > 2 * after["wall_ms"]
        assert before["wait_ms"]["p95"] > 5 * after["wait_ms"]["p95"]
        assert told["title"] == "Rush hour: 12 users, 48 messages"

    def test_each_run_is_as_it_is_alone(self, capsys: pytest.CaptureFixture[str]) -> None:
        told = self.compared(capsys, "--scenario", "server-trouble")
        for name, words in (("one_at_a_time", ["--sequential"]), ("at_once", [])):
            assert main(["simulate", "--scenario=server-trouble", "--fast", "--json", *words]) == 0
            alone = json.loads(capsys.readouterr().out)
            assert told[name]["wall_ms"] == alone["wall_ms"]
            assert told[name]["tokens"] == alone["tokens"]
            assert told[name]["completed"] == alone["totals"]["completed"]

    def test_also_where_the_settings_say_one_at_a_time(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("ENABLE_CONCURRENT_PROCESSING", "false")
        told = self.compared(capsys, "--demo", "--users=4", "--messages=2")
        assert told["one_at_a_time"]["wall_ms"] > 2 * told["at_once"]["wall_ms"]

    def test_a_table_for_people(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["simulate", "--scenario=rush-hour", "--fast", "--compare"]) == 0
        out = capsys.readouterr().out
        head, *rows = out.splitlines()
        assert head.split() == ["one", "at", "a", "time", "at", "once", "factor"]
        assert rows[0].split() == ["completed", "48", "48", "x", "1.00"]
        assert "Guest 12" in out

    def test_the_factor_is_the_second_over_the_first(self) -> None:
        before, after = figures_of(TWO, 10), figures_of(TWO, 5)
        text = comparison_table(before, after, None)
        assert "tokens a second 7.0 14.0 x 2.00" in " ".join(text.split())

    def test_the_help_has_the_formula_of_each_figure(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["simulate", "--help"]) == 0
        said = " ".join(capsys.readouterr().out.split())
        for name, formula in FORMULAS.items():
            assert f"{name}: {formula}" in said

    @pytest.mark.parametrize("other", ["--events=x", "--sequential"])
    def test_what_makes_no_sense_with_it(
        self, capsys: pytest.CaptureFixture[str], other: str
    ) -> None:
        assert main(["simulate", "--demo", "--compare", other]) == 2
        assert "and --compare exclude each other" in capsys.readouterr().err
