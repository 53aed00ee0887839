"""What is wrong with the file of conversations, in words."""

from __future__ import annotations

import os
from pathlib import Path

_WORDS = {
    "SQLITE_FULL": "the disk is full",
    "SQLITE_READONLY": "it is read-only",
    "SQLITE_CANTOPEN": "it cannot be opened there",
    "SQLITE_PERM": "there is no permission to write it",
    "SQLITE_AUTH": "there is no permission to write it",
    "SQLITE_BUSY": "another program has been writing it for long",
    "SQLITE_LOCKED": "another program has been writing it for long",
    "SQLITE_IOERR": "the disk reports an error",
    "SQLITE_NOTADB": "it is no database, or a damaged one",
    "SQLITE_CORRUPT": "it is damaged",
    "SQLITE_INTERRUPT": "it was interrupted",
}
"""By the beginnings of SQLite's own names for them."""
_LASTING = ("SQLITE_NOTADB", "SQLITE_CORRUPT")
_PASSING = (
    "SQLITE_FULL",
    "SQLITE_READONLY",
    "SQLITE_CANTOPEN",
    "SQLITE_PERM",
    "SQLITE_AUTH",
    "SQLITE_BUSY",
    "SQLITE_LOCKED",
    "SQLITE_IOERR",
    "SQLITE_NOMEM",
)
"""What is no fault of what was to be written: the same may be written later."""


class StoreProblem(Exception):  # noqa: N818 - told to the person, and no fault of ours
    """Conversations cannot be read or written.

    Args:
        message: In words: which file, what is wrong, and what helps where that is known.
        lasting: Whether it is no use to try again.
        passed_over: Whether it was one thing only, and all the rest is saved.
    """

    def __init__(self, message: str, *, lasting: bool = False, passed_over: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.lasting = lasting
        self.passed_over = passed_over


def problem_from(error: Exception, path: Path) -> StoreProblem:
    """Say in words what SQLite or the system said.

    Args:
        error: A `sqlite3.Error` or an `OSError`.
        path: The file.
    """
    name = error_name(error)
    told = next((words for start, words in _WORDS.items() if name.startswith(start)), "")
    if not told and isinstance(error, OSError) and error.errno is not None:
        told = os.strerror(error.errno)
    return StoreProblem(f"{path}: {told or error}", lasting=name.startswith(_LASTING))


def error_name(error: Exception) -> str:
    """SQLite's own name for an error; empty where it has none."""
    return getattr(error, "sqlite_errorname", None) or ""


def of_the_file(error: Exception) -> bool:
    """Whether an error speaks of the file, the disk or other writers, and not of what was to be
    written."""
    return error_name(error).startswith((*_PASSING, *_LASTING))
