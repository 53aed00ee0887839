"""The steps by which a file of conversations came to be what it is now.

A step is never changed once it has been released: files that have been through it are out there.
A change of the form is a further step at the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

_ALIVE = "('queued', 'connecting', 'streaming', 'waiting_to_retry')"

_CONVERSATIONS = (
    # Moments are whole microseconds since 1970, UTC. `tab` is the place among the tabs of those
    # that are open; `owner` is the process that has it open (see owners.py).
    """
    CREATE TABLE sessions (
        number INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        user TEXT NOT NULL,
        title TEXT NOT NULL,
        model TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL,
        seen_at INTEGER NOT NULL DEFAULT 0,
        settings TEXT NOT NULL DEFAULT '{}',
        draft TEXT NOT NULL DEFAULT '',
        pinned INTEGER NOT NULL DEFAULT 0,
        tags TEXT NOT NULL DEFAULT '',
        tab INTEGER,
        owner TEXT NOT NULL DEFAULT '',
        deleted_at INTEGER
    )
    """,
    """
    CREATE INDEX sessions_in_order ON sessions (pinned DESC, updated_at DESC, id)
    WHERE deleted_at IS NULL
    """,
    "CREATE INDEX sessions_open ON sessions (tab) WHERE tab IS NOT NULL",
    "CREATE INDEX sessions_owned ON sessions (owner) WHERE owner <> ''",
    "CREATE INDEX sessions_deleted ON sessions (deleted_at) WHERE deleted_at IS NOT NULL",
    """
    CREATE TABLE turns (
        number INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        session TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
        question TEXT NOT NULL,
        reply TEXT NOT NULL DEFAULT '',
        thinking TEXT NOT NULL DEFAULT '',
        model TEXT NOT NULL,
        state TEXT NOT NULL,
        asked_at INTEGER NOT NULL,
        facts TEXT NOT NULL DEFAULT '{}'
    )
    """,
    "CREATE INDEX turns_of_session ON turns (session, number)",
    f"CREATE INDEX turns_alive ON turns (session) WHERE state IN {_ALIVE}",
    # What has come of replies that are not whole yet, a row for each time that something new was
    # written; moved into the turn at its end.
    """
    CREATE TABLE pieces (
        turn TEXT NOT NULL REFERENCES turns (id) ON DELETE CASCADE,
        tokens INTEGER NOT NULL,
        reply TEXT NOT NULL,
        thinking TEXT NOT NULL,
        PRIMARY KEY (turn, tokens)
    ) WITHOUT ROWID
    """,
)


def _index(name: str, table: str, columns: Sequence[str]) -> Sequence[str]:
    """The statements that make an index of the words in some columns, and keep it.

    Only whether a word stands in a row is asked, never where: without that the index is small,
    and a search for one letter as quick as any other.
    """
    told = ", ".join(columns)
    new = ", ".join(f"new.{column}" for column in columns)
    old = ", ".join(f"old.{column}" for column in columns)
    changed = " OR ".join(f"old.{column} IS NOT new.{column}" for column in columns)
    form = f"content = '{table}', content_rowid = 'number', detail = none, prefix = '1 2 3 4 5'"
    words = "tokenize = 'unicode61 remove_diacritics 2'"
    # Nothing in these comes from outside.
    insert = f"INSERT INTO {name}"
    put_in = f"{insert} (rowid, {told}) VALUES (new.number, {new});"
    take_out = f"{insert} ({name}, rowid, {told}) VALUES ('delete', old.number, {old});"
    after = f"AFTER UPDATE OF {told} ON {table} WHEN {changed}"
    return (
        f"CREATE VIRTUAL TABLE {name} USING fts5 ({told}, {form}, {words})",
        f"{insert} ({name}) VALUES ('rebuild')",
        f"CREATE TRIGGER {name}_in AFTER INSERT ON {table} BEGIN {put_in} END",
        f"CREATE TRIGGER {name}_out AFTER DELETE ON {table} BEGIN {take_out} END",
        f"CREATE TRIGGER {name}_changed {after} BEGIN {take_out} {put_in} END",
    )


_WORDS = (
    *_index("words", "turns", ("question", "reply")),
    *_index("names", "sessions", ("title", "user", "tags")),
)

# What a model thought aloud is looked through, too.
_THOUGHTS = (
    *(f"DROP TRIGGER words_{when}" for when in ("in", "out", "changed")),
    "DROP TABLE words",
    *_index("words", "turns", ("question", "reply", "thinking")),
)


def _files(table: str, of: str) -> Sequence[str]:
    """The statements that make a table of files, each of which knows its bytes by their hash."""
    one, many = of, f"{of}s"
    unused = " AND ".join(
        f"NOT EXISTS (SELECT 1 FROM {each} WHERE digest = old.digest)"  # noqa: S608 - ours
        for each in ("attachments", "attached")
    )
    take_out = f"DELETE FROM blobs WHERE digest = old.digest AND {unused};"  # noqa: S608 - ours
    return (
        f"""
        CREATE TABLE {table} (
            {one} TEXT NOT NULL REFERENCES {many} (id) ON DELETE CASCADE,
            place INTEGER NOT NULL,
            name TEXT NOT NULL,
            kind TEXT NOT NULL,
            digest TEXT NOT NULL,
            PRIMARY KEY ({one}, place)
        ) WITHOUT ROWID
        """,
        f"CREATE INDEX {table}_bytes ON {table} (digest)",
        f"CREATE TRIGGER {table}_out AFTER DELETE ON {table} BEGIN {take_out} END",
    )


# The files of questions that were asked, and of those that are being written; the same bytes are
# there once, however often they are attached.
_FILES = (
    """
    CREATE TABLE blobs (
        number INTEGER PRIMARY KEY,
        digest TEXT NOT NULL UNIQUE,
        data BLOB NOT NULL
    )
    """,
    *_files("attachments", "turn"),
    *_files("attached", "session"),
)

_BRANCHES = (
    # Versions and branches, see tree.py. What was there before has neither: no place but its own,
    # and it follows the turn before it. That is left unsaid, as to say it would write the whole
    # file anew.
    "ALTER TABLE turns ADD COLUMN place TEXT",
    "ALTER TABLE turns ADD COLUMN after TEXT",
    "ALTER TABLE turns ADD COLUMN picked INTEGER NOT NULL DEFAULT 0",
)

MIGRATIONS: Final[Sequence[Sequence[str]]] = (_CONVERSATIONS, _WORDS, _THOUGHTS, _FILES, _BRANCHES)
"""In order; how many of them a file has been through stands in it, as `PRAGMA user_version`."""
