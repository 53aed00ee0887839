"""`ccchat scenarios`, and what a scenario means to the settings."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ccchat_tui.cli_output import CommandError, complain, say, table, terminal_width, visible
from ccchat_tui.paths import scenarios_folder
from ccchat_tui.scenarios.files import ScenarioError, listed, load

if TYPE_CHECKING:
    from ccchat_tui.config import Loaded
    from ccchat_tui.engine.limits import EngineSettings
    from ccchat_tui.scenarios.model import Scenario

_LIMITS = {
    "max_concurrent": "max_concurrent_chats",
    "max_concurrent_per_user": "max_concurrent_per_user",
    "requests_per_minute": "requests_per_minute",
    "retry_attempts": "chat_retry_attempts",
    "timeout": "chat_timeout",
}
"""The limits that a scenario may name, and the settings that count more."""


def print_scenarios() -> int:
    """Print what can be played.

    Returns:
        0, or 1 if there is a file that cannot.
    """
    there = list(listed(scenarios_folder()))
    rows = [
        (
            visible(each.name),
            str(len(each.scenario.names)),
            str(each.scenario.expected),
            visible(f"{each.scenario.title}. {each.scenario.about}".strip()),
        )
        for each in there
        if each.scenario is not None
    ]
    head = ("scenario", "users", "messages", "what there is to see")
    say(table(head, rows, width=terminal_width(), right={1, 2}))
    say("")
    say(f"your own go into {visible(str(scenarios_folder()))}")
    bad = [each.problem for each in there if each.scenario is None]
    for problem in bad:
        complain(problem)
    return 1 if bad else 0


def scenario_called(name: str) -> Scenario:
    """The scenario of that name, or in that file. Raises `CommandError` in words."""
    try:
        return load(name, scenarios_folder())
    except ScenarioError as error:
        raise CommandError(error.message, 2) from None


def limits_of(scenario: Scenario, loaded: Loaded) -> EngineSettings:
    """The engine's limits: what the person has set, then what the scenario says."""
    limits = loaded.settings.engine()
    named = {
        limit: getattr(scenario.limits, limit)
        for limit, setting in _LIMITS.items()
        if loaded.is_default(setting)
    }
    # Nothing that a person can set, so that nothing stands against it.
    named["fallback_quiet"] = scenario.limits.fallback_quiet
    if loaded.is_default("max_queue"):
        named["max_queue"] = max(limits.max_queue, scenario.expected)
    weights = {name: user.weight for user in scenario.users for name in user.names}
    return replace(limits, **named, user_weights={**weights, **limits.user_weights})
