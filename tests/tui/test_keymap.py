"""Keys of one's own: what the `[keys]` table may say, and what becomes of it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from ccchat_tui.cli.main import main
from ccchat_tui.config import SettingsError, load_settings
from ccchat_tui.testing.app import AppUnderTest, scripted_app
from ccchat_tui.tui.commands import commands
from ccchat_tui.tui.key_names import KeyNameError, in_words, read_key
from ccchat_tui.tui.keymap import Keymap, actions, name_of, read_keymap
from ccchat_tui.tui.screens.help import HelpScreen

SIZE = (140, 44)


def rebound(**keys: tuple[str, ...] | str) -> AppUnderTest:
    """An app whose actions have other keys; a double underscore stands for a dot."""
    table = {
        name.replace("__", "."): (given,) if isinstance(given, str) else given
        for name, given in keys.items()
    }
    return scripted_app(keymap=read_keymap(table))


def refused(table: dict[str, tuple[str, ...]]) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        read_keymap(table, "file x")
    return caught.value.message.split("\n")


class TestKeyNames:
    """As people write them."""

    @pytest.mark.parametrize(
        ("written", "name"),
        [
            ("ctrl+k", "ctrl+k"),
            ("Ctrl+K", "ctrl+k"),
            ("control+option+k", "ctrl+alt+k"),
            ("alt+ctrl+k", "ctrl+alt+k"),
            ("F5", "f5"),
            ("?", "question_mark"),
            ("A", "A"),
            ("+", "plus"),
            ("alt++", "alt+plus"),
            ("alt+.", "alt+full_stop"),
            ("alt+full_stop", "alt+full_stop"),
            ("shift+tab", "shift+tab"),
            ("PageUp", "pageup"),
            (",", "comma"),
            ("space", "space"),
        ],
    )
    def test_those_that_there_are(self, written: str, name: str) -> None:
        assert read_key(written) == name

    @pytest.mark.parametrize(
        ("written", "remedy"),
        [
            ("esc", "did you mean escape?"),
            ("ctrl+pgup", "did you mean ctrl+pageup?"),
            ("return", "did you mean enter?"),
            ("pagup", "did you mean pageup?"),
            ("hyper-x", "there is no such key"),
            ("strg+k", "there is no 'strg' to hold down"),
            ("shift+a", "it arrives as 'A'"),
            ("ctrl+i", "terminals send it as tab"),
            ("ctrl+m", "terminals send it as enter"),
            ("ctrl+[", "terminals send it as escape"),
            ("f25", "there is no such key"),
        ],
    )
    def test_those_that_there_are_not(self, written: str, remedy: str) -> None:
        with pytest.raises(KeyNameError, match=re.escape(remedy)):
            read_key(written)

    def test_in_words(self) -> None:
        told = [in_words(key) for key in ("ctrl+r", "f5", "alt+full_stop", "y", "pageup", "A")]
        assert told == ["Ctrl+R", "F5", "Alt+.", "y", "PgUp", "A"]


class TestActions:
    """What can be given other keys."""

    def test_every_name_is_of_one_place_and_fit_for_the_file(self) -> None:
        for action in actions():
            before, _, name = action.name.rpartition(".")
            assert name.replace("_", "").isalnum(), action
            assert name == name.lower(), action
            assert "minus" not in name, action
            assert before in ("", action.place), action

    async def test_everything_that_the_help_tells_of_has_a_name(self) -> None:
        names = {action.name for action in actions()}
        app = scripted_app()
        async with app.run_test(size=SIZE):
            await app.settle()
            chats, pane = app.chats, app.pane
            for node in (chats, app, pane, pane.composer, pane.transcript, chats.panel.queue):
                for bindings in node._bindings.key_to_bindings.values():
                    for binding in bindings:
                        told = binding.tooltip or binding.description
                        scrolls = binding.action.startswith(("scroll_", "page_"))
                        if told and not scrolls and not binding.system:
                            assert name_of(binding, type(node)) in names, binding

    def test_by_themselves_no_two_actions_share_a_key_where_they_meet(self) -> None:
        # Each action is given the key it has: what it would be in conflict with shows.
        inner = {"chat.cancel_newest", "box.escape", "box.complete", "focus_next", "copy_text"}
        inner |= {"box.copy", "find.leave", "files.leave"}
        for action in actions():
            if action.name not in inner:
                read_keymap({action.name: action.keys})


class TestTable:
    """What the file may say."""

    def test_tables_within_the_table_and_lists_and_commas(self, tmp_path: Path) -> None:
        file = tmp_path / "config.toml"
        file.write_text(
            '[keys]\nnew_chat = "ctrl+t, f11"\nchange_theme = []\nquit = ""\n'
            'replies.copy_reply = ["Y"]\n[keys.queue]\nopen = ","\n',
            encoding="utf-8",
        )
        assert load_settings({}, {}, file).settings.keys == {
            "new_chat": ("ctrl+t", "f11"),
            "change_theme": (),
            "quit": (),
            "replies.copy_reply": ("Y",),
            "queue.open": (",",),
        }

    @pytest.mark.parametrize("text", ["keys = 5", "[keys]\nquit = 5", "[keys]\nquit = [5]"])
    def test_what_is_no_table_of_keys(self, tmp_path: Path, text: str) -> None:
        file = tmp_path / "config.toml"
        file.write_text(text, encoding="utf-8")
        with pytest.raises(SettingsError, match=r"keys cannot be .*give a \[keys\] table"):
            load_settings({}, {}, file)

    def test_each_mistake_has_its_line_and_its_remedy(self) -> None:
        told = refused(
            {
                "newchat": ("f11",),
                "copy_reply": ("f11",),
                "no_such": ("f11",),
                "new_chat": ("esc",),
                "toggle_panel": ("b",),
            }
        )
        expected = """
keys.newchat (file x): there is no such action; did you mean new_chat?
keys.copy_reply (file x): there is no such action; did you mean replies.copy_reply?
keys.no_such (file x): there is no such action; `ccchat config --keys` lists what there is
keys.new_chat cannot be 'esc' (file x): there is no such key; did you mean escape?
keys.toggle_panel cannot be 'b' (file x): it writes something, and here one writes: give it with \
ctrl or alt, or a function key
"""
        assert told == expected.strip().split("\n")

    @pytest.mark.parametrize(
        ("table", "other"),
        [
            ({"new_chat": ("ctrl+g",)}, "toggle_grid"),
            ({"new_chat": ("f11",), "rename": ("f11",)}, "rename"),
            ({"new_chat": ("enter",)}, "box.send"),
            ({"replies.copy_reply": ("c",)}, "replies.copy_code_block"),
            ({"replies.copy_reply": ("ctrl+n",)}, "new_chat"),
            ({"quit": ("f4",)}, "settings"),
            ({"help": ("ctrl+s",)}, "chat_settings.save"),
            ({"dialog.leave": ("f4",)}, "history.pin"),
            ({"history.pin": ("escape",)}, "dialog.leave"),
        ],
    )
    def test_a_key_that_would_do_two_things(
        self, table: dict[str, tuple[str, ...]], other: str
    ) -> None:
        told = refused(table)
        assert any("it is the key of" in line and other in line for line in told), told
        assert all("give another key, or" in line for line in told)

    def test_two_that_change_places_are_in_nobodys_way(self) -> None:
        read_keymap({"new_chat": ("ctrl+g",), "toggle_grid": ("ctrl+n",)})
        read_keymap({"history.pin": ("f11",), "new_chat": ("f11",), "confirm.yes": ("f12",)})
        read_keymap({"queue.open": ("c",), "replies.copy_reply": ("p",)})


class TestInForce:
    """Keys that were given work, and those that were taken do not."""

    async def test_anywhere(self) -> None:
        app = rebound(new_chat=("f11", "alt+y"), close_chat=())
        async with app.run_test(size=SIZE) as pilot:
            await app.settle()
            await pilot.press("ctrl+n")
            assert len(app.chats.deck.panes) == 1
            await pilot.press("f11", "alt+y")
            assert len(app.chats.deck.panes) == 3
            await pilot.press("f9")
            assert len(app.chats.deck.panes) == 3

    async def test_in_the_box_at_once_and_in_panes_that_come_later(self) -> None:
        app = rebound(box__send="ctrl+d", box__new_line="enter", box__delete_right="delete")
        async with app.run_test(size=SIZE) as pilot:
            await app.settle()
            for _ in range(2):
                await pilot.press("a", "enter", "b", "ctrl+d")
                await app.settle()
                assert [turn.question for turn in app.pane.session.turns] == ["a\nb"]
                await pilot.press("ctrl+n")
            assert app.pane.composer.placeholder == (
                "Write a message. Ctrl+D sends, Enter makes a new line."
            )

    async def test_in_the_replies_and_in_dialogs(self) -> None:
        app = rebound(replies__copy_reply="Y", dialog__leave="f11", retry_last="ctrl+l")
        async with app.run_test(size=SIZE) as pilot:
            await app.settle()
            await app.ask("Question")
            await app.script.emit(0, "words")
            await pilot.press("escape", "f6", "Y")
            assert app.clipboard == "words"
            await app.settle()
            transcript = app.pane.transcript
            rows = [transcript.render_line(y).text for y in range(transcript.size.height)]
            assert any("press Ctrl+L" in row for row in rows)
            await pilot.press("f2", "escape")
            assert app.screen is not app.chats
            await pilot.press("f11")
            assert app.screen is app.chats

    async def test_hints_help_and_palette_tell_of_the_new_keys(self) -> None:
        app = rebound(new_chat="f11", quit="alt+q")
        async with app.run_test(size=SIZE) as pilot:
            await app.settle()
            hints = app.chats.query_one("KeyHints")
            assert " f11 New chat" in str(hints.render())
            assert "alt+q Quit" in str(hints.render())
            found = {each.name: each.help for each in commands(app)}
            assert found["New chat for the same user"] == "key f11"
            await pilot.press("f1")
            assert isinstance(app.screen, HelpScreen)
            told = {row.words: row.keys for group in app.screen._groups for row in group.rows}
            assert told["New chat for the same user"] == ("f11",)
            assert told["Leave the program"] == ("alt+q",)

    async def test_one_app_takes_nothing_from_the_next(self) -> None:
        first, second = rebound(new_chat="f11"), scripted_app()
        async with first.run_test(size=SIZE):
            await first.settle()
        async with second.run_test(size=SIZE) as pilot:
            await second.settle()
            await pilot.press("ctrl+n")
            assert len(second.chats.deck.panes) == 2

    def test_told_of_keys(self) -> None:
        keymap = Keymap({"quit": ("alt+q",), "help": ()})
        told = [keymap.told(name, "F1") for name in ("quit", "help", "rename")]
        assert told == ["Alt+Q", "", "F1"]


class TestCommandLine:
    """`ccchat config` shows keys, and what is wrong with them."""

    def config(self, tmp_path: Path, text: str) -> list[str]:
        file = tmp_path / "config.toml"
        file.write_text(text, encoding="utf-8")
        return ["config", "--config", str(file)]

    def test_it_shows_them(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        words = self.config(tmp_path, '[keys]\nquit = ["alt+q", "f11"]\n')
        assert main(words) == 0
        assert "quit=alt+q f11" in capsys.readouterr().out
        assert main([*words, "--keys"]) == 0
        rows = capsys.readouterr().out.splitlines()
        row = next(row for row in rows if row.startswith("quit "))
        assert row.split() == ["quit", "alt+q,", "f11", "ctrl+q", "Leave", "the", "program"]

    def test_a_mistake_ends_it_with_2(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[Any]
    ) -> None:
        words = self.config(tmp_path, '[keys]\nqiut = "f11"\n')
        for given in (words, [*words, "--keys"]):
            assert main(given) == 2
            assert "did you mean quit?" in capsys.readouterr().err
