"""However it ends, the terminal is given back and nothing is left behind."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from ccchat_tui.testing.ollama_server import Phase
from tests.e2e.conftest import Start, files
from tests.e2e.streaming import streaming


@pytest.mark.parametrize("name", ["HUP", "INT"])
async def test_a_signal_while_it_streams(start: Start, name: str) -> None:
    """It ends in good order: the code that a shell gives it, connections closed, nothing said."""
    number = signal.Signals[f"SIG{name}"]
    async with streaming(start) as it:
        it.terminal.kill(number)
        assert await it.terminal.exit_code() == 128 + number
        await it.chat.reached(Phase.LEFT)
        await it.server.settled()
        assert it.terminal.not_given_back() == []
        assert b"Traceback" not in it.terminal.raw


async def test_the_window_is_closed(start: Start, tmp_path: Path) -> None:
    """With nothing left to draw on it ends too, and tells the server."""
    async with streaming(start) as it:
        it.terminal.close()
        assert await it.terminal.exit_code() == 128 + signal.SIGHUP
        await it.chat.reached(Phase.LEFT)
        await it.server.settled()
        assert files(tmp_path, "last-fault.txt") == []


async def test_quit_asks_only_while_something_runs(start: Start) -> None:
    """Ctrl+Q asks, Esc goes back to a reply that runs on; afterwards it leaves at once."""
    async with streaming(start) as it:
        it.terminal.send("\x11")
        await it.terminal.until("1 request is still waiting or running.")
        it.terminal.send("\x1b")
        await it.terminal.until(lambda screen: "Leave ccchat?" not in screen)
        assert it.chat.phase is Phase.GENERATING
        await it.chat.finish()
        await it.terminal.until("✓")
        it.terminal.send("\x11")
        assert await it.terminal.exit_code() == 0
        assert it.terminal.not_given_back() == []


async def test_quit_cancels_what_runs(start: Start) -> None:
    """Yes to the question: the connection is closed before the program has ended."""
    async with streaming(start) as it:
        it.terminal.send("\x11")
        await it.terminal.until("Leave ccchat?")
        it.terminal.send("y")
        assert await it.terminal.exit_code() == 0
        await it.chat.reached(Phase.LEFT)
        assert it.terminal.not_given_back() == []


FAULTS = {
    "in an action": "CCChatApp.change_limit = broken",
    "while drawing": "Transcript.render_line = broken",
}
TO_BREAK = """
import sys
from ccchat_tui.cli.main import main
from ccchat_tui.tui.app import CCChatApp
from ccchat_tui.tui.widgets.transcript import Transcript

def broken(*args, **kwargs):
    raise ZeroDivisionError("a fault [/oops] \\x1b]0;owned\\x07 made on purpose")

{break_it}
sys.exit(main(["--demo"]))
"""


@pytest.mark.parametrize("where", FAULTS)
async def test_a_fault_of_ours(start: Start, tmp_path: Path, where: str) -> None:
    """One sentence, the terminal given back, and the details in a file instead of on the screen."""
    async with start(python=TO_BREAK.format(break_it=FAULTS[where])) as terminal:
        if where == "in an action":
            await terminal.until("demo:medium")
            terminal.send("\x1b=")
        assert await terminal.exit_code() == 1
        assert terminal.not_given_back() == []
        assert b"Traceback" not in terminal.raw
        assert b"\x1b]0;owned" not in terminal.raw
        said = terminal.raw.rpartition(b"\x1b[?1049l")[2].decode()
        assert said.count("a fault of its own ended it (ZeroDivisionError: a fault [/oops]") == 1
        assert "last-fault.txt" in said.replace("\r\n", "")
        [written] = files(tmp_path, "last-fault.txt")
        assert "Traceback" in written


async def test_a_bad_setting(start: Start) -> None:
    """Named, with what is allowed, before anything is drawn."""
    async with start(env={"MAX_CONCURRENT_CHATS": "many"}) as terminal:
        assert await terminal.exit_code() == 2
        said = " ".join(terminal.raw.decode().split())
        assert "max_concurrent_chats cannot be 'many' (environment MAX_CONCURRENT_CHATS)" in said
        assert "a whole number from 1 to 1000" in said
        assert b"\x1b" not in terminal.raw
