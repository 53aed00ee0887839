"""The app as it plays a scenario, with time that stands still."""

from __future__ import annotations

from typing import Any

from ccchat_tui.backends.base import ChatBackend
from ccchat_tui.clock import ManualClock
from ccchat_tui.config import Settings
from ccchat_tui.engine.limits import EngineSettings
from ccchat_tui.scenarios.files import load
from ccchat_tui.scenarios.model import Scenario
from ccchat_tui.sessions.ids import counted_ids
from ccchat_tui.testing.app import THEMES, AppUnderTest, idle
from ccchat_tui.testing.scripted import ScriptedBackend
from ccchat_tui.tui.app import Parts
from ccchat_tui.tui.demo.director import Director
from ccchat_tui.tui.demo.run import Show, prepare


class DemoUnderTest(AppUnderTest):
    """An app that plays, and whose time and scene are moved together."""

    @property
    def show(self) -> Director:
        """Who has it played."""
        assert self.director is not None
        return self.director

    async def pass_time(self, seconds: float, step: float = 0.05) -> None:
        """Let time pass in steps, and everything happen that is due in each of them."""
        for _ in range(round(seconds / step)):
            self.time.advance(step)
            self.show.scene.beat()
            await idle()
            self.watch_queue.tick()
        self.show.beat()
        await self.settle()

    def user_of(self, number: int) -> str:
        """Whose tab it is."""
        return self.session(number).user


def show_of(named: str | Scenario, **more: Any) -> Show:
    """A scenario, with its own limits."""
    scenario = load(named, None) if isinstance(named, str) else named
    limits = EngineSettings(**scenario.limits.model_dump(), max_queue=max(1000, scenario.expected))
    return Show(scenario.title, scenario, limits, **more)


def playing(
    named: str | Scenario, *, server: ChatBackend | None = None, speed: float = 1.0, **settings: Any
) -> DemoUnderTest:
    """An app that plays a scenario.

    Args:
        named: The scenario.
        server: The server that is asked; none for the demo model.
        speed: How many times faster.
        settings: By field.
    """
    clock = ManualClock(start=1000.0)
    given: Settings
    parts: Parts
    given, parts = prepare(
        show_of(named, speed=speed, real=server is not None),
        Settings(**settings),
        clock,
        server=server or ScriptedBackend(),
        driven=True,
        themes=THEMES,
        new_id=counted_ids(),
    )
    return DemoUnderTest(given, parts, clock)
