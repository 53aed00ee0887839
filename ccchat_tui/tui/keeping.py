"""The app and its store: tabs that come back, the history, and what is said when the disk fails."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, tzinfo
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from ccchat_tui.sessions.keeper import StoreKeeper
from ccchat_tui.sessions.problems import StoreProblem
from ccchat_tui.text import sanitize

if TYPE_CHECKING:
    import sqlite3

    from ccchat_tui.sessions.archive import ArchivedSession
    from ccchat_tui.sessions.model import Session
    from ccchat_tui.sessions.store import Store
    from ccchat_tui.tui.app import CCChatApp
    from ccchat_tui.tui.screens.history import Found
    from ccchat_tui.tui.widgets.chat_pane import ChatPane

T = TypeVar("T")
NO_STORE = "Nothing is kept: conversations are in memory only (CCCHAT_STORE is off)."


class Keeping:
    """What the app does with its store, and what it does without one.

    Args:
        app: Whose conversations they are.
        store: Where they are kept; `None` keeps them in memory only.
        users: Only the tabs of these come back; `None` for those of everybody.
        restore: Whether tabs come back at all.
        zone: Whose hours are shown; `None` for the machine's own.
    """

    def __init__(
        self,
        app: CCChatApp,
        store: Store | None,
        *,
        users: frozenset[str] | None = None,
        restore: bool = True,
        zone: tzinfo | None = None,
    ) -> None:
        self._app = app
        self._store = store
        self._users = users
        self._restore = restore
        self.zone = zone
        self.ready = store is None
        """Whether the store is open and the tabs of last time are back."""
        self._wanted = restore
        """Whether there are tabs still to be brought back."""
        self._begun: frozenset[str] = frozenset()
        """The chats that the program opened by itself."""
        self._keeper: StoreKeeper | None = None
        if store is not None:
            store.told = self._told
            self._keeper = StoreKeeper(store, app.sessions, clock=app.wall)
            app.sessions.keeper = self._keeper

    def now(self) -> datetime:
        """The present moment."""
        return self._app.wall.now()

    def start(self) -> None:
        """Open the store once the first screen stands, and bring the tabs of last time back."""
        self._begun = self.open_here()
        if self._store is not None:
            self._app.call_after_refresh(self._app.run_worker, self._start, group="store")

    def leave(self) -> None:
        """The program is about to end."""
        if self._keeper is not None:
            self._keeper.leave()

    def stop(self) -> None:
        """Write what is still to be written. Harmless when called twice."""
        if self._keeper is not None:
            self._keeper.stop()

    # At the start -------------------------------------------------------------------------

    async def _start(self) -> None:
        await self._open_store()
        self.ready = True

    async def _open_store(self) -> None:
        from ccchat_tui.sessions.tabs import forget_tabs  # noqa: PLC0415

        assert self._store is not None
        self._store.open()
        if not self._restore:
            self._store.put(forget_tabs)
            return
        await self._claim_tabs()

    async def _claim_tabs(self) -> int:
        """Bring the tabs of last time back, if the store can be asked for them. Returns how many
        there are."""
        from ccchat_tui.sessions.tabs import claim_tabs  # noqa: PLC0415

        assert self._store is not None
        if not self._wanted:
            return 0
        self._wanted = False
        claim = partial(claim_tabs, owner=self._store.owner.token, users=self._users)
        try:
            sessions, last = await self._store.write(claim)
        except StoreProblem:
            self._wanted = True
            return 0  # which has been told
        if sessions:
            # A dialog may be open by now, and draws what lies under it, whole or not.
            with self._app.batch_update():
                await self._bring_back(sessions, last)
        return len(sessions)

    async def _claim_later(self) -> None:
        """The store could not be opened at the start, and can be now."""
        if many := await self._claim_tabs():
            tabs = "The tab" if many == 1 else f"The {many} tabs"
            self._say(f"{tabs} of last time can be read now, and came back.", good=True)

    async def _bring_back(self, sessions: Sequence[Session], last: str) -> None:
        """Open tabs in the place of the empty ones that were opened meanwhile."""
        chats, manager = self._app.chats, self._app.sessions
        late = self.ready
        first = [each for each in manager.sessions if not late or each.id in self._begun]
        users = {session.user for session in sessions}
        for session in sessions:
            self._adopt(session)
        untouched = [
            session
            for session in first
            if (self._users is None or session.user in users) and self._is_untouched(session)
        ]
        pane = chats.pane_of(last)
        if pane is not None and chats.active.session in untouched:
            await chats.deck.settled()
            # A letter may have come meanwhile: it is for the chat in which it was typed.
            untouched = [session for session in untouched if self._is_untouched(session)]
            if (left := chats.active).session in untouched:
                chats.activate(pane, focus=chats.is_current)
                await self._take_along(left, pane)
        for session in untouched:
            if session is not chats.active.session:
                manager.close(session)

    async def _take_along(self, left: ChatPane, pane: ChatPane) -> None:
        """Put letters that were on their way to a pane that is left into the one gone to."""
        come = asyncio.Event()
        left.composer.call_later(come.set)
        await come.wait()
        if typed := left.composer.text:
            left.composer.clear()
            pane.composer.insert(typed, (0, 0))

    def _is_untouched(self, session: Session) -> bool:
        assert self._keeper is not None
        pane = self._app.chats.pane_of(session.id)
        written = session.attached or (pane is not None and bool(pane.composer.text))
        return not (session.turns or written or self._keeper.keeps(session))

    def _adopt(self, session: Session) -> None:
        assert self._keeper is not None
        self._keeper.adopt(session)
        self._app.sessions.adopt(session)

    # The history --------------------------------------------------------------------------

    def show_history(self) -> None:
        """Show all conversations, and open the one that is chosen."""
        if self._store is None:
            self._say(NO_STORE)
            return
        from ccchat_tui.tui.screens.history import HistoryScreen  # noqa: PLC0415

        self._app.push_screen(HistoryScreen(self), self._open)

    def open_here(self) -> frozenset[str]:
        """The ids of the conversations that are open in tabs."""
        return frozenset(session.id for session in self._app.sessions.sessions)

    async def ask(self, query: Callable[[sqlite3.Connection], T]) -> T:
        """Ask the store something. Raises `StoreProblem`."""
        return await self._needed.read(query)

    async def rename(self, session_id: str, title: str) -> None:
        """Give a conversation another title. Raises `StoreProblem`, as do all below."""
        from ccchat_tui.sessions.history import rename  # noqa: PLC0415

        session = self._app.sessions.find(session_id)
        if session is not None:
            self._app.sessions.rename(session, title)
        job = partial(rename, session_id=session_id, title=title, owner=self._needed.owner)
        await self._needed.write(job)

    async def pin(self, session_id: str, pinned: bool) -> None:
        """Keep a conversation above the others, or no more."""
        from ccchat_tui.sessions.history import set_pinned  # noqa: PLC0415

        await self._needed.write(partial(set_pinned, session_id=session_id, pinned=pinned))

    async def tag(self, session_id: str, tags: Sequence[str]) -> None:
        """Give a conversation these tags and no others."""
        from ccchat_tui.sessions.history import set_tags  # noqa: PLC0415

        await self._needed.write(partial(set_tags, session_id=session_id, tags=tags))

    async def delete(self, session_id: str) -> None:
        """Delete a conversation; its tab goes with it."""
        from ccchat_tui.sessions.history import delete  # noqa: PLC0415

        session = self._app.sessions.find(session_id)
        store = self._needed
        job = partial(delete, session_id=session_id, owner=store.owner, now=self.now())
        if session is not None:
            # Its place may be taken by a new pane, which must not be drawn under the history
            # before it is whole.
            with self._app.batch_update():
                self._app.sessions.close(session)
                await self._app.chats.deck.settled()
        await store.write(job)

    async def restore(self, session_id: str) -> None:
        """Take a `delete` back."""
        from ccchat_tui.sessions.history import restore  # noqa: PLC0415

        await self._needed.write(partial(restore, session_id=session_id, owner=self._needed.owner))

    @property
    def keeps(self) -> bool:
        """Whether conversations are kept at all."""
        return self._store is not None

    async def take_in(self, items: Sequence[ArchivedSession]) -> dict[str, bool]:
        """Take conversations of an archive in, and open the first of them; all of them, where
        nothing is kept.

        Returns:
            By their ids, whether they are new here.
        """
        from ccchat_tui.sessions.archive import session_from  # noqa: PLC0415
        from ccchat_tui.sessions.imports import put_in  # noqa: PLC0415
        from ccchat_tui.tui.screens.history import Found  # noqa: PLC0415

        if self._store is None:
            new: dict[str, bool] = {}
            for session in map(session_from, items):
                new[session.id] = self._app.sessions.find(session.id) is None
                if new[session.id]:
                    self._app.sessions.adopt(session)
        else:
            owner = self._store.owner.token
            new = await self._store.write(
                lambda database: dict(put_in(database, item, owner) for item in items)
            )
        await self._open_chat(Found(next(iter(new))))
        return new

    def _open(self, found: Found | None) -> None:
        if found is not None:
            self._app.run_worker(self._open_chat(found), group="store")

    async def _open_chat(self, found: Found) -> None:
        from ccchat_tui.sessions.history import claim  # noqa: PLC0415

        chats = self._app.chats
        if chats.pane_of(found.session_id) is None:
            store = self._needed
            try:
                self._adopt(
                    await store.write(
                        partial(claim, session_id=found.session_id, owner=store.owner)
                    )
                )
            except StoreProblem as problem:
                self._say(problem.message)
                return
        pane = chats.pane_of(found.session_id)
        assert pane is not None
        turns = [turn for turn in pane.session.every if turn.id == found.turn]
        for turn in turns:  # which may stand in a branch that is not shown
            self._app.sessions.versions.show(pane.session, turn)
        chats.activate(pane)
        await chats.deck.settled()
        if found.turn:
            self._app.call_after_refresh(pane.transcript.show_turn, found.turn, found.words)

    @property
    def _needed(self) -> Store:
        if self._store is None:
            raise StoreProblem(NO_STORE)
        return self._store

    # What is said -------------------------------------------------------------------------

    def explain(self) -> None:
        """Say again what is wrong, if anything is."""
        if self._store is None:
            self._say(NO_STORE)
        elif self._store.problem is None:
            self._say(f"Everything is saved, in {self._store.path}.", good=True)
        else:
            self._say(_in_words(self._store.problem))

    def _told(self, problem: StoreProblem | None) -> None:
        assert self._store is not None
        self._app.chats.header.show_unsaved(self._store.problem is not None)
        if problem is not None:
            self._say(_in_words(problem))
            return
        self._say("Everything is saved again.", good=True)
        if self._wanted and self._app.is_running:
            self._app.run_worker(self._claim_later(), group="store")

    def _say(self, words: str, *, good: bool = False) -> None:
        self._app.notify(
            sanitize(words),
            severity="information" if good else "warning",
            timeout=12,
            markup=False,
        )


def _in_words(problem: StoreProblem) -> str:
    if problem.passed_over:
        return f"{problem.message}. All the rest is."
    if problem.lasting:
        return f"{problem.message}. Conversations are in memory only, and not kept."
    return (
        f"Conversations cannot be saved now. {problem.message}. They go on in memory, and are "
        "written as soon as that is possible."
    )
