"""The real program with nothing of this machine around it, against a real server."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ccchat_tui.testing.ollama_server import OllamaServer
from tests.e2e.terminal import Terminal

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
FOLDERS = (
    "HOME",
    "XDG_CONFIG_HOME",
    "XDG_STATE_HOME",
    "XDG_CACHE_HOME",
    "XDG_DATA_HOME",
    "APPDATA",
    "LOCALAPPDATA",
)

Start = Callable[..., Terminal]
"""Starts `ccchat` with some words behind it; `server`, `env`, `columns`, `rows` and `python` by
name."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Windows has no pseudo-terminals of this kind."""
    if sys.platform == "win32":
        for item in items:
            if HERE in item.path.parents:
                item.add_marker(pytest.mark.skip(reason="needs the pseudo-terminals of Unix"))


@pytest.fixture
def start(tmp_path: Path) -> Start:
    """Starts the program, at home in an empty folder."""
    home = tmp_path / "home"
    home.mkdir()
    clean = {
        **dict.fromkeys(FOLDERS, str(home)),
        "PATH": os.environ.get("PATH", os.defpath),
        "PYTHONPATH": str(ROOT),
        "LANG": "C.UTF-8",
        "TZ": "UTC",
    }

    def start(
        *words: str,
        server: OllamaServer | None = None,
        env: dict[str, str] | None = None,
        python: str = "",
        columns: int = 120,
        rows: int = 40,
    ) -> Terminal:
        told = {"OLLAMA_HOST": server.url} if server else {}
        program = ["-c", python] if python else ["-m", "ccchat_tui"]
        return Terminal(
            [sys.executable, *program, *words],
            env={**clean, **told, **(env or {})},
            folder=home,
            columns=columns,
            rows=rows,
        )

    return start


def files(folder: Path, name: str) -> list[str]:
    """What is in the files of a name, anywhere below a folder."""
    return [file.read_text(encoding="utf-8") for file in folder.rglob(name) if file.is_file()]
