"""Files that go with a message, as a person attaches them."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from textual import events
from textual.pilot import Pilot

from ccchat_tui.testing.app import AppUnderTest, scripted_app, until
from ccchat_tui.tui.screens.choose_file import ChooseFileScreen
from ccchat_tui.tui.widgets.attachments import AttachmentBar
from tests.sessions.pictures import png
from tests.tui.history_app import kept_app

SIZE = (110, 36)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a text and a picture."""
    place = tmp_path / "my files"
    place.mkdir()
    (place / "notes.txt").write_text("cod\n" * 400)
    (place / "red.png").write_bytes(png())
    return place


def with_eyes(app: AppUnderTest, **capabilities: tuple[str, ...]) -> None:
    """Say what each model can do, by the beginning of its name."""
    infos = app.script.model_infos
    app.script.model_infos = [
        replace(info, capabilities=capabilities.get(info.name.split(":")[0].split("3")[0], ()))
        for info in infos
    ]


async def give(app: AppUnderTest, pilot: Pilot[Any], text: str) -> None:
    """Have a text sent, whatever would be offered for it."""
    app.pane.composer.set_draft(text)
    await pilot.press("enter")
    await app.settle()


async def paste(app: AppUnderTest, text: str) -> None:
    app.pane.composer.post_message(events.Paste(text))
    await app.settle()


def bar(app: AppUnderTest) -> AttachmentBar:
    return app.pane.attaching.bar


def names(app: AppUnderTest) -> list[str]:
    return [file.name for file in app.pane.session.attached]


def says(app: AppUnderTest, words: str) -> Callable[[], bool]:
    return lambda: words in " ".join(app.pane.news.split())


async def test_attached_sent_and_sent_again(folder: Path) -> None:
    app = scripted_app()
    async with app.run_test(size=SIZE) as pilot:
        await app.settle()
        for name in ("notes.txt", "red.png"):
            await give(app, pilot, f"/attach {folder / name}")
            await until(lambda name=name: name in names(app))  # type: ignore[misc]
        assert app.pane.composer.text == ""
        await pilot.press("enter")
        assert says(app, "Write what is to be done with what is attached")()
        assert "▤ notes.txt 1.6 kB ≈400 tokens" in bar(app).text
        assert "in all ≈ 1,000 tokens" in bar(app).text
        await give(app, pilot, "What is it?")
        assert names(app) == []
        assert not bar(app).display
        call = await app.script.call(0)
        assert call.question.startswith("notes.txt:\n```txt\ncod\n")
        picture = (base64.b64encode(png()).decode(),)
        assert call.prompt.messages[-1].images == picture
        await app.script.finish(0)
        await app.settle()
        rows = [app.pane.transcript.render_line(y).text for y in range(12)]
        assert any("▤ notes.txt · text · 1.6 kB" in row for row in rows)
        assert any(f"▣ red.png · PNG · {len(png())} B" in row for row in rows)
        await give(app, pilot, "Really?")
        first, _reply, last = (await app.script.call(1)).prompt.messages
        assert first.images == picture
        assert (last.content, last.images) == ("Really?", ())


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("gone.txt", "There is no file"),
        ("", "is a folder"),
        ("data.bin", "data.bin is binary"),
    ],
)
async def test_a_wrong_file_gets_words_and_what_was_typed_stays(
    folder: Path, name: str, words: str
) -> None:
    (folder / "data.bin").write_bytes(b"\0\1")
    app = scripted_app()
    async with app.run_test(size=SIZE) as pilot:
        await app.settle()
        typed = f"/attach {folder / name}"
        await give(app, pilot, typed)
        await until(says(app, words))
        assert app.pane.composer.text == typed
        assert names(app) == []


async def test_a_model_that_sees_nothing_is_given_no_pictures(folder: Path) -> None:
    app = scripted_app()
    with_eyes(app, llama=("completion",), gemma=("completion", "vision"))
    async with app.run_test(size=SIZE) as pilot:
        await app.settle()
        await give(app, pilot, f"/attach {folder / 'red.png'}")
        await until(says(app, "llama3.2:3b sees no pictures, such as red.png"))
        await give(app, pilot, "/model gemma3:4b")
        await give(app, pilot, f"/attach {folder / 'red.png'}")
        await until(lambda: names(app) == ["red.png"])
        await give(app, pilot, "/model llama3.2:3b")
        await give(app, pilot, "What is it?")
        assert says(app, "Not sent: llama3.2:3b sees no pictures")()
        assert names(app) == ["red.png"]
        assert app.pane.composer.text == "What is it?"
        # What was asked of one that sees does not stop one that does not.
        await give(app, pilot, "/model gemma3:4b")
        await give(app, pilot, "What is it?")
        await app.script.finish(0)
        await give(app, pilot, "/model llama3.2:3b")
        await give(app, pilot, "And now?")
        first = (await app.script.call(1)).prompt.messages[0]
        assert first.images == ()
        assert "(red.png: a picture that you cannot see)" in first.content


async def test_the_context_that_is_known_is_told_and_what_is_too_much_warned_of(
    folder: Path,
) -> None:
    app = scripted_app()
    async with app.run_test(size=SIZE) as pilot:
        await app.settle()
        app.pane.session.options["num_ctx"] = 2048
        await give(app, pilot, f"/attach {folder / 'notes.txt'}")
        await until(lambda: "≈ 400 of 2,048 tokens" in bar(app).text)
        assert "context holds" not in bar(app).text
        app.pane.composer.insert("x" * 8000)
        await until(lambda: "≈ 2,400 of 2,048 tokens" in bar(app).text)
        assert "the server leaves out the oldest" in bar(app).text
        app.pane.session.options["num_ctx"] = 128
        app.pane.attaching.show()
        assert "notes.txt alone is more than the context holds" in bar(app).text


async def test_a_pasted_path_stays_text_unless_it_is_asked_for(folder: Path) -> None:
    app = scripted_app()
    async with app.run_test(size=SIZE) as pilot:
        await app.settle()
        text = f"'{folder / 'red.png'}' "
        await pilot.press(*"See")
        await paste(app, text)
        await until(lambda: "Attach red.png?" in bar(app).text)
        assert app.pane.composer.text == f"See{text}"
        await pilot.press("escape")
        assert not bar(app).display
        assert app.pane.composer.text == f"See{text}"
        # Taken, its text makes way for it.
        await paste(app, text)
        await until(lambda: "Attach red.png?" in bar(app).text)
        await pilot.press("alt+a")
        await until(lambda: names(app) == ["red.png"])
        await until(lambda: app.pane.composer.text == f"See{text}")
        # Changed, it is no path any more.
        both = f"{(folder / 'red.png').as_uri()}\r\n{(folder / 'notes.txt').as_uri()}"
        await paste(app, both)
        await until(lambda: "Attach these 2 files?" in bar(app).text)
        await pilot.press("backspace")
        await until(lambda: "Attach these" not in bar(app).text)
        await paste(app, "/etc is a folder")
        await paste(app, "")
        await until(says(app, "a terminal passes on no picture from the clipboard"))
        assert "Attach" not in bar(app).text


async def test_taken_out_by_keys_by_mouse_and_by_command(folder: Path) -> None:
    for number in range(4):
        (folder / f"{number}.txt").write_text("x")
    app = scripted_app()
    async with app.run_test(size=SIZE) as pilot:
        await app.settle()
        await app.pane.attaching.attach([folder / f"{number}.txt" for number in range(4)])
        await app.settle()
        await pilot.press("shift+tab")
        assert bar(app).has_focus
        await pilot.press("left", "delete")
        await app.settle()
        assert names(app) == ["0.txt", "1.txt", "3.txt"]
        await pilot.press("escape")
        assert app.focused is app.pane.composer
        await pilot.click(bar(app), offset=(bar(app).text.index("✕"), 0))
        await app.settle()
        assert names(app) == ["1.txt", "3.txt"]
        await give(app, pilot, "/detach 3.txt")
        assert names(app) == ["1.txt"]
        await give(app, pilot, "/detach 9.txt")
        assert says(app, "No file 9.txt is attached. Attached is 1.txt.")()
        await pilot.press("ctrl+u", "shift+tab", "x")
        await app.settle()
        assert not bar(app).display
        assert app.focused is app.pane.composer, "there is nothing left to be in"


async def test_a_path_is_asked_for_and_completed(folder: Path) -> None:
    app = scripted_app()
    async with app.run_test(size=SIZE) as pilot:
        await app.settle()
        await pilot.press("alt+a")
        dialog = app.screen
        assert isinstance(dialog, ChooseFileScreen)
        dialog.query_one("#answer").value = f"{folder.parent}/my"  # type: ignore[attr-defined]
        await app.settle()
        assert "my files/" in dialog.names.text
        await pilot.press("tab", "down")
        await app.settle()
        assert "▸ red.png" in dialog.names.text
        await pilot.press("enter")
        await until(lambda: names(app) == ["red.png"])


async def test_a_draft_has_its_files_again_after_a_restart(folder: Path, tmp_path: Path) -> None:
    app = kept_app(tmp_path / "c.db")
    async with app.run_test(size=SIZE) as pilot:
        await app.begun()
        await app.pane.attaching.attach([folder / "red.png", folder / "notes.txt"])
        await give(app, pilot, "What is it?")
        await app.script.finish(0)
        await app.pane.attaching.attach([folder / "notes.txt"])
    app = kept_app(tmp_path / "c.db", prefix="b-")
    async with app.run_test(size=SIZE) as pilot:
        await app.begun()
        [turn] = app.pane.session.turns
        assert [file.name for file in turn.attachments] == ["red.png", "notes.txt"]
        assert turn.attachments[0].content == base64.b64encode(png()).decode()
        assert names(app) == ["notes.txt"]
        assert "notes.txt" in bar(app).text


async def test_pictures_of_before_go_only_to_models_that_may_see(
    folder: Path, tmp_path: Path
) -> None:
    app = kept_app(tmp_path / "c.db")
    async with app.run_test(size=SIZE) as pilot:
        await app.begun()
        await app.pane.attaching.attach([folder / "red.png"])
        await give(app, pilot, "What is it?")
        await app.script.finish(0)
    app = kept_app(tmp_path / "c.db", prefix="b-")
    with_eyes(app, llama=("completion",))
    async with app.run_test(size=SIZE) as pilot:
        await app.begun()
        await until(lambda: app.facts.sees("llama3.2:3b") is False)
        await give(app, pilot, "And now?")
        assert (await app.script.call(0)).prompt.messages[0].images == ()
