"""The fixtures as another project has them, and what the plugin costs whom it does not serve."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.widgets import Static

import ccchat_tui.testing
from ccchat_tui.backends.base import BackendError, ChatMessage, ErrorKind, Prompt
from ccchat_tui.backends.connect import open_servers
from ccchat_tui.backends.demo import DemoBackend
from ccchat_tui.backends.hosts import read_hosts
from ccchat_tui.clock import ManualClock
from ccchat_tui.scenarios.files import ScenarioError
from ccchat_tui.scenarios.model import Scenario
from ccchat_tui.testing import (
    AppUnderTest,
    OllamaServer,
    ScriptedBackend,
    SnapScenario,
    SnapStory,
    run_app_virtual,
)
from ccchat_tui.testing.pictures import DIFFERS, scenario_snapper, story_snapper
from ccchat_tui.testing.stage import play
from tests.support.streams import ask, read, text_in

ROOT = Path(__file__).parents[2]
MakeApp = Callable[..., AppUnderTest]


class TestFixtures:
    def test_the_clock_stands(self, frozen_clock: ManualClock) -> None:
        assert frozen_clock.now().isoformat() == "2026-01-01T12:00:00+00:00"
        assert frozen_clock.monotonic() == frozen_clock.monotonic() == 1000.0

    async def test_the_demo_model_writes_as_the_clock_moves(
        self, frozen_clock: ManualClock, demo_backend: DemoBackend
    ) -> None:
        prompt = Prompt("demo:medium", (ChatMessage("user", "Why is the sky blue?"),))
        chunks = aiter(demo_backend.stream(prompt))
        first = asyncio.ensure_future(anext(chunks))
        for _ in range(20):
            await asyncio.sleep(0)
        assert not first.done()
        frozen_clock.advance(60)
        assert (await first).text
        await chunks.aclose()  # type: ignore[attr-defined]

    async def test_the_app_has_both(
        self, ccchat_app: MakeApp, frozen_clock: ManualClock, demo_backend: DemoBackend
    ) -> None:
        app = ccchat_app(users=("Ada", "Bob"))
        async with app.run_test(size=(120, 40)):
            await app.ask("Why is the sky blue?")
            assert app.time is frozen_clock
            assert app.connection.demo is demo_backend
            assert app.connection.on_demo
            assert [session.user for session in app.sessions.sessions] == ["Ada", "Bob"]
            assert not app.session(1).turns[0].reply
            await app.pass_time(3)
            assert app.session(1).turns[0].reply

    async def test_the_app_asks_the_server_it_is_given(self, ccchat_app: MakeApp) -> None:
        app = ccchat_app(server=ScriptedBackend())
        async with app.run_test():
            await app.ask("Hello?")
            await app.script.emit(0, "Hello.")
            assert not app.connection.on_demo

    async def test_the_server_answers_and_misbehaves(self, fake_ollama: OllamaServer) -> None:
        backend = open_servers(read_hosts(fake_ollama.url))
        model = (await backend.models())[0].name
        assert text_in(await read(backend, ask("hi", model)))
        fake_ollama.fail("no_reply")
        with pytest.raises(BackendError) as caught:
            await read(backend, ask("hi", model))
        assert caught.value.kind is ErrorKind.DISCONNECTED
        await backend.aclose()


class TestPictures:
    @pytest.mark.parametrize("at", [4, 12], ids=lambda at: f"{at}s")
    def test_a_scenario(self, snap_scenario: SnapScenario, at: float) -> None:
        """Our app in the midst of a scenario: two slots, and then a server that is down."""
        snap_scenario(Path(__file__).with_name("morning.toml"), at)

    def test_a_story(self, snap_story: SnapStory, ccchat_app: MakeApp) -> None:
        """The app after a story, with the clock and the model of the fixtures."""

        async def story(app: AppUnderTest, pilot: Pilot[None]) -> None:
            await app.ask("Why is the sky blue?")
            await app.pass_time(3)

        snap_story(story, ccchat_app(), (80, 24))

    def test_a_story_that_was_not_told_or_differs_is_no_success(self) -> None:
        async def story(app: AppUnderTest, pilot: Pilot[None]) -> None: ...

        def compare(app: AppUnderTest, *, run_before: Any, **_: Any) -> bool:
            async def tell() -> None:
                async with app.run_test() as pilot:
                    await run_before(pilot)

            asyncio.run(tell())
            return False

        with pytest.raises(AssertionError, match="did not come to its end"):
            story_snapper(lambda *_, **__: True)(story)
        with pytest.raises(AssertionError, match="not the one that was accepted"):
            story_snapper(compare)(story)

    def test_a_scenario_whose_picture_differs_is_no_success(self) -> None:
        with pytest.raises(AssertionError, match="not the one that was accepted") as caught:
            scenario_snapper(lambda _: False)("hello", 0.5, size=(40, 10))
        assert DIFFERS in str(caught.value)


TWO = Scenario.model_validate(
    {
        "title": "Two",
        "users": [
            {"name": "Ada", "says": ["Hello!", "Thank you."], "think": [5, 5], "typing": 0},
            {"name": "Bob", "says": ["Good day!"], "typing": 0, "arrivals": {"how": "every", "seconds": 1, "start": 2}},  # noqa: E501
        ],
        "limits": {"max_concurrent": 1, "retry_attempts": 0},
        "server": {"tokens_per_second": 5},
    }
)  # fmt: skip


class Bare(App[None]):
    """Shows who has said what, in words, and how often a timer of its own went off."""

    def __init__(self, sessions: Any, clock: Any) -> None:
        super().__init__()
        self.sessions, self.wall, self.beats = sessions, clock, 0
        self.words = Static(markup=False)

    def compose(self) -> ComposeResult:
        yield self.words

    def on_mount(self) -> None:
        self.set_interval(0.5, self.beat)

    def beat(self) -> None:
        self.beats += 1


class TestStage:
    """An app of one's own, in virtual time."""

    def seen(self, at: float, **more: Any) -> tuple[Bare, str]:
        apps: list[Bare] = []

        def make(sessions: Any, clock: Any) -> Bare:
            apps.append(Bare(sessions, clock))
            return apps[0]

        told = ""

        async def before(pilot: Pilot[Any]) -> None:
            nonlocal told
            app = apps[0]
            turns = [
                f"{session.user}: {turn.question} {turn.state}"
                for session in app.sessions.sessions
                for turn in session.turns
            ]
            told = f"{app.wall.monotonic():.3f} {app.beats} {'; '.join(turns)}"

        play(TWO, at, make, size=(40, 10), before=before, **more)
        return apps[0], told

    def test_everything_goes_by_one_time(self) -> None:
        began = time.monotonic()
        assert self.seen(1)[1] == "1.000 2 Ada: Hello! streaming"
        told = self.seen(600)[1]
        assert told == (
            "600.000 1199 Ada: Hello! completed; Ada: Thank you. completed; "
            "Bob: Good day! completed"
        )
        assert time.monotonic() - began < 60  # and not ten minutes

    def test_the_limits_are_those_of_the_scenario(self) -> None:
        told = self.seen(2.1)[1]
        assert told.endswith("Ada: Hello! streaming; Bob: Good day! queued")

    def test_priorities_are_those_of_the_scenario(self) -> None:
        users = [
            {"name": name, "says": ["Hi!"], "typing": 0, "priority": priority}
            for name, priority in (("Ada", "normal"), ("Bob", "low"), ("Cleo", "high"))
        ]
        ranked = TWO.model_copy(
            update={"users": Scenario.model_validate({"title": "T", "users": users}).users}
        )
        waiting: list[str] = []

        async def before(pilot: Pilot[Any]) -> None:
            app: Any = pilot.app
            snapshot = app.sessions.service.snapshot()
            waiting.extend(request.user for request in snapshot.requests if request.position)

        play(ranked, 1, Bare, before=before)
        assert waiting == ["Cleo", "Bob"]

    def test_nothing_is_left_running(self) -> None:
        app, _ = self.seen(1)
        states = {turn.state.value for session in app.sessions.sessions for turn in session.turns}
        assert states == {"cancelled"}

    def test_the_same_picture_each_time(self) -> None:
        assert play("hello", 2.5) == play("hello", 2.5) != play("hello", 3.0)

    def test_keys_are_pressed_at_the_moment(self) -> None:
        assert "Everywhere" not in play("hello", 2.0)
        assert "Everywhere" in play("hello", 2.0, press=("f1",))

    def test_a_fault_of_the_app_is_the_tests_fault(self) -> None:
        class Broken(Bare):
            def beat(self) -> None:
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            play(TWO, 3, Broken)

    def test_an_unknown_scenario_is_named(self) -> None:
        with pytest.raises(ScenarioError, match="did you mean rush-hour"):
            play("rush-our", 1)

    async def test_in_a_running_loop_it_refuses(self) -> None:
        with pytest.raises(AssertionError, match="plain def"):
            play("hello", 1)


class TestVirtualApp:
    def test_each_timer_has_a_moment_of_its_own(self) -> None:
        async def main() -> list[float]:
            loop, seen = asyncio.get_running_loop(), list[float]()
            for seconds in (0.0004, 0.0008, 3600):
                loop.call_later(seconds, lambda: seen.append(loop.time()))
            await asyncio.sleep(4000)
            return seen

        assert run_app_virtual(main()) == pytest.approx([0.0004, 0.0008, 3600])

    def test_threads_are_waited_for_in_no_time(self) -> None:
        def slow() -> str:
            time.sleep(0.05)
            return "done"

        async def main() -> tuple[float, str]:
            loop = asyncio.get_running_loop()
            later = loop.call_later(3, lambda: None)
            said = await asyncio.to_thread(slow)
            later.cancel()
            return loop.time(), said

        assert run_app_virtual(main()) == (0.0, "done")

    def test_textual_has_its_own_time_again_afterwards(self) -> None:
        from textual import _time, app, pilot, timer  # noqa: PLC0415

        before = (_time.get_time, timer.sleep, app.wait_for_idle, pilot.wait_for_idle)  # type: ignore[attr-defined]
        play("hello", 0.5, size=(40, 10))
        assert before == (_time.get_time, timer.sleep, app.wait_for_idle, pilot.wait_for_idle)  # type: ignore[attr-defined]


class TestWhatItCosts:
    def loaded(self, code: str, cwd: Path) -> set[str]:
        script = f"import json, sys, pytest, pytest_asyncio\nbefore = set(sys.modules)\n{code}\n"
        done = subprocess.run(
            [sys.executable, "-c", script + "print(json.dumps(list(set(sys.modules) - before)))"],
            cwd=cwd,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
        )
        return set(json.loads(done.stdout))

    def test_a_project_that_does_not_use_it_loads_next_to_nothing(self, tmp_path: Path) -> None:
        assert self.loaded("import ccchat_tui.testing.plugin", tmp_path) == {
            "ccchat_tui",
            "ccchat_tui.testing",
            "ccchat_tui.testing.plugin",
        }

    def test_the_server_alone_loads_no_screen(self, tmp_path: Path) -> None:
        modules = self.loaded("from ccchat_tui.testing import OllamaServer", tmp_path)
        assert not {name.partition(".")[0] for name in modules} & {"textual", "rich", "httpx"}

    def test_what_can_be_had_is_said(self) -> None:
        assert ccchat_tui.testing.__all__ == [
            "AppUnderTest",
            "OllamaServer",
            "ScriptedBackend",
            "SnapScenario",
            "SnapStory",
            "Story",
            "demo_app",
            "run_app_virtual",
            "run_virtual",
            "scripted_app",
        ]
        for name in ccchat_tui.testing.__all__:
            assert getattr(ccchat_tui.testing, name) is not None
        with pytest.raises(AttributeError, match="no attribute 'nothing'"):
            ccchat_tui.testing.nothing  # noqa: B018
