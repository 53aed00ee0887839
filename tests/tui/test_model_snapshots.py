"""Models and settings as pictures: the picker, pulls, the settings of a chat, presets, thinking.

See test_snapshots.py for how to accept new ones.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, Static

from ccchat_tui.backends.base import LoadedModel, ModelInfo
from ccchat_tui.sessions.presets import Preset, Presets
from ccchat_tui.testing.app import AppUnderTest, demo_app, scripted_app
from ccchat_tui.tui.screens.model_picker import ModelPickerScreen
from tests.tui.snapshot_texts import HOSTILE, THINKING
from tests.tui.test_snapshots import Snap, snap

__all__ = ["snap"]

MODELS = [
    ModelInfo(
        "llama3.2:3b",
        size=2_019_393_189,
        family="llama",
        parameter_size="3.2B",
        quantization="Q4_K_M",
        context_length=131_072,
        capabilities=("completion", "tools"),
    ),
    ModelInfo(
        "qwen3:30b-a3b-thinking-2507-q4_K_M",
        size=18_556_699_314,
        family="qwen3moe",
        parameter_size="30.5B",
        quantization="Q4_K_M",
        context_length=262_144,
        capabilities=("completion", "tools", "thinking"),
    ),
    ModelInfo(
        "nomic-embed-text:latest",
        size=274_302_450,
        family="nomic-bert",
        parameter_size="137M",
        quantization="F16",
        context_length=2048,
        capabilities=("embedding",),
    ),
    ModelInfo("語語/語:1b", parameter_size="1B"),
    ModelInfo("gpt-oss:120b-cloud", capabilities=("completion", "thinking")),
]
LOADED = [
    LoadedModel(
        "llama3.2:3b",
        size=2_519_393_189,
        context_length=4096,
        expires_at=datetime(2026, 1, 1, 12, 5, tzinfo=UTC),
    ),
    LoadedModel("qwen3:30b-a3b-thinking-2507-q4_K_M", stays=True),
]
PRESETS = {
    "Code review": Preset("Be strict.", {"temperature": 0.2, "num_ctx": 16384}, think="high"),
    "Story": Preset(options={"temperature": 1.2, "top_p": 0.95, "stop": ["THE END"]}),
    "Left to the model": Preset(),
}


async def show_picker(app: AppUnderTest, *, servers: bool = False) -> ModelPickerScreen:
    """The picker with models of every kind."""
    app.models.choose(app.session(1))
    await app.workers.wait_for_complete()
    await app.settle()
    picker = app.screen
    assert isinstance(picker, ModelPickerScreen)
    models = MODELS
    if servers:
        from dataclasses import replace  # noqa: PLC0415

        where = [("anna", "ben"), ("ben",), ("anna",), ("anna",), ("ben",)]
        models = [replace(m, servers=each) for m, each in zip(MODELS, where, strict=True)]
    picker._present = "llama3.2:3b"
    picker.show_models(models)
    picker.show_loaded("ben" if servers else "", LOADED)
    return picker


class TestPicker:
    """The models there are."""

    @pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=lambda size: f"{size[0]}x{size[1]}")
    def test_all_there_is_to_know(self, snap: Snap, size: tuple[int, int]) -> None:
        """Each in a row; of the marked one, until when it is loaded and what it can do."""

        async def story(app: AppUnderTest, pilot: Pilot[None]) -> None:
            await show_picker(app)

        snap(story, demo_app(), size)

    def test_narrow(self, snap: Snap) -> None:
        """Where there is little room, the name stays."""

        async def story(app: AppUnderTest, pilot: Pilot[None]) -> None:
            await show_picker(app)

        snap(story, demo_app(), (50, 20))

    def test_embedding_only(self, snap: Snap) -> None:
        """What cannot chat says so when it is chosen."""

        async def story(app: AppUnderTest, pilot: Pilot[None]) -> None:
            await show_picker(app)
            await pilot.press(*"embed", "enter")

        snap(story, demo_app())

    def test_several_servers(self, snap: Snap) -> None:
        """Which server has which, and on which it is loaded."""

        async def story(app: AppUnderTest, pilot: Pilot[None]) -> None:
            await show_picker(app, servers=True)

        snap(story, demo_app())

    def test_nothing_found(self, snap: Snap) -> None:
        """What is not there can be fetched."""

        async def story(app: AppUnderTest, pilot: Pilot[None]) -> None:
            await show_picker(app)
            await pilot.press(*"mistral")

        snap(story, demo_app())


class TestPull:
    """Models on their way, as the demo model plays it."""

    def test_layers(self, snap: Snap) -> None:
        """One is half there, one cannot be had."""

        async def story(app: AppUnderTest, pilot: Pilot[None]) -> None:
            app.chats.action_fetch_model()
            await app.settle()
            await pilot.press(*"demo:huge", "enter")
            await app.pass_time(5)
            await pilot.press(*"llama3.2", "enter")
            await app.pass_time(1)

        snap(story, demo_app())

    def test_behind_the_chats(self, snap: Snap) -> None:
        """Left, it goes on; the header tells, and the chats stream on."""

        async def story(app: AppUnderTest, pilot: Pilot[None]) -> None:
            app.chats.action_fetch_model()
            await app.settle()
            await pilot.press(*"demo:huge", "enter", "escape")
            await app.ask("Why is the sky blue?")
            await app.pass_time(4)

        snap(story, demo_app())

    def test_small(self, snap: Snap) -> None:
        """On a small screen the bars give way."""

        async def story(app: AppUnderTest, pilot: Pilot[None]) -> None:
            app.chats.action_fetch_model()
            await app.settle()
            await pilot.press(*"demo:huge", "enter")
            await app.pass_time(5)

        snap(story, demo_app(), (60, 20))

    def test_cancelled(self, snap: Snap) -> None:
        """A cancelled one can be fetched on."""

        async def story(app: AppUnderTest, pilot: Pilot[None]) -> None:
            app.chats.action_fetch_model()
            await app.settle()
            await pilot.press(*"demo:huge", "enter")
            await app.pass_time(2)
            await pilot.press("f9")

        snap(story, demo_app())

    def test_delete_asks(self, snap: Snap) -> None:
        """What would be lost is said."""

        async def story(app: AppUnderTest, pilot: Pilot[None]) -> None:
            await show_picker(app)
            await pilot.press("down", "f9")

        snap(story, demo_app())


class TestSettings:
    """What a chat is asked with."""

    def test_all_fields(self, snap: Snap) -> None:
        """Every option that a chat has, and what a change of it would cost."""

        async def story(app: AppUnderTest, pilot: Pilot[None]) -> None:
            # What is loaded already would have to be loaded again.
            await app.ask("Hello")
            await app.pass_time(3)
            session = app.session(1)
            session.system = "You are a careful reviewer.\nBe brief."
            session.options = {"temperature": 0.2, "num_ctx": 8192, "stop": ["\n\n", "END"],
                               "num_gpu": 20}  # fmt: skip
            session.think = "high"
            await pilot.press("f4")
            await app.workers.wait_for_complete()
            app.screen.query_one("#num_ctx", Input).value = "32768"
            await pilot.pause()
            assert "again" in str(app.screen.query_one(".warning", Static).content)

        snap(story, demo_app())

    def test_small(self, snap: Snap) -> None:
        """On a small screen it scrolls; what is wrong and the buttons stay in sight."""

        async def story(app: AppUnderTest, pilot: Pilot[None]) -> None:
            await pilot.press("f4")
            app.screen.query_one("#keep_alive", Input).value = "soon"
            await pilot.press("ctrl+s")

        snap(story, demo_app(), (80, 24))

    def test_presets(self, snap: Snap, tmp_path: Path) -> None:
        """Settings kept by name."""
        presets = Presets(tmp_path / "presets.toml")
        for name, preset in PRESETS.items():
            presets.save(name, preset)

        async def story(app: AppUnderTest, pilot: Pilot[None]) -> None:
            await pilot.press("f4", "f2", "down")

        snap(story, scripted_app(presets=presets))

    def test_a_broken_preset(self, snap: Snap, tmp_path: Path) -> None:
        """What cannot be used is named; the others can."""
        presets = Presets(tmp_path / "presets.toml")
        presets.save("Story", PRESETS["Story"])
        with presets.file.open("a", encoding="utf-8") as file:
            file.write('[presets."[/b] too hot"]\noptions = {temperature = 9}\n')

        async def story(app: AppUnderTest, pilot: Pilot[None]) -> None:
            await pilot.press("f4", "f2")

        snap(story, scripted_app(presets=presets))

    def test_told_above_the_box(self, snap: Snap) -> None:
        """What is not left to the model stands above the message box."""

        async def story(app: AppUnderTest, pilot: Pilot[None]) -> None:
            session = app.session(1)
            session.options = {"temperature": 0.2, "num_ctx": 8192}
            session.think = False
            app.sessions.changed(session)

        snap(story, scripted_app())


class TestThinking:
    """What a model thinks aloud."""

    def test_closed_with_its_time(self, snap: Snap) -> None:
        """It closes when the answer begins, and says how long it took."""

        async def story(app: AppUnderTest, pilot: Pilot[None]) -> None:
            await app.ask("Is 91 prime?")
            await app.script.emit(0, "", thinking=THINKING)
            app.time.advance(75)
            await app.script.emit(0, "No: 91 = 7 · 13")

        snap(story)

    def test_opened_again(self, snap: Snap) -> None:
        """It is opened by a key or a click."""

        async def story(app: AppUnderTest, pilot: Pilot[None]) -> None:
            await app.ask("Is 91 prime?")
            await app.script.emit(0, "", thinking=THINKING)
            app.time.advance(5)
            await app.script.emit(0, "No: 91 = 7 · 13")
            await app.script.finish(0)
            app.pane.transcript.focus()
            await pilot.press("t")

        snap(story)


def test_hostile_words_of_a_server_in_every_place(snap: Snap) -> None:
    """Names, families and abilities are text."""

    async def story(app: AppUnderTest, pilot: Pilot[None]) -> None:
        picker = await show_picker(app)
        model = ModelInfo(HOSTILE, family=HOSTILE, parameter_size=HOSTILE, quantization=HOSTILE,
                          capabilities=("completion", HOSTILE), servers=(HOSTILE,))  # fmt: skip
        picker.show_models([model])
        soon = app.time.now() + timedelta(minutes=5)
        picker.show_loaded(HOSTILE, [LoadedModel(HOSTILE, expires_at=soon)])

    snap(story, demo_app())
