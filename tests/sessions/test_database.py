"""The file itself: who may read it, how it grew up, what is refused."""

from __future__ import annotations

import json
import os
import sqlite3
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from ccchat_tui.sessions.attachments import attachment_from
from ccchat_tui.sessions.database import APPLICATION_ID, open_database, transaction, version_of
from ccchat_tui.sessions.loading import load_session
from ccchat_tui.sessions.migrations import MIGRATIONS
from ccchat_tui.sessions.model import Session
from ccchat_tui.sessions.problems import StoreProblem
from ccchat_tui.sessions.rows import SessionRow, TurnRow, micros, save_session, save_turn
from ccchat_tui.sessions.search import search
from tests.sessions.stored import conversation, facts, fill, kept, same, write

posix = pytest.mark.skipif(os.name != "posix", reason="modes of files are of Unix")


def modes(folder: Path) -> set[int]:
    return {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()}


@posix
def test_only_its_owner_may_read_it_or_its_companions(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "of two" / "c.db"
    before = os.umask(0)
    try:
        with closing(open_database(path)) as database, transaction(database):
            write(database, conversation())
            assert {file.name for file in path.parent.iterdir()} == {"c.db", "c.db-wal", "c.db-shm"}
            assert modes(path.parent) == {0o600}
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@posix
def test_a_file_that_others_could_read_is_closed_to_them(tmp_path: Path) -> None:
    path = tmp_path / "c.db"
    fill(path, conversation())
    path.chmod(0o644)
    open_database(path).close()
    assert modes(tmp_path) == {0o600}


def test_it_is_written_ahead_and_to_the_disk(tmp_path: Path) -> None:
    with closing(open_database(tmp_path / "c.db")) as database:
        assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert database.execute("PRAGMA synchronous").fetchone() == (2,)


def test_a_new_file_has_been_through_every_step(tmp_path: Path) -> None:
    with closing(open_database(tmp_path / "c.db")) as database:
        assert version_of(database) == len(MIGRATIONS)
        assert database.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)


def to_2(path: Path) -> None:
    """The index of words is made of what was there before it."""
    with closing(open_database(path)) as database:
        assert [hit.turn for hit in search(database, "herring")] == ["s1t0"]
        assert [hit.summary.id for hit in search(database, "fish soup")] == ["s1"]
        with transaction(database):
            database.execute("DELETE FROM sessions")
        assert search(database, "herring") == []


def to_3(path: Path) -> None:
    """The index has what was thought before it had such a place."""
    with closing(open_database(path)) as database:
        assert [hit.turn for hit in search(database, "gills")] == ["s1t1"]


def to_4(path: Path) -> None:
    """Questions of before have no files, and those of now may."""
    with closing(open_database(path)) as database, transaction(database):
        session = load_session(database, "s1")
        assert session is not None
        assert [turn.attachments for turn in session.turns] == [(), ()]
        session.turns[0].attachments = (attachment_from("a.txt", b"Cod"),)
        write(database, session)
        assert same(load_session(database, "s1"), session)


def to_5(path: Path) -> None:
    """What was a row of turns before is one without any branch, and can have some."""
    with closing(open_database(path)) as database:
        session = load_session(database, "s1")
        assert session is not None
        assert [(turn.id, turn.place, turn.after) for turn in session.turns] == [
            ("s1t0", "s1t0", ""),
            ("s1t1", "s1t1", "s1t0"),
        ]
        again = replace(session.turns[0], id="s1t2", parts=["With cod"], picked=1)
        with transaction(database):
            save_turn(database, "s1", TurnRow.of(again), again.asked_at)
        branched = load_session(database, "s1")
        assert branched is not None
        assert [turn.id for turn in branched.turns] == ["s1t2", "s1t1"]


CHECKS: dict[int, Callable[[Path], None]] = {2: to_2, 3: to_3, 4: to_4, 5: to_5}


def write_as_before(database: sqlite3.Connection, session: Session) -> None:
    """Put a conversation into a file from before there were branches."""
    save_session(database, SessionRow.of(session), "")
    for turn in session.turns:
        row = TurnRow.of(turn)
        database.execute(
            "INSERT INTO turns (id, session, question, reply, thinking, model, state, asked_at, "
            "facts) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(row.id, session.id, row.question, "".join(row.parts), "".join(row.thinking)),
                *(row.model, row.state.value, micros(row.asked_at), json.dumps(row.facts)),
            ),
        )


@pytest.mark.parametrize("version", range(2, len(MIGRATIONS) + 1))
def test_each_step_from_the_one_before(tmp_path: Path, version: int) -> None:
    """What was in the file is there after the step, and the step does what it is for."""
    path = tmp_path / "c.db"
    session = conversation(title="Fish soup", turns=(("With what?", "With herring"), ("Why?", "x")))
    session.turns[1].thinking = ["Has it gills?"]
    with closing(open_database(path, MIGRATIONS[: version - 1])) as database:
        assert version_of(database) == version - 1
        with transaction(database):
            write_as_before(database, session)
    with closing(open_database(path, MIGRATIONS[:version])) as database:
        assert version_of(database) == version
    # What is read goes by the newest form.
    assert same(kept(path, "s1"), session)
    CHECKS[version](path)


def test_a_step_that_fails_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "c.db"
    session = conversation(turns=(("a", "b"),))
    fill(path, session)
    broken = (*MIGRATIONS, ("DROP TABLE pieces", "CREATE TABLE oops ("))
    with pytest.raises(StoreProblem):
        open_database(path, broken)
    assert same(kept(path, "s1"), session)


def test_a_newer_file_is_refused_in_words_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "c.db"
    open_database(path, (*MIGRATIONS, ("CREATE TABLE future (x)",))).close()
    before = path.read_bytes()
    with pytest.raises(StoreProblem, match="was written by a newer ccchat") as caught:
        open_database(path)
    assert caught.value.lasting
    assert str(path) in caught.value.message
    assert path.read_bytes() == before


def test_a_database_of_another_program_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "c.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE theirs (x)")
    with pytest.raises(StoreProblem, match="database of another program") as caught:
        open_database(path)
    assert caught.value.lasting


def test_a_file_that_is_no_database_is_refused_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "c.db"
    path.write_bytes(b"My diary. " * 1000)
    with pytest.raises(StoreProblem, match="no database") as caught:
        open_database(path)
    assert caught.value.lasting
    assert path.read_bytes() == b"My diary. " * 1000


def test_a_place_where_nothing_can_be_made_is_told_and_may_become_better(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreProblem, match=r"Not a directory|exists") as caught:
        open_database(tmp_path / "file" / "c.db")
    assert not caught.value.lasting


def test_what_is_compared_differs_where_it_should() -> None:
    """Else every comparison here would hold."""
    assert facts(conversation(1)) != facts(conversation(2))
    assert facts(conversation(turns=(("a", "b"),))) != facts(conversation(turns=(("a", "c"),)))


def test_many_open_a_new_file_at_once(tmp_path: Path) -> None:
    """Each finds it whole or makes it, whoever is first."""
    for number in range(20):
        path = tmp_path / f"{number}.db"
        with ThreadPoolExecutor(4) as pool:
            opened = list(pool.map(lambda _: open_database(path), range(4)))  # noqa: B023
        for database in opened:
            assert version_of(database) == len(MIGRATIONS)
            database.close()
