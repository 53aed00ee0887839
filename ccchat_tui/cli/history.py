"""`ccchat list`, `search`, `export` and `import`: what was kept, without a screen."""

from __future__ import annotations

import json
import sqlite3
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ccchat_tui.cli.output import CommandError, complain, say, table, terminal_width, visible
from ccchat_tui.paths import chosen_store
from ccchat_tui.sessions.database import open_database, transaction
from ccchat_tui.sessions.loading import load_session
from ccchat_tui.sessions.problems import StoreProblem
from ccchat_tui.sessions.search import Summary, page, search, summary_of

if TYPE_CHECKING:
    from ccchat_tui.config import Loaded

FEW = 20
"""So many conversations are listed if nobody says how many."""
_EVERY = 1 << 40
_HEAD = ("id", "last", "user", "turns", "title")


def list_conversations(loaded: Loaded, given: Mapping[str, Any]) -> int:
    """Print the newest conversations."""
    with opened(loaded) as database:
        found = page(database, 0, given.get("limit", FEW))
    if given.get("json"):
        say(json.dumps([_as_json(each) for each in found], ensure_ascii=False))
    elif not found:
        say("nothing has been kept yet")
    else:
        rows = [_row(each) for each in found]
        say(table(_HEAD, rows, width=terminal_width(), right={3}))
    return 0


def search_conversations(loaded: Loaded, given: Mapping[str, Any]) -> int:
    """Print the conversations in which some words stand. Returns 1 if there are none."""
    typed = " ".join(given["words"])
    with opened(loaded) as database:
        hits = search(database, typed, given.get("limit", FEW))
    if given.get("json"):
        told = [{**_as_json(hit.summary), "turn": hit.turn, "excerpt": hit.excerpt} for hit in hits]
        say(json.dumps(told, ensure_ascii=False))
    elif not hits:
        say("nothing was found")
    else:
        rows = [(*_row(hit.summary), visible(hit.excerpt)) for hit in hits]
        say(table((*_HEAD, "what was found"), rows, width=terminal_width(), right={3}))
    return 0 if hits else 1


def export_conversations(loaded: Loaded, given: Mapping[str, Any]) -> int:
    """Write conversations as a document, on standard output or into a file.

    Raises:
        CommandError: There is no such conversation, or the file cannot be written.
    """
    from ccchat_tui.sessions.archive import archived  # noqa: PLC0415 - loads pydantic's models
    from ccchat_tui.sessions.export import export, form_of  # noqa: PLC0415

    with opened(loaded) as database:
        chosen = _chosen(database, given.get("ids") or ())
        sessions = []
        for summary in chosen:
            session = load_session(database, summary.id)
            if session is not None:
                sessions.append(archived(session, pinned=summary.pinned, tags=summary.tags))
    named = given.get("output")
    suffix = Path(named).suffix.lstrip(".").lower() if named else ""
    form = given.get("form") or form_of(suffix or "md")
    if form is None:
        raise CommandError(
            f"{named!a}: the kind of document is not clear from that name; "
            "end it with .md, .json or .html, or give --format",
            2,
        )
    text = export(sessions, form)
    if not named:
        say(text.rstrip("\n"))
        return 0
    try:
        Path(named).expanduser().write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise CommandError(f"{named!a} cannot be written: {error.strerror}") from None
    complain(f"{len(sessions)} written to {named}")
    return 0


def import_conversations(loaded: Loaded, given: Mapping[str, Any]) -> int:
    """Read archives into the store. What is there already is left as it is.

    Raises:
        CommandError: A file cannot be read. Those before it have been imported.
    """
    from ccchat_tui.sessions.archive import (  # noqa: PLC0415 - loads pydantic's models
        ArchiveError,
        from_json,
    )
    from ccchat_tui.sessions.imports import put_in  # noqa: PLC0415 - as above

    with opened(loaded, make=True) as database:
        for name in given["files"]:
            try:
                data = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
                items = from_json(data)
            except OSError as error:
                raise CommandError(f"{name!a} cannot be read: {error.strerror}") from None
            except ArchiveError as error:
                raise CommandError(f"{name!a} cannot be imported: {error.message}") from None
            with transaction(database):
                new = sum(put_in(database, item)[1] for item in items)
            rest = len(items) - new
            there = f", {rest} already there and left alone" if rest else ""
            say(f"{visible(name)}: {new} imported{there}")
    return 0


@contextmanager
def opened(loaded: Loaded, *, make: bool = False) -> Iterator[sqlite3.Connection]:
    """The store's file.

    Args:
        loaded: Say which.
        make: Whether to make one where there is none.

    Raises:
        CommandError: There is none, or it cannot be used.
    """
    path = chosen_store(loaded.settings.store)
    if path is None:
        raise CommandError(
            f"nothing is kept: store is off ({loaded.sources['store']}); name a file instead", 2
        )
    if not make and not path.exists():
        raise CommandError(f"nothing has been kept yet: there is no file {path}")
    try:
        with closing(open_database(path)) as database:
            yield database
    except StoreProblem as problem:
        raise CommandError(problem.message) from None
    except sqlite3.Error as error:
        raise CommandError(f"{path}: {error}") from None


def _chosen(database: sqlite3.Connection, ids: Sequence[str]) -> list[Summary]:
    """The conversations of some identifiers or beginnings of such; all of them if none is named."""
    if not ids:
        return page(database, 0, _EVERY)
    found = []
    for start in ids:
        rows = database.execute(
            "SELECT id FROM sessions WHERE deleted_at IS NULL AND substr(id, 1, ?) = ? LIMIT 2",
            (len(start), start),
        ).fetchall()
        if len(rows) != 1 or not start:
            many = "several conversations begin" if rows else "no conversation begins"
            raise CommandError(f"{many} with {start[:60]!a}; `ccchat list` shows them", 2)
        summary = summary_of(database, rows[0][0])
        if summary is not None:
            found.append(summary)
    return found


def _row(summary: Summary) -> tuple[str, ...]:
    tags = "".join(f" #{tag}" for tag in summary.tags)
    pin = "★ " if summary.pinned else ""
    return (
        summary.id,
        f"{summary.updated_at.astimezone():%Y-%m-%d %H:%M}",
        visible(summary.user),
        str(summary.turns),
        visible(f"{pin}{summary.title}{tags}"),
    )


def _as_json(summary: Summary) -> dict[str, Any]:
    from ccchat_tui.sessions.archive import whole  # noqa: PLC0415

    return {
        "id": summary.id,
        "user": whole(summary.user),
        "title": whole(summary.title),
        "model": whole(summary.model),
        "updated_at": summary.updated_at.isoformat(),
        "turns": summary.turns,
        "pinned": summary.pinned,
        "tags": [whole(tag) for tag in summary.tags],
    }
