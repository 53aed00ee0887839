"""From the chats to a load that is run one at a time and at once, whatever is going on there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ccchat_tui.clock import SystemClock
from ccchat_tui.paths import scenarios_folder
from ccchat_tui.scenarios.files import listed
from ccchat_tui.scenarios.worlds import MOST_COMPARED, Load
from ccchat_tui.text import one_line
from ccchat_tui.tui.demo.compare_screen import CompareScreen
from ccchat_tui.tui.screens.choose import ChooseScreen

if TYPE_CHECKING:
    from collections.abc import Callable

    from ccchat_tui.clock import Clock
    from ccchat_tui.engine.limits import EngineSettings
    from ccchat_tui.scenarios.model import Scenario
    from ccchat_tui.tui.app import CCChatApp

QUESTION = "Which load? The built-in demo model answers it; your chats and your server go on."


def choose_load(
    app: CCChatApp, limits_of: Callable[[Scenario], EngineSettings], clock: Clock | None = None
) -> None:
    """Ask for a scenario, and run it twice side by side.

    Args:
        app: Where it is shown.
        limits_of: The engine's limits for a scenario.
        clock: Real time.
    """
    there = [
        (each.name, each.scenario)
        for each in listed(scenarios_folder())
        if each.scenario is not None and each.scenario.expected <= MOST_COMPARED
    ]

    def answered(place: int | None) -> None:
        if place is None:
            return
        scenario = there[place][1]
        load = Load(
            scenario,
            scenario.seed,
            limits_of(scenario),
            system=app.settings.system,
            temperature=app.settings.temperature,
        )
        app.push_screen(CompareScreen(load, clock or SystemClock()))

    lines = [
        one_line(f"{name}: {scenario.about or scenario.title}", 200) for name, scenario in there
    ]
    app.push_screen(ChooseScreen("One at a time and at once", QUESTION, lines), answered)
