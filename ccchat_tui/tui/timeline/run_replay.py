"""Starts the replay of an event log in a terminal."""

from __future__ import annotations

import asyncio
import gc
from pathlib import Path

from ccchat_tui.config import Loaded
from ccchat_tui.ending import Ending
from ccchat_tui.paths import themes_folder
from ccchat_tui.runs.logged import LoggedRun
from ccchat_tui.runs.player import Player
from ccchat_tui.tui.alt_keys import teach_alt_keys
from ccchat_tui.tui.keymap import read_keymap
from ccchat_tui.tui.memory import set_startup_aside
from ccchat_tui.tui.run import check_theme
from ccchat_tui.tui.themes import load_themes
from ccchat_tui.tui.timeline.replay_app import ReplayApp


def run_replay(loaded: Loaded, path: Path) -> int:
    """Play a log until the person leaves it, or somebody asks it to end.

    Args:
        loaded: The settings; of them theme and keys are used.
        path: The file. It is read whole before anything is drawn.

    Returns:
        The exit code.

    Raises:
        EventLogError: It cannot be played.
        SettingsError: A setting names something that there is not.
    """
    settings = loaded.settings
    themes = load_themes(themes_folder())
    check_theme(settings.theme, themes)
    keymap = read_keymap(settings.keys, loaded.sources["keys"])
    # Reading makes much that stays and no garbage to look for.
    gc.disable()
    try:
        run = LoggedRun(path)
    finally:
        set_startup_aside()
    teach_alt_keys([(",".join(keys), "", "") for keys in keymap.keys.values() if keys])
    app = ReplayApp(Player(run), themes, theme=settings.theme, keymap=keymap)
    return asyncio.run(_run(app))


async def _run(app: ReplayApp) -> int:
    """Run it, with signals answered by an orderly end."""
    ending = Ending(app.exit, app.exit)
    with ending.listening():
        await app.run_async()
    return 128 + ending.came if ending.came else app.return_code or 0
