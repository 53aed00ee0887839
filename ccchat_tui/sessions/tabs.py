"""Which conversations are open, in which process, and what becomes of those of one that is gone.

Like `rows`, this blocks, and what writes is to be called inside a transaction.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ccchat_tui.engine.request import ReplyStats
from ccchat_tui.sessions.loading import load_session
from ccchat_tui.sessions.model import Session, TurnState
from ccchat_tui.sessions.rows import micros, pack, unpack
from ccchat_tui.sessions.words import words_for_interrupted

if TYPE_CHECKING:
    import sqlite3

_ALIVE = tuple(state.value for state in TurnState if state.alive)


def mark_seen(database: sqlite3.Connection, session: str, now: datetime) -> None:
    """Remember which of the tabs was worked in last, whatever the clock says."""
    database.execute(
        "UPDATE sessions SET seen_at = max(?, (SELECT max(seen_at) + 1 FROM sessions)) "
        "WHERE id = ?",
        (micros(now), session),
    )


def close_tab(database: sqlite3.Connection, session: str) -> None:
    """A session is open no more; it stays in the history."""
    database.execute("UPDATE sessions SET tab = NULL, owner = '' WHERE id = ?", (session,))


def release_all(database: sqlite3.Connection, owner: str) -> None:
    """A process ends: its tabs are there for the next one, and what it deleted is gone."""
    database.execute("DELETE FROM sessions WHERE owner = ? AND deleted_at IS NOT NULL", (owner,))
    database.execute("UPDATE sessions SET owner = '' WHERE owner = ?", (owner,))


def take_over(database: sqlite3.Connection, is_alive: Callable[[str], bool]) -> None:
    """Make an end of what processes left that are no more.

    Replies that were on their way are `interrupted`, with all that had come of them; what they
    had open is nobody's now, and what they had deleted is gone.

    Args:
        database: Where.
        is_alive: Whether the process behind a mark still lives.
    """
    owners = database.execute("SELECT DISTINCT owner FROM sessions WHERE owner <> ''").fetchall()
    for (owner,) in owners:
        if not is_alive(owner):
            release_all(database, owner)
    database.execute("DELETE FROM sessions WHERE owner = '' AND deleted_at IS NOT NULL")
    states = ", ".join(f"'{state}'" for state in _ALIVE)
    left = database.execute(
        "SELECT turns.id, turns.facts, turns.reply, turns.thinking FROM turns "  # noqa: S608
        "JOIN sessions ON sessions.id = turns.session "
        f"WHERE turns.state IN ({states}) AND sessions.owner = ''"
    ).fetchall()
    for turn, facts, reply, thinking in left:
        _interrupt(database, turn, json.loads(facts), unpack(reply), unpack(thinking))


def _interrupt(
    database: sqlite3.Connection, turn: str, facts: dict[str, Any], reply: str, thinking: str
) -> None:
    """Make an end of a reply.

    Args:
        database: Where.
        turn: Whose reply.
        facts: What was known of it.
        reply: What there was of it when it was asked for: something, if it was gone on with.
        thinking: The same.
    """
    pieces = database.execute(
        "SELECT tokens, reply, thinking FROM pieces WHERE turn = ? ORDER BY tokens", (turn,)
    ).fetchall()
    reply += "".join(unpack(piece[1]) for piece in pieces)
    thinking += "".join(unpack(piece[2]) for piece in pieces)
    facts["note"] = words_for_interrupted(has_reply=bool(reply)).note
    if pieces:
        facts["stats"] = asdict(ReplyStats(tokens=pieces[-1][0]))
    database.execute(
        "UPDATE turns SET state = ?, reply = ?, thinking = ?, facts = ? WHERE id = ?",
        (TurnState.INTERRUPTED.value, pack(reply), pack(thinking), json.dumps(facts), turn),
    )
    database.execute("DELETE FROM pieces WHERE turn = ?", (turn,))


def claim_tabs(
    database: sqlite3.Connection, owner: str, users: frozenset[str] | None
) -> tuple[list[Session], str]:
    """Take the tabs that were open last and that nobody has open now.

    Args:
        database: Where.
        owner: Whose they are from now on.
        users: Only the tabs of these; `None` for all.

    Returns:
        The sessions in the order of their tabs, and the id of the one that was worked in last;
        empty where there are none.
    """
    rows = database.execute(
        "SELECT id, user, seen_at FROM sessions "
        "WHERE tab IS NOT NULL AND owner = '' AND deleted_at IS NULL ORDER BY tab"
    ).fetchall()
    wanted = [row for row in rows if users is None or unpack(row[1]) in users]
    database.executemany(
        "UPDATE sessions SET owner = ? WHERE id = ?", [(owner, row[0]) for row in wanted]
    )
    sessions = [load_session(database, row[0]) for row in wanted]
    last = max(wanted, key=lambda row: row[2], default=None)
    return [each for each in sessions if each is not None], last[0] if last else ""


def forget_tabs(database: sqlite3.Connection) -> None:
    """What was open last and is open nowhere now is in the history only."""
    database.execute("UPDATE sessions SET tab = NULL WHERE tab IS NOT NULL AND owner = ''")
