"""Who is compared: how each is installed, told of a server, and talked to."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

MODEL = "llama3.2:3b"
ROOT = Path(__file__).parents[3]


@dataclass(frozen=True, slots=True)
class Home:
    """An empty home of its own, and what is in it for the program.

    Args:
        folder: Where it lives.
        python: The interpreter of its environment.
        url: Of the server that it is to ask.
    """

    folder: Path
    python: Path
    url: str

    def write(self, name: str, text: str) -> None:
        """Put a file there."""
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Program:
    """A chat client for the terminal."""

    name: str
    package: str
    """What is installed, in the version that was measured; empty for this one."""
    words: tuple[str, ...]
    """Its command; the first word is a script of its environment."""
    prepare: Callable[[Home], Mapping[str, str]]
    """Tells it of the server before it starts; returns what it has in its environment."""
    send: str
    """The key that sends what was typed."""


def _ccchat(home: Home) -> Mapping[str, str]:
    return {
        "OLLAMA_HOST": home.url,
        "PYTHONPATH": str(ROOT),
        # One person asks five times in one chat.
        "MAX_CONCURRENT_PER_USER": "5",
    }


def _elia(home: Home) -> Mapping[str, str]:
    model = {"id": "bench", "name": f"ollama_chat/{MODEL}", "api_base": home.url}
    lines = [f"{key} = {json.dumps(value)}" for key, value in model.items()]
    text = 'default_model = "bench"\n[[models]]\n' + "\n".join(lines) + "\n"
    home.write(".config/elia/config.toml", text)
    return {}


def _oterm(home: Home) -> Mapping[str, str]:
    env = {"OTERM_DATA_DIR": str(home.folder / "data"), "OLLAMA_URL": home.url}
    home.write("data/config.json", json.dumps({"splash-screen": False}))
    # It has no chat to begin with; one is made as its own dialogue makes it.
    script = (
        "import asyncio\n"
        "from oterm.store.store import Store\n"
        "from oterm.types import ChatModel\n"
        "async def make():\n"
        "    store = await Store.get_store()\n"
        f"    await store.save_chat(ChatModel(name='bench', model={MODEL!r}))\n"
        "asyncio.run(make())\n"
    )
    subprocess.run(
        [str(home.python), "-c", script],
        env={**env, "HOME": str(home.folder)},
        cwd=home.folder,
        check=True,
        capture_output=True,
    )
    return env


def _parllama(home: Home) -> Mapping[str, str]:
    settings = {
        "starting_tab": "Chat",
        "last_tab": "Chat",
        "last_llm_config": {"provider": "Ollama", "model_name": MODEL, "temperature": 0.5},
        "ollama": {"ollama_host": home.url, "ollama_ps_poll_interval": 0},
        "ui": {"show_first_run": False, "check_for_updates": False},
    }
    home.write(".local/share/parllama/settings.json", json.dumps(settings))
    return {}


PROGRAMS = (
    Program("ccchat", "", (sys.executable, "-m", "ccchat_tui"), _ccchat, "\r"),
    Program("elia", "elia-chat==1.10.0", ("elia",), _elia, "\n"),
    Program("oterm", "oterm==0.26.1", ("oterm",), _oterm, "\r"),
    Program("parllama", "parllama==0.10.1", ("parllama", "-s", "chat", "-p", "0"), _parllama, "\r"),
)


class NoEnvironmentError(Exception):
    """A program could not be installed; says why."""


def python_of(program: Program, cache: Path) -> Path:
    """The interpreter of a program's environment, which is made if it is missing.

    Raises:
        NoEnvironmentError: It cannot be installed.
    """
    if not program.package:
        return Path(sys.executable)
    folder = cache / program.package.replace("==", "-")
    python = folder / "bin" / "python"
    if not (folder / "bin" / program.words[0]).exists():
        sys.stderr.write(f"installing {program.package} into {folder} ...\n")
        for command in (
            [sys.executable, "-m", "venv", "--clear", str(folder)],
            [str(python), "-m", "pip", "install", "--quiet", program.package],
        ):
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                said = done.stderr.strip().splitlines() or ["no reason given"]
                raise NoEnvironmentError(f"{program.package} cannot be installed: {said[-1]}")
    return python
