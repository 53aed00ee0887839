"""Draws the pictures of the README: `python -m tests.screenshots`.

They are taken of the real app on the demo model, with a fixed seed and a clock that stands still
unless it is moved, so that they come out the same on every machine. `--check` draws them again
and says which differ from those that are there.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from textual.pilot import Pilot

from ccchat_tui.clock import ManualClock
from ccchat_tui.config import Settings
from ccchat_tui.testing.app import NO_SERVER, AppUnderTest, demo_app, drawn, scripted_app
from ccchat_tui.testing.scripted import ScriptedBackend
from ccchat_tui.tui.demo.compare_screen import CompareScreen
from ccchat_tui.tui.demo.run import load_of
from ccchat_tui.tui.recording.record import Wanted, record
from tests.demo.demo_app import show_of
from tests.walk import STORIES as WALK
from tests.walk import walk_app

FOLDER = Path(__file__).resolve().parents[1] / "screenshots"

Story = Callable[[AppUnderTest, Pilot[None]], Awaitable[None]]


@dataclass(frozen=True)
class Picture:
    """One picture: an app, its size, and what is done before it is taken."""

    make: Callable[[], AppUnderTest]
    story: Story
    size: tuple[int, int] = (120, 36)
    settings: dict[str, Any] = field(default_factory=dict)


async def _chat(app: AppUnderTest, pilot: Pilot[None]) -> None:
    await app.ask("How does a B-tree differ from a binary search tree?")
    await app.pass_time(9)
    await app.ask("Show me the same in Python, please.")
    await app.ask("And when would I want a hash table?")
    await app.pass_time(5)
    await pilot.press(*"Meanwhile")
    await app.settle()


async def _queue(app: AppUnderTest, pilot: Pilot[None]) -> None:
    questions = (
        "Why is the sky blue?",
        "Plan three days in Lisbon",
        "Explain the CAP theorem",
        "What makes bread rise?",
        "Compare TCP and QUIC",
        "Write a haiku about rain",
    )
    for number in range(1, len(app.settings.users) + 1):
        for question in questions[number - 1 : number + 2]:
            await app.ask(question, number)
    await app.pass_time(4)
    app.chats.panel.queue.list.focus()
    await pilot.press("down", "down")
    await app.settle()


async def _grid(app: AppUnderTest, pilot: Pilot[None]) -> None:
    await pilot.press("ctrl+g")
    for number, question in enumerate(
        ("Explain recursion", "Compare tea and coffee", "List five sorting algorithms",
         "Write a function that reverses a list"),
        1,
    ):  # fmt: skip
        await app.ask(question, number)
    await app.pass_time(6)


async def _no_server(app: AppUnderTest, pilot: Pilot[None]) -> None:
    await app.settle()
    await app.ask("What are you?")
    await app.pass_time(4)


async def _side_by_side(app: AppUnderTest, seconds: float) -> None:
    clock = ManualClock()
    screen = CompareScreen(load_of(show_of("rush-hour"), Settings()), clock, speed=8)
    await app.push_screen(screen)
    clock.advance(seconds / 8)
    for _ in range(2):
        screen.beat()
        await drawn(app)


async def _compare(app: AppUnderTest, pilot: Pilot[None]) -> None:
    await _side_by_side(app, 34)


async def _differed(app: AppUnderTest, pilot: Pilot[None]) -> None:
    await _side_by_side(app, 5000)


PICTURES: dict[str, Picture] = {
    "chat": Picture(demo_app, _chat),
    "queue": Picture(lambda: demo_app(users=("Ada", "Bob", "Cleo")), _queue),
    "grid": Picture(
        lambda: demo_app(users=("Ada", "Bob", "Cleo", "Dan"), panel_width=36, theme="ember"),
        _grid,
        (160, 44),
    ),
    "no-server": Picture(
        lambda: scripted_app(ScriptedBackend(down=NO_SERVER)), _no_server, (120, 30)
    ),
    **{name: Picture(walk_app, story, (110, 30)) for name, story in WALK.items()},
    "compare": Picture(demo_app, _compare, (120, 26)),
    "compare-figures": Picture(demo_app, _differed, (100, 32)),
}

RECORDED: dict[str, Wanted] = {
    "demo": Wanted("demo", (150, 40), until=8.2),
    "hello": Wanted("hello", (110, 32), animated=Path("hello.svg"), until=16),
}
"""Pictures of `ccchat demo hello`, as it records them: the last one, or the one that moves."""
NAMES = (*PICTURES, *RECORDED)


def recorded(name: str) -> str:
    """One picture of a recording, as SVG. To be called where no event loop runs."""
    wanted = RECORDED[name]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        if wanted.animated is None:
            record(show_of("hello"), Settings(), replace(wanted, pictures=folder))
            return (folder / f"{name}-end.svg").read_text(encoding="utf-8")
        moving = folder / wanted.animated
        record(show_of("hello"), Settings(), replace(wanted, animated=moving))
        return moving.read_text(encoding="utf-8")


async def draw(name: str) -> str:
    """One picture, as SVG."""
    picture = PICTURES[name]
    app = picture.make()
    async with app.run_test(size=picture.size) as pilot:
        await app.settle()
        await picture.story(app, pilot)
        return app.export_screenshot(title="ccchat") + "\n"


def main(arguments: list[str] | None = None) -> int:
    """The command. Returns the exit code."""
    parser = argparse.ArgumentParser(description="Draw the pictures of the README.")
    parser.add_argument("--check", action="store_true", help="only say which of them differ")
    parser.add_argument("names", nargs="*", help=f"some of: {', '.join(NAMES)}")
    options = parser.parse_args(arguments)
    different = []
    for name in options.names or NAMES:
        file = FOLDER / f"{name}.svg"
        svg = recorded(name) if name in RECORDED else asyncio.run(draw(name))
        same = file.exists() and file.read_text(encoding="utf-8") == svg
        if not same:
            different.append(name)
            if not options.check:
                file.parent.mkdir(exist_ok=True)
                file.write_text(svg, encoding="utf-8", newline="\n")
        print(f"{file.name}: {'same' if same else 'differs' if options.check else 'drawn'}")
    return 1 if options.check and different else 0


if __name__ == "__main__":
    sys.exit(main())
