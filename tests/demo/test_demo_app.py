"""A scenario played in the app: what there is to see, and that anybody may take over."""

from __future__ import annotations

import pytest
from textual.binding import BindingsMap
from textual.widget import Widget

from ccchat_tui.config import SettingsError
from ccchat_tui.engine.request import Priority
from ccchat_tui.scenarios.model import Scenario
from ccchat_tui.sessions.model import TurnState
from ccchat_tui.testing.scripted import ScriptedBackend
from ccchat_tui.tui.app import CCChatApp
from ccchat_tui.tui.demo.compare_screen import CompareScreen
from ccchat_tui.tui.demo.keys import DEMO_KEYS, bind
from ccchat_tui.tui.keymap import read_keymap
from ccchat_tui.tui.screens.chats import ChatsScreen
from ccchat_tui.tui.widgets.chat_pane import ChatPane
from ccchat_tui.tui.widgets.composer import Composer
from tests.demo.demo_app import DemoUnderTest, playing

TWO = Scenario.model_validate(
    {
        "title": "Two",
        "users": [
            {"name": "Ada", "colour": "#ff8800", "says": ["A haiku about tides."], "typing": 10},
            {
                "name": "Bob",
                "says": ["/quit", "And then?"],
                "typing": 10,
                "think": [1, 1],
                "priority": "high",
            },
        ],
    }
)


FINE = 0.01
"""Seconds of a step at eight times the speed: between two of them there is a token at most."""


def line(app: DemoUnderTest) -> str:
    """What the demo's line says."""
    return "".join(piece.text for piece in app.show.bar.pieces)


class TestPlaying:
    async def test_each_user_types_in_a_tab_of_their_own_and_the_replies_stream(self) -> None:
        app = playing(TWO)
        async with app.run_test(size=(120, 40)) as pilot:
            await pilot.pause()
            await app.settle()
            assert [app.user_of(1), app.user_of(2)] == ["Ada", "Bob"]
            assert "the built-in demo model" in app.connection.answer.notice
            await app.pass_time(0.3)
            ada, bob = app.chats.deck.panes
            assert (ada.composer.text, bob.composer.text) == ("A h", "/qu")
            assert not ada.session.turns
            await app.pass_time(0.4)
            # A message that looks like a command is a message: it is a user of the scenario's.
            assert [turn.question for turn in bob.session.turns] == ["/quit"]
            assert bob.composer.text == ""
            await app.pass_time(3)
            assert ada.session.turns[0].state is TurnState.STREAMING
            assert app.service.snapshot().requests[0].user in {"Ada", "Bob"}
            assert {
                row.priority for row in app.service.snapshot().requests if row.user == "Bob"
            } <= {Priority.HIGH}

    async def test_who_types_into_a_chat_takes_it_over_and_a_key_gives_it_back(self) -> None:
        app = playing(TWO)
        async with app.run_test(size=(120, 40)) as pilot:
            await pilot.pause()
            await app.pass_time(0.5)
            ada, bob = app.chats.deck.panes
            await pilot.press("x")
            await app.pass_time(1)
            assert ada.composer.text == "A haix"
            assert "Alt+B" in ada.news
            assert "Ada is yours" in line(app)
            # Nobody waits for the presenter.
            assert bob.session.turns
            await pilot.press("enter")
            assert [turn.question for turn in ada.session.turns] == ["A haix"]
            await pilot.press(*"mine", "alt+b")
            await app.pass_time(0.5)
            assert ada.composer.text == "A hai"
            assert ada.composer.prompts.older is not None
            assert "is yours" not in line(app)
            await app.pass_time(2)
            assert [turn.question for turn in ada.session.turns][1:] == ["A haiku about tides."]
            await pilot.press("up", "up")
            assert ada.composer.text == "mine"

    async def test_pausing_stops_everything_and_the_speed_moves_everything(self) -> None:
        app = playing("hello")
        async with app.run_test(size=(120, 40)) as pilot:
            await pilot.pause()
            await app.pass_time(1)
            before = [pane.composer.text for pane in app.chats.deck.panes]
            await pilot.press("alt+g")
            await app.pass_time(5, step=0.5)
            assert [pane.composer.text for pane in app.chats.deck.panes] == before
            assert "0:01" in line(app)
            assert "paused" in line(app)
            await pilot.press("alt+g", "alt+f", "alt+f", "alt+f")
            assert not app.service.snapshot(0).totals.completed
            await app.pass_time(1, step=FINE)
            assert "0:09  8x" in line(app)
            assert app.service.snapshot(0).totals.completed > 0
            await pilot.press(*["alt+v"] * 9)
            assert "0.5x" in line(app)

    async def test_what_comes_next_is_counted_down_and_what_is_lost_is_in_the_chat(self) -> None:
        app = playing("server-trouble")
        async with app.run_test(size=(120, 40)) as pilot:
            await pilot.pause()
            await app.pass_time(4.2)
            assert "in 1 s: the server goes down" in line(app)
            await app.pass_time(1)
            assert "the server is back" in line(app)
            assert app.show.bar.says.startswith("It is down.")
            turns = [turn for session in app.sessions.sessions for turn in session.turns]
            lost = [turn for turn in turns if turn.state is TurnState.FAILED]
            assert lost
            assert all(turn.reply for turn in lost)

    async def test_the_end_is_told_and_the_comparison_is_a_key_away(self) -> None:
        app = playing(TWO, speed=8)
        async with app.run_test(size=(100, 30)) as pilot:
            await pilot.pause()
            await app.pass_time(3, step=FINE)
            assert "it is over" in line(app)
            assert app.service.snapshot(0).totals.completed == 3
            await pilot.press("alt+o")
            await pilot.pause()
            assert isinstance(app.screen, CompareScreen)
            assert [app.show.status.paused] == [True]
            await pilot.press("escape")
            await pilot.pause()
            assert not app.show.status.paused
            await pilot.press("alt+r")
        assert app.show.wanted == "restart"

    async def test_finished_chats_of_a_user_make_way_for_the_next(self) -> None:
        many = {
            "title": "M",
            "users": [
                {"name": "Ada", "says": ["?"], "typing": 0},
                {"name": "Bob", "says": ["?"], "typing": 0, "conversations": 3,
                 "arrivals": {"how": "every", "seconds": 20}},
            ],
        }  # fmt: skip
        app = playing(Scenario.model_validate(many), speed=8)
        async with app.run_test(size=(60, 20)) as pilot:
            await pilot.pause()
            await app.pass_time(6, step=FINE)
            assert app.show.player.over
            assert [session.user for session in app.sessions.sessions] == ["Ada", "Bob"]
            assert app.service.snapshot(0).totals.completed == 4

    async def test_conversations_that_begin_together_are_all_played(self) -> None:
        many = {
            "title": "M",
            "users": [{"name": "Bob", "says": ["?"], "typing": 1, "conversations": 5}],
        }
        app = playing(Scenario.model_validate(many), speed=8)
        async with app.run_test(size=(60, 20)) as pilot:
            await pilot.pause()
            await app.pass_time(2, step=FINE)
            assert app.show.player.over
            assert app.service.snapshot(0).totals.completed == 5


class TestOnAServer:
    async def test_users_write_and_the_server_answers_in_its_own_time(self) -> None:
        """Its troubles are its own: those of the scenario are neither played nor announced."""
        app = playing("server-trouble", server=ScriptedBackend(), speed=2)
        async with app.run_test(size=(120, 40)) as pilot:
            await pilot.pause()
            await app.pass_time(1.5)
            assert app.service.backend is app.script
            assert "comes" in line(app)
            assert "2x for users" in line(app)
            assert not [each for each in app.show.player.moments if "server" in each.words]
            assert "Simulated users write here." in app.connection.answer.notice
            call = await app.script.call(0)
            assert call.question
            assert app.wall is app.time


def test_the_keys_of_a_demo_are_nobody_elses() -> None:
    """Otherwise the other one would go on meaning what it means, and the demo have none."""
    taken = {
        key
        for kind in (ChatsScreen, CCChatApp, ChatPane, Composer)
        for key in (kind._merged_bindings or BindingsMap()).key_to_bindings
    }
    assert not taken & {binding.key for binding in DEMO_KEYS}


def test_a_key_of_ones_own_works_in_place_of_the_demos() -> None:
    keymap = read_keymap({"demo.pause": ("ctrl+alt+g",)})
    node = Widget()
    bind(node, keymap)
    there = node._bindings.key_to_bindings
    assert there["ctrl+alt+g"][0].action == "app.direct('pause')"
    assert "alt+g" not in there
    assert there["alt+v"][0].action == "app.direct('slower')"


def test_a_demos_key_cannot_be_anothers() -> None:
    with pytest.raises(SettingsError, match=r"demo\.pause cannot be 'ctrl\+n'.*new_chat"):
        read_keymap({"demo.pause": ("ctrl+n",)})
