"""A file that is taken away while it is in use: seen, and written back from what is still open.

SQLite goes on writing into a file that has no name any more, without a word; all of it is gone
when the program ends.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from ccchat_tui.sessions.problems import StoreProblem

Identity = tuple[int, int]
"""What tells one file from another, whatever it is called."""


def identity(path: Path) -> Identity | None:
    """Which file is there now; `None` for none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def gone(path: Path) -> StoreProblem:
    """That there is no file any more."""
    return StoreProblem(f"{path}: it was deleted or moved away while it was in use")


def replaced(path: Path) -> StoreProblem:
    """That another one is there."""
    return StoreProblem(
        f"{path}: another file was put in its place while it was in use; put the first one back, "
        "or export what was said since, and start ccchat again"
    )


def write_back(database: sqlite3.Connection, path: Path) -> None:
    """Write a file again of which only the connection is left, under its name.

    Raises:
        StoreProblem: Another file has come there meanwhile.
        OSError: It cannot be made.
        sqlite3.Error: It cannot be written.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    copy = path.with_name(f"{path.name}.{os.getpid()}.back")
    os.close(os.open(copy, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600))
    try:
        with closing(sqlite3.connect(copy)) as written:
            database.backup(written)
        # What had been written ahead for the file that is gone is in the copy already.
        for companion in ("-wal", "-shm"):
            with suppress(FileNotFoundError):
                path.with_name(path.name + companion).unlink()
        try:
            os.link(copy, path)  # which takes the place of nothing
        except FileExistsError:
            raise replaced(path) from None
    finally:
        for left in (copy, *copy.parent.glob(f"{copy.name}-*")):
            with suppress(OSError):
                left.unlink()


def took_over(path: Path, database: sqlite3.Connection, token: str) -> bool:
    """Whether the file that is there now holds all that a process has open in the one that is gone:
    another process has written it back."""
    asked = "SELECT count(*) FROM sessions WHERE owner = ?"
    try:
        with closing(sqlite3.connect(path)) as there:
            return bool(
                there.execute(asked, (token,)).fetchone()
                == database.execute(asked, (token,)).fetchone()
            )
    except sqlite3.Error:
        return False
