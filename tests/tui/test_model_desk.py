"""Models as the person deals with them: seen, chosen, fetched, deleted, unloaded."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Input, OptionList, Static

from ccchat_tui.backends.connect import open_servers
from ccchat_tui.backends.hosts import Server, read_host
from ccchat_tui.testing.app import AppUnderTest, demo_app, scripted_app, until
from ccchat_tui.testing.ollama_server import OllamaServer
from ccchat_tui.testing.scripted import ScriptedBackend
from ccchat_tui.tui.pulls import PullState
from ccchat_tui.tui.screens.chats import ChatsScreen
from ccchat_tui.tui.screens.choose import ChooseScreen
from ccchat_tui.tui.screens.confirm import ConfirmScreen
from ccchat_tui.tui.screens.model_picker import ModelPickerScreen
from ccchat_tui.tui.screens.model_pull import PullScreen
from tests.support.palette import palette_found

SIZE = (120, 40)


def shown(app: AppUnderTest) -> str:
    strips = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip) for strip in strips)


def asked(app: AppUnderTest) -> str:
    """The question of the dialog that is open."""
    assert isinstance(app.screen, ConfirmScreen)
    return str(app.screen.query_one(Static).content)


def is_open(app: AppUnderTest, kind: type[Screen[Any]]) -> bool:
    return isinstance(app.screen, kind)


@asynccontextmanager
async def app_over(
    *servers: OllamaServer, **settings: Any
) -> AsyncIterator[tuple[AppUnderTest, Pilot[None]]]:
    """The app over servers on sockets, connected."""
    names = ("anna", "ben")
    backend = open_servers(
        [Server(read_host(server.url), name=name)
         for server, name in zip(servers, names, strict=False)]
        if len(servers) > 1
        else [read_host(servers[0].url)]
    )  # fmt: skip
    app = scripted_app(backend, **settings)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await until(lambda: app.service.backend is backend)
        await app.settle()
        yield app, pilot


async def picker_of(app: AppUnderTest, pilot: Pilot[None]) -> ModelPickerScreen:
    """The picker, with all that the servers tell."""
    await pilot.press("f3")
    await app.workers.wait_for_complete()
    await app.settle()
    picker = app.screen
    assert isinstance(picker, ModelPickerScreen)
    return picker


def listed(picker: ModelPickerScreen) -> list[str]:
    options = picker.query_one(OptionList)
    rows = [options.get_option_at_index(index) for index in range(options.option_count)]
    return [picker._models[int(row.id or 0)].name for row in rows]


class Gate:
    """Lets the lines of pulls through one by one."""

    def __init__(self, server: OllamaServer) -> None:
        self._lines = asyncio.Semaphore(0)
        server.pull_gate = self._wait

    async def _wait(self) -> None:
        await self._lines.acquire()

    def open(self, lines: int = 100) -> None:
        for _ in range(lines):
            self._lines.release()


class TestPicker:
    async def test_it_tells_what_each_model_is_and_what_is_loaded(self) -> None:
        async with OllamaServer() as server, app_over(server) as (app, pilot):
            await app.ask("hi")
            await until(lambda: not app.session(1).turns[0].state.alive)
            picker = await picker_of(app, pilot)
            text = shown(app)
            assert "8.2B Q4_K_M" in text
            assert "5.2 GB" in text
            assert "40k" in text
            assert "family llama · context of 131,072 tokens · can also do tools" in text
            expires = server.loader.loaded["llama3.2:3b"].expires_at
            assert f"■ loaded until {expires:%H:%M}" in text
            await pilot.press("down")
            await app.settle()
            assert "thinking" in shown(app)
            assert "not loaded" in shown(app)
            assert picker.marked is not None
            assert picker.marked.name == "qwen3:8b"

    async def test_what_stays_for_good_and_what_has_no_time(self) -> None:
        async with OllamaServer() as server, app_over(server) as (app, pilot):
            session = app.session(1)
            session.keep_alive = -1
            await app.ask("hi")
            await until(lambda: not session.turns[0].state.alive)
            await picker_of(app, pilot)
            assert "■ loaded for good" in shown(app)

    async def test_typing_finds_families_abilities_and_what_is_loaded(self) -> None:
        async with OllamaServer() as server, app_over(server) as (app, pilot):
            await app.ask("hi")
            await until(lambda: not app.session(1).turns[0].state.alive)
            picker = await picker_of(app, pilot)
            line = picker.query_one(Input)
            for typed, names in {
                "vision": ["gemma3:4b"],
                "THINK": ["qwen3:8b"],
                "bert": ["nomic-embed-text:latest"],
                "tools q4": ["llama3.2:3b", "qwen3:8b"],
                "loaded": ["llama3.2:3b"],
                "embedding only": ["nomic-embed-text:latest"],
                "nothing": [],
            }.items():
                line.value = typed
                await app.settle()
                assert listed(picker) == names, typed

    async def test_what_only_makes_embeddings_is_told_apart_and_cannot_be_chosen(self) -> None:
        async with OllamaServer() as server, app_over(server) as (app, pilot):
            await picker_of(app, pilot)
            assert "(embedding only)" in shown(app)
            await pilot.press(*"nomic", "enter")
            await app.settle()
            assert is_open(app, ModelPickerScreen)
            assert "only makes embeddings: it cannot chat" in shown(app)
            await pilot.press("escape")
            assert app.session(1).model == "llama3.2:3b"

    async def test_new_chats_do_not_talk_to_what_cannot_chat(self) -> None:
        server = OllamaServer()
        server.models.reverse()
        async with server, app_over(server) as (app, _pilot):
            assert server.models[0].capabilities == ("embedding",)
            assert app.session(1).model == "gemma3:4b"

    async def test_the_mark_stays_where_it_is_when_more_is_told(self) -> None:
        async with OllamaServer() as server, app_over(server) as (app, pilot):
            picker = await picker_of(app, pilot)
            await pilot.press("down", "down")
            picker.show_loaded("", [])
            picker.show_models(list(reversed(app.models.models)))
            assert picker.marked is not None
            assert picker.marked.name == "gemma3:4b"

    async def test_a_model_is_unloaded(self) -> None:
        async with OllamaServer() as server, app_over(server) as (app, pilot):
            await app.ask("hi")
            await until(lambda: not app.session(1).turns[0].state.alive)
            await picker_of(app, pilot)
            await pilot.press("f8")
            await app.workers.wait_for_complete()
            await app.settle()
            assert server.loader.loaded == {}
            assert "llama3.2:3b is unloaded." in shown(app)
            assert "not loaded: the first reply begins later" in shown(app)
            await pilot.press("f8")
            assert "is not loaded" in shown(app)

    async def test_a_model_is_deleted_after_a_question_only(self) -> None:
        async with OllamaServer() as server, app_over(server) as (app, pilot):
            picker = await picker_of(app, pilot)
            await pilot.press("f9")
            await app.settle()
            assert is_open(app, ConfirmScreen)
            assert "llama3.2:3b (2.0 GB) would have to be fetched again" in shown(app)
            assert "1 open chat talks to it" in asked(app)
            await pilot.press("enter")
            await app.workers.wait_for_complete()
            assert len(server.models) == 4, "Enter is the harmless answer"
            await pilot.press("down", "f9", "y")
            await app.workers.wait_for_complete()
            await app.settle()
            assert [model.name for model in server.models] == [
                "llama3.2:3b", "gemma3:4b", "nomic-embed-text:latest",
            ]  # fmt: skip
            assert listed(picker) == [model.name for model in server.models]
            assert "qwen3:8b is deleted." in shown(app)
            assert "qwen3:8b" not in app.sessions.known_models

    async def test_a_server_that_refuses_says_why(self) -> None:
        async with OllamaServer() as server, app_over(server) as (app, pilot):
            await picker_of(app, pilot)
            server.fail("forbidden", path="/api/delete")
            await pilot.press("f9", "y")
            await app.workers.wait_for_complete()
            await app.settle()
            assert "does not let us in" in shown(app)
            assert len(server.models) == 4

    async def test_kinds_that_cannot_be_managed_offer_nothing(self) -> None:
        app = scripted_app(ScriptedBackend())
        async with app.run_test(size=SIZE, notifications=True) as pilot:
            await app.settle()
            await picker_of(app, pilot)
            assert "F2" not in shown(app)
            assert "F9" not in shown(app)
            await pilot.press("f2", "f8")
            assert not isinstance(app.screen, PullScreen)
            await pilot.press("f9")
            await app.settle()
            assert "no way for that" in shown(app)


class TestPull:
    async def test_a_model_is_fetched_with_a_bar_for_each_layer_while_chats_stream(self) -> None:
        async with OllamaServer(manual=True, tokens=6) as server, app_over(server) as (app, pilot):
            gate = Gate(server)
            await app.ask("hi")
            chat = await server.chat("hi")
            await picker_of(app, pilot)
            await pilot.press(*"pullable", "f2")
            await app.settle()
            assert is_open(app, PullScreen)
            assert app.screen.query_one(Input).value == "pullable", "what was typed and not found"
            await pilot.press("enter")
            gate.open(4)
            (pull,) = app.models.pulls.all
            await until(lambda: pull.completed == 2500)
            await app.settle()
            assert "6a0746a1ec1a" in shown(app)
            assert "62 %" in shown(app)
            await chat.release(3)
            await until(lambda: len(app.session(1).turns[0].parts) == 3)
            gate.open(3)
            await until(lambda: len(pull.layers) == 2)
            await app.settle()
            assert "100 %" in shown(app)
            assert "4fa551d4f938" in shown(app)
            gate.open()
            await until(lambda: not pull.running)
            await app.workers.wait_for_complete()
            await app.settle()
            assert pull.state is PullState.DONE
            assert "fetched, 4.0 kB" in shown(app)
            assert "pullable:latest" in app.sessions.known_models
            await pilot.press("escape")
            picker = app.screen
            assert isinstance(picker, ModelPickerScreen)
            await until(lambda: "pullable:latest" in listed(picker))
            await chat.finish()

    async def test_it_goes_on_when_it_is_left_and_the_header_tells(self) -> None:
        async with OllamaServer() as server, app_over(server) as (app, pilot):
            gate = Gate(server)
            app.chats.action_fetch_model()
            await app.settle()
            await pilot.press(*"pullable:1b", "enter", "escape")
            gate.open(4)
            (pull,) = app.models.pulls.all
            await until(lambda: pull.completed == 2500)
            await app.settle()
            assert is_open(app, ChatsScreen)
            assert "⇣ pullable:1b 62 %" in shown(app).splitlines()[0]
            header = app.chats.header
            x = shown(app).splitlines()[0].index("⇣")
            await pilot.click(header, offset=(x, 0))
            await app.settle()
            assert is_open(app, PullScreen)
            assert "62 %" in shown(app)
            await pilot.press("escape")
            gate.open()
            await until(lambda: not pull.running)
            await app.workers.wait_for_complete()
            await app.settle()
            assert "⇣" not in shown(app).splitlines()[0]
            assert "pullable:1b is fetched." in shown(app)
            for _ in range(12):
                app.watch_queue.tick()
            assert not app.watch_queue.running, "nothing is looked at any more"

    async def test_cancelling_closes_the_connection(self) -> None:
        async with OllamaServer() as server, app_over(server) as (app, pilot):
            gate = Gate(server)
            app.chats.action_fetch_model()
            await app.settle()
            await pilot.press(*"pullable", "enter")
            gate.open(3)
            (pull,) = app.models.pulls.all
            await until(lambda: pull.completed == 1000)
            await pilot.press("f9")
            await until(lambda: not pull.running)
            await server.settled()
            await app.settle()
            assert pull.state is PullState.CANCELLED
            assert "cancelled; fetched again, it goes on from there" in shown(app)
            assert server.model("pullable") is None
            await pilot.press("f9")  # once more does nothing

    async def test_errors_inside_of_the_200_are_told_in_words(self) -> None:
        async with OllamaServer() as server, app_over(server) as (app, pilot):
            app.chats.action_fetch_model()
            await app.settle()
            await pilot.press("enter")
            assert "Type the name of a model" in shown(app)
            await pilot.press(*"nope", "enter")
            await until(lambda: not app.models.pulls.running)
            await app.settle()
            assert "There is no model nope to fetch" in shown(app)
            assert app.models.pulls.all[0].state is PullState.FAILED

    async def test_the_first_model_of_a_server_is_at_once_that_of_the_chats(self) -> None:
        async with OllamaServer(models=[]) as server, app_over(server) as (app, pilot):
            assert "no models yet. Press F3 and then F2" in app.connection.answer.notice
            assert app.session(1).model == ""
            await picker_of(app, pilot)
            assert "F2 fetches one" in shown(app)
            await pilot.press("f2", *"pullable", "enter")
            await until(lambda: app.session(1).model == "pullable:latest")
            assert app.connection.answer.notice == ""

    async def test_a_chat_whose_own_model_was_missing_has_it_back(self) -> None:
        async with OllamaServer() as server, app_over(server) as (app, pilot):
            session, other = app.session(1), app.sessions.create("Bob", "qwen3:8b")
            session.model = "pullable:1b"
            app.sessions.set_models(app.sessions.known_models, "llama3.2:3b")
            assert session.model == "llama3.2:3b"
            app.chats.action_fetch_model()
            await app.settle()
            await pilot.press(*"pullable:1b", "enter")
            await until(lambda: session.model == "pullable:1b")
            assert other.model == "qwen3:8b"

    async def test_leaving_the_program_asks_and_ends_what_is_fetched(self) -> None:
        async with OllamaServer() as server:
            async with app_over(server) as (app, pilot):
                Gate(server).open(3)
                app.chats.action_fetch_model()
                await app.settle()
                await pilot.press(*"pullable", "enter", "escape")
                (pull,) = app.models.pulls.all
                await until(lambda: pull.completed == 1000)
                await pilot.press("ctrl+q")
                await app.settle()
                assert is_open(app, ConfirmScreen)
                assert "1 model is still being fetched" in asked(app)
                await pilot.press("y")
            assert pull.state is PullState.CANCELLED
            await server.settled()

    async def test_the_palette_knows_of_it(self) -> None:
        async with OllamaServer() as server, app_over(server) as (app, pilot):
            await pilot.press("ctrl+p", *"fetch a model")
            await palette_found(app, "fetch a model")
            await pilot.press("enter")
            await until(lambda: isinstance(app.screen, PullScreen))


class TestSeveralServers:
    async def test_the_person_says_which_of_them_fetches(self) -> None:
        async with OllamaServer() as one, OllamaServer() as two, app_over(one, two) as (app, pilot):
            await picker_of(app, pilot)
            assert "on anna, ben" in shown(app)
            await pilot.press("f2", *"pullable", "enter")
            await app.settle()
            assert is_open(app, ChooseScreen)
            await pilot.press("down", "enter")
            await until(lambda: two.model("pullable") is not None)
            assert one.model("pullable") is None
            await pilot.press("escape", "escape")
            picker = await picker_of(app, pilot)
            await until(lambda: "pullable:latest" in listed(picker))
            await pilot.press(*"ben pull")
            await app.settle()
            assert "on ben" in shown(app)

    async def test_a_model_is_deleted_where_it_is_meant_to_be(self) -> None:
        async with OllamaServer() as one, OllamaServer() as two, app_over(one, two) as (app, pilot):
            await picker_of(app, pilot)
            await pilot.press(*"gemma", "f9")
            await app.settle()
            await pilot.press("enter")
            await app.settle()
            assert "on anna would have to be fetched again" in asked(app)
            await pilot.press("y")
            await app.workers.wait_for_complete()
            assert one.model("gemma3:4b") is None
            assert two.model("gemma3:4b") is not None

    async def test_all_of_them_can_be_meant(self) -> None:
        async with OllamaServer() as one, OllamaServer() as two, app_over(one, two) as (app, pilot):
            await picker_of(app, pilot)
            await pilot.press(*"gemma", "f9", "end", "enter", "y")
            await app.workers.wait_for_complete()
            assert one.model("gemma3:4b") is two.model("gemma3:4b") is None

    async def test_where_a_model_is_loaded_is_told(self) -> None:
        async with OllamaServer() as one, OllamaServer() as two, app_over(one, two) as (app, pilot):
            await app.ask("hi")
            await until(lambda: not app.session(1).turns[0].state.alive)
            await picker_of(app, pilot)
            where = "anna" if one.loader.loaded else "ben"
            assert f"■ loaded on {where} until" in shown(app)

    async def test_a_server_that_is_down_holds_nobody_up(self) -> None:
        async with OllamaServer() as one:
            two = OllamaServer()
            await two.start()
            await two.stop()
            async with app_over(one, two) as (app, pilot):
                picker = await picker_of(app, pilot)
                assert len(listed(picker)) == 4


async def test_the_demo_model_plays_a_pull() -> None:
    app = demo_app()
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await app.settle()
        await pilot.press("f3")
        await app.workers.wait_for_complete()
        await pilot.press("f2", *"demo:huge", "enter")
        await app.pass_time(3)
        assert "MB/s" in shown(app)
        assert "left" in shown(app)
        await app.pass_time(20)
        await app.settle()
        assert "fetched, 2.3 GB" in shown(app)
        assert "demo:huge" in app.sessions.known_models
