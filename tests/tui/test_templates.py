"""Prompt templates: the files, the commands they become, the dialog that asks."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ccchat_tui.testing.app import scripted_app
from ccchat_tui.tui.screens.fill_in import FillInScreen
from ccchat_tui.tui.templates import Template, load_templates
from ccchat_tui.tui.widgets.fields import Line

SIZE = (140, 44)


def write(folder: Path, **files: str) -> Path:
    """Files by name; the first underscore stands for the dot."""
    for name, text in files.items():
        (folder / name.replace("_", ".", 1)).write_text(text, encoding="utf-8")
    return folder


class TestText:
    """Places in a text, and what fills them."""

    def test_variables_in_the_order_of_the_text_with_their_defaults(self) -> None:
        template = Template("t", "{{b}} {{ a = two words }} {{b=late}} {{größe}} {{ }} {{1}} {x}")
        assert template.variables == {"b": "late", "a": "two words", "größe": ""}

    def test_what_is_filled_in_is_not_looked_through_again(self) -> None:
        template = Template("t", "{{a}}+{{b=1}}+{{a=9}} {{1}}")
        assert template.filled({"a": "{{b}} \\1", "b": "2"}) == "{{b}} \\1+2+{{b}} \\1 {{1}}"


class TestFolder:
    """What is read, and what is told."""

    def test_all_kinds(self, tmp_path: Path) -> None:
        write(
            tmp_path,
            review_md="\ufeff# Review this\n\n{{code}}\n",
            short_txt="In one sentence: {{text}}",
            x_toml='text = """Hello {{who=world}}"""\nabout = "Greets"',
            notes_py="print(1)",
            _hidden="x",
        )
        (tmp_path / ".draft.md").write_text("no", encoding="utf-8")
        loaded = load_templates(tmp_path)
        assert loaded.problems == ()
        assert [(each.name, each.about) for each in loaded.found] == [
            ("review", "Review this"),
            ("short", "In one sentence: {{text}}"),
            ("x", "Greets"),
        ]
        assert loaded.found[0].text == "# Review this\n\n{{code}}"

    def test_no_folder_holds_nothing(self, tmp_path: Path) -> None:
        assert load_templates(tmp_path / "none").found == ()
        assert load_templates(tmp_path / "none").problems == ()

    @pytest.mark.parametrize(
        ("name", "content", "words"),
        [
            ("two words.md", b"x", "its name is no command"),
            ("1st.md", b"x", "its name is no command"),
            ("help.md", b"x", "/help is a command already; give it another name"),
            ("a.md", b"  \n", "there is no text in it"),
            ("a.md", b"caf\xe9", "it is not UTF-8 text (byte 3); save it as UTF-8"),
            ("a.md", b"x" * 1_000_001, "it is larger than 1 MB"),
            ("a.toml", b"text = ", "it is not TOML"),
            ("a.toml", b"about = 'x'", "it has no text"),
            ("a.toml", b"text = 5", "text is not text; put it in quotes"),
            ("a.toml", b"text = 'x'\nabuot = 'y'", "'abuot' is not known there"),
        ],
    )
    def test_a_bad_file_is_told_and_the_others_are_there(
        self, tmp_path: Path, name: str, content: bytes, words: str
    ) -> None:
        write(tmp_path, good_md="good")
        (tmp_path / name).write_bytes(content)
        loaded = load_templates(tmp_path, {"help"})
        assert [each.name for each in loaded.found] == ["good"]
        (problem,) = loaded.problems
        assert problem.startswith(f"Prompt {name} is left out: ")
        assert words in problem

    def test_two_files_of_one_name(self, tmp_path: Path) -> None:
        write(tmp_path, same_md="one", same_txt="two")
        loaded = load_templates(tmp_path)
        assert [each.text for each in loaded.found] == ["one"]
        assert "another file for /same" in loaded.problems[0]

    @pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="everything may be read")
    def test_a_file_that_may_not_be_read(self, tmp_path: Path) -> None:
        write(tmp_path, a_md="x")
        (tmp_path / "a.md").chmod(0)
        assert "cannot be read" in load_templates(tmp_path).problems[0]

    def test_what_could_steer_a_terminal_is_harmless(self, tmp_path: Path) -> None:
        write(tmp_path, a_md="clear \x1b[2J")
        assert "\x1b" not in load_templates(tmp_path).found[0].text


class TestInTheApp:
    """`/name` in the message box."""

    async def test_it_is_offered_asks_and_puts_the_text_into_the_box(self, tmp_path: Path) -> None:
        write(tmp_path, review_md="Review {{what}} in {{language=Python}}.")
        app = scripted_app(prompts=tmp_path)
        async with app.run_test(size=SIZE) as pilot:
            await app.settle()
            await pilot.press("slash", *"rev")
            assert "/review [WHAT]" in app.pane._choices.text
            await pilot.press("tab", "enter")
            assert isinstance(app.screen, FillInScreen)
            await pilot.press(*"loops", "enter")
            lines = list(app.screen.query(Line))
            assert lines[1].has_focus
            await pilot.press("enter")
            await app.settle()
            assert app.pane.composer.text == "Review loops in Python."
            assert app.session(1).turns == []
            await pilot.press("enter")
            await app.settle()
            assert [turn.question for turn in app.session(1).turns] == ["Review loops in Python."]

    async def test_what_stands_behind_the_name_is_the_first_of_them(self, tmp_path: Path) -> None:
        write(tmp_path, review_md="Review {{what}} for {{whom}}.", plain_md="Be brief.")
        app = scripted_app(prompts=tmp_path)
        async with app.run_test(size=SIZE) as pilot:
            await app.settle()
            app.pane.composer.set_draft("/review this loop")
            await pilot.press("enter")
            assert isinstance(app.screen, FillInScreen)
            lines = list(app.screen.query(Line))
            assert [line.value for line in lines] == ["this loop", ""]
            assert lines[1].has_focus
            await pilot.press("escape")
            assert app.pane.composer.text == ""
            app.pane.composer.set_draft("/plain Why?")
            await pilot.press("enter")
            await app.settle()
            assert app.pane.composer.text == "Be brief.\n\nWhy?"

    async def test_nothing_filled_in_is_no_answer(self, tmp_path: Path) -> None:
        write(tmp_path, ask_md="Ask {{what}}")
        app = scripted_app(prompts=tmp_path)
        async with app.run_test(size=SIZE) as pilot:
            await app.settle()
            app.pane.composer.set_draft("/ask")
            await pilot.press("enter", "enter")
            assert isinstance(app.screen, FillInScreen)
            assert app.screen.query_one(".problem").display

    async def test_bad_files_are_told_once_and_new_ones_are_found(self, tmp_path: Path) -> None:
        write(tmp_path, quit_md="no")
        app = scripted_app(prompts=tmp_path)
        async with app.run_test(size=SIZE, notifications=True) as pilot:
            await app.settle()
            await pilot.press("slash", "q")
            await pilot.press("backspace")
            told = [note.message for note in app._notifications]
            assert told == [
                "Prompt quit.md is left out: /quit is a command already; give it another name."
            ]
            write(tmp_path, queens_md="Eight {{n}}")
            await pilot.press("q")
            assert "/queens" in app.pane._choices.text
            assert len(app._notifications) == 1
