"""Scenarios as they are played, on the real service and the demo model, in virtual time."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ccchat_tui.backends.base import BackendError, ChatMessage, Prompt
from ccchat_tui.engine.events import (
    EngineEvent,
    ModeChanged,
    RequestEnded,
    RequestEvent,
    RequestQueued,
    RequestRetrying,
    RequestStarted,
)
from ccchat_tui.engine.limits import EngineSettings
from ccchat_tui.engine.request import RequestState
from ccchat_tui.engine.service import ConcurrentChatService
from ccchat_tui.engine.stats import QueueSnapshot
from ccchat_tui.scenarios.files import load
from ccchat_tui.scenarios.model import Scenario, Server, Trouble
from ccchat_tui.scenarios.run import ScenarioRun
from ccchat_tui.scenarios.server import ScenarioServer, ServerTime
from ccchat_tui.scenarios.virtual_time import LoopClock
from ccchat_tui.testing.virtual_time import run_virtual


class Played:
    """What there was to see of a run."""

    def __init__(self, scenario: Scenario, seed: int, limits: EngineSettings) -> None:
        self.scenario = scenario
        self.events: list[EngineEvent] = []
        self.prompts: list[Prompt] = []
        self.snapshot: QueueSnapshot
        self.run: ScenarioRun
        run_virtual(self._play(seed, limits))

    async def _play(self, seed: int, limits: EngineSettings) -> None:
        server = ScenarioServer(self.scenario.server, self.scenario.troubles, seed)
        inner = server.stream

        def stream(prompt: Prompt) -> Any:
            self.prompts.append(prompt)
            return inner(prompt)

        server.stream = stream  # type: ignore[method-assign]
        service = ConcurrentChatService(server, limits, clock=LoopClock())
        service.subscribe(self.events.append)
        self.run = ScenarioRun(
            service, self.scenario, seed, model="", clock=LoopClock(), begin=server.begin
        )
        await asyncio.sleep(7)  # moments count from the beginning of the run
        await self.run.run()
        self.snapshot = service.snapshot(0)
        await service.aclose()

    def of(self, kind: type[RequestEvent], user: str = "") -> list[Any]:
        found = [event for event in self.events if isinstance(event, kind)]
        return [event for event in found if user in ("", event.user)]


def play(*users: dict[str, Any], seed: int = 1, limits: Any = None, **tables: Any) -> Played:
    free = limits or EngineSettings(requests_per_minute=0)
    made = users or [{"name": "Ada"}]
    return Played(Scenario.model_validate({"title": "T", "users": made, **tables}), seed, free)


class TestConversation:
    def test_each_message_comes_after_the_reply_the_thought_and_the_typing(self) -> None:
        played = play(
            {"name": "Ada", "says": ["12345", "1234567890"], "think": [3, 3], "typing": 5}
        )
        first, second = played.of(RequestQueued)
        (end, _) = played.of(RequestEnded)
        assert first.at == pytest.approx(7 + 1)
        assert second.at == pytest.approx(end.at + 3 + 2)

    def test_what_was_said_before_is_asked_with_it(self) -> None:
        played = play({"name": "Ada", "says": ["One?", "Two?"]})
        _, prompt = played.prompts
        assert [message.role for message in prompt.messages] == ["user", "assistant", "user"]
        assert prompt.messages[0].content == "One?"
        assert prompt.user == "Ada"

    def test_a_conversation_is_a_session_and_two_run_side_by_side(self) -> None:
        played = play({"name": "Ada", "conversations": 2, "messages": 2})
        sessions = [event.session_id for event in played.of(RequestQueued)]
        assert sorted(sessions) == ["Ada 1", "Ada 1", "Ada 2", "Ada 2"]
        assert played.snapshot.peak_concurrency == 2

    def test_after_a_cancelled_reply_the_user_goes_on_without_it(self) -> None:
        played = play({"name": "Ada", "says": ["One?", "Two?"], "typing": 0}, cancels=[{"at": 1.0}])
        states = [event.state for event in played.of(RequestEnded)]
        assert states == [RequestState.CANCELLED, RequestState.COMPLETED]
        assert len(played.prompts[-1].messages) == 1

    def test_the_longest_reply(self) -> None:
        played = play({"name": "Ada", "messages": 2}, server={"reply_tokens": 3})
        assert [event.tokens for event in played.of(RequestEnded)] == [3, 3]


class TestCancels:
    def users(self) -> list[dict[str, Any]]:
        return [
            {"name": name, "typing": 0, "messages": 1} for name in ("Ada", "Bob", "Cleo", "Dan")
        ]

    def cancelled(self, **cancel: Any) -> list[tuple[str, float]]:
        played = play(*self.users(), cancels=[{"at": 0.5, **cancel}])
        ends = [e for e in played.of(RequestEnded) if e.state is RequestState.CANCELLED]
        return [(event.user, round(event.at - 7, 6)) for event in ends]

    def test_everybody_at_that_moment(self) -> None:
        assert self.cancelled() == [(name, 0.5) for name in ("Ada", "Bob", "Cleo", "Dan")]

    def test_one_user(self) -> None:
        assert self.cancelled(user="Bob") == [("Bob", 0.5)]

    def test_a_share(self) -> None:
        assert len(self.cancelled(share=0.5)) == 2

    def test_all_of_a_kind(self) -> None:
        played = play(
            {"name": "Ada", "count": 2, "messages": 1, "typing": 0},
            {"name": "Bob", "messages": 1, "typing": 0},
            cancels=[{"at": 0.5, "user": "Ada"}],
        )
        assert played.snapshot.totals.cancelled == 2

    def test_what_was_cancelled_is_no_failure(self) -> None:
        assert not play(*self.users(), cancels=[{"at": 0.5}]).run.failures()

    def test_one_that_comes_too_late_is_not_waited_for(self) -> None:
        played = play(cancels=[{"at": 5000}])
        assert played.snapshot.totals.completed == 3
        assert played.run.wall < 100


class TestTroubles:
    def test_a_server_that_is_down_takes_nothing_and_breaks_off_what_runs(self) -> None:
        played = play(
            {"name": "Ada", "messages": 1, "typing": 0},
            {"name": "Bob", "messages": 1, "typing": 0, "arrivals": {"how": "at_once", "start": 2}},
            server={"first_token": 0.2, "tokens_per_second": 5},
            troubles=[{"what": "down", "at": 1, "seconds": 1.5}],
            limits=EngineSettings(requests_per_minute=0, retry_attempts=6, retry_base=2.0),
        )
        (ada,) = played.of(RequestEnded, "Ada")
        assert ada.state is RequestState.FAILED
        assert ada.failure.kind == "disconnected"
        assert 8 <= ada.at < 9
        assert played.of(RequestRetrying, "Bob")[0].failure.kind == "unreachable"
        (bob,) = played.of(RequestEnded, "Bob")
        assert bob.state is RequestState.COMPLETED
        assert played.run.failures().total() == 1

    def test_an_outage_between_two_tokens_breaks_off_too(self) -> None:
        played = play(
            {"name": "Ada", "messages": 1, "typing": 0},
            server={"first_token": 10},
            troubles=[{"what": "down", "at": 1, "seconds": 1}],
            limits=EngineSettings(requests_per_minute=0, retry_attempts=0),
        )
        (ada,) = played.of(RequestEnded)
        assert (ada.state, ada.failure.kind) == (RequestState.FAILED, "disconnected")

    def test_a_busy_one_takes_so_many_and_no_more(self) -> None:
        told: list[str] = []

        async def ask(server: ScenarioServer) -> None:
            try:
                async for _ in server.stream(Prompt("", (ChatMessage("user", "Hi"),))):
                    pass
                told.append("replied")
            except BackendError as error:
                told.append(error.kind.value)

        async def main() -> None:
            trouble = Trouble(what="busy", at=0, seconds=500, at_once=2)
            server = ScenarioServer(Server(), [trouble], 0)
            server.begin()
            await asyncio.gather(*(ask(server) for _ in range(3)))
            await ask(server)

        run_virtual(main())
        assert told == ["busy", "replied", "replied", "replied"]

    def test_a_busy_one_leads_to_one_at_a_time_and_back(self) -> None:
        played = play(
            {"name": "Ada", "count": 4, "messages": 8, "typing": 0},
            troubles=[{"what": "busy", "at": 5, "seconds": 10}],
        )
        modes = [event.mode for event in played.events if isinstance(event, ModeChanged)]
        assert modes[:2] == ["sequential", "concurrent"]
        assert played.snapshot.totals.completed == 32

    def test_a_failing_one_fails_a_share(self) -> None:
        def failed(share: float) -> int:
            played = play(
                {"name": "Ada", "conversations": 200, "messages": 1, "typing": 0},
                server={"reply_tokens": 1},
                troubles=[{"what": "failing", "at": 0, "seconds": 5000, "share": share}],
                limits=EngineSettings(requests_per_minute=0, retry_attempts=0),
            )
            return played.snapshot.totals.failed

        assert failed(1) == 200
        assert 20 < failed(0.25) < 80

    def test_another_attempt_at_a_failing_one_has_other_luck(self) -> None:
        played = play(
            {"name": "Ada", "conversations": 60, "messages": 1, "typing": 0},
            server={"reply_tokens": 1},
            troubles=[{"what": "failing", "at": 0, "seconds": 50_000, "share": 0.5}],
            limits=EngineSettings(requests_per_minute=0, retry_attempts=6, retry_base=0.1),
        )
        tried_again = {event.request_id for event in played.of(RequestRetrying)}
        ends = {event.request_id: event.state for event in played.of(RequestEnded)}
        states = [ends[request_id] for request_id in tried_again]
        assert states.count(RequestState.COMPLETED) > 3

    def test_afterwards_all_is_well(self) -> None:
        played = play(
            {"name": "Ada", "messages": 1, "typing": 0, "arrivals": {"how": "at_once", "start": 5}},
            troubles=[{"what": what, "at": 0, "seconds": 5} for what in ("down", "failing")],
        )
        assert played.snapshot.totals.completed == 1
        assert not played.of(RequestRetrying)

    async def test_a_server_that_is_down_gives_no_sign_of_life(self) -> None:
        trouble = Trouble(what="down", at=0, seconds=50)
        server = ScenarioServer(Scenario.model_fields["server"].default, [trouble], 0)
        with pytest.raises(BackendError, match="is down"):
            await server.probe()


class TestServerTime:
    """Between 10 s and 20 s four times slower, between 15 s and 30 s twice."""

    def waits(self, *, start: float, seconds: float) -> float:
        async def wait() -> float:
            time = ServerTime(
                [
                    Trouble(what="slow", at=10, seconds=10, factor=4),
                    Trouble(what="slow", at=15, seconds=15, factor=2),
                ]
            )
            time.begin()
            await asyncio.sleep(start)
            before = time.monotonic()
            began = asyncio.get_running_loop().time()
            await time.sleep(seconds)
            assert time.monotonic() - before == pytest.approx(seconds)
            return asyncio.get_running_loop().time() - began

        return run_virtual(wait())

    @pytest.mark.parametrize(
        ("start", "seconds", "real"),
        [
            (0, 10, 10),
            (0, 11, 14),
            (8, 3, 6),
            (10, 1.25 + 0.625, 10),
            (15, 0.625 + 5 + 2, 17),
            (40, 3, 3),
            (0, 0, 0),
        ],
    )
    def test_it_passes_more_slowly_in_a_slow_spell(
        self, start: float, seconds: float, real: float
    ) -> None:
        assert self.waits(start=start, seconds=seconds) == pytest.approx(real)

    def test_replies_take_so_much_longer(self) -> None:
        def took(*troubles: dict[str, Any]) -> float:
            played = play({"name": "Ada", "messages": 1, "typing": 0}, troubles=troubles)
            return float(played.of(RequestEnded)[0].duration)

        slow = {"what": "slow", "at": 0, "seconds": 5000, "factor": 3}
        assert took(slow) == pytest.approx(3 * took())


class TestOurs:
    def played(self, name: str, seed: int = 0) -> Played:
        scenario = load(name, None)
        limits = EngineSettings(**scenario.limits.model_dump())
        return Played(scenario, seed, limits)

    def test_hello(self) -> None:
        played = self.played("hello")
        assert played.snapshot.totals.completed == 8
        assert played.snapshot.peak_concurrency == 3

    def test_rush_hour_fills_its_slots_and_drains(self) -> None:
        played = self.played("rush-hour")
        assert played.snapshot.totals.completed == 48
        assert played.snapshot.peak_concurrency == 5
        assert max(event.waited for event in played.of(RequestStarted)) > 1

    def test_noisy_neighbour_does_not_slow_the_others(self) -> None:
        played = self.played("noisy-neighbour")

        def longest(*users: str) -> float:
            return max(float(e.waited) for u in users for e in played.of(RequestStarted, u))

        assert longest("Flood") > 10 * longest("Ada", "Bob", "Cleo", "Dan")

    def test_server_trouble_shows_retries_the_fallback_and_its_end(self) -> None:
        played = self.played("server-trouble")
        modes = [event.mode for event in played.events if isinstance(event, ModeChanged)]
        assert (modes[0], modes[-1]) == ("sequential", "concurrent")
        assert {event.failure.kind for event in played.of(RequestRetrying)} >= {"unreachable"}

    @pytest.mark.parametrize("seed", range(4))
    def test_server_trouble_loses_only_what_broke_off(self, seed: int) -> None:
        """Whatever had not begun when the server died gets its whole reply in the end."""
        ended = self.played("server-trouble", seed).of(RequestEnded)
        lost = [event for event in ended if event.state is not RequestState.COMPLETED]
        assert all(event.tokens and event.failure.kind == "disconnected" for event in lost)
        assert len(lost) < 5 < len(ended)

    def test_cancel_storm_cancels_most(self) -> None:
        totals = self.played("cancel-storm").snapshot.totals
        assert totals.submitted == totals.completed + totals.cancelled == 120
        assert totals.cancelled > 60
