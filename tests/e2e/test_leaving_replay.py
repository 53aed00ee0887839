"""A replay ends as the app does: by a signal, in good order."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.e2e.conftest import Start
from tests.runs.plays import made_up
from tests.runs.test_player import written


@pytest.mark.parametrize("name", ["TERM", "HUP"])
async def test_a_signal_while_it_plays(start: Start, tmp_path: Path, name: str) -> None:
    """The terminal is given back, and the code is what a shell gives it."""
    number = signal.Signals[f"SIG{name}"]
    log = written(tmp_path / "run.jsonl", list(made_up(30)))
    async with start("replay", str(log)) as terminal:
        await terminal.until("The arrow keys choose a request.")
        terminal.kill(number)
        assert await terminal.exit_code() == 128 + number
        assert terminal.not_given_back() == []
        assert b"Traceback" not in terminal.raw
