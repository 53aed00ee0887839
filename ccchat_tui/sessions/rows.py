"""Conversations as rows of the database, and back.

Everything here is done on a connection by whoever owns it, and blocks; what writes is to be
called inside a transaction.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from ccchat_tui.engine.request import ReplyStats
from ccchat_tui.sessions import tree
from ccchat_tui.sessions.attached_rows import (
    load_attached,
    load_attachments,
    save_attachments,
)
from ccchat_tui.sessions.attachments import Attachment
from ccchat_tui.sessions.model import Session, Turn, TurnState
from ccchat_tui.sessions.words import words_for_interrupted

if TYPE_CHECKING:
    import sqlite3

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ALIVE = tuple(state.value for state in TurnState if state.alive)

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


# Writing ----------------------------------------------------------------------------------


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


# Opening ----------------------------------------------------------------------------------


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


def load_session(database: sqlite3.Connection, session_id: str) -> Session | None:
    """A whole conversation; `None` if there is none of that id."""
    row = database.execute(
        "SELECT id, user, title, model, created_at, settings, draft FROM sessions "
        "WHERE id = ? AND deleted_at IS NULL",
        (session_id,),
    ).fetchone()
    if row is None:
        return None
    settings = json.loads(row[5])
    return Session(
        id=row[0],
        user=unpack(row[1]),
        title=unpack(row[2]),
        model=unpack(row[3]),
        created_at=moment(row[4]),
        system=settings.get("system", ""),
        options=settings.get("options") or {},
        think=settings.get("think"),
        keep_alive=settings.get("keep_alive"),
        ordered=bool(settings.get("ordered")),
        every=_load_turns(database, session_id),
        draft=unpack(row[6]),
        attached=load_attached(database, session_id),
    )


def _load_turns(database: sqlite3.Connection, session_id: str) -> list[Turn]:
    turns: list[Turn] = []
    for row in database.execute(
        "SELECT id, question, reply, thinking, model, state, asked_at, facts, place, after, picked "
        "FROM turns WHERE session = ? ORDER BY number",
        (session_id,),
    ).fetchall():
        turn = _turn(database, row)
        turn.place, turn.picked = row[8] or turn.id, row[10]
        # From before there were branches: it follows the one before it.
        turn.after = row[9] if row[9] is not None else (turns[-1].place if turns else "")
        turns.append(turn)
    files = load_attachments(database, session_id)
    for turn in turns:
        turn.attachments = files.get(turn.id, ())
    # One that was deleted and taken back has been written last.
    turns.sort(key=lambda turn: turn.asked_at)
    tree.mend(turns)
    return turns


def _turn(database: sqlite3.Connection, row: tuple[Any, ...]) -> Turn:
    reply, thinking = unpack(row[2]), unpack(row[3])
    state = TurnState(row[5])
    facts = json.loads(row[7])
    note = facts.get("note", "")
    if state.alive:
        # Whoever had it open may write it still: it is read as it stands, and not changed.
        pieces = database.execute(
            "SELECT reply, thinking FROM pieces WHERE turn = ? ORDER BY tokens", (row[0],)
        ).fetchall()
        reply += "".join(unpack(piece[0]) for piece in pieces)
        thinking += "".join(unpack(piece[1]) for piece in pieces)
        state, note = TurnState.INTERRUPTED, words_for_interrupted(has_reply=bool(reply)).note
    return Turn(
        id=row[0],
        question=unpack(row[1]),
        model=unpack(row[4]),
        asked_at=moment(row[6]),
        state=state,
        parts=[reply] if reply else [],
        thinking=[thinking] if thinking else [],
        note=note,
        hints=tuple(facts.get("hints", ())),
        left_out=facts.get("left_out", 0),
        stats=_stats(facts.get("stats")),
        duration=facts.get("duration"),
        thought_for=facts.get("thought_for"),
    )


def _stats(told: dict[str, Any] | None) -> ReplyStats | None:
    """The figures of a reply; those that only another version knows are left out."""
    known = {field.name for field in fields(ReplyStats)}
    return ReplyStats(**{key: told[key] for key in known & told.keys()}) if told else None
