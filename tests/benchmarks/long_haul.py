"""An hour of `long-haul` played in the app, and whether it holds more at its end than in its midst.

    python -m tests.benchmarks.long_haul [--minutes 60] [--every 5] [--fps 2]

In virtual time: the hour takes minutes. The app draws as always, only fewer frames a second. Every
so many minutes of the scenario it is asked what it holds: tasks, sockets, strips, threads, and
memory. All conversations stay open in the app, and what was said in them may be held; beside the
memory stands how much that is.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import socket
import sys
import threading
import time
from dataclasses import astuple, dataclass
from pathlib import Path

from textual.strip import Strip

from ccchat_tui.backends.demo import DemoBackend
from ccchat_tui.config import load_settings
from ccchat_tui.engine.handle import RequestHandle
from ccchat_tui.scenarios.files import load
from ccchat_tui.scenarios.limits import limits_of
from ccchat_tui.scenarios.virtual_time import LoopClock
from ccchat_tui.testing.virtual_app import run_app_virtual
from ccchat_tui.tui.app import CCChatApp
from ccchat_tui.tui.demo.run import Show, prepare
from ccchat_tui.tui.themes import load_themes


@dataclass(frozen=True, slots=True)
class Look:
    """What the app holds at a moment of the scenario."""

    minute: float
    tasks: int
    sockets: int
    threads: int
    strips: int
    handles: int
    """Requests that are still known to anybody."""
    turns: int
    said: float
    """Megabytes of text in all turns."""
    blocks: float
    """Thousands of pieces of memory that Python has given out."""
    memory: float
    """Megabytes that the process has of the machine's (Linux; elsewhere 0)."""
    took: float
    """Seconds of processor time since the last look."""


def look(app: CCChatApp, minute: float, took: float) -> Look:
    """What it holds now."""
    gc.collect()
    strips = sockets = handles = 0
    for each in gc.get_objects():
        kind = type(each)
        strips += kind is Strip
        handles += kind is RequestHandle
        sockets += isinstance(each, socket.socket) and each.fileno() >= 0
    turns = [turn for session in app.sessions.sessions for turn in session.turns]
    return Look(
        minute,
        len(asyncio.all_tasks()),
        sockets,
        threading.active_count(),
        strips,
        handles,
        len(turns),
        sum(len(turn.question) + len(turn.reply) for turn in turns) / 1e6,
        sys.getallocatedblocks() / 1000,
        resident(),
        took,
    )


def resident() -> float:
    """Megabytes of memory that this process has now."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return 0.0
    return pages * 4096 / 1e6


async def play(minutes: float, every: float, fps: int) -> None:
    """Play it, and print what is held as it goes."""
    scenario = load("long-haul", None)
    loaded = load_settings({"frames_per_second": fps}, {}, None)
    show = Show("long-haul", scenario, limits_of(scenario, loaded))
    given, parts = prepare(
        show, loaded.settings, LoopClock(), server=DemoBackend(seed=1), themes=load_themes()
    )
    app = CCChatApp(given, parts)
    app.animation_level = "none"
    used = time.process_time()
    async with app.run_test(size=(120, 40)):
        passed = 0.0
        while passed < minutes:
            await asyncio.sleep(every * 60)
            passed += every
            now = time.process_time()
            say(astuple(look(app, passed, now - used)))
            used = time.process_time()


def say(cells: tuple[object, ...]) -> None:
    """A line of the table."""
    words = (f"{cell:.1f}" if isinstance(cell, float) else str(cell) for cell in cells)
    sys.stdout.write("".join(f"{word:>9}" for word in words) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Read the command line, and play."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--every", type=float, default=5.0, help="minutes between two looks")
    parser.add_argument("--fps", type=int, default=2, help="frames a second")
    chosen = parser.parse_args()
    say(tuple(Look.__slots__))
    run_app_virtual(play(chosen.minutes, chosen.every, chosen.fps))


if __name__ == "__main__":
    main()
