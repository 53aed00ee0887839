"""`ccchat replay FILE`: a run that was logged, played back in the screens that showed it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.dom import DOMNode
from textual.theme import Theme
from textual.timer import Timer
from textual.widget import Widget

from ccchat_tui.runs.course import Course
from ccchat_tui.runs.player import Player
from ccchat_tui.text import one_line
from ccchat_tui.tui.base_app import BaseApp
from ccchat_tui.tui.keymap import Keymap
from ccchat_tui.tui.screens.ask_text import AskTextScreen
from ccchat_tui.tui.screens.help import HelpScreen, key_groups
from ccchat_tui.tui.themes import DEFAULT_THEME, ThemeSet, defaults_for
from ccchat_tui.tui.timeline.replay_bar import ReplayBar, read_moment
from ccchat_tui.tui.timeline.replay_queue import ReplayQueue
from ccchat_tui.tui.timeline.screen import RunScreen
from ccchat_tui.tui.widgets.queue_panel import QueuePanel

FRAMES = 15
"""Times a second that it is drawn while it plays."""


class ReplayApp(BaseApp):
    """Plays a run back. No server is asked, and nothing is changed.

    Args:
        player: What plays.
        themes: The colours there are.
        theme: The name of those to begin with.
        keymap: The keys of one's own.
        time_source: Seconds of the person who looks at it.
    """

    TITLE = "ccchat replay"
    CSS_PATH = Path(__file__).parents[1] / "app.tcss"
    BINDING_GROUP_TITLE = "Replay"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "play", "Play", tooltip="Play, or stand still"),
        Binding("comma", "step(-1)", "Step back", tooltip="To the moment before",
                show=False, id="replay.step_back"),
        Binding("full_stop", "step(1)", "Step", tooltip="To the next moment",
                show=False, id="replay.step_on"),
        Binding("less_than_sign", "speed(-1)", "Slower", tooltip="Half as fast",
                show=False, id="replay.slower"),
        Binding("greater_than_sign", "speed(1)", "Faster", tooltip="Twice as fast",
                show=False, id="replay.faster"),
        Binding("g", "jump", "Go to", tooltip="Go to a moment"),
        Binding("b", "bar", "Bar", tooltip="To the bar and back: the arrows move the replay",
                show=False),
        Binding("f1", "help", "Help", tooltip="Every key there is", priority=True, id="help"),
        Binding("ctrl+t", "change_theme", "Theme", tooltip="Change the colours", show=False,
                priority=True, id="change_theme"),
        Binding("ctrl+p", "command_palette", "Commands", tooltip="Find any command",
                show=False, id="command_palette"),
        Binding("ctrl+q", "quit", "Quit", tooltip="Leave the program", priority=True, id="quit"),
    ]  # fmt: skip

    def __init__(
        self,
        player: Player,
        themes: ThemeSet,
        *,
        theme: str = "",
        keymap: Keymap | None = None,
        time_source: Callable[[], float] = time.monotonic,
    ) -> None:
        self.keymap = keymap or Keymap()
        super().__init__()
        self.keymap.apply(self)
        self.player = player
        self._time = time_source
        self._then = 0.0
        self._timer: Timer | None = None
        for each in themes.themes.values():
            self.register_theme(each)
        self.theme = theme or DEFAULT_THEME
        self.bar = ReplayBar(player)
        self.queue = ReplayQueue(player)
        self.run_screen = RunScreen(player, chats=False, queue=self.queue, below=self.bar)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Our own variables, for themes that are not ours too."""
        theme: Theme | None = self.available_themes.get(self.theme)
        return defaults_for(theme)

    def _register_child(
        self, parent: DOMNode, child: Widget, before: int | None, after: int | None
    ) -> None:
        self.keymap.apply(child)
        super()._register_child(parent, child, before, after)

    async def on_mount(self) -> None:
        """Show the beginning, and what is missing."""

        def left(_: Course | None) -> None:
            self.exit()

        await self.push_screen(self.run_screen, left)
        for words in self.player.run.problems:
            self.notify(one_line(words, 300), severity="warning", timeout=10, markup=False)
        self.run_screen.set_focus(self.bar)
        self.look()

    # Time ---------------------------------------------------------------------------------

    def beat(self) -> None:
        """Some time has passed."""
        now = self._time()
        passed, self._then = now - self._then, now
        self.player.advance(passed)
        self.look()

    def look(self) -> None:
        """Draw the present, and beat on while it moves or is still being made out."""
        player = self.player
        player.catch_up()
        self.bar.draw()
        self.run_screen.show_news()
        moving = player.playing or not player.settled
        if moving and self._timer is None:
            self._then = self._time()
            self._timer = self.set_interval(1 / FRAMES, self.beat, name="replay")
        elif not moving and self._timer is not None:
            self._timer.stop()
            self._timer = None

    @on(ReplayBar.Moved)
    def _moved(self, event: ReplayBar.Moved) -> None:
        event.stop()
        self.look()

    # Keys ---------------------------------------------------------------------------------

    def action_play(self) -> None:
        """Play, or stand still."""
        self.player.toggle()
        self._then = self._time()
        self.look()

    def action_step(self, step: int) -> None:
        """To the moment before, or the next one."""
        self.player.step(step)
        self.look()

    def action_speed(self, step: int) -> None:
        """Slower or faster."""
        self.player.change_speed(step)
        self.look()

    def action_bar(self) -> None:
        """To the bar, or back to what is looked at."""
        if self.bar.has_focus:
            self.run_screen.focus_view()
        else:
            self.run_screen.set_focus(self.bar)

    def action_jump(self) -> None:
        """Ask for a moment, and go there."""
        player = self.player
        total = player.end - player.began

        def answered(typed: str | None) -> None:
            if not typed:
                return
            moment = read_moment(typed, total)
            if moment is None:
                words = f"{one_line(typed, 30)!r} is no moment; try 12.5, 3m05, 1:02:03 or 50%"
                self.notify(words, severity="warning", markup=False)
                return
            player.seek(player.began + moment)
            self.look()

        words = "Seconds since the beginning, or 3m05, or 1:02:03, or 50%."
        self.push_screen(AskTextScreen("Go to", words), answered)

    def action_help(self) -> None:
        """Show every key there is."""
        if isinstance(self.screen, HelpScreen):
            return
        places = [("The replay", self), ("In the bar", self.bar), *self.run_screen.places()]
        groups = key_groups(places, self.get_key_display)
        self.push_screen(HelpScreen(groups, "Keys as they are bound now."))

    @on(QueuePanel.OpenRequested)
    def _open(self) -> None:
        self.notify("There are no chats here: a log has no words of anybody.", timeout=4)
