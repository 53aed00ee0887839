"""The app: holds the engine, the conversations and the connection, and wires them to the screen."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import field
from datetime import tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast

from platformdirs import user_downloads_path
from textual import on
from textual.binding import Binding, BindingType
from textual.command import CommandPalette
from textual.dom import DOMNode
from textual.screen import Screen
from textual.theme import Theme
from textual.widget import Widget
from textual.widgets import Input

from ccchat_tui.backends.base import ChatBackend
from ccchat_tui.backends.pending import PendingBackend
from ccchat_tui.beside import Outside
from ccchat_tui.clock import Clock, SystemClock
from ccchat_tui.config import Settings
from ccchat_tui.engine.events import EngineEvent, RequestEnded
from ccchat_tui.engine.facade import ChatService
from ccchat_tui.engine.limits import EngineSettings
from ccchat_tui.engine.service import ConcurrentChatService
from ccchat_tui.quick import dataclass
from ccchat_tui.sessions.ids import random_id
from ccchat_tui.sessions.manager import SessionManager
from ccchat_tui.sessions.presets import Preset, Presets
from ccchat_tui.sessions.store import Store
from ccchat_tui.text import one_line, sanitize
from ccchat_tui.tui import small
from ccchat_tui.tui.base_app import BaseApp
from ccchat_tui.tui.broadcasts import Broadcasts
from ccchat_tui.tui.commands import ChatCommands, ThemeCommands
from ccchat_tui.tui.comparing import Comparisons
from ccchat_tui.tui.connection import Connection
from ccchat_tui.tui.documents import Documents
from ccchat_tui.tui.frames import FrameClock
from ccchat_tui.tui.keeping import Keeping
from ccchat_tui.tui.keymap import Keymap
from ccchat_tui.tui.leaving import tell_of_end
from ccchat_tui.tui.model_desk import ModelDesk
from ccchat_tui.tui.model_facts import ModelFacts
from ccchat_tui.tui.notices import ReplyNotices
from ccchat_tui.tui.screens.chats import ChatsScreen
from ccchat_tui.tui.slash import Slash
from ccchat_tui.tui.slash_commands import builtin_commands
from ccchat_tui.tui.slash_templates import PromptFolder
from ccchat_tui.tui.slash_together import together_commands
from ccchat_tui.tui.slash_turns import turn_commands
from ccchat_tui.tui.themes import DEFAULT_THEME, ThemeSet, defaults_for, load_themes
from ccchat_tui.tui.timeline.desk import RunDesk
from ccchat_tui.tui.watch import QueueWatch

if TYPE_CHECKING:
    from ccchat_tui.remote.service import RemoteService
    from ccchat_tui.scenarios.model import Scenario
    from ccchat_tui.tui.demo.director import Director

MOST_AT_ONCE = 1000
"""The limit of requests in flight can be raised to this while running."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What the app is put together from; time and chance are passed in."""

    server: ChatBackend
    """What is asked, if it answers."""
    demo: ChatBackend
    """What answers if it does not."""
    demo_asked: bool = False
    """The demo model was asked for outright."""
    remote: RemoteService | None = None
    """The engine of another ccchat, to work on instead of one of our own."""
    clock: Clock = field(default_factory=SystemClock)
    new_id: Callable[[], str] = random_id
    rng: random.Random = field(default_factory=random.Random)
    themes: ThemeSet = field(default_factory=load_themes)
    load_client: Callable[[], None] | None = None
    """Loads what asking the server takes; called in a thread before it is first asked."""
    store: Store | None = None
    """Where conversations are kept; `None` keeps them in memory only. Whoever gave it closes it."""
    tabs_of: frozenset[str] | None = None
    """Whose tabs of last time come back; `None` for those of everybody."""
    presets: Presets | None = None
    """Where settings of chats are kept by name; `None` for nowhere."""
    preset: Preset = field(default_factory=Preset)
    """What new chats are asked with, unless the settings say something else."""
    zone: tzinfo | None = None
    """Whose hours are shown; `None` for the machine's own."""
    prompts: Path | None = None
    """The folder of prompt templates; `None` for none."""
    keymap: Keymap = field(default_factory=Keymap)
    """The keys of one's own."""
    limits: EngineSettings | None = None
    """The engine's limits, in place of those of the settings."""
    colours: Mapping[str, str] = field(default_factory=dict)
    """The colours of users, as in `#ff8800`."""
    direct: Callable[[CCChatApp], Director] | None = None
    """Makes who has simulated users write in the chats."""
    limits_of: Callable[[Scenario], EngineSettings] | None = None
    """The engine's limits for a scenario; `None` where none is played."""
    first: Callable[[CCChatApp], None] | None = None
    """Called once the first screen stands."""
    warnings: tuple[str, ...] = ()
    """What is to be said at the start, such as a mistyped variable."""


class CCChatApp(BaseApp):
    """Many chats that stream at once. It decides nothing by itself.

    Args:
        settings: What was set.
        parts: What it is put together from.
    """

    TITLE = "ccchat"
    CSS_PATH = Path(__file__).with_name("app.tcss")
    COMMANDS: ClassVar = {ChatCommands}
    VERTICAL_BREAKPOINTS = small.LOW
    HORIZONTAL_BREAKPOINTS = small.SLIM
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f1", "help", "Help", tooltip="Every key there is", priority=True),
        Binding("ctrl+p", "command_palette", "Commands", tooltip="Find any command"),
        Binding("ctrl+t", "change_theme", "Theme", tooltip="Change the colours", show=False,
                priority=True),
        Binding("ctrl+q", "quit", "Quit", tooltip="Leave the program", priority=True),
    ]  # fmt: skip

    def __init__(self, settings: Settings, parts: Parts) -> None:
        # Asked for while the base class sets itself up.
        self._parts = parts
        super().__init__()
        self.keymap = parts.keymap
        self.keymap.apply(self)
        self.settings = settings
        self.wall = parts.clock
        self._pending = PendingBackend(parts.server.address)
        self.engine = (
            None
            if parts.remote
            else ConcurrentChatService(
                self._pending, parts.limits or settings.engine(), clock=parts.clock, rng=parts.rng
            )
        )
        """The engine of this process; `None` where we work on another's."""
        self.remote = parts.remote
        """That other one."""
        self.service: ChatService = cast("ChatService", parts.remote or self.engine)
        options = dict(parts.preset.options)
        if settings.temperature is not None:
            options["temperature"] = settings.temperature
        self.sessions = SessionManager(
            self.service,
            clock=parts.clock,
            new_id=parts.new_id,
            system=settings.system or parts.preset.system,
            options=options,
            think=parts.preset.think,
            keep_alive=parts.preset.keep_alive,
        )
        self.sessions.connecting = True
        self.keeping = Keeping(
            self,
            parts.store,
            users=parts.tabs_of,
            restore=settings.restore_tabs,
            zone=parts.zone,
        )
        self.connection = self._connection(settings.model)
        self.frames = FrameClock(self, settings.frames_per_second)
        self.watch_queue = QueueWatch(self, self.service, self._show_queue)
        self.runs = RunDesk(self)
        self.service.subscribe(self._on_engine_event)
        self.slash = Slash(self)
        self.slash.add(*builtin_commands(), *together_commands(), *turn_commands())
        self.prompts = PromptFolder(self, parts.prompts, [each.name for each in self.slash])
        self.slash.add_source(self.prompts.commands)
        self.notices = ReplyNotices(self, settings.notify, self._write)
        self.outside: Outside | None = None
        """How others reach this engine, if they do."""
        self.colours = parts.colours
        self.director = None if parts.direct is None else parts.direct(self)
        self.terminal_given = False
        """Whether another program has the terminal just now."""
        for theme in parts.themes.themes.values():
            self.register_theme(theme)
        self.theme = settings.theme or DEFAULT_THEME
        self.models = ModelDesk(self, parts.presets)
        self.comparisons = Comparisons(self)
        self.broadcasts = Broadcasts(self)
        self.facts = ModelFacts(self)
        self.documents = Documents(self)
        self.chats = ChatsScreen(
            self, panel_visible=settings.panel_visible, panel_width=settings.panel_width
        )

    def _connection(self, model: str) -> Connection:
        parts = self._parts
        if parts.remote is not None:
            from ccchat_tui.tui.far_connection import FarConnection  # noqa: PLC0415 - few need it

            return FarConnection(
                self, parts.remote, pending=self._pending, demo=parts.demo, model=model
            )
        return Connection(
            self.service,
            self.sessions,
            pending=self._pending,
            server=parts.server,
            demo=parts.demo,
            model=model,
            changed=self.answer_changed,
        )

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Our own variables, for themes that are not ours too."""
        theme: Theme | None = self.available_themes.get(self.theme)
        return defaults_for(theme)

    def get_default_screen(self) -> Screen[None]:
        """The chats."""
        return self.chats

    def _register_child(
        self, parent: DOMNode, child: Widget, before: int | None, after: int | None
    ) -> None:
        """Everything that is ever shown comes by here: it gets the keys it is to have."""
        self.keymap.apply(child)
        super()._register_child(parent, child, before, after)

    async def on_mount(self) -> None:
        """Open a chat for each user, and find out who answers."""
        self.screen_change_signal.subscribe(self, small.fit)
        for user in self.settings.users:
            self.sessions.create(user)
        for words in (*self._parts.warnings, *self._parts.themes.problems):
            self.notify(sanitize(words), severity="warning", timeout=10, markup=False)
        self.chats.set_density(compact=self.settings.density == "compact")
        self.watch_queue.wake()
        self.keeping.start()
        if self.remote is not None:
            self.remote.start()
        if self.outside is not None:
            self.chats.header.show_outside(self.outside.url)
            self.run_worker(tell_of_end(self), group="outside")
        if self._parts.demo_asked:
            await self.connection.use_demo()
        else:
            # The first screen does not wait for what it takes to ask a server.
            self.call_after_refresh(self._try_once, self._find_out)
        if self.director is not None:
            self.call_after_refresh(self.director.start)
        if self._parts.first is not None:
            self.call_after_refresh(self._parts.first, self)

    def on_resize(self) -> None:
        """Say so where there is too little room."""
        self.call_later(small.fit_all, self)

    async def on_unmount(self) -> None:
        """Stop everything that runs, and wait until its connections are closed."""
        if self.director is not None:
            await self.director.aclose()
        self.watch_queue.stop()
        self.keeping.leave()
        await self.models.aclose()
        if self.broken and self.outside is not None and not self.outside.ended.is_set():
            # Others ask this engine too, and have done nothing wrong.
            self.sessions.cancel_all()
        else:
            await self.close_engine()
        self.keeping.stop()
        self.sessions.stop()

    @property
    def broken(self) -> bool:
        """Whether a fault of ours has ended it."""
        return self._exception is not None

    async def close_engine(self) -> None:
        """Cancel what runs, whoever asked it, and close the connections. Harmless when called
        twice."""
        await self.service.aclose()
        await self._parts.server.aclose()
        await self._parts.demo.aclose()

    # The connection -----------------------------------------------------------------------

    def _try_once(self, trying: Callable[[], Awaitable[None]]) -> None:
        """Try the server, unless that is being done: trying anew would only take longer."""
        if not any(worker.group == "connect" for worker in self.workers):
            self.run_worker(trying, group="connect")

    async def _find_out(self) -> None:
        if self._parts.load_client is not None:
            await asyncio.to_thread(self._parts.load_client)
        await self.connection.try_server()

    def connect(self) -> None:
        """Try the server; say what came of it in the pane."""
        self._try_once(self._connect)

    async def _connect(self) -> None:
        pane, server = self.chats.active, self.connection.server
        pane.tell(f"Trying {server.address}…")
        try:
            error = await self.connection.try_server()
        except asyncio.CancelledError:
            pane.tell("")
            raise
        words = error.message if error else f"Connected to {server.name} at {server.address}."
        pane.tell(words, problem=error is not None)

    async def action_use_demo(self) -> None:
        """Let the demo model answer from now on, whatever comes of a try."""
        if self._parts.remote is not None:
            self.notify("What answers is decided where the engine is.", severity="warning")
            return
        self.workers.cancel_group(self, "connect")
        await self.connection.use_demo()
        self.chats.active.tell("The built-in demo model answers from now on.")

    def answer_changed(self) -> None:
        self.chats.show_answer(self.connection.answer)
        self.watch_queue.wake()

    # The queue ----------------------------------------------------------------------------

    def change_limit(self, step: int) -> None:
        """Change how many requests may be in flight; what runs runs on."""
        present = self.service.snapshot(0).limits.max_concurrent
        wanted = max(1, min(MOST_AT_ONCE, present + step))
        if wanted != present:
            self.service.set_limits(max_concurrent=wanted)
            self.watch_queue.wake()

    def let_limit_adapt(self) -> None:
        """Let the limit find itself, from now on or again."""
        self.service.set_limits(max_concurrent="auto")
        if self.service.snapshot(0).adaptive is None:
            self.notify("One at a time, by configuration: there is no limit to find.")
        self.watch_queue.wake()

    def toggle_pause(self) -> None:
        """Start no queued request, or start them again."""
        if self.service.snapshot(0).paused:
            self.service.resume()
        else:
            self.service.pause()

    def cancel_user(self, user: str) -> None:
        """Cancel everything of one user."""
        self.sessions.cancel_user(user)

    def cancel_all(self) -> None:
        """Cancel everything."""
        self.sessions.cancel_all()

    def wake_queue(self) -> None:
        """Something is to be shown of the queue, the servers or the models being fetched."""
        self.watch_queue.wake()

    def _show_queue(self) -> bool:
        if not self.chats.is_mounted:
            return False
        self.models.show_news()
        self.runs.show_news()
        return self.chats.show_queue() or bool(self.models.pulls.running)

    def _on_engine_event(self, event: EngineEvent) -> None:
        if isinstance(event, RequestEnded):
            self.notices.ended(event)
            session = self.sessions.find(event.session_id)
            turns = reversed(session.every) if session else ()
            asked = (turn.question for turn in turns if turn.request_id == event.request_id)
            # For one that ended before the panel had looked at it.
            self.chats.panel.queue.request_ended(event, one_line(next(asked, ""), 200))

    def _write(self, sequence: str) -> None:
        """Write to the terminal past the screen, unless it is not ours now."""
        if self._driver is not None and not self.is_headless and not self.terminal_given:
            self._driver.write(sequence)

    # Keys ---------------------------------------------------------------------------------

    def action_help(self) -> None:
        """Show every key there is."""
        from ccchat_tui.tui.screens.help import (  # noqa: PLC0415
            HelpScreen,
            KeyGroup,
            KeyRow,
            key_groups,
        )

        if isinstance(self.screen, HelpScreen):
            return
        chats = self.chats
        places: list[tuple[str, DOMNode]] = [
            ("Everywhere", chats),
            ("The program", self),
            ("In the message box", chats.active.composer),
            ("In the attached files", chats.active.attaching.bar),
            ("In a chat", chats.active),
            ("In the replies", chats.active.transcript),
            ("In the queue panel", chats.panel.queue),
        ]
        run = self.runs.places()
        places[:0] = run
        about = "Keys as they are bound now. Ctrl+P finds any command by its name."
        if self.outside is not None and not self.outside.ended.is_set():
            about += (
                f"\nOthers reach this queue at {self.outside.url}; `ccchat token` says who may."
            )
        groups = key_groups(places, self.get_key_display)
        typed = tuple(KeyRow((command.shown,), command.words) for command in self.slash)
        groups.insert(1 + len(run), KeyGroup("Typed in the message box", typed))
        self.push_screen(HelpScreen(groups, about))

    def action_timeline(self) -> None:
        """Show the run: timeline, charts and events."""
        self.runs.show()

    def action_history(self) -> None:
        """Show all conversations."""
        self.keeping.show_history()

    @on(CommandPalette.Opened)
    def _palette_opened(self) -> None:
        # A cursor that blinks draws twice a second while nothing happens.
        for line in self.screen.query(Input):
            line.cursor_blink = False

    def search_themes(self) -> None:
        """Show every theme, ours first."""
        self.push_screen(
            CommandPalette(providers=[ThemeCommands], placeholder="Search for themes…")
        )

    def action_compare_runs(self) -> None:
        """Run a load one at a time and at once, side by side."""
        from ccchat_tui.tui.demo.door import choose_load  # noqa: PLC0415 - few ever want it

        if self._parts.limits_of is not None:
            choose_load(self, self._parts.limits_of)

    def action_direct(self, what: str) -> None:
        """Steer the demo."""
        if self.director is not None:
            self.director.do(what)

    def action_theme(self, name: str) -> None:
        """Change the colours."""
        self.theme = name

    def action_go_to(self, session_id: str) -> None:
        """Go to a chat."""
        if (pane := self.chats.pane_of(session_id)) is not None:
            self.chats.activate(pane)

    async def action_quit(self) -> None:
        """Leave, with a question if something runs; asked twice, it is meant."""
        from ccchat_tui.tui.screens.confirm import ConfirmScreen  # noqa: PLC0415

        snapshot = self.service.snapshot(0)
        living = snapshot.in_flight + snapshot.queue_length + snapshot.waiting_to_retry
        fetching = len(self.models.pulls.running)
        asking = isinstance(self.screen, ConfirmScreen) and self.screen.id == "quit"
        if not (living or fetching) or not self.settings.confirm_quit or asking:
            self.exit()
            return

        def answered(yes: bool | None) -> None:
            if yes:
                self.exit()

        many = "1 request is" if living == 1 else f"{living} requests are"
        words = f"{many} still waiting or running. Leaving cancels what runs." if living else ""
        if fetching:
            what = "1 model is" if fetching == 1 else f"{fetching} models are"
            words += f" {what} still being fetched; fetched again, it goes on from there."
        question = ConfirmScreen("Leave ccchat?", words.strip(), yes="Leave")
        question.id = "quit"
        self.push_screen(question, answered)

    def action_screenshot(self, filename: str | None = None, path: str | None = None) -> None:
        """Save a picture of the screen; where there is no folder for downloads, in the one we run
        in."""
        if path is None and not user_downloads_path().is_dir():
            path = str(Path.cwd())
        super().action_screenshot(filename, path)
