"""Has a scenario played in the app: opens it, steers it, and says how it stands."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from ccchat_tui.engine.request import Priority
from ccchat_tui.scenarios.player import GLIMPSE, Player
from ccchat_tui.scenarios.scene_clock import SceneClock
from ccchat_tui.text import one_line
from ccchat_tui.tui.demo.bar import DemoBar, Status
from ccchat_tui.tui.demo.desks import Desks
from ccchat_tui.tui.demo.keys import bind
from ccchat_tui.tui.screens.choose import ChooseScreen
from ccchat_tui.tui.widgets.deck import grid_shape

if TYPE_CHECKING:
    from textual.screen import Screen
    from textual.timer import Timer

    from ccchat_tui.scenarios.model import Scenario
    from ccchat_tui.scenarios.server import ScenarioServer
    from ccchat_tui.tui.app import CCChatApp

T = TypeVar("T")

DEMO_SENTENCE = (
    "Simulated users write here, and no server is asked: this is the built-in demo model."
)
SERVER_SENTENCE = "Simulated users write here."
BEAT = 0.1
"""Seconds between two looks at how it stands."""
GRID = 6
"""So many chats, or fewer, are shown side by side to begin with, where there is room for it."""
_SPEEDS = (0.5, 1.0, 2.0, 4.0, 8.0)
_PRIORITIES = {"low": Priority.LOW, "normal": Priority.NORMAL, "high": Priority.HIGH}


class Director:
    """Plays one scenario in an app that has a chat for each of its users.

    Args:
        app: The app.
        scenario: What is played.
        seed: Begins every choice.
        scene: The time that the users go by, and the demo model with them.
        server: The demo model; `None` where a real server is asked.
        compare: Makes the screen that shows it one at a time and at once; `None` for none.
        choices: What else may be played, by name.
    """

    def __init__(
        self,
        app: CCChatApp,
        scenario: Scenario,
        seed: int,
        *,
        scene: SceneClock,
        server: ScenarioServer | None,
        compare: Callable[[], Screen[None]] | None = None,
        choices: Callable[[], Sequence[tuple[str, Scenario]]] = lambda: (),
    ) -> None:
        self.scene = scene
        self.wanted = ""
        """What is played after the app was left: `restart`, `next`, `chosen` or nothing."""
        self.chosen: tuple[str, Scenario] | None = None
        """What was chosen, by name."""
        self.desks = Desks(app, app.keymap.told("demo.back", "Alt+B"))
        self.player = Player(
            scenario,
            seed,
            pace=scene,
            open_desk=self.desks.open,
            begin=(lambda: None) if server is None else server.begin,
            troubles=server is not None,
            glimpse=lambda: GLIMPSE * scene.speed,
        )
        self.bar = DemoBar(app.keymap)
        self._app = app
        self._scenario = scenario
        self._real = server is None
        self._compare = compare
        self._choices = choices
        self._task: asyncio.Task[None] | None = None
        self._timer: Timer | None = None
        app.sessions.priorities = {
            name: _PRIORITIES[user.priority] for user in scenario.users for name in user.names
        }

    async def start(self) -> None:
        """Begin; the first screen stands."""
        app = self._app
        bind(app.chats, app.keymap)
        app.chats.refresh_bindings()
        await app.chats.mount(self.bar, after=app.chats.tabs)
        app.connection.say(SERVER_SENTENCE if self._real else DEMO_SENTENCE)
        app.call_after_refresh(self._lay_out)
        self._task = asyncio.create_task(self.player.run(), name="demo")
        self._timer = app.set_interval(BEAT, self.beat, name="demo")
        self.beat()

    def _lay_out(self) -> None:
        """Show few chats side by side, where all of them fit."""
        deck = self._app.chats.deck
        size, count = deck.size, len(deck.panes)
        if 1 < count <= GRID and grid_shape(count, 0, size.width, size.height).count == count:
            deck.show(grid=True)

    async def aclose(self) -> None:
        """Stop it, and wait until it has stopped."""
        if self._timer is not None:
            self._timer.stop()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        self.scene.stop()
        self.desks.close()

    # Looking ------------------------------------------------------------------------------

    @property
    def playing(self) -> bool:
        """Whether it has begun."""
        return self._task is not None

    def beat(self) -> None:
        """Notice who was taken over from, and say how it stands."""
        if self._task is not None and self._task.done() and not self._task.cancelled():
            self._task.result()  # a fault of ours is to be seen
        self.player.look()
        self.bar.show(self.status)

    @property
    def status(self) -> Status:
        """How it stands."""
        player, scene = self.player, self.scene
        following = player.next
        return Status(
            title=self._scenario.title,
            elapsed=player.elapsed,
            speed=scene.speed,
            paused=scene.paused,
            over=player.over,
            next=following.words if following else "",
            next_in=following.at - player.elapsed if following else 0.0,
            yours=tuple(dict.fromkeys(place.conversation.user for place in player.yours)),
            line=player.line,
            of_users_only=self._real,
        )

    # Steering -----------------------------------------------------------------------------

    def do(self, what: str) -> None:
        """What a key of the demo asks for."""
        match what:
            case "pause" if self.scene.paused:
                self.scene.resume()
            case "pause":
                self.scene.pause()
            case "faster":
                self._step(1)
            case "slower":
                self._step(-1)
            case "back":
                self._give_back()
            case "restart" | "next":
                self.wanted = what
                self._app.exit()
            case "choose":
                self._choose()
            case "compare" if self._compare is not None:
                self._show_above(self._compare())
        self.beat()

    def _choose(self) -> None:
        """Ask what is to be played in place of this one."""
        there = list(self._choices())
        if not there or isinstance(self._app.screen, ChooseScreen):
            return

        def answered(place: int | None) -> None:
            if place is not None:
                self.chosen = there[place]
                self.wanted = "chosen"
                self._app.exit()

        lines = [one_line(f"{name}: {each.about or each.title}", 200) for name, each in there]
        question = "It begins at once, in place of this one."
        self._show_above(ChooseScreen("Play a scenario", question, lines), answered)

    def _show_above(
        self, screen: Screen[T], answered: Callable[[T | None], None] = lambda _answer: None
    ) -> None:
        """Meanwhile this one stands still."""
        ran = not self.scene.paused
        self.scene.pause()

        def left(answer: T | None) -> None:
            if ran:
                self.scene.resume()
            self.beat()
            answered(answer)

        self._app.push_screen(screen, left)

    def _step(self, step: int) -> None:
        speed = self.scene.speed
        nearest = min(range(len(_SPEEDS)), key=lambda place: abs(_SPEEDS[place] - speed))
        self.scene.set_speed(_SPEEDS[min(len(_SPEEDS) - 1, max(0, nearest + step))])

    def _give_back(self) -> None:
        """The chat that is worked in, if it was taken; otherwise the one that was taken first."""
        self.player.look()
        yours = self.player.yours
        here = self.desks.at(self._app.chats.active.session.id)
        chosen = [place for place in yours if place.desk is here] or yours
        if not chosen:
            self._app.notify("No chat was taken over: write in one to take it.", timeout=4)
            return
        self.player.give_back(chosen[0])
