"""The applications that the drawing benchmark runs: on a driver that takes all output as a real
terminal would, and measures when it came."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from textual.app import App, ComposeResult
from textual.containers import Grid, Vertical, VerticalScroll
from textual.drivers.headless_driver import HeadlessDriver
from textual.widgets import Markdown, TextArea

from ccchat_tui.clock import SystemClock
from ccchat_tui.sessions.model import Turn, TurnState
from ccchat_tui.tui.frames import FrameClock
from ccchat_tui.tui.widgets.transcript import Transcript


class SinkDriver(HeadlessDriver):
    """Swallows what a terminal would be sent. Unlike the headless driver it says that it is a
    terminal, so that every frame is turned into escape sequences, as in earnest."""

    awaited: str = ""
    """A text whose arrival is to be noticed."""
    arrived: asyncio.Event | None = None
    look: Callable[[str], None] | None = None
    """Told of all that is written."""
    written: int = 0
    writes: int = 0

    @property
    def is_headless(self) -> bool:
        return False

    def write(self, data: str) -> None:
        self.written += len(data)
        self.writes += 1
        if self.look is not None:
            self.look(data)
        if self.awaited and self.arrived is not None and self.awaited in data:
            self.arrived.set()


Body = Callable[[Any], Awaitable[None]]


def run(app: App[None], body: Body, size: tuple[int, int]) -> None:
    """Run an application, and a coroutine beside it that ends it; its faults are raised here."""
    faults: list[BaseException] = []

    async def pilot(_pilot: object) -> None:
        try:
            await body(app)
        except BaseException as fault:
            faults.append(fault)
        finally:
            app.exit()

    app.run(headless=False, size=size, auto_pilot=pilot, mouse=False)
    if faults:
        raise faults[0]


def make_turn(number: int = 1) -> Turn:
    """A turn whose reply streams."""
    return Turn(
        f"turn-{number}", "Tell me a long story.", "bench", SystemClock().now(), TurnState.STREAMING
    )


class TranscriptApp(App[None]):
    """One transcript over the whole screen."""

    def __init__(self) -> None:
        super().__init__(driver_class=SinkDriver)
        self.transcript = Transcript()

    def compose(self) -> ComposeResult:
        yield self.transcript


class MarkdownApp(App[None]):
    """Textual's own Markdown widget over the whole screen."""

    def __init__(self) -> None:
        super().__init__(driver_class=SinkDriver)
        self.markdown = Markdown()
        self.scroll = VerticalScroll(self.markdown)

    def compose(self) -> ComposeResult:
        yield self.scroll


class PanesApp(App[None]):
    """Several panes in a grid, each with a composer, on one frame clock."""

    CSS = """
    Grid { grid-size: 4 2; }
    TextArea { height: 3; }
    """

    def __init__(self, panes: int) -> None:
        super().__init__(driver_class=SinkDriver)
        self.transcripts = [Transcript() for _ in range(panes)]
        self.composers = [TextArea() for _ in range(panes)]
        self.turns = [make_turn(number) for number in range(panes)]
        self.clock = FrameClock(self)

    def compose(self) -> ComposeResult:
        with Grid():
            for transcript, composer in zip(self.transcripts, self.composers, strict=True):
                yield Vertical(transcript, composer)

    def on_mount(self) -> None:
        for transcript, turn in zip(self.transcripts, self.turns, strict=True):
            transcript.set_turns([turn])
            self.clock.attach(transcript)
        self.composers[0].focus()


async def settled(app: App[None]) -> None:
    """Wait until what was asked for has been drawn."""
    drawn = asyncio.Event()
    app.screen.call_after_refresh(drawn.set)
    async with asyncio.timeout(30):
        await drawn.wait()


def cpu() -> float:
    """Seconds of processor time of this process."""
    return time.process_time()
