"""The whole app over a backend that the test holds in its hand, with time that stands still."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from datetime import UTC
from pathlib import Path
from typing import Any

from textual.app import App
from textual.timer import Timer

from ccchat_tui.backends.base import ChatBackend
from ccchat_tui.backends.demo import DemoBackend
from ccchat_tui.clock import ManualClock
from ccchat_tui.config import Settings
from ccchat_tui.sessions.ids import counted_ids
from ccchat_tui.sessions.model import Session
from ccchat_tui.sessions.presets import Preset, Presets
from ccchat_tui.testing.scripted import ScriptedBackend
from ccchat_tui.tui.app import CCChatApp, Parts
from ccchat_tui.tui.keymap import Keymap
from ccchat_tui.tui.themes import load_themes
from ccchat_tui.tui.widgets.chat_pane import ChatPane

THEMES = load_themes()
NO_SERVER = "Ollama does not answer at http://127.0.0.1:11434"


class AppUnderTest(CCChatApp):
    """The app with nothing that moves by itself, and with its parts at hand."""

    def __init__(self, settings: Settings, parts: Parts, clock: ManualClock) -> None:
        super().__init__(settings, parts)
        self.animation_level = "none"
        self.time = clock
        # However slow the machine is, a frame is drawn whole.
        self.frames._time = lambda: 0.0

    def set_interval(self, *args: Any, **kwargs: Any) -> Timer:
        """A timer that stands still: `settle` and `pass_time` say when it is time."""
        return super().set_interval(*args, **{**kwargs, "pause": True})

    def _fatal_error(self) -> None:
        """The test framework raises the fault; nothing is written about it."""
        self.panic("a fault under test")

    @property
    def script(self) -> ScriptedBackend:
        """The server of the test."""
        server = self.connection.server
        assert isinstance(server, ScriptedBackend)
        return server

    @property
    def pane(self) -> ChatPane:
        """The pane that is worked in."""
        return self.chats.active

    def session(self, number: int) -> Session:
        """A conversation by the number of its tab."""
        return self.chats.deck.panes[number - 1].session

    async def ask(self, text: str, number: int | None = None) -> None:
        """Send a message in a pane, as its composer would, and let it be drawn."""
        session = self.pane.session if number is None else self.session(number)
        self.sessions.send(session, text)
        await self.settle()

    async def settle(self) -> None:
        """Let everything that is ready happen, then draw it: one frame, one look at the queue."""
        await idle()
        self.frames.tick()
        self.frames.tick()
        self.watch_queue.wake()
        self.watch_queue.tick()
        await drawn(self)

    async def pass_time(self, seconds: float, step: float = 0.05) -> None:
        """Let time pass in steps, and everything happen that is due in each of them."""
        for _ in range(round(seconds / step)):
            self.time.advance(step)
            await idle()
            self.watch_queue.tick()
        await self.settle()


async def idle(turns: int = 20) -> None:
    """Give every task that is ready its turn, and those it wakes, and so on."""
    for _ in range(turns):
        await asyncio.sleep(0)


async def drawn(app: App[Any]) -> None:
    """Wait until what was asked for has been laid out and drawn. Raises `TimeoutError`."""
    for _ in range(2):
        done = asyncio.Event()
        app.screen.call_after_refresh(done.set)
        async with asyncio.timeout(20):
            await done.wait()


async def until(condition: Callable[[], bool], within: float = 20.0) -> None:
    """Wait until something holds. Raises `TimeoutError` if it does not in time."""
    async with asyncio.timeout(within):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event of its own
            await asyncio.sleep(0.005)


def scripted_app(
    server: ChatBackend | None = None,
    *,
    demo_asked: bool = False,
    keymap: Keymap | None = None,
    prompts: Path | None = None,
    presets: Presets | None = None,
    preset: Preset | None = None,
    clock: ManualClock | None = None,
    demo: ChatBackend | None = None,
    **settings: Any,
) -> AppUnderTest:
    """An app over a `ScriptedBackend`, in memory, with counted ids and chance that is seeded.

    Args:
        server: Another server than a scripted one that answers.
        demo_asked: As `--demo` does.
        keymap: The keys of one's own.
        prompts: The folder of prompt templates.
        presets: Where settings of chats are kept by name.
        preset: What new chats are asked with.
        clock: Its time; one of its own unless given.
        demo: The demo model; one that goes by the clock unless given.
        settings: By field; one user called Ada and no limit of requests a minute unless given.
    """
    clock = clock or ManualClock(start=1000.0)
    given = {"users": ("Ada",), "requests_per_minute": 0, **settings}
    parts = Parts(
        server=server or ScriptedBackend(),
        demo=demo or DemoBackend(seed=7, pace=clock),
        demo_asked=demo_asked,
        presets=presets,
        preset=preset or Preset(),
        zone=UTC,
        clock=clock,
        new_id=counted_ids(),
        rng=random.Random(7),
        themes=THEMES,
        keymap=keymap or Keymap(),
        prompts=prompts,
    )
    return AppUnderTest(Settings(**given), parts, clock)


def demo_app(**settings: Any) -> AppUnderTest:
    """An app on the demo model, whose time is that of the test."""
    return scripted_app(demo_asked=True, **settings)
