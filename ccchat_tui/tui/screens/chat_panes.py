"""Which chats are open on the screen, each in its pane, and which of them is worked in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import on

from ccchat_tui.sessions.model import Session, Turn
from ccchat_tui.tui.screens.chat_home import HomeScreen
from ccchat_tui.tui.widgets.chat_pane import ChatPane
from ccchat_tui.tui.widgets.deck import Deck
from ccchat_tui.tui.widgets.tab_bar import Tab, TabBar

if TYPE_CHECKING:
    from ccchat_tui.tui.app import CCChatApp


class PanesScreen(HomeScreen):
    """Opens a pane for each conversation and closes it again, and follows what happens in them."""

    def __init__(self, app: CCChatApp) -> None:
        super().__init__()
        self._sessions = app.sessions
        self._slash = app.slash
        self._panes: dict[str, ChatPane] = {}
        self._frames = app.frames
        self._clock = app.wall
        self._notice = ""
        self.tabs = TabBar()
        self.deck = Deck(app.frames)

    @property
    def active(self) -> ChatPane:
        """The pane that the person works in. There is always one."""
        pane = self.deck.active
        assert pane is not None
        return pane

    def open(self, user: str, *, model: str = "") -> ChatPane:
        """Open a new chat and go there."""
        session = self._sessions.create(user, model=model)
        pane = self._panes[session.id]
        self.activate(pane)
        return pane

    def activate(self, pane: ChatPane, *, focus: bool = True) -> None:
        """Bring a pane into sight and work in it."""
        self.deck.show(pane)
        if focus and not pane.has_focus_within:
            pane.focus_composer()
        self._sessions.mark_read(pane.session)
        self._sessions.keeper.seen(pane.session)
        self._show_tabs()

    def pane_of(self, session_id: str) -> ChatPane | None:
        """The pane of a conversation, if it is open."""
        return self._panes.get(session_id)

    def _open_pane(self, session: Session) -> ChatPane:
        pane = ChatPane(
            session,
            self._sessions,
            clock=self._clock,
            notice=self._notice,
            slash=self._slash,
            colour=self.app.colours.get(session.user, ""),
        )
        pane.transcript.set_compact(self.has_class("-compact"))
        self._panes[session.id] = pane
        self.deck.add(pane)
        pane.number = len(self.deck.panes)
        return pane

    def _close_pane(self, pane: ChatPane) -> None:
        panes = self.deck.panes
        index = panes.index(pane)
        was_active = pane is self.deck.active
        del self._panes[pane.session.id]
        self.deck.take_out(pane)
        for number, each in enumerate(self.deck.panes, 1):
            each.number = number
            each.show_session()
        if not was_active:
            self.deck.show()
            self._show_tabs()
            return
        if len(panes) == 1:
            self.open(pane.session.user)
        else:
            self.activate(self.deck.panes[min(index, len(self.deck.panes) - 1)])

    def _on_session(self, session: Session, turn: Turn | None) -> None:
        """Something changed in a conversation."""
        pane = self._panes.get(session.id)
        if session not in self._sessions.sessions:
            if pane is not None:
                self._close_pane(pane)
            return
        if pane is None:
            pane = self._open_pane(session)
        if turn is not None:
            pane.turn_changed(turn)
            self._frames.wake()
        if pane in self.deck.in_sight and self.is_current:
            self._sessions.mark_read(session)
        pane.show_session()
        self._show_tabs()

    def _show_tabs(self) -> None:
        self.tabs.show_tabs(
            [
                Tab(
                    pane.session.id,
                    pane.number,
                    pane.session.user,
                    pane.session.title,
                    self._sessions.status(pane.session),
                    active=pane is self.deck.active,
                    colour=self.app.colours.get(pane.session.user, ""),
                )
                for pane in self.deck.panes
            ]
        )

    def set_notice(self, notice: str) -> None:
        """Show a plain line at the top of every chat; empty for none."""
        if notice != self._notice:
            self._notice = notice
            for pane in self.deck.panes:
                pane.set_notice(notice)

    @on(ChatPane.Activated)
    def _activated(self, event: ChatPane.Activated) -> None:
        event.stop()
        if event.pane is not self.deck.active and event.pane in self.deck.in_sight:
            self.activate(event.pane, focus=False)

    @on(Deck.Paged)
    def _paged(self) -> None:
        for pane in self.deck.in_sight:
            self._sessions.mark_read(pane.session)

    @on(TabBar.Chosen)
    def _tab_chosen(self, event: TabBar.Chosen) -> None:
        if (pane := self._panes.get(event.session_id)) is not None:
            self.activate(pane)
