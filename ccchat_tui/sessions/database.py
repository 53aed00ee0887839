"""The file in which conversations are kept: found, opened, and brought up to date."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ccchat_tui.sessions.migrations import MIGRATIONS
from ccchat_tui.sessions.problems import StoreProblem, error_name, problem_from

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

APPLICATION_ID = 0x63634368
"""What marks a SQLite file as ours, in the place that SQLite has for it."""
BUSY_SECONDS = 5.0
"""How long one process waits for another that is writing."""


def open_database(path: Path, steps: Sequence[Sequence[str]] = MIGRATIONS) -> sqlite3.Connection:
    """Open the file for writing; make it, or bring it up to date, where that is needed.

    Args:
        path: The file. Only its owner may read it, whoever made it.
        steps: The migrations, for tests.

    Raises:
        StoreProblem: It cannot be used; says why, and whether that may pass.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Made by ourselves, so that it is nobody else's for not even a moment; SQLite gives its
        # companions the same mode.
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if os.name == "posix" and os.fstat(handle).st_mode & 0o077:
                os.fchmod(handle, 0o600)
        finally:
            os.close(handle)
        database = sqlite3.connect(
            path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
    except (OSError, sqlite3.Error) as error:
        raise problem_from(error, path) from None
    try:
        # In one look: another process may be making it just now.
        database.execute("BEGIN")
        _check_kind(database, path, len(steps))
        database.execute("COMMIT")
        _write_ahead(database)
        # What has been said to be kept outlives a loss of power, too.
        database.execute("PRAGMA synchronous = FULL")
        database.execute("PRAGMA foreign_keys = ON")
        _migrate(database, path, steps)
    except sqlite3.Error as error:
        database.close()
        raise problem_from(error, path) from None
    except BaseException:
        database.close()
        raise
    return database


def open_for_reading(path: Path) -> sqlite3.Connection:
    """A second connection to a file that has been opened already, for questions only.

    Raises:
        StoreProblem: It cannot be opened.
    """
    try:
        database = sqlite3.connect(
            path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        database.execute("PRAGMA query_only = ON")
    except sqlite3.Error as error:
        raise problem_from(error, path) from None
    return database


@contextmanager
def transaction(database: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """All or nothing of what is written inside; waits for other writers at its beginning."""
    database.execute("BEGIN IMMEDIATE")
    try:
        yield database
        database.execute("COMMIT")
    except BaseException:
        # A full disk may have rolled it back already.
        if database.in_transaction:
            database.execute("ROLLBACK")
        raise


def version_of(database: sqlite3.Connection) -> int:
    """How many of the migrations a file has been through."""
    return int(database.execute("PRAGMA user_version").fetchone()[0])


def _check_kind(database: sqlite3.Connection, path: Path, known: int) -> None:
    """Refuse what is not ours, and what is newer than we are."""
    mark = int(database.execute("PRAGMA application_id").fetchone()[0])
    version = version_of(database)
    tables = database.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    if mark != APPLICATION_ID and (mark or version or tables):
        raise StoreProblem(
            f"{path} is a database of another program; name another file with CCCHAT_STORE",
            lasting=True,
        )
    if version > known:
        raise StoreProblem(
            f"{path} was written by a newer ccchat (version {version} of the file; this one knows "
            f"up to {known}); install that one, or name another file with CCCHAT_STORE",
            lasting=True,
        )


def _write_ahead(database: sqlite3.Connection) -> None:
    """Let readers and a writer be at work at the same time. A file remembers it; for the change
    SQLite does not wait until others have let go, so it is waited for here."""
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            database.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if not error_name(error).startswith("SQLITE_BUSY") or time.monotonic() > deadline:
                raise
            time.sleep(0.005)
        else:
            return


def _migrate(database: sqlite3.Connection, path: Path, steps: Sequence[Sequence[str]]) -> None:
    if version_of(database) == len(steps):
        return
    with transaction(database):
        # Another process may have done it, or some of it, while we waited.
        _check_kind(database, path, len(steps))
        for number in range(version_of(database), len(steps)):
            for statement in steps[number]:
                database.execute(statement)
            database.execute(f"PRAGMA user_version = {number + 1}")
        database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
