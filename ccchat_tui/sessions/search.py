"""Finding conversations again: the list of all of them, and the search for words in them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from ccchat_tui.quick import dataclass
from ccchat_tui.sessions.rows import moment, unpack

if TYPE_CHECKING:
    import sqlite3

MOST_HITS = 100
"""A search shows at most so many conversations; more words find the others."""
_MOST_TURNS = 4000
"""A search looks at no more turns than this, however few conversations they are of."""
_MOST_WORDS = 12
_AROUND = 48
"""Characters of a text that are shown before a hit."""
_SHOWN = 200
"""Characters of a text that are shown in all."""

_SEARCHED = ("question", "reply", "thinking")
"""What of a turn is looked through; an excerpt is of the first that has a word."""

_WORD = re.compile(r"[^\W_]+")
# Scripts written without spaces: a whole sentence is one word to the index, so that what is
# looked for must be looked for in the text itself.
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")

_SUMMARY = """
    SELECT id, user, title, model, updated_at, pinned, tags, tab IS NOT NULL, owner,
           (SELECT count(*) FROM turns WHERE turns.session = sessions.id)
    FROM sessions
"""


@dataclass(frozen=True, slots=True)
class Summary:
    """A conversation as a list shows it."""

    id: str
    user: str
    title: str
    model: str
    updated_at: datetime
    pinned: bool
    tags: tuple[str, ...]
    open: bool
    """Whether it is, or was last, among the tabs of a ccchat."""
    owner: str
    turns: int


@dataclass(frozen=True, slots=True)
class Hit:
    """A conversation in which something was found."""

    summary: Summary
    turn: str = ""
    """The id of the newest turn with the words; empty where the title or a tag has them."""
    excerpt: str = ""
    """What stands around them, in one line."""


def plain(text: str) -> str:
    """A text as the index sees it: no case, no accents."""
    parts = unicodedata.normalize("NFKD", text.casefold())
    return "".join(char for char in parts if not unicodedata.combining(char))


def words_of(typed: str) -> list[str]:
    """The words that a search is for, in the order in which they were typed."""
    return _WORD.findall(plain(typed))[:_MOST_WORDS]


def total(database: sqlite3.Connection) -> int:
    """How many conversations there are."""
    return int(
        database.execute("SELECT count(*) FROM sessions WHERE deleted_at IS NULL").fetchone()[0]
    )


def page(database: sqlite3.Connection, first: int, count: int) -> list[Summary]:
    """Conversations in order: pinned ones, then the newest.

    Args:
        database: Where.
        first: How many to leave out.
        count: How many at most.
    """
    rows = database.execute(
        f"{_SUMMARY} WHERE deleted_at IS NULL "
        "ORDER BY pinned DESC, updated_at DESC, id LIMIT ? OFFSET ?",
        (count, first),
    )
    return [_summary(row) for row in rows]


def summary_of(database: sqlite3.Connection, session_id: str) -> Summary | None:
    """One conversation, if there is one of that id."""
    row = database.execute(
        f"{_SUMMARY} WHERE deleted_at IS NULL AND id = ?", (session_id,)
    ).fetchone()
    return _summary(row) if row else None


def search(database: sqlite3.Connection, typed: str, most: int = MOST_HITS) -> list[Hit]:
    """The conversations in which all the words stand: in the title, the user, the model or the
    tags, or else together in one turn, what the model thought aloud included. The last word may
    be the beginning of one.

    Args:
        database: Where.
        typed: What is looked for. Signs are left out, case and accents make no difference.
        most: How many conversations at most.

    Returns:
        Those with the words in the title and so on first; the newest first among each.
    """
    words = words_of(typed)
    if not words:
        return []
    match = _match(words, whole_last=not typed[-1:].isalnum())
    hits = {hit.summary.id: hit for hit in _named(database, match, most)}
    for number, session_id in islice(_turns(database, words, match), _MOST_TURNS):
        if len(hits) >= most:
            break
        if session_id not in hits:
            hits[session_id] = _hit(database, number, session_id, words)
    return list(hits.values())


def _match(words: Sequence[str], *, whole_last: bool) -> str:
    """The words in the language of the index, in which quoted ones are nothing but words."""
    return " ".join(f'"{word}"' for word in words) + ("" if whole_last else "*")


def _named(database: sqlite3.Connection, match: str, most: int) -> list[Hit]:
    rows = database.execute(
        f"{_SUMMARY} WHERE deleted_at IS NULL AND number IN "  # noqa: S608
        "(SELECT rowid FROM names WHERE names MATCH ? ORDER BY rowid DESC LIMIT ?) "
        "ORDER BY pinned DESC, updated_at DESC, id",
        (match, most),
    )
    return [Hit(_summary(row)) for row in rows]


def _turns(
    database: sqlite3.Connection, words: Sequence[str], match: str
) -> Iterator[tuple[int, str]]:
    """The turns that have all the words, the newest first, as they are found: their numbers and
    sessions."""
    values: list[object] = [match]
    order = "words.rowid"
    asked = f"FROM words CROSS JOIN turns ON number = {order} WHERE words MATCH ?"
    if any(map(_UNSPACED.search, words)):
        places = [f"{column} LIKE '%' || ? || '%'" for column in _SEARCHED]
        each = f"({' OR '.join(places)})"
        asked = f"FROM turns WHERE {' AND '.join([each] * len(words))}"
        order = "number"
        values = [word for word in words for _ in places]
    yield from database.execute(
        f"SELECT number, session {asked} AND session IN "  # noqa: S608 - nothing of theirs
        f"(SELECT id FROM sessions WHERE deleted_at IS NULL) ORDER BY {order} DESC",
        values,
    )


def _hit(database: sqlite3.Connection, number: int, session_id: str, words: Sequence[str]) -> Hit:
    turn, *texts = database.execute(
        f"SELECT id, {', '.join(_SEARCHED)} FROM turns WHERE number = ?",  # noqa: S608 - ours
        (number,),
    ).fetchone()
    summary = summary_of(database, session_id)
    assert summary is not None
    return Hit(summary, turn, excerpt([unpack(text) for text in texts], words))


def excerpt(texts: Sequence[str], words: Sequence[str]) -> str:
    """What stands around the first word that is found, in one line.

    Args:
        texts: Are looked through in this order.
        words: As `words_of` gives them; the rarest is most likely the last.
    """
    for word in reversed(words):
        for text in texts:
            at = find(text, word)
            if at >= 0:
                start = max(0, at - _AROUND)
                shown = " ".join(text[start : start + _SHOWN].split())
                return f"…{shown}" if start else shown
    return " ".join(texts[0][:_SHOWN].split())


def find(text: str, word: str) -> int:
    """Where a word as `words_of` gives it stands in a text, or begins one; below 0 if nowhere."""
    for match in re.finditer(rf"(?<![^\W_]){re.escape(word)}", text, re.IGNORECASE):
        return match.start()
    if text.isascii():
        return -1
    if _UNSPACED.search(word):
        return text.find(word)
    # Accents: letter by letter, so that the place is one of the text itself.
    for match in _WORD.finditer(text):
        if plain(match[0]).startswith(word):
            return match.start()
    return -1


def _summary(row: tuple[Any, ...]) -> Summary:
    session, user, title, model, updated, pinned, tags, is_open, owner, turns = row
    return Summary(
        id=session,
        user=unpack(user),
        title=unpack(title),
        model=unpack(model),
        updated_at=moment(updated),
        pinned=bool(pinned),
        tags=tuple(unpack(tags).split("\n")) if tags else (),
        open=bool(is_open),
        owner=owner,
        turns=turns,
    )
