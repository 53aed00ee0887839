"""Follows the conversations and keeps them: each turn as it is asked, each reply as it grows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from ccchat_tui.clock import Clock
from ccchat_tui.sessions.attached_rows import save_attached
from ccchat_tui.sessions.model import Session, Turn, TurnState
from ccchat_tui.sessions.rows import (
    SessionRow,
    TurnRow,
    add_pieces,
    delete_turn,
    place_turn,
    save_draft,
    save_session,
    save_turn,
)
from ccchat_tui.sessions.tabs import close_tab, mark_seen
from ccchat_tui.sessions.titles import UNTITLED

if TYPE_CHECKING:
    from ccchat_tui.sessions.manager import SessionManager
    from ccchat_tui.sessions.store import Store

INTERVAL = 1.0
"""Seconds for which what is new of replies and drafts is gathered before it is written."""


class Keeper:
    """Keeps nothing: what there is without a store, and what every keeper can be asked for."""

    def when_kept(self, turn: Turn, then: Callable[[], None]) -> None:  # noqa: ARG002
        """Call `then` when a turn that was just asked is on the disk, or cannot be for now."""
        then()

    def draft_changed(self, session: Session, text: Callable[[], str]) -> None:
        """The message box of a session holds another text, which `text` gives."""

    def attached_changed(self, session: Session) -> None:
        """Other files are to go with the next question of a session."""

    def seen(self, session: Session) -> None:
        """The person works in a session now."""

    def deleted(self, session: Session, turn: Turn) -> None:
        """A turn was deleted."""


@dataclass(slots=True, eq=False)
class _Kept:
    """How far a turn has been written."""

    session: Session
    turn: Turn
    revision: int
    parts: int = 0
    thinking: int = 0
    ended: bool = False
    where: tuple[str, str, int] = ("", "", 0)
    """As `Turn.where`."""


class StoreKeeper(Keeper):
    """Keeps conversations in a store. Has a timer only while something is on its way.

    An empty chat that nobody has done anything with is not kept.

    Args:
        store: Where.
        sessions: What is followed.
        clock: For the moments at which conversations changed.
        interval: Seconds between two times that what is new is written, at least.
    """

    def __init__(
        self,
        store: Store,
        sessions: SessionManager,
        *,
        clock: Clock,
        interval: float = INTERVAL,
    ) -> None:
        self._store = store
        self._sessions = sessions
        self._clock = clock
        self._interval = interval
        self._blank: dict[str, SessionRow] = {}
        self._rows: dict[str, SessionRow] = {}
        self._turns: dict[str, _Kept] = {}
        self._live: dict[str, _Kept] = {}
        self._shapes: dict[str, int] = {}
        self._waiting: dict[str, list[Callable[[], None]]] = {}
        self._drafts: dict[str, tuple[Session, Callable[[], str]]] = {}
        self._written_drafts: dict[str, str] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._last: Session | None = None
        self._leaving = False
        self._unsubscribe = sessions.subscribe(self._changed)

    @property
    def store(self) -> Store:
        """Where they are kept."""
        return self._store

    def adopt(self, session: Session) -> None:
        """Know a session that came from the store, before it is opened."""
        self._rows[session.id] = SessionRow.of(session)
        self._written_drafts[session.id] = session.draft
        self._shapes[session.id] = session.shape
        for turn in session.every:
            kept = _Kept(session, turn, turn.revision, ended=True, where=turn.where)
            self._turns[turn.id] = kept

    def keeps(self, session: Session) -> bool:
        """Whether something was done with a session, so that it is kept."""
        return session.id in self._rows

    def when_kept(self, turn: Turn, then: Callable[[], None]) -> None:
        """Call `then` when a turn that was just asked is on the disk, or cannot be for now."""
        if turn.id in self._waiting:
            self._waiting[turn.id].append(then)
        else:
            then()

    def draft_changed(self, session: Session, text: Callable[[], str]) -> None:
        """Write a draft, a while after it was changed."""
        if not self._leaving:
            self._drafts[session.id] = (session, text)
            self._wake()

    def attached_changed(self, session: Session) -> None:
        """Write which files are to go with the next question, behind what was put before: those of
        a question that was just asked are its own by then."""
        if self._keep_session(session, wanted=True):
            self._store.put(
                partial(save_attached, session=session.id, attachments=session.attached)
            )

    def seen(self, session: Session) -> None:
        """Remember that this is the tab that is worked in."""
        self._last = session
        if session.id in self._rows and not self._leaving:
            self._store.put(partial(mark_seen, session=session.id, now=self._clock.now()))

    def deleted(self, session: Session, turn: Turn) -> None:  # noqa: ARG002
        """Take a turn out of the file."""
        self._live.pop(turn.id, None)
        if self._turns.pop(turn.id, None) is not None:
            self._store.put(partial(delete_turn, turn=turn.id))

    def leave(self) -> None:
        """The program is about to end: what is still running from now on was interrupted by
        that, and not cancelled by anybody."""
        self._write_news()
        self._leaving = True

    def stop(self) -> None:
        """Write what is still to be written, and follow no more. Harmless when called twice."""
        self._write_news()
        self._unsubscribe()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # Within -------------------------------------------------------------------------------

    def _changed(self, session: Session, turn: Turn | None) -> None:
        if session not in self._sessions.sessions:
            self._closed(session)
            return
        if turn is None:
            self._keep_session(session)
            self._keep_shape(session)
            return
        self._keep_session(session, wanted=True)
        kept = self._turns.get(turn.id)
        if kept is None or kept.revision != turn.revision or turn.state.alive == kept.ended:
            self._keep_turn(session, turn)
        self._keep_shape(session)

    def _keep_shape(self, session: Session) -> None:
        """Write which turns stand elsewhere now, or are shown."""
        if self._shapes.get(session.id) == session.shape:
            return
        self._shapes[session.id] = session.shape
        for turn in session.every:
            kept = self._turns.get(turn.id)
            if kept is not None and kept.where != turn.where:
                kept.where = turn.where
                self._store.put(partial(place_turn, turn=turn.id, where=turn.where))

    def _keep_session(self, session: Session, *, wanted: bool = False) -> bool:
        """Write what a session is called and asked with, if that is new.

        Returns:
            Whether the session is kept: it is once something was done with it.
        """
        row = SessionRow.of(session)
        if session.id not in self._rows:
            blank = self._blank.setdefault(session.id, row)
            touched = session.title != UNTITLED or row.settings != blank.settings
            if not (wanted or touched or session.every):
                return False
        if self._rows.get(session.id) != row:
            first = session.id not in self._rows
            self._rows[session.id] = row
            self._store.put(partial(save_session, row=row, owner=self._store.owner.token))
            if first and session is self._last:
                self.seen(session)
        return True

    def _keep_turn(self, session: Session, turn: Turn) -> None:
        """Write the whole of a turn as it stands now."""
        first = turn.id not in self._turns
        kept = _Kept(
            session,
            turn,
            turn.revision,
            len(turn.parts),
            len(turn.thinking),
            ended=not turn.state.alive,
            where=turn.where,
        )
        self._turns[turn.id] = kept
        interrupted = self._leaving and turn.state is not TurnState.COMPLETED
        row = TurnRow.of(turn, interrupted=interrupted)
        now = self._clock.now()
        if first and turn.drafted:
            # It stood in the message box: it is there no more in the very moment it is a turn.
            # What was typed behind it meanwhile is written again a moment later.
            self._store.put(partial(save_draft, session=session.id, draft=""))
            self._written_drafts[session.id] = ""
        if first:
            self._waiting[turn.id] = []
        done = partial(self._on_disk, turn.id) if first else None
        self._store.put(partial(save_turn, session=session.id, row=row, updated=now), done)
        if kept.ended:
            self._live.pop(turn.id, None)
        else:
            self._live[turn.id] = kept
            self._wake()

    def _on_disk(self, turn_id: str) -> None:
        for then in self._waiting.pop(turn_id, ()):
            then()

    def _closed(self, session: Session) -> None:
        """Its tab is gone. What still comes of its replies is kept all the same."""
        self._write_draft(session.id)
        self._blank.pop(session.id, None)
        self._written_drafts.pop(session.id, None)
        self._shapes.pop(session.id, None)
        for turn in session.every:
            if turn.id not in self._live:
                self._turns.pop(turn.id, None)
        if self._rows.pop(session.id, None) is not None:
            self._store.put(partial(close_tab, session=session.id))

    def _wake(self) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._interval, self.tick)

    def tick(self) -> None:
        """Write what is new since last time. The timer calls this; tests may."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._write_news()
        if self._live:
            self._wake()

    def _write_news(self) -> None:
        for session_id in list(self._drafts):
            self._write_draft(session_id)
        for kept in list(self._live.values()):
            turn = kept.turn
            if not turn.state.alive:
                # Its session was closed, and nobody told us of its end.
                self._keep_turn(kept.session, turn)
                self._turns.pop(turn.id)
                continue
            parts, thinking = turn.parts[kept.parts :], turn.thinking[kept.thinking :]
            if parts or thinking:
                kept.parts += len(parts)
                kept.thinking += len(thinking)
                tokens = kept.parts + kept.thinking
                self._store.put(
                    partial(add_pieces, turn=turn.id, tokens=tokens, parts=parts, thinking=thinking)
                )

    def _write_draft(self, session_id: str) -> None:
        if session_id not in self._drafts:
            return
        session, text = self._drafts.pop(session_id)
        draft = text()
        session.draft = draft
        if self._written_drafts.get(session_id, "") == draft:
            return
        if self._keep_session(session, wanted=True):
            self._written_drafts[session_id] = draft
            self._store.put(partial(save_draft, session=session_id, draft=draft))
