"""Who answers: the server, or the demo model while it does not; and changing over without loss."""

from __future__ import annotations

from ccchat_tui.sessions.model import TurnState
from tests.support.app import NO_SERVER, scripted_app, until
from tests.support.scripted import ScriptedBackend


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
    class Slow(ScriptedBackend):
        """Answers its first probe only when told to."""

        async def probe(self) -> str:
            await gate.wait()
            return await super().probe()

    import asyncio  # noqa: PLC0415

    gate = asyncio.Event()
    server = Slow()
    app = scripted_app(server)
    async with app.run_test(size=(120, 40)) as pilot:
        await app.settle()
        assert "connecting" in str(app.chats.header.render())
        await pilot.press(*"Early", "enter")
        await app.settle()
        turn = app.session(1).turns[0]
        assert turn.state is TurnState.CONNECTING
        assert app.pane.composer.text == ""
        gate.set()
        call = await server.call("Early")
        assert call.prompt.model == turn.model == "llama3.2:3b"
        await server.emit("Early", "Late")
        assert turn.reply == "Late"


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
