"""Starts the app in a terminal, and gives the terminal back whatever happens."""

from __future__ import annotations

import asyncio
import sys
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from textual.theme import BUILTIN_THEMES

from ccchat_tui.backends.connect import load_client, open_servers
from ccchat_tui.backends.demo import DemoBackend
from ccchat_tui.beside import Beside
from ccchat_tui.config import Loaded, SettingsError
from ccchat_tui.paths import chosen_store, config_file, config_folder, themes_folder
from ccchat_tui.sessions.presets import Preset, PresetError, Presets
from ccchat_tui.sessions.store import Store
from ccchat_tui.text import one_line
from ccchat_tui.tui.alt_keys import teach_alt_keys
from ccchat_tui.tui.app import CCChatApp, Parts
from ccchat_tui.tui.keymap import read_keymap
from ccchat_tui.tui.leaving import Leaving
from ccchat_tui.tui.memory import set_startup_aside
from ccchat_tui.tui.pasted_escapes import keep_pasted_escapes
from ccchat_tui.tui.screens.chats import ChatsScreen
from ccchat_tui.tui.steady_columns import keep_columns
from ccchat_tui.tui.themes import ThemeSet, load_themes

if TYPE_CHECKING:
    from ccchat_tui.engine.limits import EngineSettings
    from ccchat_tui.remote.service import RemoteService
    from ccchat_tui.scenarios.model import Scenario

SETTLED_AFTER = 1.0
"""Seconds after which the first screen stands."""


def run_app(
    loaded: Loaded, beside: Beside | None = None, remote: RemoteService | None = None
) -> int:
    """Run the app until the person leaves it, or somebody asks it to end.

    Args:
        loaded: The settings.
        beside: What runs beside the app's engine, such as the API.
        remote: The engine of another ccchat, to work on instead of one of our own.

    Returns:
        The exit code: 0, 1 after a fault, 128 and the signal's number after a signal.

    Raises:
        SettingsError: A setting names something that there is not. Nothing was drawn yet.
    """
    settings, tabs_of = loaded.settings, None
    if not loaded.is_default("users"):
        tabs_of = frozenset(settings.users)
    if remote is not None and not remote.me.admin:
        # Nobody else's requests would be taken there.
        tabs_of = frozenset({remote.me.user})
        settings = replace(settings, users=(remote.me.user,))
    themes = load_themes(themes_folder())
    check_theme(settings.theme, themes)
    presets = Presets(config_folder() / "presets.toml")
    keymap = read_keymap(settings.keys, loaded.sources["keys"])
    servers = settings.model_servers()
    file = chosen_store(settings.store)
    parts = Parts(
        server=remote.server
        if remote
        else open_servers(
            servers,
            api_key=settings.api_key.get_secret_value(),
            connect_timeout=settings.connect_timeout,
            cache=settings.cache(),
        ),
        demo=DemoBackend(),
        demo_asked=settings.demo and not remote,
        remote=remote,
        themes=themes,
        presets=presets,
        preset=preset_named(settings.preset, presets),
        keymap=keymap,
        prompts=(loaded.file or config_file()).parent / "prompts",
        load_client=load_client,
        store=None if file is None else Store(file),
        tabs_of=tabs_of,
        limits_of=partial(_limits_of, loaded=loaded),
        warnings=(*loaded.warnings, *(each.warning for each in servers if each.warning)),
    )
    own = [(",".join(keys), "", "") for keys in keymap.keys.values() if keys]
    teach_alt_keys([*ChatsScreen.BINDINGS, *own])
    keep_pasted_escapes()
    keep_columns()
    return asyncio.run(run_until_left(CCChatApp(settings, parts), parts.store, beside))


def check_theme(name: str, themes: ThemeSet | None = None) -> None:
    """Raise `SettingsError` if there is no theme of that name; an empty one is the app's choice.

    Args:
        name: What was asked for.
        themes: Those there are, if they have been loaded.
    """
    themes = themes or load_themes(themes_folder())
    there = [*themes.themes, *BUILTIN_THEMES]
    if name and name not in there:
        raise SettingsError(
            f"theme cannot be {name!r}: there is none of that name. "
            f"There are {', '.join(there)}; your own go into {themes_folder()}."
            + "".join(f"\n{problem}" for problem in themes.problems)
        )


def preset_named(name: str, presets: Presets) -> Preset:
    """The preset of new chats; one that leaves everything to the model if none is named.

    Raises:
        SettingsError: There is none of that name, or it cannot be used.
    """
    if not name:
        return Preset()
    try:
        there = presets.load()
    except PresetError as error:
        raise SettingsError(f"preset cannot be {name!r}: {error.message}") from None
    if name not in there:
        known = f"There are {', '.join(there)}" if there else "There are none yet"
        raise SettingsError(
            f"preset cannot be {name!r}: there is none of that name that can be used. "
            f"{known}; they are kept in {presets.file}."
            + "".join(f"\n{problem}" for problem in presets.problems)
        )
    return there[name]


async def run_until_left(app: CCChatApp, store: Store | None, beside: Beside | None) -> int:
    """Run it, with signals answered by an orderly end."""
    leaving = Leaving(app, app.settings.drain_timeout)
    aside = asyncio.get_running_loop().call_later(SETTLED_AFTER, set_startup_aside)
    try:
        with leaving.listening():
            around = beside(app.engine) if beside and app.engine else nullcontext()
            async with around as outside:
                app.outside = outside
                await app.run_async()
                await leaving.outlive()
    finally:
        aside.cancel()
        app.keeping.stop()
        unsaved = "" if store is None else await _close(store)
    if unsaved:
        print(unsaved, file=sys.stderr)
    return leaving.code or app.return_code or (1 if unsaved else 0)


async def _close(store: Store) -> str:
    """Write what is still to be written. Returns what is to be said of what cannot be."""
    if not await store.aclose():
        return ""
    why = f": {store.problem.message}" if store.problem else ""
    return one_line(f"ccchat: not everything that was said could be saved{why}", 1000)


def _limits_of(scenario: Scenario, loaded: Loaded) -> EngineSettings:
    from ccchat_tui.scenarios.limits import limits_of  # noqa: PLC0415 - the first screen needs none

    return limits_of(scenario, loaded)
