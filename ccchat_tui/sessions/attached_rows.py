"""Files of questions as rows of the database, and back; see `rows` for how it is called."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from ccchat_tui.sessions.attachments import SLICE, Attachment, content_of

if TYPE_CHECKING:
    import sqlite3

_Table = Literal["attachments", "attached"]


def save_attachments(
    database: sqlite3.Connection, turn: str, attachments: Sequence[Attachment]
) -> None:
    """Write the files of a turn. They never change: those that are there are left alone."""
    if not attachments:
        return
    there = database.execute("SELECT count(*) FROM attachments WHERE turn = ?", (turn,)).fetchone()
    if there[0] < len(attachments):
        _put(database, "attachments", turn, attachments, 0)


def save_attached(
    database: sqlite3.Connection, session: str, attachments: Sequence[Attachment]
) -> None:
    """Write the files that are to go with the next question of a session, and no others."""
    [first] = database.execute(
        "SELECT coalesce(max(place) + 1, 0) FROM attached WHERE session = ?", (session,)
    ).fetchone()
    # The new ones first: bytes that nothing names any more are gone at once.
    _put(database, "attached", session, attachments, first)
    database.execute("DELETE FROM attached WHERE session = ? AND place < ?", (session, first))


def load_attachments(
    database: sqlite3.Connection, session: str
) -> dict[str, tuple[Attachment, ...]]:
    """The files of every turn of a session that has some, by the turn's id."""
    rows = database.execute(
        "SELECT turn, name, kind, blobs.number FROM turns JOIN attachments ON turn = turns.id "
        "JOIN blobs USING (digest) WHERE session = ? ORDER BY turn, attachments.place",
        (session,),
    ).fetchall()
    found: dict[str, tuple[Attachment, ...]] = {}
    for turn, *facts in rows:
        found[turn] = (*found.get(turn, ()), _read(database, *facts))
    return found


def load_attached(database: sqlite3.Connection, session: str) -> tuple[Attachment, ...]:
    """The files that are to go with the next question of a session."""
    rows = database.execute(
        "SELECT name, kind, number FROM attached JOIN blobs USING (digest) "
        "WHERE session = ? ORDER BY place",
        (session,),
    ).fetchall()
    return tuple(_read(database, *facts) for facts in rows)


def _put(
    database: sqlite3.Connection,
    table: _Table,
    owner: str,
    attachments: Sequence[Attachment],
    first: int,
) -> None:
    for place, each in enumerate(attachments, first):
        _put_bytes(database, each)
        database.execute(
            f"INSERT OR IGNORE INTO {table} VALUES (?, ?, ?, ?, ?)",  # noqa: S608 - ours
            (owner, place, each.name, each.kind, each.digest),
        )


def _put_bytes(database: sqlite3.Connection, attachment: Attachment) -> None:
    """Slice by slice, so that who draws the screen meanwhile is not held up."""
    added = database.execute(
        "INSERT OR IGNORE INTO blobs (digest, data) VALUES (?, zeroblob(?))",
        (attachment.digest, attachment.size),
    )
    if added.rowcount:
        assert added.lastrowid is not None
        with database.blobopen("blobs", "data", added.lastrowid) as blob:
            for piece in attachment.pieces():
                blob.write(piece)


def _read(database: sqlite3.Connection, name: str, kind: str, number: int) -> Attachment:
    [digest] = database.execute("SELECT digest FROM blobs WHERE number = ?", (number,)).fetchone()
    with database.blobopen("blobs", "data", number, readonly=True) as blob:
        content = content_of(kind, iter(lambda: blob.read(SLICE), b""), errors="replace")
        return Attachment(name, kind, len(blob), digest, content)
