"""Starts the app with a scenario to be played in it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from ccchat_tui.backends.connect import load_client, open_servers
from ccchat_tui.clock import Clock, SystemClock
from ccchat_tui.paths import themes_folder
from ccchat_tui.quick import dataclass
from ccchat_tui.scenarios.limits import limits_of
from ccchat_tui.scenarios.scene_clock import SceneClock
from ccchat_tui.scenarios.server import ScenarioServer
from ccchat_tui.scenarios.worlds import Load
from ccchat_tui.sessions.presets import Preset
from ccchat_tui.tui.alt_keys import teach_alt_keys
from ccchat_tui.tui.app import CCChatApp, Parts
from ccchat_tui.tui.demo.compare_screen import SPEED, CompareScreen
from ccchat_tui.tui.demo.director import Director
from ccchat_tui.tui.demo.keys import DEMO_KEYS
from ccchat_tui.tui.keymap import read_keymap
from ccchat_tui.tui.pasted_escapes import keep_pasted_escapes
from ccchat_tui.tui.run import check_theme, run_until_left
from ccchat_tui.tui.screens.chats import ChatsScreen
from ccchat_tui.tui.steady_columns import keep_columns
from ccchat_tui.tui.themes import load_themes

if TYPE_CHECKING:
    from ccchat_tui.backends.base import ChatBackend
    from ccchat_tui.beside import Beside
    from ccchat_tui.config import Loaded, Settings
    from ccchat_tui.engine.limits import EngineSettings
    from ccchat_tui.scenarios.model import Scenario


@dataclass(frozen=True, slots=True)
class Show:
    """What is to be played, and how."""

    name: str
    scenario: Scenario
    limits: EngineSettings
    seed: int | None = None
    """`None` for the scenario's own."""
    speed: float = 1.0
    real: bool = False
    """Whether the servers of the settings are asked, and not the demo model."""
    compare: bool = False
    """Whether it is shown one at a time and at once, and nothing else."""

    @property
    def chance(self) -> int:
        """The seed that counts."""
        return self.scenario.seed if self.seed is None else self.seed


def load_of(show: Show, settings: Settings) -> Load:
    """What is run twice, where a comparison is asked for."""
    return Load(
        show.scenario,
        show.chance,
        show.limits,
        system=settings.system,
        temperature=settings.temperature,
    )


def prepare(
    show: Show,
    settings: Settings,
    clock: Clock,
    *,
    server: ChatBackend,
    driven: bool = False,
    choices: Callable[[], Sequence[tuple[str, Scenario]]] = lambda: (),
    **parts: Any,
) -> tuple[Settings, Parts]:
    """What an app is made from that plays a scenario. Nothing that the person keeps is read or
    written.

    Args:
        show: What is played.
        settings: The person's own.
        clock: Real time, or what stands for it.
        server: Who is asked, where it is a real one.
        driven: Whoever moves the clock calls `beat` on the director's scene, too.
        choices: What else may be played, by name.
        parts: Further parts of the app, by name.
    """
    scenario = show.scenario
    scene = SceneClock(clock, speed=show.speed, driven=driven)
    demo = ScenarioServer(
        scenario.server, () if show.real else scenario.troubles, show.chance, pace=scene
    )

    def direct(app: CCChatApp) -> Director:
        load = load_of(show, settings)
        return Director(
            app,
            scenario,
            show.chance,
            scene=scene,
            server=None if show.real else demo,
            compare=lambda: CompareScreen(load, clock),
            choices=choices,
        )

    tokens = scenario.server.reply_tokens
    quiet = replace(
        settings, users=scenario.names, notify="off", confirm_quit=False, restore_tabs=False
    )
    made = Parts(
        server=server,
        demo=demo,
        demo_asked=not show.real,
        # A real server's time is the real one, and so are the figures of what it does.
        clock=clock if show.real else scene,
        rng=random.Random(f"{show.chance}:engine"),
        preset=Preset(options={} if tokens is None else {"num_predict": tokens}),
        limits=show.limits,
        colours={name: user.colour for user in scenario.users for name in user.names},
        direct=direct,
        **parts,
    )
    return quiet, made


def run_demo(
    loaded: Loaded,
    show: Show,
    following: Callable[[Show], Show],
    choices: Callable[[], Sequence[tuple[str, Scenario]]],
    beside: Callable[[], Beside | None] = lambda: None,
) -> int:
    """Play scenarios until the person leaves.

    Args:
        loaded: The settings.
        show: What is played first.
        following: The next one, after the one that was played.
        choices: What may be chosen, by name.
        beside: Makes what runs beside each app's engine, such as the API.

    Returns:
        The exit code, as `run_app` has it.

    Raises:
        SettingsError: A setting names something that there is not. Nothing was drawn yet.
    """
    settings = loaded.settings
    themes = load_themes(themes_folder())
    check_theme(settings.theme, themes)
    keymap = read_keymap(settings.keys, loaded.sources["keys"])
    own = [(",".join(keys), "", "") for keys in keymap.keys.values() if keys]
    teach_alt_keys([*ChatsScreen.BINDINGS, *DEMO_KEYS, *own])
    keep_pasted_escapes()
    keep_columns()
    while True:
        server = open_servers(
            settings.model_servers(),
            api_key=settings.api_key.get_secret_value(),
            connect_timeout=settings.connect_timeout,
        )
        clock = SystemClock()
        given, parts = prepare(
            show,
            settings,
            clock,
            server=server,
            choices=choices,
            themes=themes,
            keymap=keymap,
            load_client=load_client,
            limits_of=partial(limits_of, loaded=loaded),
            warnings=loaded.warnings,
        )
        if show.compare:
            parts = replace(parts, direct=None, first=partial(_compare_only, show, clock, server))
        app = CCChatApp(given, parts)
        code = asyncio.run(run_until_left(app, None, beside()))
        wanted = "" if app.director is None else app.director.wanted
        chosen = None if app.director is None else app.director.chosen
        if wanted == "next":
            show = following(show)
        elif wanted == "chosen" and chosen is not None:
            name, scenario = chosen
            show = replace(show, name=name, scenario=scenario, limits=limits_of(scenario, loaded))
        elif wanted != "restart":
            return code


def _compare_only(show: Show, clock: Clock, server: ChatBackend, app: CCChatApp) -> None:
    """Show nothing but the comparison: who leaves it leaves the program."""
    app.push_screen(
        CompareScreen(
            load_of(show, app.settings),
            clock,
            speed=SPEED if show.speed == 1.0 else show.speed,
            backend=server if show.real else None,
            model=app.settings.model,
            left=app.exit,
        )
    )
