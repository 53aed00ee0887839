"""The screen of the program: tabs, panes, the queue beside them; what keys and clicks do there."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.message import Message

from ccchat_tui.backends.base import ServerState
from ccchat_tui.tui import small
from ccchat_tui.tui.narrow import NarrowCompositor
from ccchat_tui.tui.screens.chat_keys import CHAT_KEYS
from ccchat_tui.tui.screens.chat_panes import PanesScreen
from ccchat_tui.tui.widgets.header import StatusHeader
from ccchat_tui.tui.widgets.info_line import InfoLine
from ccchat_tui.tui.widgets.key_hints import KeyHints
from ccchat_tui.tui.widgets.queue_panel import QueuePanel
from ccchat_tui.tui.widgets.side_panel import SidePanel
from ccchat_tui.tui.widgets.tab_bar import TabBar
from ccchat_tui.tui.widgets.transcript import Transcript

if TYPE_CHECKING:
    from ccchat_tui.tui.app import CCChatApp
    from ccchat_tui.tui.connection import Answer


class ChatsScreen(PanesScreen):
    """Wires the widgets to the conversations; what is decided is decided elsewhere."""

    BINDING_GROUP_TITLE = "Chats"
    AUTO_FOCUS = ""
    """Nothing by itself: before there is a message box it would be the queue, where letters are
    commands."""
    BINDINGS: ClassVar[list[BindingType]] = CHAT_KEYS

    class Settled(Message):
        """There is a box to write in, and what was typed before is to go there."""

    app: CCChatApp

    def __init__(self, app: CCChatApp, *, panel_visible: bool, panel_width: int) -> None:
        super().__init__(app)
        self._compositor = NarrowCompositor()
        self._service = app.service
        self._confirm = app.settings.confirm_quit
        self.header = StatusHeader(app.connection.answer.view)
        self.panel = SidePanel(panel_width)
        self.panel.display = panel_visible
        self._early: list[events.Key] = []
        """Keys that were pressed before there was a chat."""

    def compose(self) -> ComposeResult:
        """From top to bottom."""
        self.add_class(*small.classes_of(self.app.size), update=False)
        yield self.header
        yield self.tabs
        with Horizontal(id="body"):
            yield self.deck
            yield self.panel
        yield KeyHints()

    async def on_mount(self) -> None:
        """Open a pane for every conversation there is, and follow them all."""
        self._unsubscribe = self._sessions.subscribe(self._on_session)
        for session in self._sessions.sessions:
            self._open_pane(session)
        if self.deck.panes:
            self.activate(self.deck.panes[0], focus=False)
            for event in self._early:
                self._hand_on(event)
            self._early.clear()
            await self.deck.settled()
            self.post_message(self.Settled())

    def on_chats_screen_settled(self) -> None:
        """Write in the box from now on, once the keys that came before are there."""
        if self._peek_message() is None:
            self.active.focus_composer()
        else:
            self.post_message(self.Settled())

    def on_key(self, event: events.Key) -> None:
        """While nothing is focused, as when keys are pressed before the first chat stands, they are
        for the message box."""
        if self.focused is None:
            event.stop()
            if self.deck.active is None:
                self._early.append(event)
            else:
                self._hand_on(event)

    def _hand_on(self, event: events.Key) -> None:
        """What was a command before there was a chat is one now; the rest is for the box."""
        if any(each.priority for each in self._bindings.key_to_bindings.get(event.key, ())):
            self.app.post_message(events.Key(event.key, event.character))
        else:
            self.active.composer.post_message(event)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Every action is about a chat: there is none before there is one."""
        return self.deck.active is not None and super().check_action(action, parameters)

    def on_unmount(self) -> None:
        """Follow them no longer."""
        self._unsubscribe()

    # What it is told ----------------------------------------------------------------------

    def show_answer(self, answer: Answer) -> None:
        """Show who answers now."""
        self.header.show_server(answer.view)
        self.set_notice(answer.notice)

    def show_queue(self) -> bool:
        """Show how the queue stands. Returns whether something in it moves with time."""
        panel = self.panel.queue
        visible = self.panel.display
        snapshot = self._service.snapshot(panel.wanted_rows if visible else 0)
        servers = self._service.servers
        self.header.show_snapshot(snapshot, servers)
        self.app.comparisons.show_figures()
        if visible:
            panel.show_servers(servers)
            panel.show_snapshot(snapshot)
            history = self._service.history
            panel.show_history(history.buckets(panel.wanted_buckets), history.seconds)
        living = snapshot.in_flight + snapshot.queue_length + snapshot.waiting_to_retry
        away = any(server.state is not ServerState.CLOSED for server in servers)
        return bool(living) or away or (visible and panel.fading)

    # Keys ---------------------------------------------------------------------------------

    async def action_new_chat(self) -> None:
        """A new chat for the same user. What is typed right behind the key is for it."""
        session = self.active.session
        self.open(session.user, model=session.model)
        await self.deck.settled()

    def action_new_chat_for(self) -> None:
        """A new chat for a user who is asked for."""
        from ccchat_tui.tui.screens.ask_text import AskTextScreen  # noqa: PLC0415

        def answered(user: str | None) -> None:
            if user:
                self.open(user)

        words = "Whose chat is it? Limits and turns in the queue go by user."
        self.app.push_screen(AskTextScreen("New chat", words, needed=True), answered)

    def action_close_chat(self) -> None:
        """Close the chat, with a question while something runs in it."""
        session = self.active.session
        running = len(self._sessions.running(session))

        def answered(yes: bool | None) -> None:
            if yes:
                self._sessions.close(session)

        if not running or not self._confirm:
            answered(True)
            return
        from ccchat_tui.tui.screens.confirm import ConfirmScreen  # noqa: PLC0415

        many = "1 reply is" if running == 1 else f"{running} replies are"
        words = f"{many} still running in this chat. Closing it cancels what runs."
        self.app.push_screen(ConfirmScreen("Close this chat?", words, yes="Close it"), answered)

    def action_rename(self) -> None:
        """Give the chat a name."""
        from ccchat_tui.tui.screens.ask_text import AskTextScreen  # noqa: PLC0415

        session = self.active.session

        def answered(title: str | None) -> None:
            if title is not None:
                self._sessions.rename(session, title)

        words = "The name of this chat; an empty one takes the first words said in it."
        self.app.push_screen(AskTextScreen("Rename", words, session.title), answered)

    def action_choose_model(self) -> None:
        """Ask which model this chat is to talk to."""
        self.app.models.choose(self.active.session)

    @on(InfoLine.SettingsRequested)
    def action_settings(self) -> None:
        """Ask what this chat is asked with."""
        self.app.models.show_settings(self.active.session)

    @on(StatusHeader.PullsRequested)
    def action_fetch_model(self) -> None:
        """Fetch a model, or see how far those are that are being fetched."""
        self.app.models.show_pulls()

    @on(StatusHeader.ReconnectRequested)
    def action_connect(self) -> None:
        """Try the server."""
        self.app.connect()

    def action_toggle_grid(self) -> None:
        """Change between tabs and grid."""
        self.deck.show(grid=not self.deck.grid)

    @on(StatusHeader.QueueRequested)
    def action_toggle_panel(self) -> None:
        """Show or hide the queue."""
        shown = not self.panel.display
        if not shown and self.panel.has_focus_within:
            self.active.focus_composer()
        self.panel.display = shown
        self.app.watch_queue.wake()

    def action_next_area(self) -> None:
        """From the message box to the replies, to the queue, and round."""
        pane = self.active
        if self.focused is pane.composer:
            self.set_focus(pane.transcript)
        elif self.focused is pane.transcript and self.panel.display:
            self.set_focus(self.panel.queue.list)
        else:
            pane.focus_composer()

    def action_retry_last(self) -> None:
        """Ask again what did not get its whole reply."""
        self.active.action_retry_last()

    def action_step(self, step: int) -> None:
        """The next or the previous chat, in a circle."""
        panes = self.deck.panes
        self.activate(panes[(panes.index(self.active) + step) % len(panes)])

    def action_look(self, across: int, down: int) -> None:
        """The chat beside this one; without a grid, the next or the previous."""
        if not self.deck.grid and self.active.comparison is None:
            if across:
                self.action_step(across)
        elif (pane := self.deck.neighbour(across, down)) is not None:
            self.activate(pane)

    def action_jump(self, number: int) -> None:
        """A chat by its number."""
        if number <= len(self.deck.panes):
            self.activate(self.deck.panes[number - 1])

    def action_limit(self, step: int) -> None:
        """Change how many requests may be in flight."""
        self.app.change_limit(step)

    def action_pause(self) -> None:
        """Pause or resume."""
        self.app.toggle_pause()

    def action_cancel_user(self) -> None:
        """Cancel everything of the user of this chat."""
        self.app.cancel_user(self.active.session.user)

    def action_cancel_all(self) -> None:
        """Cancel everything."""
        self.app.cancel_all()

    def action_copy_text(self) -> None:
        """Copy what is selected in the replies, and say so."""
        super().action_copy_text()
        self.app.notify("Copied: the selection", timeout=2, markup=False)

    # Messages -----------------------------------------------------------------------------

    @on(TabBar.NewRequested)
    async def _tab_new(self) -> None:
        await self.action_new_chat()

    @on(TabBar.Stepped)
    def _tab_stepped(self, event: TabBar.Stepped) -> None:
        self.action_step(event.step)

    @on(Transcript.Copied)
    def _copied(self, event: Transcript.Copied) -> None:
        self.app.notify(f"Copied: {event.what}", timeout=2, markup=False)

    @on(QueuePanel.CancelRequested)
    def _cancel_request(self, event: QueuePanel.CancelRequested) -> None:
        self._sessions.cancel_request(event.request_id)

    @on(QueuePanel.CancelUserRequested)
    def _cancel_user(self, event: QueuePanel.CancelUserRequested) -> None:
        self.app.cancel_user(event.user)

    @on(QueuePanel.CancelAllRequested)
    def _cancel_all(self) -> None:
        self.app.cancel_all()

    @on(QueuePanel.LimitRequested)
    def _limit(self, event: QueuePanel.LimitRequested) -> None:
        self.app.change_limit(event.step)

    @on(QueuePanel.AutoRequested)
    def _auto(self) -> None:
        self.app.let_limit_adapt()

    @on(QueuePanel.PauseToggled)
    def _pause(self) -> None:
        self.app.toggle_pause()

    @on(QueuePanel.OpenRequested)
    def _open(self, event: QueuePanel.OpenRequested) -> None:
        if (pane := self._panes.get(event.session_id)) is not None:
            self.activate(pane)

    @on(KeyHints.Chosen)
    async def _hint_chosen(self, event: KeyHints.Chosen) -> None:
        for node, binding, _enabled, _tip in list(self.active_bindings.values()):
            if binding.action == event.action:
                await self.app.run_action(binding.action, node)
                return
