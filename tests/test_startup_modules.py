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
    "anyio",
    "h11",
    "httpcore",
    "httpx",
    "markdown_it",
    "multiprocessing",
    "pydantic_settings",
    "pygments.formatters",
    "pygments.lexer",
    "pygments.lexers",
    "rich.markdown",
    "rich.syntax",
    "rich.traceback",
    "sqlite3",
    "starlette",
    "textual.widgets._data_table",
    "textual.widgets._markdown",
    "tree_sitter",
    "unittest",
    "uvicorn",
    "ccchat_tui.backends.cache",
    "ccchat_tui.backends.demo_writer",
    "ccchat_tui.backends.http",
    "ccchat_tui.backends.ollama_models",
    "ccchat_tui.backends.openai",
    "ccchat_tui.backends.sse",
    "ccchat_tui.backends.openai",
    "ccchat_tui.cli_simulate",
    "ccchat_tui.scenarios",
)
"""Modules, each with all that is in it."""


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
