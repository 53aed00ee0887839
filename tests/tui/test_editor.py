"""The message in one's own editor."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ccchat_tui.testing.app import AppUnderTest, scripted_app, until
from ccchat_tui.tui import editor
from ccchat_tui.tui.editor import EditorError, editor_command

SIZE = (140, 44)


@pytest.fixture
def edited_by(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    """Makes an editor of some Python that finds the file's path in `file`."""

    def make(code: str) -> Path:
        script = tmp_path / "editor.py"
        script.write_text(
            "import os, pathlib, sys\nfile = pathlib.Path(sys.argv[1])\n" + code, encoding="utf-8"
        )
        monkeypatch.setenv("VISUAL", f'"{sys.executable}" "{script}"')
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
        return tmp_path

    return make


@pytest.fixture(autouse=True)
def lent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A terminal under test cannot be given away; that it would be is noted."""
    log: list[str] = []

    @contextmanager
    def suspend(self: AppUnderTest) -> Iterator[None]:
        log.append("given")
        yield
        log.append("back")

    monkeypatch.setattr(AppUnderTest, "suspend", suspend)
    return log


async def in_editor(app: AppUnderTest) -> None:
    """Wait until the editor has ended."""
    await until(lambda: not any(worker.group == "editor" for worker in app.workers))
    await app.settle()


class TestWhich:
    """The editor that is started."""

    def test_visual_then_editor_with_its_options(self) -> None:
        env = {"VISUAL": "code --wait", "EDITOR": "vi"}
        assert editor_command(env) == ["code", "--wait"]
        assert editor_command({"VISUAL": " ", "EDITOR": "vi"}) == ["vi"]
        assert editor_command({"EDITOR": "'/my tools/ed' -x"}) == ["/my tools/ed", "-x"]

    def test_on_windows(self) -> None:
        assert editor_command({}, windows=True) == ["notepad"]
        named = {"EDITOR": '"C:\\Program Files\\ed.exe" -n'}
        assert editor_command(named, windows=True) == ["C:\\Program Files\\ed.exe", "-n"]

    def test_none_at_all_and_one_that_cannot_be_read(self, tmp_path: Path) -> None:
        with pytest.raises(EditorError, match="Name yours in VISUAL or EDITOR"):
            editor_command({"PATH": str(tmp_path)}, windows=False)
        with pytest.raises(EditorError, match="EDITOR cannot be read: no closing quotation"):
            editor_command({"EDITOR": "'vi"}, windows=False)


class TestWriting:
    """What comes of it."""

    async def test_the_text_goes_there_and_comes_back(self, edited_by, lent: list[str]) -> None:  # type: ignore[no-untyped-def]
        folder = edited_by(
            "file.with_suffix('.seen').write_text(file.read_text() + oct(file.stat().st_mode))\n"
            "file.write_text(file.read_text() + ' and more\\n')"
        )
        app = scripted_app()
        async with app.run_test(size=SIZE) as pilot:
            await app.settle()
            await pilot.press(*"draft", "f6", "alt+e")
            await in_editor(app)
            assert app.pane.composer.text == "draft and more"
            assert app.focused is app.pane.composer
            assert lent == ["given", "back"]
            assert app._batch_count == 0
            assert not app.terminal_given
            # It can be taken back, and nothing is left lying about.
            await pilot.press("ctrl+z")
            assert app.pane.composer.text == "draft"
        assert not list(folder.glob("ccchat-*.md"))
        if os.name != "nt":
            (seen,) = folder.glob("*.seen")
            assert seen.read_text().startswith("draft")
            assert stat.S_IMODE(int(seen.read_text().removeprefix("draft"), 8)) == 0o600

    async def test_as_a_command_it_begins_with_nothing(self, edited_by) -> None:  # type: ignore[no-untyped-def]
        edited_by("assert file.read_text() == ''\nfile.write_text('two\\nlines\\n')")
        app = scripted_app()
        async with app.run_test(size=SIZE) as pilot:
            await app.settle()
            app.pane.composer.set_draft("/editor")
            await pilot.press("enter")
            await in_editor(app)
            assert app.pane.composer.text == "two\nlines"

    async def test_what_streams_meanwhile_goes_on(self, edited_by, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
        edited_by("import time\nwhile not (file.parent / 'go').exists(): time.sleep(0.01)")
        app = scripted_app()
        async with app.run_test(size=SIZE) as pilot:
            await app.settle()
            await app.ask("Question")
            await pilot.press("alt+e")
            await until(lambda: app.terminal_given)
            await app.script.emit(0, "an answer")
            await app.script.finish(0)
            assert app.session(1).turns[0].reply == "an answer"
            (tmp_path / "go").touch()
            await in_editor(app)
            assert app.pane.composer.text == ""

    @pytest.mark.parametrize(
        ("code", "words"),
        [
            ("sys.exit(3)", "ended with 3: nothing was taken."),
            ("file.write_bytes(b'caf\\xe9')", "is not UTF-8 text: nothing was taken."),
            ("file.unlink()", "cannot be read"),
        ],
    )
    async def test_one_that_fails_is_told_and_the_text_stays(  # type: ignore[no-untyped-def]
        self, edited_by, code: str, words: str
    ) -> None:
        edited_by(code)
        app = scripted_app()
        async with app.run_test(size=SIZE) as pilot:
            await app.settle()
            await pilot.press(*"draft", "alt+e")
            await in_editor(app)
            assert words in app.pane.news
            assert app.pane.composer.text == "draft"

    async def test_what_a_failing_one_wrote_is_kept_in_its_file(self, edited_by) -> None:  # type: ignore[no-untyped-def]
        folder = edited_by("file.write_text('an hour of work')\nsys.exit(1)")
        app = scripted_app()
        async with app.run_test(size=SIZE) as pilot:
            await app.settle()
            await pilot.press("alt+e")
            await in_editor(app)
            (kept,) = folder.glob("ccchat-*.md")
            assert str(kept) in app.pane.news
            assert kept.read_text() == "an hour of work"

    async def test_a_program_that_there_is_not(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("VISUAL", "no-such-editor --wait")
        app = scripted_app()
        async with app.run_test(size=SIZE) as pilot:
            await app.settle()
            await pilot.press(*"draft", "alt+e")
            await in_editor(app)
            assert "There is no program no-such-editor" in app.pane.news
            assert app.pane.composer.text == "draft"
            assert not app.terminal_given

    async def test_a_very_long_text_comes_back_whole(self, edited_by) -> None:  # type: ignore[no-untyped-def]
        edited_by("file.write_text('x' * 1_000_000)")
        app = scripted_app()
        async with app.run_test(size=SIZE) as pilot:
            await app.settle()
            await pilot.press("alt+e")
            await in_editor(app)
            assert app.pane.composer.full_text == "x" * 1_000_000
            assert editor.LARGEST > 1_000_000
