"""`ccchat scenarios`, and what a scenario means to the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ccchat_tui.cli.output import CommandError, complain, say, table, terminal_width, visible
from ccchat_tui.paths import scenarios_folder
from ccchat_tui.scenarios.files import ScenarioError, listed, load

if TYPE_CHECKING:
    from ccchat_tui.scenarios.model import Scenario


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
