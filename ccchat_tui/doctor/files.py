"""The files that are kept: conversations and tokens."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from ccchat_tui.api.tokens import Tokens, TokensError
from ccchat_tui.config_keys import private
from ccchat_tui.doctor.finding import Findings, note, ok, problem, warning
from ccchat_tui.paths import chosen_store, tokens_file
from ccchat_tui.sessions.problems import problem_from

if TYPE_CHECKING:
    from ccchat_tui.config import Settings

LEAST_FREE: Final = 100_000_000
"""Bytes on the disk below which it is nearly full."""
_MEGABYTE: Final = 1_000_000


def check_store(settings: Settings) -> Findings:
    """Whether conversations can be kept, and whether those that were kept are whole. The file is
    only read."""
    path = chosen_store(settings.store)
    if path is None:
        yield note("store", "off: conversations are in memory only", "unset CCCHAT_STORE to keep")
        return
    folder = _nearest(path.parent)
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        yield problem(
            "store",
            f"nothing can be written into {folder}",
            "give yourself the right to, or name another file with CCCHAT_STORE",
            file=str(path),
        )
        return
    free = shutil.disk_usage(folder).free
    if free < LEAST_FREE:
        yield warning(
            "store",
            f"{free // _MEGABYTE} MB are free on the disk of {path}",
            "make room, or name a file on another disk with CCCHAT_STORE",
            free=free,
        )
    if not path.exists():
        yield ok("store", f"{path} is made when something is said", file=str(path))
        return
    yield from _look_into(path)


def _look_into(path: Path) -> Findings:
    told: dict[str, Any] = {"file": str(path)}
    try:
        with closing(_read_only(path)) as database:
            _check_kind(database)
            whole = [row[0] for row in database.execute("PRAGMA quick_check(3)")]
            told["version"] = database.execute("PRAGMA user_version").fetchone()[0]
            told["conversations"] = database.execute("SELECT count(*) FROM sessions").fetchone()[0]
        told["bytes"] = path.stat().st_size
    except (sqlite3.Error, OSError) as error:
        said = problem_from(error, path).message
        yield problem("store", said, _ASIDE, **told)
        return
    if whole != ["ok"]:
        yield problem("store", f"{path} is damaged: {whole[0]}", _ASIDE, **told)
        return
    if not os.access(path, os.W_OK):
        yield problem("store", f"{path} cannot be written", f"`chmod u+w {path}`", **told)
        return
    if not private(path):
        yield warning("store", f"{path} may be read by others", f"`chmod 600 {path}`", **told)
    said = f"{path}: {told['conversations']} conversations, {told['bytes'] / _MEGABYTE:.1f} MB"
    yield ok("store", f"{said}, whole", **told)


_ASIDE: Final = (
    "keep a copy of it, then move it away or name another file with CCCHAT_STORE; "
    "`sqlite3 FILE .recover` may save what is in it"
)


def _check_kind(database: sqlite3.Connection) -> None:
    from ccchat_tui.sessions.database import APPLICATION_ID  # noqa: PLC0415

    mark = database.execute("PRAGMA application_id").fetchone()[0]
    if mark != APPLICATION_ID:
        raise sqlite3.DatabaseError("it is a database of another program")


def _read_only(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=ro", uri=True, timeout=2)


def _nearest(folder: Path) -> Path:
    """The folder, or what of the way to it there is."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder


def check_tokens() -> Findings:
    """Whether the tokens of the API can be read by their owner, and by nobody else."""
    path = tokens_file()
    try:
        count = len(Tokens(path).all())
    except TokensError as error:
        yield problem("tokens", str(error), f"`chmod 600 {path}`, or delete it", file=str(path))
        return
    said = f"{path}: {count}" if path.exists() else f"none yet; they would be in {path}"
    yield ok("tokens", said, file=str(path), count=count)
