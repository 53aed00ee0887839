"""Conversations out of an archive, put into a store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ccchat_tui.sessions.archive import ArchivedSession, session_from
from ccchat_tui.sessions.history import set_pinned, set_tags
from ccchat_tui.sessions.ids import random_id
from ccchat_tui.sessions.rows import SessionRow, TurnRow, save_session, save_turn
from ccchat_tui.sessions.tabs import close_tab

if TYPE_CHECKING:
    import sqlite3


def put_in(
    database: sqlite3.Connection, item: ArchivedSession, owner: str = ""
) -> tuple[str, bool]:
    """Write one conversation of an archive, inside a transaction. One that is there already is
    left as it is.

    Args:
        database: Where.
        item: The conversation.
        owner: Whose deleting may be undone by this; empty for nobody's.

    Returns:
        Its id, and whether it is new.
    """
    session = session_from(item)
    if owner:
        database.execute(
            "DELETE FROM sessions WHERE id = ? AND owner = ? AND deleted_at IS NOT NULL",
            (session.id, owner),
        )
    there = database.execute("SELECT 1 FROM sessions WHERE id = ?", (session.id,)).fetchone()
    if there is not None:
        return session.id, False
    save_session(database, SessionRow.of(session), "")
    close_tab(database, session.id)
    for turn in session.every:
        taken = database.execute("SELECT 1 FROM turns WHERE id = ?", (turn.id,)).fetchone()
        if taken is not None:  # another conversation's, so that it must not be written over
            turn.id = random_id()
        save_turn(database, session.id, TurnRow.of(turn), turn.asked_at)
    set_pinned(database, session.id, item.pinned)
    set_tags(database, session.id, item.tags)
    return session.id, True
