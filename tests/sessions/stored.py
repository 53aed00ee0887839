"""What the tests of the store have in common: conversations, and a look into the file."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from ccchat_tui.engine.request import ReplyStats
from ccchat_tui.sessions.attached_rows import save_attached
from ccchat_tui.sessions.database import open_database, transaction
from ccchat_tui.sessions.loading import load_session
from ccchat_tui.sessions.model import Session, Turn, TurnState
from ccchat_tui.sessions.rows import SessionRow, TurnRow, save_draft, save_session, save_turn
from ccchat_tui.sessions.store import Store

MOMENT = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


def conversation(
    number: int = 1, *, user: str = "Ada", title: str = "", turns: tuple[tuple[str, str], ...] = ()
) -> Session:
    """A conversation whose replies are whole, an hour after the one of the number before."""
    begun = MOMENT + timedelta(hours=number)
    return Session(
        id=f"s{number}",
        user=user,
        title=title or f"Conversation {number}",
        model="llama3.2:3b",
        created_at=begun,
        turns=[
            Turn(
                id=f"s{number}t{index}",
                question=question,
                model="llama3.2:3b",
                asked_at=begun + timedelta(minutes=index),
                state=TurnState.COMPLETED,
                parts=[reply],
                stats=ReplyStats(tokens=len(reply.split())),
                duration=1.5,
            )
            for index, (question, reply) in enumerate(turns)
        ],
    )


def write(database: sqlite3.Connection, session: Session, owner: str = "") -> None:
    """Put a whole conversation into a database, inside a transaction."""
    save_session(database, SessionRow.of(session), owner)
    for turn in session.every:
        save_turn(database, session.id, TurnRow.of(turn), turn.asked_at)
    save_draft(database, session.id, session.draft)
    if session.attached:
        save_attached(database, session.id, session.attached)


def fill(path: Path, *sessions: Session) -> None:
    """Make a file with these conversations in it, none of them open anywhere."""
    with closing(open_database(path)) as database, transaction(database):
        for session in sessions:
            write(database, session)
        database.execute("UPDATE sessions SET tab = NULL")


def kept(path: Path, session_id: str) -> Session | None:
    """A conversation as it stands in the file."""
    with closing(open_database(path)) as database:
        return load_session(database, session_id)


def everything(path: Path) -> dict[str, list[str]]:
    """The questions of every conversation in the file, by its id."""
    with closing(sqlite3.connect(path)) as database:
        found: dict[str, list[str]] = {}
        for session, question in database.execute(
            "SELECT session, question FROM turns ORDER BY number"
        ):
            found.setdefault(session, []).append(question)
        return found


def same(one: Session | None, other: Session) -> bool:
    """Whether two conversations say the same."""
    return one is not None and facts(one) == facts(other)


def facts(session: Session) -> tuple[object, ...]:
    """All that a conversation says, so that two can be compared."""
    return (
        (session.id, session.user, session.title, session.model, session.created_at),
        (session.system, session.options, session.think, session.keep_alive, session.ordered),
        (session.draft, session.attached),
        [
            (
                (turn.id, turn.question, turn.reply, "".join(turn.thinking), turn.model),
                (turn.state, turn.asked_at, turn.note, turn.hints, turn.left_out),
                (turn.stats, turn.duration, turn.attachments),
                (turn.place, turn.after),
            )
            for turn in session.turns
        ],
        sorted((turn.id, turn.place, turn.after, turn.reply) for turn in session.every),
    )


@asynccontextmanager
async def opened(path: Path) -> AsyncIterator[Store]:
    """A store that is open inside, and has written everything when it is left."""
    store = Store(path)
    store.open()
    try:
        yield store
    finally:
        await store.aclose()


async def put(store: Store, *sessions: Session) -> None:
    """Write conversations through a store, and wait until they are on the disk."""
    for session in sessions:
        await store.write(partial(write, session=session, owner=store.owner.token))
