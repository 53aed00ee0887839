"""Who answers: the server, or the demo model while it does not; and changing over without loss."""

from __future__ import annotations

import asyncio

import pytest
from textual.widgets import Static

from ccchat_tui.backends.base import ModelInfo
from ccchat_tui.sessions.model import TurnState
from ccchat_tui.testing.app import NO_SERVER, demo_app, scripted_app, until
from ccchat_tui.testing.scripted import ScriptedBackend
from ccchat_tui.tui.screens.model_picker import ModelPickerScreen


class SlowServer(ScriptedBackend):
    """Says who it is and what it has only when the test lets it."""

    def __init__(self, *, down: str = "") -> None:
        super().__init__(down=down)
        self.gate = asyncio.Event()
        self.probes = 0

    async def probe(self) -> str:
        """A sign of life, late."""
        self.probes += 1
        await self.gate.wait()
        return await super().probe()

    async def models(self) -> list[ModelInfo]:
        """The models, late."""
        await self.gate.wait()
        return await super().models()


def down() -> ScriptedBackend:
    """A server that does not answer."""
    return ScriptedBackend(down=NO_SERVER)


async def test_without_a_server_the_demo_model_answers_and_says_so() -> None:
    app = scripted_app(down())
    async with app.run_test(size=(120, 40)):
        await app.settle()
        assert "no server: demo model" in str(app.chats.header.render())
        notice = "Ollama does not answer at http://127.0.0.1:11434; this is the built-in demo model"
        assert notice in app.connection.answer.notice
        await app.ask("What are you?")
        await app.pass_time(3)
        assert app.session(1).turns[0].state is TurnState.STREAMING
        assert app.session(1).turns[0].model.startswith("demo:")


async def test_the_server_is_tried_again_with_a_key_and_no_chat_is_lost() -> None:
    server = down()
    app = scripted_app(server)
    async with app.run_test(size=(120, 40)) as pilot:
        await app.settle()
        await app.ask("First question")
        await app.pass_time(2)
        first = app.session(1).turns[0]
        begun = first.reply
        assert begun

        await pilot.press("f5")
        await app.workers.wait_for_complete()
        assert app.service.backend is app.connection.demo
        assert NO_SERVER in app.pane.news
        assert app.pane.has_focus_within

        server.down = ""
        await pilot.press("f5")
        await app.workers.wait_for_complete()
        await app.settle()
        assert not app.connection.on_demo
        assert app.connection.answer.notice == ""
        assert "no server" not in str(app.chats.header.render())
        assert app.pane.news.startswith("Connected to Ollama at http://127.0.0.1:11434")
        # What the demo model was asked runs on there; what is new goes to the server.
        await app.pass_time(1)
        assert first.reply.startswith(begun)
        assert len(first.reply) > len(begun)
        await app.ask("Second question")
        call = await server.call("Second question")
        assert call.prompt.model == "llama3.2:3b"
        assert app.session(1).turns[0] is first


async def test_what_is_written_before_it_is_known_who_answers_waits_for_it() -> None:
    server = SlowServer()
    app = scripted_app(server)
    async with app.run_test(size=(120, 40)) as pilot:
        await app.settle()
        assert "connecting" in str(app.chats.header.render())
        await pilot.press(*"Early", "enter")
        await app.settle()
        turn = app.session(1).turns[0]
        assert turn.state is TurnState.CONNECTING
        assert app.pane.composer.text == ""
        server.gate.set()
        call = await server.call("Early")
        assert call.prompt.model == turn.model == "llama3.2:3b"
        await server.emit("Early", "Late")
        assert turn.reply == "Late"


@pytest.mark.parametrize("answers", [True, False])
async def test_trying_again_while_it_is_tried_leaves_no_message_waiting(answers: bool) -> None:
    server = SlowServer(down="" if answers else NO_SERVER)
    app = scripted_app(server)
    async with app.run_test(size=(120, 40)) as pilot:
        await app.settle()
        await pilot.press(*"Early", "enter", "f5", "f5")
        await app.settle()
        assert "connecting" in str(app.chats.header.render())
        server.gate.set()
        await app.workers.wait_for_complete()
        await app.settle()
        assert server.probes == 1
        assert "connecting" not in str(app.chats.header.render())
        assert app.connection.on_demo is not answers
        turn = app.session(1).turns[0]
        if answers:
            await server.emit("Early", "Late")
            assert turn.reply == "Late"
        else:
            await app.pass_time(3)
            assert turn.state is TurnState.STREAMING
            assert turn.model == "demo:medium"


async def test_who_chooses_the_demo_model_keeps_it_whatever_comes_of_a_try() -> None:
    server = SlowServer()
    app = scripted_app(server)
    async with app.run_test(size=(120, 40)) as pilot:
        await app.settle()
        await pilot.press(*"Early", "enter")
        await app.run_action("use_demo")
        server.gate.set()
        await app.pass_time(3)
        assert app.connection.on_demo
        assert app.session(1).turns[0].state is TurnState.STREAMING
        assert "connecting" not in str(app.chats.header.render())

        server.gate.clear()
        await pilot.press("f5")
        await app.settle()
        trying = app.pane
        assert trying.news.startswith("Trying")
        await pilot.press("ctrl+n")
        await app.run_action("use_demo")
        await app.settle()
        assert trying.news == ""
        assert app.connection.on_demo


async def test_a_try_that_fails_is_told_as_a_problem_although_the_server_was_there() -> None:
    app = scripted_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await app.settle()
        app.script.down = NO_SERVER
        await pilot.press("f5")
        await app.workers.wait_for_complete()
        assert NO_SERVER in app.pane.news
        assert app.pane._news.has_class("-problem")
        assert not app.connection.on_demo


async def test_the_models_are_asked_for_in_the_open_dialog() -> None:
    server = SlowServer()
    server.gate.set()
    app = scripted_app(server)
    async with app.run_test(size=(120, 40)) as pilot:
        await app.settle()
        server.gate.clear()
        await pilot.press("f3", *"qwen", "enter")
        await app.settle()
        picker = app.screen
        assert isinstance(picker, ModelPickerScreen)
        assert "Asking" in str(picker.query_one(".words", Static).content)
        assert app.pane.composer.text == ""
        server.gate.set()
        await app.workers.wait_for_complete()
        await app.settle()
        await pilot.press("enter")
        await app.settle()
        assert app.session(1).model == "qwen3:8b"

        # Left before the answer has come, it stays away.
        server.gate.clear()
        await pilot.press("f3", "escape")
        server.gate.set()
        await app.workers.wait_for_complete()
        await app.settle()
        assert app.screen is app.chats


async def test_a_model_of_the_demo_can_be_asked_for() -> None:
    app = demo_app(model="demo:small")
    async with app.run_test(size=(120, 40)) as pilot:
        await app.settle()
        assert app.session(1).model == "demo:small"
        await pilot.press("alt+n", *"Bob", "enter")
        await app.settle()
        assert app.session(2).model == "demo:small"


async def test_a_server_without_models_is_told_and_the_message_stays() -> None:
    app = scripted_app(ScriptedBackend(models=()))
    async with app.run_test(size=(120, 40)) as pilot:
        await app.settle()
        assert "ollama pull" in app.connection.answer.notice
        await pilot.press(*"Hello", "enter")
        await app.settle()
        assert app.pane.composer.text == "Hello"
        assert "No model is chosen" in app.pane.news
        assert app.session(1).turns == []


async def test_the_demo_model_can_be_chosen_instead_of_the_server() -> None:
    app = scripted_app()
    async with app.run_test(size=(120, 40)):
        await app.settle()
        assert app.session(1).model == "llama3.2:3b"
        await app.run_action("use_demo")
        assert app.connection.on_demo
        assert app.session(1).model == "demo:medium"
        assert app.connection.answer.notice == ""


async def test_a_model_that_was_asked_for_is_kept_by_the_name_the_server_has() -> None:
    server = ScriptedBackend(models=("llama3.2:3b", "qwen3:latest"))
    app = scripted_app(server, model="qwen3")
    async with app.run_test(size=(120, 40)):
        await app.settle()
        assert app.session(1).model == "qwen3:latest"


async def test_a_model_that_is_not_there_is_told_with_those_that_are() -> None:
    app = scripted_app(model="nope")
    async with app.run_test(size=(120, 40)):
        await app.settle()
        await app.ask("Hello")
        await until(lambda: app.session(1).turns[0].state is TurnState.FAILED)
        turn = app.session(1).turns[0]
        assert "No such model" in turn.note
        assert "llama3.2:3b" in " ".join(turn.hints)


async def test_leaving_closes_everything() -> None:
    app = scripted_app()
    server = app.script
    async with app.run_test(size=(120, 40)):
        await app.settle()
        await app.ask("One")
        await app.ask("Two")
        await server.emit("One", "x")
    assert server.closed
    assert all(call.closed.is_set() for call in server.calls)
