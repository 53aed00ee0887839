"""What a model thought aloud is found like what it said."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from ccchat_tui.sessions.database import open_database, transaction
from ccchat_tui.sessions.model import Session
from ccchat_tui.sessions.rows import TurnRow, save_turn
from ccchat_tui.sessions.search import search
from ccchat_tui.testing.app import until
from tests.sessions.stored import conversation, fill, write
from tests.tui.history_app import kept_app


def thought(text: str) -> Session:
    session = conversation(title="Soup", turns=(("With what?", "Herring."),))
    session.turns[0].thinking = [text]
    return session


@pytest.mark.parametrize(
    ("typed", "excerpt"),
    [
        ("gill", "Has it gills?"),
        ("herring gills", "Has it gills?"),
        ("herring", "Herring."),
        ("\u9c7c\u6c64", "\u559d\u9c7c\u6c64"),
        ("cod", None),
    ],
)
def test_words_in_thinking(tmp_path: Path, typed: str, excerpt: str | None) -> None:
    session = thought("Has it gills?" if typed.isascii() else "\u559d\u9c7c\u6c64")
    with closing(open_database(tmp_path / "c.db")) as database:
        with transaction(database):
            write(database, session)
        found = [hit.excerpt for hit in search(database, typed)]
    assert found == ([] if excerpt is None else [excerpt])


def test_what_is_thought_no_more_is_not_found(tmp_path: Path) -> None:
    session = thought("Has it gills?")
    with closing(open_database(tmp_path / "c.db")) as database, transaction(database):
        write(database, session)
        session.turns[0].thinking = ["Or scales?"]
        save_turn(database, session.id, TurnRow.of(session.turns[0]), session.created_at)
        assert search(database, "gills") == []
        assert [hit.turn for hit in search(database, "scales")] == ["s1t0"]


async def test_a_thought_that_was_found_is_unfolded_and_in_view(tmp_path: Path) -> None:
    fill(tmp_path / "c.db", thought("\n\n".join((*(["Hm."] * 60), "Gills!", *(["Hm."] * 60)))))
    app = kept_app(tmp_path / "c.db")
    async with app.run_test(size=(100, 30)) as pilot:
        await app.begun()
        for words, seen in (("herring", False), ("gills", True)):
            await pilot.press("f12")
            await app.listed(1)
            await pilot.press(*words)
            await app.listed(1)
            await pilot.press("enter")
            await until(lambda: app.screen is app.chats and app.pane.session.title == "Soup")
            await app.settle()
            transcript = app.pane.transcript
            rows = [transcript.render_line(y).text for y in range(transcript.size.height)]
            assert any("Gills!" in row for row in rows) is seen
