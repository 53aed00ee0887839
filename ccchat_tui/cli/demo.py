"""`ccchat demo`: a scenario played in the app, or one at a time and at once side by side."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ccchat_tui.cli.demo_record import asked_for, record_demo
from ccchat_tui.cli.output import CommandError, is_terminal
from ccchat_tui.cli.scenario import scenario_called
from ccchat_tui.paths import scenarios_folder
from ccchat_tui.scenarios.files import listed
from ccchat_tui.scenarios.limits import limits_of
from ccchat_tui.scenarios.worlds import MOST_COMPARED

if TYPE_CHECKING:
    from ccchat_tui.beside import Beside
    from ccchat_tui.config import Loaded
    from ccchat_tui.scenarios.model import Scenario

MOST_USERS = 60
"""Simulated users that the app has tabs for."""
MOST_CONVERSATIONS = 1000
"""Conversations that are played in it; those of one user make way for each other."""
FIRST = "hello"
"""What is played where nothing is named."""


def demo(
    loaded: Loaded,
    given: Mapping[str, Any],
    beside: Callable[[], Beside | None] = lambda: None,
) -> int:
    """Play a scenario in the app until the person leaves it.

    Args:
        loaded: The settings.
        given: The command line.
        beside: Makes what runs beside each app's engine.

    Returns:
        The exit code.

    Raises:
        CommandError: If the scenario cannot be played, or not in the app; or there is no terminal.
    """
    from ccchat_tui.config import SettingsError  # noqa: PLC0415
    from ccchat_tui.tui.demo.run import Show, run_demo  # noqa: PLC0415 - the way to Textual
    from ccchat_tui.tui.run import check_theme  # noqa: PLC0415

    compare = bool(given.get("compare"))
    name = given.get("scenario", FIRST)
    scenario = scenario_called(name)
    check_size(name, scenario, compare=compare)
    show = Show(
        name,
        scenario,
        limits_of(scenario, loaded),
        seed=given.get("seed"),
        speed=given.get("speed", 1.0),
        real="ollama_host" in given,
        compare=compare,
    )

    def playable() -> list[tuple[str, Scenario]]:
        return [
            (each.name, each.scenario)
            for each in listed(scenarios_folder())
            if each.scenario is not None and not too_large(each.scenario)
        ]

    def following(played: Show) -> Show:
        there = playable()
        place = next((at for at, (name, _) in enumerate(there) if name == played.name), -1)
        name, then = there[(place + 1) % len(there)]
        return replace(played, name=name, scenario=then, limits=limits_of(then, loaded))

    try:
        if asked_for(given):
            return record_demo(show, loaded.settings, given)
        if all(map(is_terminal, (sys.stdin, sys.stdout, sys.stderr))):
            return run_demo(loaded, show, following, playable, beside)
        check_theme(loaded.settings.theme)
    except SettingsError as error:
        raise CommandError(str(error), 2) from None
    raise CommandError(
        "a demo draws on a terminal, and there is none here (input or output is a file or a pipe); "
        f"`ccchat simulate --scenario {name}` plays it without a screen, and "
        f"`ccchat demo {name} --svg FOLDER` draws pictures of it"
    )


def too_large(scenario: Scenario) -> str:
    """Why a scenario is too much for the app; empty if it is not."""
    users = len(scenario.names)
    if users > MOST_USERS:
        return f"has {users:,} users, and the app shows a tab for each of at most {MOST_USERS}"
    conversations = sum(user.count * user.conversations for user in scenario.users)
    if conversations > MOST_CONVERSATIONS:
        return (
            f"has {conversations:,} conversations, and the app shows at most {MOST_CONVERSATIONS:,}"
        )
    return ""


def check_size(name: str, scenario: Scenario, *, compare: bool) -> None:
    """Raise `CommandError` for a scenario that is too much to be looked at."""
    if compare:
        messages = scenario.expected
        why = (
            f"sends {messages:,} messages, and at most {MOST_COMPARED:,} are looked at side by side"
        )
        if messages <= MOST_COMPARED:
            return
    else:
        why = too_large(scenario)
        if not why:
            return
    more = " --compare" if compare else ""
    raise CommandError(
        f"{name} {why}; `ccchat simulate --scenario {name} --virtual{more}` runs it without a "
        "screen",
        2,
    )
