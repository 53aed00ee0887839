"""What a person does with conversations that are not among the tabs: open, name, mark, delete.

Everything here is a job of a `Store`: it runs on the writer's connection, in a transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from ccchat_tui.sessions.loading import load_session
from ccchat_tui.sessions.problems import StoreProblem
from ccchat_tui.sessions.rows import micros, pack

if TYPE_CHECKING:
    import sqlite3

    from ccchat_tui.sessions.model import Session
    from ccchat_tui.sessions.owners import Owner

MOST_TAGS = 20
"""A conversation has at most so many tags."""
LONGEST_TAG = 40
"""Characters of a tag."""


def claim(database: sqlite3.Connection, session_id: str, owner: Owner) -> Session:
    """Open a conversation: it is ours, and the last of the tabs, from now on.

    Raises:
        StoreProblem: It is gone, or open in another ccchat that is running.
    """
    _check_free(database, session_id, owner)
    session = load_session(database, session_id)
    assert session is not None
    database.execute(
        "UPDATE sessions SET owner = ?, tab = (SELECT coalesce(max(tab), 0) + 1 FROM sessions) "
        "WHERE id = ?",
        (owner.token, session_id),
    )
    return session


def rename(database: sqlite3.Connection, session_id: str, title: str, owner: Owner) -> None:
    """Give a conversation another title.

    Raises:
        StoreProblem: As for `claim`.
    """
    _check_free(database, session_id, owner)
    database.execute("UPDATE sessions SET title = ? WHERE id = ?", (pack(title), session_id))


def delete(database: sqlite3.Connection, session_id: str, owner: Owner, now: datetime) -> None:
    """Delete a conversation. It can come back by `restore` as long as this program runs.

    Raises:
        StoreProblem: As for `claim`.
    """
    _check_free(database, session_id, owner)
    database.execute(
        "UPDATE sessions SET deleted_at = ?, owner = ?, tab = NULL WHERE id = ?",
        (micros(now), owner.token, session_id),
    )


def restore(database: sqlite3.Connection, session_id: str, owner: Owner) -> None:
    """Take back a `delete` of our own."""
    database.execute(
        "UPDATE sessions SET deleted_at = NULL, owner = '' WHERE id = ? AND owner = ?",
        (session_id, owner.token),
    )


def set_pinned(database: sqlite3.Connection, session_id: str, pinned: bool) -> None:
    """Keep a conversation above the others, or not."""
    database.execute("UPDATE sessions SET pinned = ? WHERE id = ?", (int(pinned), session_id))


def set_tags(database: sqlite3.Connection, session_id: str, tags: Sequence[str]) -> None:
    """Give a conversation these tags and no others."""
    joined = "\n".join(tags)
    database.execute("UPDATE sessions SET tags = ? WHERE id = ?", (pack(joined), session_id))


def tags_from(typed: str) -> tuple[str, ...]:
    """Tags from text, separated by commas or spaces; a `#` before one is no part of it."""
    words = typed.replace(",", " ").split(maxsplit=10 * MOST_TAGS)
    cut = (word.lstrip("#")[:LONGEST_TAG] for word in words)
    return tuple(dict.fromkeys(word for word in cut if word))[:MOST_TAGS]


def _check_free(database: sqlite3.Connection, session_id: str, owner: Owner) -> None:
    row = database.execute(
        "SELECT owner FROM sessions WHERE id = ? AND deleted_at IS NULL", (session_id,)
    ).fetchone()
    if row is None:
        raise StoreProblem("This conversation is not there any more.")
    if row[0] and row[0] != owner.token and owner.is_alive(row[0]):
        raise StoreProblem("This conversation is open in another ccchat.")
