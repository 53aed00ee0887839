"""Chats that leave the app as files, and those that come in."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from ccchat_tui.sessions.archive import archived, to_json
from ccchat_tui.testing.app import AppUnderTest, scripted_app, until
from ccchat_tui.tui import documents
from ccchat_tui.tui.commands import commands
from tests.sessions.stored import conversation, everything
from tests.tui.history_app import kept_app

SIZE = (110, 36)


@pytest.fixture(autouse=True)
def downloads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for downloads, as the app finds it."""
    folder = tmp_path / "downloads"
    folder.mkdir()
    monkeypatch.setattr(documents, "user_downloads_path", lambda: folder)
    return folder


async def give(app: AppUnderTest, pilot: Pilot[Any], text: str) -> None:
    """Have a text sent, whatever would be offered for it."""
    app.pane.composer.set_draft(text)
    await pilot.press("enter")
    await app.settle()


async def told(app: AppUnderTest, words: str) -> None:
    await until(lambda: words in " ".join(app.pane.news.split()))


async def test_export_never_writes_over_anything_and_says_where(
    tmp_path: Path, downloads: Path
) -> None:
    app = scripted_app()
    async with app.run_test(size=SIZE) as pilot:
        await app.settle()
        await give(app, pilot, "/export")
        await told(app, "There is nothing in this chat yet")
        await give(app, pilot, "Is a [/cod] a fish?")
        await app.script.finish(0)
        await give(app, pilot, "/export ")
        first = downloads / "ccchat-is-a-cod-a-fish.md"
        await told(app, "Exported to")
        assert first.read_text().startswith("# Is a \\[/cod\\] a fish?")
        first.write_text("mine")
        await app.run_action("export('md')", app.chats)
        await until((downloads / "ccchat-is-a-cod-a-fish-2.md").exists)
        assert first.read_text() == "mine"
        taken = tmp_path / "taken.html"
        taken.write_text("mine")
        await give(app, pilot, f"/export {taken}")
        await told(app, "taken.html already; it was left as it is. Give another name.")
        assert taken.read_text() == "mine"
        assert app.pane.composer.text == f"/export {taken}"
        for typed, name in (
            (f"{tmp_path / 'a b.html'}", "a b.html"),
            (f"json {tmp_path / 'plain'}", "plain.json"),
            (f"JSON {tmp_path}", "ccchat-is-a-cod-a-fish.json"),
        ):
            await give(app, pilot, f"/export {typed}")
            await until((tmp_path / name).exists)
        assert (tmp_path / "a b.html").read_text().startswith("<!doctype html>")


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("{0}/none/a.md", "none/a.md cannot be written: No such file or directory"),
        ("{0}/a.docx", "a.docx: the kind of document is not clear from that name"),
        ("{0}/a\0.md", "Give another"),
    ],
)
async def test_what_cannot_be_written_gets_words(tmp_path: Path, typed: str, words: str) -> None:
    app = scripted_app()
    async with app.run_test(size=SIZE):
        await app.settle()
        await app.ask("Fish?")
        with pytest.raises(documents.DocumentError) as caught:
            await app.documents.export(app.pane.session, None, typed.format(tmp_path))
        assert words in caught.value.message


@pytest.mark.skipif(os.name != "posix", reason="a device of Linux")
async def test_a_full_disk_leaves_no_half_a_document(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "a.md"
    real = Path.open

    class Full:
        def __init__(self, inner: Any) -> None:
            self.inner = inner

        def __enter__(self) -> Full:
            return self

        def __exit__(self, *_: object) -> None:
            self.inner.close()

        def write(self, _text: str) -> None:
            raise OSError(28, "No space left on device")

        def close(self) -> None:
            self.inner.close()

    monkeypatch.setattr(Path, "open", lambda path, *a, **k: Full(real(path, *a, **k)))
    with pytest.raises(OSError, match="No space"):
        documents._write_new(file, "text")
    assert not file.exists()


async def test_import_opens_a_tab_and_the_rest_is_in_the_history(tmp_path: Path) -> None:
    one = conversation(1, title="Soup", turns=(("With what?", "Herring."),))
    two = conversation(2, title="Stew", turns=(("And this?", "Cod."),))
    file = tmp_path / "my fish.json"
    file.write_text(to_json([archived(one), archived(two)]))
    app = kept_app(tmp_path / "c.db")
    async with app.run_test(size=SIZE) as pilot:
        await app.begun()
        await give(app, pilot, f"/import '{file}'")
        await told(app, "2 imported; the first is open, and all are in the history")
        assert app.pane.session.title == "Soup"
        assert app.pane.session.turns[0].reply == "Herring."
        assert app.session(1).title == "New chat"
        app.pane.composer.clear()
        await give(app, pilot, f"/import {file}")
        await told(app, "all of it is here already")
        assert [pane.session.title for pane in app.chats.deck.panes] == ["New chat", "Soup"]
        # What was deleted here comes back.
        await app.keeping.delete("s1")
        await app.documents.open_file(str(file))
        await app.settle()
        assert app.pane.session.title == "Soup"
    assert sorted(everything(tmp_path / "c.db")) == ["s1", "s2"]


async def test_import_where_nothing_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "fish.json"
    file.write_text(to_json([archived(conversation(n, title=f"No {n}")) for n in range(1, 23)]))
    app = scripted_app()
    async with app.run_test(size=SIZE):
        await app.settle()
        words = await app.documents.open_file(str(file))
        assert words == ("fish.json: 20 imported; the other 2 are left out, for nothing is kept.")
        assert app.pane.session.title == "No 1"
        assert len(app.chats.deck.panes) == 21


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "cannot be read: No such file"),
        ("{}", "it is no archive of ccchat"),
        (to_json([]), "holds no conversation"),
    ],
)
async def test_what_cannot_be_imported_gets_words_and_stays_typed(
    tmp_path: Path, text: str | None, words: str
) -> None:
    file = tmp_path / "a.json"
    if text is not None:
        file.write_text(text)
    app = scripted_app()
    async with app.run_test(size=SIZE) as pilot:
        await app.settle()
        await give(app, pilot, f"/import {file}")
        await told(app, words)
        assert "a.json" in app.pane.news
        assert app.pane.composer.text == f"/import {file}"


async def test_the_palette_has_them() -> None:
    app = scripted_app()
    async with app.run_test(size=SIZE):
        await app.settle()
        names = {command.name for command in commands(app)}
        assert names >= {
            "Attach a file, or what is offered",
            "Export this chat as Markdown",
            "Export this chat as JSON",
            "Export this chat as a web page",
            "Import conversations",
        }
