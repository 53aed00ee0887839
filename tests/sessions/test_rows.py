"""Conversations into the database and out of it again: nothing is lost, whatever was said."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccchat_tui.engine.request import ReplyStats
from ccchat_tui.sessions.database import open_database, transaction
from ccchat_tui.sessions.loading import load_session
from ccchat_tui.sessions.model import Session, Turn, TurnState
from ccchat_tui.sessions.rows import SessionRow, TurnRow, add_pieces, save_session, save_turn
from ccchat_tui.sessions.search import page, search
from ccchat_tui.sessions.tabs import (
    claim_tabs,
    close_tab,
    forget_tabs,
    mark_seen,
    release_all,
    take_over,
)
from tests.sessions.stored import MOMENT, conversation, facts, same, write

HOSTILE = st.one_of(
    st.text(),
    # Half a surrogate pair comes out of any server's JSON.
    st.text(st.characters(categories=["Cs", "Cc", "Lo", "Mn"]), max_size=8),
    st.sampled_from(["\x00", "a\x00b", "\ud800", "\udc00\ud800", "'; DROP TABLE turns; --", '"',
                     "\x1b]0;x\x07", "\r\n", "\ufeff", "[/oops]"]),
)  # fmt: skip
MOMENTS = st.datetimes(timezones=st.just(UTC))
ENDED = [state for state in TurnState if not state.alive]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | HOSTILE
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)  # fmt: skip


@st.composite
def turns(draw: st.DrawFn) -> Turn:
    return Turn(
        id="",
        question=draw(HOSTILE),
        model=draw(HOSTILE),
        asked_at=draw(MOMENTS),
        state=draw(st.sampled_from(ENDED)),
        parts=draw(st.lists(HOSTILE, max_size=4)),
        thinking=draw(st.lists(HOSTILE, max_size=2)),
        note=draw(HOSTILE),
        hints=tuple(draw(st.lists(HOSTILE, max_size=2))),
        left_out=draw(st.integers(0, 9)),
        stats=ReplyStats(tokens=draw(st.integers(0)), done_reason=draw(HOSTILE)),
        duration=draw(st.none() | st.floats(0, 1e6)),
        thought_for=draw(st.none() | st.floats(0, 1e6)),
    )


@st.composite
def sessions(draw: st.DrawFn) -> Session:
    said = draw(st.lists(turns(), max_size=4))
    for number, turn in enumerate(said):
        turn.id = turn.place = f"t{number}"
        earlier = said[:number]
        is_version = draw(st.booleans())
        if earlier and is_version:
            one = draw(st.sampled_from(earlier))
            turn.place, turn.after = one.place, one.after
        elif earlier:
            turn.after = draw(st.sampled_from(["", *(one.place for one in earlier)]))
        turn.picked = draw(st.integers(0, 3)) * 10 + number
    said.sort(key=lambda turn: turn.asked_at)
    return Session(
        id="s",
        user=draw(HOSTILE),
        title=draw(HOSTILE),
        model=draw(HOSTILE),
        created_at=draw(MOMENTS),
        system=draw(HOSTILE),
        options=draw(st.dictionaries(HOSTILE, JSON, max_size=3)),
        think=draw(st.sampled_from([None, True, False, "low", "max"])),
        keep_alive=draw(st.sampled_from([None, "10m", 5.0, -1])),
        ordered=draw(st.booleans()),
        every=said,
        draft=draw(HOSTILE),
    )


@pytest.fixture
def database(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(open_database(tmp_path / "c.db")) as database:
        yield database


@given(sessions(), HOSTILE)
def test_any_conversation_comes_back_as_it_was_and_can_be_searched(
    session: Session, typed: str
) -> None:
    with TemporaryDirectory() as folder, closing(open_database(Path(folder, "c.db"))) as database:
        with transaction(database):
            write(database, session)
            write(database, session)  # written again it is the same
        assert facts(load_session(database, "s") or conversation()) == facts(session)
        for text in (typed, session.title, *(turn.question for turn in session.turns)):
            search(database, text)
        assert [summary.turns for summary in page(database, 0, 9)] == [len(session.every)]


@given(st.lists(st.lists(HOSTILE, max_size=3), max_size=4))
def test_a_reply_that_was_cut_off_is_all_that_had_been_written(pieces: list[list[str]]) -> None:
    with TemporaryDirectory() as folder, closing(open_database(Path(folder, "c.db"))) as database:
        session = conversation()
        turn = Turn("t", "why?", "m", MOMENT)
        with transaction(database):
            save_session(database, SessionRow.of(session), "gone")
            save_turn(database, session.id, TurnRow.of(turn), MOMENT)
            tokens = 0
            for parts in pieces:
                tokens += 2 * len(parts)
                if parts:
                    add_pieces(database, "t", tokens, parts, [part[::-1] for part in parts])
        for _ in range(2):  # asked while it runs elsewhere, and when that is over
            loaded = load_session(database, session.id)
            assert loaded is not None
            [back] = loaded.turns
            assert back.reply == "".join(part for parts in pieces for part in parts)
            told = "".join(part[::-1] for parts in pieces for part in parts)
            assert "".join(back.thinking) == told
            assert back.state is TurnState.INTERRUPTED
            assert back.note.startswith("ccchat ended before")
            with transaction(database):
                take_over(database, lambda owner: False)
        assert database.execute("SELECT count(*) FROM pieces").fetchone() == (0,)
        assert (back.stats.tokens if back.stats else 0) in (0, tokens)


def test_nothing_is_taken_from_who_is_alive(database: sqlite3.Connection) -> None:
    with transaction(database):
        for number, owner in enumerate(("alive", "dead", "dead"), 1):
            session = conversation(number)
            session.add(Turn(f"t{number}", "q", "m", MOMENT))
            write(database, session, owner)
        take_over(database, lambda owner: owner == "alive")
        states = dict(database.execute("SELECT id, state FROM turns").fetchall())
        assert states == {"t1": "queued", "t2": "interrupted", "t3": "interrupted"}
        tabs, _ = claim_tabs(database, "me", None)
    assert [session.id for session in tabs] == ["s2", "s3"]


def test_tabs_come_back_in_their_order_with_the_one_worked_in_last(
    database: sqlite3.Connection,
) -> None:
    with transaction(database):
        for number, user in enumerate(("Ada", "Bob", "Ada", "Cleo"), 1):
            write(database, conversation(number, user=user), "me")
        mark_seen(database, "s2", MOMENT)
        mark_seen(database, "s1", MOMENT)
        mark_seen(database, "s2", MOMENT.replace(year=2025))  # the clock was set back
        close_tab(database, "s3")
        assert claim_tabs(database, "other", None) == ([], "")
        release_all(database, "me")
        some, last = claim_tabs(database, "other", frozenset({"Ada", "Cleo"}))
        assert ([each.id for each in some], last) == (["s1", "s4"], "s1")
        rest, last = claim_tabs(database, "third", None)
        assert ([each.id for each in rest], last) == (["s2"], "s2")
        release_all(database, "third")
        forget_tabs(database)
        assert claim_tabs(database, "fourth", None) == ([], "")
        assert claim_tabs(database, "other", None) == ([], ""), "taken once"
    assert len(page(database, 0, 9)) == 4


def test_a_retry_takes_the_place_of_the_reply_before(database: sqlite3.Connection) -> None:
    session = conversation(turns=(("why?", "because of apples"),))
    [turn] = session.turns
    with transaction(database):
        write(database, session)
        turn.start_over("qwen3:8b")
        save_turn(database, "s1", TurnRow.of(turn), MOMENT)
    assert search(database, "apples") == []
    assert search(database, "why") != []
    turn.parts.append("because of pears")
    turn.state = TurnState.COMPLETED
    with transaction(database):
        save_turn(database, "s1", TurnRow.of(turn), MOMENT)
    assert [hit.turn for hit in search(database, "pears")] == [turn.id]


def test_figures_of_another_version_do_no_harm(database: sqlite3.Connection) -> None:
    session = conversation(turns=(("a", "b"),))
    with transaction(database):
        write(database, session)
        database.execute(
            "UPDATE turns SET facts = json_set(facts, '$.stats.joules', 3, '$.mood', 'good')"
        )
    assert same(load_session(database, "s1"), session)


def test_a_turn_of_a_kept_row_is_fixed_when_it_is_made() -> None:
    """The writer's thread must not see what the engine appends meanwhile."""
    turn = Turn("t", "q", "m", MOMENT, parts=["a"])
    row = TurnRow.of(turn)
    turn.parts.append("b")
    assert list(row.parts) == ["a"]
    assert replace(row, parts=[]) != row
