"""For tests of apps that are built on our widgets, and of ours: everything that makes a picture of
one come out the same on every machine.

Installed with `pip install 'ccchat-tui[testing]'`, it is a plugin of pytest. Its fixtures:

- `snap_scenario` plays a scenario in an app to a moment of virtual time, and compares a picture;
- `ccchat_app` makes the whole app with time that stands still, `snap_story` compares a picture of
  it after a few lines of a story;
- `frozen_clock` and `demo_backend` are the clock and the model of that app;
- `fake_ollama` is an Ollama server at a port of this machine that misbehaves when it is told to.

What the fixtures are made of can be had from here too, and is loaded when it is asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ccchat_tui.testing.app import AppUnderTest, demo_app, scripted_app
    from ccchat_tui.testing.ollama_server import OllamaServer
    from ccchat_tui.testing.pictures import SnapScenario, SnapStory, Story
    from ccchat_tui.testing.scripted import ScriptedBackend
    from ccchat_tui.testing.virtual_app import run_app_virtual
    from ccchat_tui.testing.virtual_time import run_virtual

__all__ = [
    "AppUnderTest",
    "OllamaServer",
    "ScriptedBackend",
    "SnapScenario",
    "SnapStory",
    "Story",
    "demo_app",
    "run_app_virtual",
    "run_virtual",
    "scripted_app",
]

_WHERE = {
    "app": ("AppUnderTest", "demo_app", "scripted_app"),
    "ollama_server": ("OllamaServer",),
    "pictures": ("SnapScenario", "SnapStory", "Story"),
    "scripted": ("ScriptedBackend",),
    "virtual_app": ("run_app_virtual",),
    "virtual_time": ("run_virtual",),
}


def __getattr__(name: str) -> object:
    """Load what is asked for: pytest imports this package in projects that use nothing of it."""
    for module, names in _WHERE.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
