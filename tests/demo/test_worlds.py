"""One load run in two ways side by side, and its figures beside those without a screen."""

from __future__ import annotations

import json
import threading

import pytest

from ccchat_tui.backends.connect import open_servers
from ccchat_tui.backends.hosts import read_hosts
from ccchat_tui.cli.main import main
from ccchat_tui.clock import SystemClock
from ccchat_tui.config import load_settings
from ccchat_tui.engine.limits import EngineSettings
from ccchat_tui.engine.request import RequestState
from ccchat_tui.scenarios.files import load
from ccchat_tui.scenarios.limits import limits_of
from ccchat_tui.scenarios.model import Scenario
from ccchat_tui.scenarios.worlds import LiveWorld, Load, VirtualWorld
from ccchat_tui.testing.ollama_server import OllamaServer

pytestmark = pytest.mark.usefixtures("clean_environment")


def load_of(name: str, seed: int = 0) -> Load:
    scenario = load(name, None)
    return Load(scenario, seed, limits_of(scenario, load_settings({}, {}, None)))


def worlds(name: str, seed: int = 0) -> tuple[VirtualWorld, VirtualWorld]:
    made = load_of(name, seed)
    return VirtualWorld(made, concurrent=False), VirtualWorld(made, concurrent=True)


@pytest.mark.parametrize(
    ("name", "seed"),
    [("hello", 0), ("rush-hour", 3), ("noisy-neighbour", 0), ("server-trouble", 1)],
)
def test_the_figures_are_those_of_the_command(
    capsys: pytest.CaptureFixture[str], name: str, seed: int
) -> None:
    """However unevenly the two are led on, and however often they are looked at."""
    words = ["simulate", "--compare", "--json", "--virtual", "--scenario", name, f"--seed={seed}"]
    assert main(words) == 0
    told = json.loads(capsys.readouterr().out)
    apart = worlds(name, seed)
    moment = 0.0
    while not all(world.over for world in apart):
        moment += 1.37
        for world in apart:
            world.advance(moment)
            world.glimpses(3)
            assert world.snapshot is not None
    assert [world.figures for world in apart] == [told["one_at_a_time"], told["at_once"]]
    for world in apart:
        world.close()


def test_they_stand_at_the_moment_they_were_told() -> None:
    before, after = worlds("rush-hour")
    for world in (before, after):
        world.advance(14.0)
        moments = [at for course in world.lanes.courses for _, at in course.phases]
        assert 12 < max(moments) <= 14
        assert not world.over
    assert before.snapshot is not None
    assert after.snapshot is not None
    assert before.snapshot.in_flight == 1 < after.snapshot.in_flight
    assert before.snapshot.queue_length > after.snapshot.queue_length
    (glimpse,) = before.glimpses(9)
    assert glimpse.text
    assert len(after.glimpses(9)) == after.snapshot.in_flight
    assert len(after.glimpses(1)) == 1
    for world in (before, after):
        world.close()


def test_one_that_is_closed_midway_leaves_nothing_behind() -> None:
    present = threading.active_count()
    before, after = worlds("rush-hour")
    before.advance(10)
    after.advance(10)
    before.close()
    after.close()
    before.close()
    assert threading.active_count() == present
    assert all(course.state is not None for course in before.lanes.courses)
    assert RequestState.CANCELLED in {course.state for course in after.lanes.courses}
    after.advance(20)
    assert not after.over


class TestOnAServer:
    def load(self) -> Load:
        users = [
            {"name": name, "says": ["One?", "Two?"], "think": [0, 0], "typing": 0}
            for name in ("Ada", "Bob", "Cleo")
        ]
        scenario = Scenario.model_validate({"title": "T", "users": users})
        return Load(scenario, 0, EngineSettings(requests_per_minute=0))

    async def test_both_are_run_in_real_time(self) -> None:
        async with OllamaServer() as server:
            backend = open_servers(read_hosts(server.url))
            peaks = []
            for concurrent in (False, True):
                world = LiveWorld(self.load(), concurrent=concurrent)
                await world.run(backend, SystemClock())
                assert world.over
                assert world.snapshot is not None
                assert world.figures["completed"] == 6
                assert not world.glimpses(3)
                peaks.append(world.snapshot.peak_concurrency)
            await backend.aclose()
        assert peaks == [1, 3]

    async def test_a_server_that_does_not_answer_is_told_in_words(self) -> None:
        backend = open_servers(read_hosts("127.0.0.1:9"))
        world = LiveWorld(self.load(), concurrent=True)
        await world.run(backend, SystemClock())
        await backend.aclose()
        assert "127.0.0.1:9" in world.problem
        assert not world.over
