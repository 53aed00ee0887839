"""Conversations as rows of the database: what is kept of them, and how it is written.

Everything here is done on a connection by whoever owns it, and blocks; what writes is to be
called inside a transaction. `loading` reads it back, `tabs` knows who has which of them open.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from ccchat_tui.engine.request import ReplyStats
from ccchat_tui.quick import dataclass
from ccchat_tui.sessions.attached_rows import save_attachments
from ccchat_tui.sessions.attachments import Attachment
from ccchat_tui.sessions.model import Session, Turn, TurnState
from ccchat_tui.sessions.words import words_for_interrupted

if TYPE_CHECKING:
    import sqlite3

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_SAVE_SESSION = """
    INSERT INTO sessions (id, user, title, model, created_at, updated_at, settings, tab, owner)
    VALUES (:id, :user, :title, :model, :created_at, :created_at, :settings,
            (SELECT coalesce(max(tab), 0) + 1 FROM sessions), :owner)
    ON CONFLICT (id) DO UPDATE SET
        user = excluded.user, title = excluded.title, model = excluded.model,
        settings = excluded.settings
"""
_SAVE_TURN = """
    INSERT INTO turns (id, session, question, reply, thinking, model, state, asked_at, facts,
                       place, after, picked)
    VALUES (:id, :session, :question, :reply, :thinking, :model, :state, :asked_at, :facts,
            :place, :after, :picked)
    ON CONFLICT (id) DO UPDATE SET
        question = excluded.question, reply = excluded.reply, thinking = excluded.thinking,
        model = excluded.model, state = excluded.state, facts = excluded.facts,
        place = excluded.place, after = excluded.after, picked = excluded.picked
"""


def pack(text: str) -> str | bytes:
    """A text as the database takes it: half a surrogate pair has no UTF-8, and goes as bytes."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")
    return text


def unpack(value: str | bytes) -> str:
    """The text that `pack` was given."""
    return value if isinstance(value, str) else value.decode("utf-8", "surrogatepass")


def micros(moment: datetime) -> int:
    """A moment in whole microseconds since 1970."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def moment(value: int) -> datetime:
    """The moment that `micros` was given, in UTC."""
    return _EPOCH + timedelta(microseconds=value)


@dataclass(frozen=True, slots=True)
class SessionRow:
    """What is kept of a session beside its turns, fixed now."""

    id: str
    user: str
    title: str
    model: str
    created_at: datetime
    settings: str

    @classmethod
    def of(cls, session: Session) -> SessionRow:
        """A session as it stands."""
        settings = {
            "system": session.system,
            "options": session.options,
            "think": session.think,
            "keep_alive": session.keep_alive,
            "ordered": session.ordered,
        }
        return cls(
            session.id,
            session.user,
            session.title,
            session.own_model,
            session.created_at,
            json.dumps(settings, default=str),
        )


@dataclass(frozen=True, slots=True)
class TurnRow:
    """What is kept of a turn, fixed now; its pieces are put together by who writes it."""

    id: str
    question: str
    parts: Sequence[str]
    thinking: Sequence[str]
    model: str
    state: TurnState
    asked_at: datetime
    facts: dict[str, Any]
    where: tuple[str, str, int]
    attachments: Sequence[Attachment] = ()

    @classmethod
    def of(cls, turn: Turn, *, interrupted: bool = False) -> TurnRow:
        """A turn as it stands; as one that its program left, if it is `interrupted`."""
        tokens = turn.tokens
        state, note, hints = turn.state, turn.note, turn.hints
        if interrupted:
            state, hints = TurnState.INTERRUPTED, ()
            note = words_for_interrupted(has_reply=any(turn.parts)).note
        # One that was asked in this program has a piece for each token.
        counted = ReplyStats(tokens=tokens) if tokens and turn.request_id else None
        stats = turn.stats or counted
        return cls(
            turn.id,
            turn.question,
            list(turn.parts),
            list(turn.thinking),
            turn.model,
            state,
            turn.asked_at,
            {
                "note": note,
                "hints": hints,
                "left_out": turn.left_out,
                "duration": turn.duration,
                "thought_for": turn.thought_for,
                "stats": asdict(stats) if stats else None,
            },
            turn.where,
            turn.attachments,
        )


def save_session(database: sqlite3.Connection, row: SessionRow, owner: str) -> None:
    """Write what a session is called and asked with; a new one is the last of the tabs."""
    database.execute(
        _SAVE_SESSION,
        {
            "id": row.id,
            "user": pack(row.user),
            "title": pack(row.title),
            "model": pack(row.model),
            "created_at": micros(row.created_at),
            "settings": row.settings,
            "owner": owner,
        },
    )


def save_turn(database: sqlite3.Connection, session: str, row: TurnRow, updated: datetime) -> None:
    """Write a whole turn, in the place of what there is of it."""
    database.execute(
        _SAVE_TURN,
        {
            "id": row.id,
            "session": session,
            "question": pack(row.question),
            "reply": pack("".join(row.parts)),
            "thinking": pack("".join(row.thinking)),
            "model": pack(row.model),
            "state": row.state.value,
            "asked_at": micros(row.asked_at),
            "facts": json.dumps(row.facts),
            **_where(row.where),
        },
    )
    save_attachments(database, row.id, row.attachments)
    database.execute("DELETE FROM pieces WHERE turn = ?", (row.id,))
    database.execute(
        "UPDATE sessions SET updated_at = max(updated_at, ?) WHERE id = ?",
        (micros(updated), session),
    )


def place_turn(database: sqlite3.Connection, turn: str, where: tuple[str, str, int]) -> None:
    """Write where a turn stands among the others, and whether it is shown (see tree.py)."""
    database.execute(
        "UPDATE turns SET place = :place, after = :after, picked = :picked WHERE id = :id",
        {"id": turn, **_where(where)},
    )


def _where(where: tuple[str, str, int]) -> dict[str, str | int]:
    place, after, picked = where
    return {"place": place, "after": after, "picked": picked}


def delete_turn(database: sqlite3.Connection, turn: str) -> None:
    """Take a turn out; what followed it is placed anew by who calls this."""
    database.execute("DELETE FROM turns WHERE id = ?", (turn,))


def add_pieces(
    database: sqlite3.Connection,
    turn: str,
    tokens: int,
    parts: Sequence[str],
    thinking: Sequence[str],
) -> None:
    """Write what is new of a reply.

    Args:
        database: Where.
        turn: Whose reply.
        tokens: How many pieces have come of it with these.
        parts: What is new of its text.
        thinking: What is new of what the model thinks aloud.
    """
    database.execute(
        "INSERT OR REPLACE INTO pieces VALUES (?, ?, ?, ?)",
        (turn, tokens, pack("".join(parts)), pack("".join(thinking))),
    )


def save_draft(database: sqlite3.Connection, session: str, draft: str) -> None:
    """Write what stands in the message box of a session."""
    database.execute("UPDATE sessions SET draft = ? WHERE id = ?", (pack(draft), session))
