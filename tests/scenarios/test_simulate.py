"""A load on the real service and the demo model, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from ccchat_tui.backends.base import ChatBackend
from ccchat_tui.backends.demo import DemoBackend
from ccchat_tui.cli.report import report_table
from ccchat_tui.engine.limits import EngineSettings
from ccchat_tui.engine.request import RequestState
from ccchat_tui.engine.service import ConcurrentChatService
from ccchat_tui.scenarios.report import Report, make_report
from ccchat_tui.scenarios.simulate import Simulation
from ccchat_tui.scenarios.users import make_users
from ccchat_tui.testing.virtual_time import LoopClock, run_virtual

FREE = EngineSettings(requests_per_minute=0)
TOTALS = ("submitted", "completed", "failed", "cancelled", "timed_out", "rejected", "retried")
FIGURES = {
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
    "wall_ms",
}


def totals(**counts: int) -> dict[str, int]:
    return dict.fromkeys(TOTALS, 0) | counts


def load(
    users: int = 3,
    messages: int = 3,
    *,
    settings: EngineSettings = FREE,
    backend: ChatBackend | None = None,
    model: str = "demo:medium",
    meanwhile: Callable[[Simulation], Awaitable[None]] | None = None,
    **more: Any,
) -> tuple[Report, Simulation]:
    """Run a load to its end; the report, and the simulation as it is then."""

    async def run() -> tuple[Report, Simulation]:
        clock = LoopClock()
        service = ConcurrentChatService(backend or DemoBackend(seed=1), settings, clock=clock)
        simulation = Simulation(
            service, make_users(users, messages, 1), model=model, clock=clock, **more
        )
        async with asyncio.TaskGroup() as group:
            group.create_task(simulation.run())
            if meanwhile is not None:
                group.create_task(_called(meanwhile(simulation)))
        snapshot = service.snapshot(0)
        await service.aclose()
        return make_report(snapshot, simulation.wall, simulation.times()), simulation

    return run_virtual(run())


async def _called(wanted: Awaitable[None]) -> None:
    await wanted


class TestLoad:
    def test_every_message_is_sent_and_answered(self) -> None:
        report, simulation = load(3, 4)
        assert report["totals"] == totals(submitted=12, completed=12)
        assert report["success_rate"] == 1
        assert {handle.user for handle in simulation.handles} == {"Ada", "Bob", "Cleo"}
        assert all(handle.text for handle in simulation.handles)

    def test_users_send_in_turns_and_wait_for_no_reply(self) -> None:
        _, simulation = load(2, 3)
        sent = [(handle.user, handle.submitted_at) for handle in simulation.handles]
        assert sent == [("Ada", 0), ("Bob", 0)] * 3

    def test_what_comes_later_is_none_of_it(self) -> None:
        async def run() -> None:
            clock = LoopClock()
            service = ConcurrentChatService(DemoBackend(), FREE, clock=clock)
            simulation = Simulation(service, make_users(1, 1, 1), model="", clock=clock)
            await simulation.run()
            wall, times = simulation.wall, simulation.times()
            second = Simulation(service, make_users(1, 3, 1), model="", clock=clock)
            await second.run()
            assert simulation.wall == wall
            assert simulation.times() == times
            assert second.times()["Ada"].peak == 3
            await service.aclose()

        run_virtual(run())

    def test_all_of_it_can_be_repeated(self) -> None:
        (first, one), (second, two) = load(4, 3), load(4, 3)
        assert first == second
        assert {h.id: h.text for h in one.handles} == {h.id: h.text for h in two.handles}

    def test_the_limits_change_when_and_not_what(self) -> None:
        wide, one = load(4, 3)
        narrow, two = load(4, 3, settings=replace(FREE, concurrent=False))
        assert {h.id: h.text for h in one.handles} == {h.id: h.text for h in two.handles}
        assert narrow["tokens"] == wide["tokens"]
        assert narrow["wall_ms"] > 2 * wide["wall_ms"]

    @pytest.mark.parametrize(
        ("settings", "users", "peak", "peak_of_each"),
        [
            (replace(FREE, max_concurrent=4), 6, 4, 3),
            (replace(FREE, max_concurrent=50, max_concurrent_per_user=2), 3, 6, 2),
            (replace(FREE, concurrent=False), 3, 1, 1),
            (replace(FREE, max_concurrent=5), 1, 3, 3),
        ],
    )
    def test_the_peaks_are_what_the_limits_allow(
        self, settings: EngineSettings, users: int, peak: int, peak_of_each: int
    ) -> None:
        report, _ = load(users, 5, settings=settings)
        assert report["peak_concurrency"] == peak
        assert max(user["peak_concurrency"] for user in report["users"]) <= peak_of_each

    def test_one_at_a_time_says_so(self) -> None:
        report, _ = load(2, 2, settings=replace(FREE, concurrent=False))
        assert report["mode"] == "sequential"
        assert report["mode_reason"] == "by configuration"

    def test_the_system_prompt_and_temperature_reach_the_model(self) -> None:
        _, one = load(1, 1)
        _, two = load(1, 1, system="Answer like a pirate.", temperature=0.5)
        prompt = two.handles[0].prompt
        assert prompt.messages[0].content == "Answer like a pirate."  # type: ignore[attr-defined]
        assert prompt.options == {"temperature": 0.5}  # type: ignore[attr-defined]
        assert prompt.user == "Ada"  # type: ignore[attr-defined]
        assert len(one.handles[0].prompt.messages) == 1  # type: ignore[attr-defined]


class TestRefusals:
    def test_who_is_refused_for_a_minute_waits_and_sends_again(self) -> None:
        report, simulation = load(2, 5, settings=replace(FREE, requests_per_minute=3))
        assert report["totals"] == totals(submitted=10, completed=10, rejected=2)
        assert 60_000 < report["wall_ms"] < 75_000
        assert not simulation.waiting

    def test_a_full_queue_is_waited_for_too(self) -> None:
        report, _ = load(3, 5, settings=replace(FREE, max_concurrent=1, max_queue=2))
        assert report["totals"]["completed"] == 15
        assert report["totals"]["rejected"] > 0

    def test_while_they_wait_that_can_be_seen(self) -> None:
        seen: dict[str, float] = {}

        async def look(simulation: Simulation) -> None:
            await asyncio.sleep(30)
            seen.update(simulation.waiting)

        load(2, 5, settings=replace(FREE, requests_per_minute=3), meanwhile=look)
        assert set(seen) == {"Ada", "Bob"}
        assert all(60 <= moment < 61 for moment in seen.values())

    def test_a_refusal_that_will_not_pass_is_not_argued_with(self) -> None:
        async def run() -> Report:
            clock = LoopClock()
            service = ConcurrentChatService(DemoBackend(), FREE, clock=clock)
            await service.drain()
            simulation = Simulation(service, make_users(2, 3, 1), model="", clock=clock)
            await simulation.run()
            report = make_report(service.snapshot(0), simulation.wall, simulation.times())
            await service.aclose()
            return report

        report = run_virtual(run())
        assert report["totals"]["submitted"] == 0
        assert report["totals"]["rejected"] == 6


class TestStopping:
    def test_what_runs_is_cancelled_and_nothing_more_is_sent(self) -> None:
        async def stop(simulation: Simulation) -> None:
            await asyncio.sleep(4)
            simulation.stop()

        report, simulation = load(
            3, 9, settings=replace(FREE, requests_per_minute=8), meanwhile=stop
        )
        counts = report["totals"]
        assert counts["submitted"] == 24
        assert counts["completed"] > 0
        assert counts["cancelled"] == 24 - counts["completed"]
        assert report["queue_length"] == report["in_flight"] == 0
        assert 4000 <= report["wall_ms"] < 4100
        assert all(handle.ended for handle in simulation.handles)

    def test_cancelling_the_run_cancels_the_requests(self) -> None:
        async def run() -> tuple[bool, set[RequestState]]:
            clock = LoopClock()
            service = ConcurrentChatService(DemoBackend(), FREE, clock=clock)
            simulation = Simulation(service, make_users(2, 3, 1), model="", clock=clock)
            task = asyncio.create_task(simulation.run())
            await asyncio.sleep(0.1)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            stopped = all(handle.ended or handle.cancelling for handle in simulation.handles)
            await service.aclose()
            return stopped, {handle.state for handle in simulation.handles}

        assert run_virtual(run()) == (True, {RequestState.CANCELLED})


class TestReport:
    def test_what_a_limit_has_found_by_itself(self) -> None:
        settings = EngineSettings(
            adapts=True,
            max_concurrent=2,
            max_concurrent_per_user=99,
            requests_per_minute=0,
            max_queue=0,
            timeout=9e6,
        )
        report, _ = load(6, 60, settings=settings, backend=DemoBackend(seed=1, slots=4))
        assert report["totals"]["completed"] == 360
        assert report["adaptive"]["on"] is True
        assert report["adaptive"]["found"] == 4
        assert report["adaptive"]["words"] in report_table(report, None)

    def test_it_has_these_names_and_no_others(self) -> None:
        report, _ = load(2, 2)
        names = {"mode", "mode_reason", "limits", "adaptive", "users", "servers"}
        assert set(report) == FIGURES | names
        assert report["adaptive"] is None, "it was not asked to find its limit"
        assert set(report["limits"]) == {
            "max_concurrent",
            "max_concurrent_per_user",
            "requests_per_minute",
            "timeout_ms",
            "retry_attempts",
        }
        assert tuple(report["totals"]) == TOTALS
        for user in report["users"]:
            assert set(user) == FIGURES | {"user"}
            assert tuple(user["totals"]) == TOTALS

    def test_the_users_add_up(self) -> None:
        report, _ = load(4, 3, backend=DemoBackend(seed=3, failure_rate=0.3))
        users = report["users"]
        assert [user["user"] for user in users] == ["Ada", "Bob", "Cleo", "Dan"]
        for name in TOTALS:
            assert sum(user["totals"][name] for user in users) == report["totals"][name]
        assert sum(user["tokens"] for user in users) == report["tokens"]
        assert report["totals"]["retried"] > 0

    def test_times_and_rates_are_those_of_the_clock(self) -> None:
        report, simulation = load(1, 1)
        (handle,) = simulation.handles
        assert handle.ended_at is not None
        assert report["wall_ms"] == pytest.approx(handle.ended_at * 1000, abs=0.01)
        assert report["p50_ms"] == pytest.approx(report["wall_ms"], rel=0.02)
        assert report["tokens"] == handle.tokens
        assert report["tokens_per_second"] == pytest.approx(
            handle.tokens / handle.ended_at, abs=0.01
        )
        assert report["users"][0]["wall_ms"] == report["wall_ms"]

    def test_what_fails_is_counted(self) -> None:
        report, simulation = load(2, 2, model="nope")
        assert report["totals"] == totals(submitted=4, failed=4)
        assert report["success_rate"] == 0
        assert {user["success_rate"] for user in report["users"]} == {0}
        ((why, count),) = simulation.failures().items()
        assert "'nope'" in why
        assert count == 4
