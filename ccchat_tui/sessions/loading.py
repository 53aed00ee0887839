"""Conversations out of the rows of the database: what `rows` wrote, read back."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from ccchat_tui.engine.request import ReplyStats
from ccchat_tui.sessions import tree
from ccchat_tui.sessions.attached_rows import load_attached, load_attachments
from ccchat_tui.sessions.model import Session, Turn, TurnState
from ccchat_tui.sessions.rows import moment, unpack
from ccchat_tui.sessions.words import words_for_interrupted

if TYPE_CHECKING:
    import sqlite3


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
