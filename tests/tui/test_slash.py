"""Slash commands: what is one, what is offered, what becomes of them."""

from __future__ import annotations

from typing import Any

import pytest
from textual import events
from textual.pilot import Pilot

from ccchat_tui.sessions.model import TurnState
from ccchat_tui.testing.app import AppUnderTest, scripted_app
from ccchat_tui.tui.screens.chat_settings import ChatSettingsScreen
from ccchat_tui.tui.screens.help import HelpScreen
from ccchat_tui.tui.slash import SlashCall, SlashCommand
from ccchat_tui.tui.slash_completion import Completion
from ccchat_tui.tui.widgets.queue_panel import QueuePanel

SIZE = (140, 44)
NAMES = {"/": "slash", " ": "space", "-": "minus", ".": "full_stop", "_": "underscore"}


async def write(pilot: Pilot[Any], text: str, *then: str) -> None:
    """Type a text, then some keys."""
    await pilot.press(*(NAMES.get(char, char) for char in text), *then)


async def give(app: AppUnderTest, pilot: Pilot[Any], text: str) -> None:
    """Have a text sent, whatever would be offered for it."""
    app.pane.composer.set_draft(text)
    await pilot.press("enter")
    await app.settle()


def asked(app: AppUnderTest, number: int = 1) -> list[str]:
    """The messages that a chat holds."""
    return [turn.question for turn in app.session(number).turns]


def offers(app: AppUnderTest) -> bool:
    """Whether the list of choices is in sight."""
    return app.pane._choices.display


def shows_panel(app: AppUnderTest) -> bool:
    """Whether the queue panel is in sight."""
    return app.chats.panel.display


class TestWhatIsACommand:
    """Only known names are."""

    @pytest.mark.parametrize(
        ("text", "sent"),
        [
            ("/mnt/data is full, why?", "/mnt/data is full, why?"),
            ("/etc", None),
            ("/tmp is full", "/tmp is full"),
            ("/home/me/x.py", "/home/me/x.py"),
            ("/ by itself", "/ by itself"),
            ("//help", "/help"),
            ("//help me\nplease", "/help me\nplease"),
            ("//etc", "/etc"),
            ("// a comment", "// a comment"),
            ("/modle x", None),
            ("/hlep", None),
            (" /quit", " /quit"),
            ("what is /quit", "what is /quit"),
            ("/limits are odd in calculus", None),
        ],
    )
    async def test_what_is_sent_and_what_is_told(self, text: str, sent: str | None) -> None:
        app = scripted_app()
        async with app.run_test(size=SIZE) as pilot:
            await app.settle()
            await give(app, pilot, text)
            if sent is not None:
                assert asked(app) == [sent]
                assert app.pane.composer.text == ""
                assert app.pane.news == ""
            else:
                assert asked(app) == []
                assert app.pane.composer.text == text
                assert "There is no command" in app.pane.news
                assert f"/{text.split(maxsplit=1)[0]} sends it" in app.pane.news

    async def test_a_slip_is_told_with_what_was_meant(self) -> None:
        app = scripted_app()
        async with app.run_test(size=SIZE) as pilot:
            await app.settle()
            await give(app, pilot, "/cancle-all")
            assert "Did you mean /cancel-all?" in app.pane.news
            assert app.pane._news.has_class("-problem")

    async def test_what_is_typed_behind_the_enter_stays(self) -> None:
        app = scripted_app()
        async with app.run_test(size=SIZE) as pilot:
            await app.settle()
            composer = app.pane.composer
            for char in "/limit 2":
                composer.post_message(events.Key(NAMES.get(char, char), char))
            composer.post_message(events.Key("enter", "\r"))
            composer.post_message(events.Key("h", "h"))
            composer.post_message(events.Key("i", "i"))
            await pilot.pause()
            await app.settle()
            assert app.service.snapshot(0).limits.max_concurrent == 2
            assert composer.text == "hi"


class TestCompletion:
    """A list above the box, which takes keys only while it is there."""

    async def test_it_opens_narrows_and_goes(self) -> None:
        app = scripted_app()
        async with app.run_test(size=SIZE) as pilot:
            await app.settle()
            choices = app.pane._choices
            assert not offers(app)
            await write(pilot, "/")
            assert offers(app)
            await write(pilot, "pa")
            assert choices.text.split("\n")[0].startswith("▸ /panel")
            assert "/pause" in choices.text
            assert "/model" not in choices.text
            await write(pilot, "x")
            assert not offers(app)
            await pilot.press("backspace", "tab")
            assert app.pane.composer.text == "/panel "
            assert not offers(app)

    async def test_arrows_choose_and_enter_completes_then_runs(self) -> None:
        app = scripted_app()
        async with app.run_test(size=SIZE) as pilot:
            await app.settle()
            await write(pilot, "/pa", "down", "enter")
            assert app.pane.composer.text == "/pause "
            assert not app.service.snapshot(0).paused
            await pilot.press("enter")
            assert app.service.snapshot(0).paused
            assert app.pane.composer.text == ""
            # In a circle: last come those that only hold what is typed.
            await write(pilot, "/pa", "up", "tab")
            assert app.pane.composer.text == "/compare-close "

    async def test_keys_that_come_in_one_piece_meet_the_list_as_it_will_be(self) -> None:
        app = scripted_app()
        async with app.run_test(size=SIZE) as pilot:
            await app.settle()
            composer = app.pane.composer
            for key, char in (("slash", "/"), ("p", "p"), ("a", "a"), ("down", None)):
                composer.post_message(events.Key(key, char))
            composer.post_message(events.Key("tab", "\t"))
            composer.post_message(events.Key("enter", "\r"))
            await pilot.pause()
            assert app.service.snapshot(0).paused

    async def test_a_whole_name_is_run_by_one_enter(self) -> None:
        app = scripted_app()
        async with app.run_test(size=SIZE) as pilot:
            await app.settle()
            await write(pilot, "/pause", "enter")
            assert app.service.snapshot(0).paused

    async def test_escape_closes_it_for_this_command_and_cancels_nothing(self) -> None:
        app = scripted_app()
        async with app.run_test(size=SIZE) as pilot:
            await app.settle()
            await app.ask("Question")
            await write(pilot, "/pa", "escape")
            assert not offers(app)
            assert app.session(1).turns[0].state.alive
            await write(pilot, "u")
            assert not offers(app)
            assert app.pane.composer.text == "/pau"
            await pilot.press("escape")
            await app.settle()
            assert app.session(1).turns[0].state is TurnState.CANCELLED
            # The next command is offered again.
            await pilot.press(*["backspace"] * 4)
            await write(pilot, "/pa")
            assert offers(app)

    async def test_it_takes_no_key_from_anything_else(self) -> None:
        app = scripted_app()
        async with app.run_test(size=SIZE) as pilot:
            await app.settle()
            await give(app, pilot, "first")
            await give(app, pilot, "/limit 3")
            # An earlier command that is shown again is not completed: Up goes on to what is older.
            await pilot.press("up")
            assert app.pane.composer.text == "/limit 3"
            assert not offers(app)
            await pilot.press("up")
            assert app.pane.composer.text == "first"
            await pilot.press("down", "down")
            # A path is a path.
            await write(pilot, "/mnt/da", "enter")
            assert asked(app) == ["first", "/mnt/da"]
            # Elsewhere than at the end of the first line nothing is offered.
            await write(pilot, "/pa", "left")
            assert not offers(app)
            await pilot.press("end", "ctrl+j")
            assert not offers(app)
            # And Tab goes on to the next place.
            await pilot.press("tab")
            assert not app.pane.composer.has_focus

    async def test_arguments_are_completed_too(self) -> None:
        app = scripted_app()
        async with app.run_test(size=SIZE) as pilot:
            await app.settle()
            await write(pilot, "/theme emb", "tab", "enter")
            await app.settle()
            assert app.theme == "ember"
            await write(pilot, "/set tempera", "tab")
            assert app.pane.composer.text == "/set temperature"

    async def test_a_click_completes(self) -> None:
        app = scripted_app()
        async with app.run_test(size=SIZE) as pilot:
            await app.settle()
            await write(pilot, "/pa")
            await pilot.click(app.pane._choices, offset=(5, 1))
            assert app.pane.composer.text == "/pause "
            assert app.pane.composer.has_focus

    def test_nothing_is_asked_again_while_nothing_has_changed(self) -> None:
        asked_for: list[str] = []

        def source(line: str) -> list[Any]:
            asked_for.append(line)
            return []

        completion = Completion(source)
        for line in ("/a", "/a", None, "x", "/a"):
            completion.look(line)
        assert asked_for == ["/a", "/a"]


class TestCommands:
    """Each does what it says, and what it cannot do it says."""

    async def test_new_rename_close(self) -> None:
        app = scripted_app()
        async with app.run_test(size=SIZE) as pilot:
            await app.settle()
            await give(app, pilot, "/new Bob")
            assert app.pane.session.user == "Bob"
            assert app.pane.composer.has_focus
            await give(app, pilot, "/rename [/x] Talk")
            assert app.pane.session.title == "[/x] Talk"
            await give(app, pilot, "/new")
            assert [pane.session.user for pane in app.chats.deck.panes] == ["Ada", "Bob", "Bob"]
            await give(app, pilot, "/close")
            assert [pane.session.user for pane in app.chats.deck.panes] == ["Ada", "Bob"]
            assert [pane.composer.text for pane in app.chats.deck.panes] == ["", ""]

    async def test_model(self) -> None:
        app = scripted_app()
        async with app.run_test(size=SIZE) as pilot:
            await app.settle()
            there = app.sessions.known_models
            await give(app, pilot, f"/model {there[-1]}")
            assert app.pane.session.model == there[-1]
            await give(app, pilot, "/model gone:1b")
            assert app.pane.session.model == there[-1]
            assert app.pane.composer.text == "/model gone:1b"
            assert f"There are {there[0]}" in app.pane.news

    @pytest.mark.parametrize(
        ("argument", "name", "value"),
        [
            ("temperature 0.2", "temperature", 0.2),
            ("temperature=0,5", "temperature", 0.5),
            ("TOP_K 40", "top_k", 40),
            ("num_predict -1", "num_predict", -1),
            ("stop ###", "stop", ["###"]),
            ("num_ctx 8192", "num_ctx", 8192),
            ("stop ü\\n", "stop", ["ü\n"]),
        ],
    )
    async def test_set(self, argument: str, name: str, value: object) -> None:
        app = scripted_app()
        async with app.run_test(size=SIZE) as pilot:
            await app.settle()
            await give(app, pilot, f"/set {argument}")
            assert app.pane.session.options == {name: value}
            await give(app, pilot, f"/set {name} default")
            assert app.pane.session.options == {}

    @pytest.mark.parametrize(
        ("argument", "words"),
        [
            ("", "What is missing?"),
            ("temperatur 1", "There is no option “temperatur”"),
            ("temperature", "needs a value: a number from 0 to 2"),
            ("temperature 3", "temperature cannot be '3'; give a number from 0 to 2"),
            ("temperature nan", "cannot be 'nan'"),
            ("top_k 1.5", "give a whole number"),
            ("think loud", "off, on, low, medium, high, max"),
            ("keep_alive soon", "a time such as 10m"),
            ("keep_alive inf", "a time such as 10m"),
            ("ordered maybe", "on or off"),
        ],
    )
    async def test_set_what_cannot_be(self, argument: str, words: str) -> None:
        app = scripted_app()
        async with app.run_test(size=SIZE) as pilot:
            await app.settle()
            await give(app, pilot, f"/set {argument}")
            assert words in app.pane.news
            assert app.pane.composer.text == f"/set {argument}"
            session = app.pane.session
            assert (session.options, session.think, session.keep_alive) == ({}, None, None)
            assert not session.ordered

    async def test_set_what_is_no_option_of_the_model(self) -> None:
        app = scripted_app()
        async with app.run_test(size=SIZE) as pilot:
            await app.settle()
            for argument in ("think off", "keep_alive 10m", "ordered on"):
                await give(app, pilot, f"/set {argument}")
            session = app.pane.session
            assert (session.think, session.keep_alive, session.ordered) == (False, "10m", True)
            # A number of seconds as a number: Ollama refuses a text of digits alone.
            await give(app, pilot, "/set keep_alive 300")
            assert session.keep_alive == 300.0

    async def test_system(self) -> None:
        app = scripted_app()
        async with app.run_test(size=SIZE) as pilot:
            await app.settle()
            await give(app, pilot, "/system Answer\nin rhymes")
            assert app.pane.session.system == "Answer\nin rhymes"
            await give(app, pilot, "/system")
            assert isinstance(app.screen, ChatSettingsScreen)
            await pilot.press("escape")
            assert app.pane.composer.text == ""

    async def test_retry_and_cancel(self) -> None:
        app = scripted_app()
        async with app.run_test(size=SIZE) as pilot:
            await app.settle()
            await give(app, pilot, "/cancel")
            assert app.pane.news == "Nothing is running in this chat."
            await app.ask("Question")
            await give(app, pilot, "/cancel")
            assert app.session(1).turns[0].state is TurnState.CANCELLED
            await give(app, pilot, "/retry")
            assert app.session(1).turns[0].state.alive
            await app.ask("Another")
            await give(app, pilot, "/cancel-all")
            assert not any(turn.state.alive for turn in app.session(1).turns)
            assert app.pane.news == "Cancelled 2 requests."
            assert asked(app) == ["Question", "Another"]

    async def test_a_limit_that_finds_itself_until_it_is_set_by_hand(self) -> None:
        app = scripted_app()
        async with app.run_test(size=SIZE) as pilot:
            await app.settle()
            await give(app, pilot, "/limit auto")
            view = app.service.snapshot(0).adaptive
            assert view is not None
            assert view.on
            await pilot.press("alt+plus")
            view = app.service.snapshot(0).adaptive
            assert view is not None
            assert (view.on, view.words) == (False, "auto is off: 6 was set by hand")

    async def test_one_at_a_time_has_no_limit_to_find(self) -> None:
        app = scripted_app(enable_concurrent_processing=False)
        async with app.run_test(size=SIZE) as pilot:
            await app.settle()
            app.chats.panel.queue.post_message(QueuePanel.AutoRequested())
            await pilot.pause()
            (note,) = app._notifications
            assert "no limit to find" in note.message

    @pytest.mark.parametrize("argument", ["0", "many", "1001", "-1"])
    async def test_a_limit_that_cannot_be(self, argument: str) -> None:
        app = scripted_app()
        async with app.run_test(size=SIZE) as pilot:
            await app.settle()
            await give(app, pilot, f"/limit {argument}")
            assert f"cannot be “{argument}”; give a whole number from 1 to 1000" in app.pane.news
            assert app.service.snapshot(0).limits.max_concurrent == 5

    async def test_what_takes_nothing_says_so_and_does_nothing(self) -> None:
        app = scripted_app()
        async with app.run_test(size=SIZE) as pilot:
            await app.settle()
            await give(app, pilot, "/panel of experts")
            assert shows_panel(app)
            assert "takes nothing behind it" in app.pane.news
            assert app.pane.composer.text == "/panel of experts"
            await give(app, pilot, "/panel")
            assert not shows_panel(app)
            await give(app, pilot, "/grid")
            assert app.chats.deck.grid

    async def test_help_lists_keys_and_commands(self) -> None:
        app = scripted_app()
        async with app.run_test(size=SIZE) as pilot:
            await app.settle()
            await give(app, pilot, "/help")
            assert isinstance(app.screen, HelpScreen)
            told = {row.keys[0] for group in app.screen._groups for row in group.rows}
            assert {command.shown for command in app.slash} <= told
            assert "Focus Next" not in str(app.screen._text())

    async def test_features_add_their_own(self) -> None:
        app = scripted_app()

        async def shout(call: SlashCall) -> str:
            return call.argument.upper()

        app.slash.add(SlashCommand("shout", "say it loud", shout, "TEXT", needed=True))
        async with app.run_test(size=SIZE) as pilot:
            await app.settle()
            await write(pilot, "/sho", "tab")
            await write(pilot, "hey", "enter")
            assert app.pane.news == "HEY"
        for name in ("shout", "not a name", "1st"):
            with pytest.raises(ValueError, match="is taken, or is no name"):
                app.slash.add(SlashCommand(name, "again", shout))
