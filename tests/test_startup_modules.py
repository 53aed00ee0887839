"""The start is felt each time: what the first screen does not need is loaded later."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

SCRIPT = """
import json, sys
from textual.drivers.headless_driver import HeadlessDriver
from ccchat_tui.config import load_settings
from ccchat_tui.tui import run
from ccchat_tui.tui.app import CCChatApp
from ccchat_tui.tui.widgets.composer import PLACEHOLDER

loaded = None

class Screenless(HeadlessDriver):
    is_headless = False  # frames are written, as on a terminal

    def write(self, data):
        global loaded
        # The first letter lies under the cursor, and is written apart from the others.
        if loaded is None and PLACEHOLDER[1:20] in data:
            loaded = sorted(sys.modules)
            self._app.exit()

CCChatApp.get_driver_class = lambda app: Screenless
code = run.run_app(load_settings({"demo": True}, {}, None))
assert code == 0, code
print(json.dumps(loaded))
"""

NEEDLESS = (
    # Of others
    *("annotated_types", "anyio", "email", "h11", "hmac", "html", "httpcore", "httpx"),
    *("importlib.resources", "markdown_it", "multiprocessing", "prometheus_client"),
    *("pydantic", "pydantic_core", "pydantic_settings", "pygments", "rich.markdown"),
    *("rich.syntax", "rich.traceback", "secrets", "sqlite3", "starlette"),
    *("textual.widgets._data_table", "textual.widgets._markdown", "tree_sitter", "unittest"),
    *("uvicorn", "zipfile"),
    # Whole rooms of ours
    *(f"ccchat_tui.{room}" for room in ("api", "doctor", "event_log", "gen_ai", "logs", "remote")),
    *(f"ccchat_tui.{room}" for room in ("scenarios", "testing", "traces", "web")),
    # What checks, asks and tells
    *(f"ccchat_tui.config_{part}" for part in ("bindings", "keys", "rules", "servers", "words")),
    *(f"ccchat_tui.backends.{kind}" for kind in ("cache", "demo_writer", "http", "http_page")),
    *(f"ccchat_tui.backends.{kind}" for kind in ("ollama_models", "openai", "sse")),
    *(f"ccchat_tui.sessions.{part}" for part in ("archive", "export", "history", "search")),
    *(f"ccchat_tui.tui.markdown.{part}" for part in ("blocks", "code", "document", "inline")),
    *(f"ccchat_tui.tui.{part}" for part in ("demo", "editor", "theme_file", "timeline.screen")),
    "ccchat_tui.tui.widgets.compare_figures",
    "ccchat_tui.tui.widgets.history_rows",
)
"""Modules, each with all that is in it."""


SCREENS = {"chat_home", "chat_keys", "chat_panes", "chats"}
"""Of all screens only what the first one consists of."""
COMMANDS = {"main", "output", "parser"}
"""Of the command line what reads it, with its parts, if anything."""


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """What the app on the demo model has loaded when its first screen is written."""
    home = tmp_path_factory.mktemp("home")
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=home,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "HOME": str(home),
            "XDG_CONFIG_HOME": str(home),
            "XDG_DATA_HOME": str(home),
            "LOCALAPPDATA": str(home),
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_the_screen_was_there(loaded: set[str]) -> None:
    """Else everything below would hold."""
    assert {"textual.app", "ccchat_tui.tui.app", "ccchat_tui.backends.demo"} <= loaded


@pytest.mark.parametrize("module", NEEDLESS)
def test_the_first_screen_does_without(loaded: set[str], module: str) -> None:
    assert not [name for name in loaded if f"{name}.".startswith(f"{module}.")]


def within(loaded: set[str], package: str) -> set[str]:
    """The modules of a package that were loaded, by their own names."""
    return {name.removeprefix(package) for name in loaded if name.startswith(package)}


def test_no_other_screen_is_loaded(loaded: set[str]) -> None:
    assert within(loaded, "ccchat_tui.tui.screens.") == SCREENS


def test_no_other_command_is_loaded(loaded: set[str]) -> None:
    commands = within(loaded, "ccchat_tui.cli.")
    assert {name for name in commands if not name.startswith("parser_")} <= COMMANDS
