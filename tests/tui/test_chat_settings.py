"""The settings of a chat: each field checked, what a change costs said beforehand, presets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Input, OptionList, Static, TextArea

from ccchat_tui.backends.base import ModelInfo
from ccchat_tui.sessions.model import Session
from ccchat_tui.sessions.presets import Preset, Presets
from ccchat_tui.testing.app import demo_app, scripted_app, until
from ccchat_tui.tui.screens.chat_settings import ChatSettings, ChatSettingsScreen
from ccchat_tui.tui.screens.chat_settings_form import HINTS, OTHERS, warning
from ccchat_tui.tui.screens.chat_settings_presets import PresetsScreen
from ccchat_tui.tui.screens.confirm import ConfirmScreen
from ccchat_tui.tui.widgets.choice import Choice
from tests.tui.test_screens import HOSTILE, Host, rows, session

WHOLE: dict[str, Any] = {
    "system": "Be brief.",
    "options": {"temperature": 0.2, "num_ctx": 8192, "stop": ["\n\n", "END"], "num_gpu": 3},
    "think": "high",
    "keep_alive": "10m",
    "ordered": True,
}
PRESET = Preset("Be strict.", {"top_p": 0.5, "seed": 7, "min_p": 0.1}, think=False, keep_alive=-1)


@pytest.fixture
def presets(tmp_path: Path) -> Presets:
    return Presets(tmp_path / "presets.toml")


def told(app: Host, kind: str) -> str:
    static = app.dialog.query_one(kind, Static)
    return str(static.content) if static.display else ""


def top(app: Host) -> Screen[Any]:
    return app.screen


async def set_field(pilot: Pilot[None], app: Host, name: str, text: str) -> None:
    field = app.dialog.query_one(f"#{name}")
    if isinstance(field, TextArea):
        field.text = text
    else:
        assert isinstance(field, Input)
        field.value = text
    await pilot.pause()


class TestFields:
    async def test_what_is_not_touched_comes_back_as_it_was(self) -> None:
        given = session(**WHOLE)
        given.options = {**given.options, "an_option_of_tomorrow": {"any": 1}}
        app = Host(ChatSettingsScreen(given))
        async with app.run_test(size=(90, 40)) as pilot:
            await pilot.press("ctrl+s")
            (answer,) = app.answers
            answer.apply(other := session(model=""))
            for name in ("model", "system", "options", "think", "keep_alive", "ordered"):
                assert getattr(other, name) == getattr(given, name), name

    @pytest.mark.parametrize(
        ("field", "typed", "words"),
        [
            ("temperature", "2.5", "temperature cannot be '2.5'; give a number from 0 to 2."),
            ("top_p", "x", "top_p cannot be 'x'; give a number from 0 to 1."),
            ("top_k", "-1", "top_k cannot be '-1'; give a whole number from 0"),
            ("repeat_penalty", "nan", "repeat_penalty cannot be 'nan'"),
            ("num_ctx", "8k", "num_ctx cannot be '8k'; give a whole number from 1"),
            ("num_predict", "1.5", "num_predict cannot be '1.5'"),
            ("seed", "one", "seed cannot be 'one'"),
            ("keep_alive", "soon", "keep_alive cannot be 'soon'; give a time such as 10m"),
            ("other", "num_gpu", "The other options cannot hold 'num_gpu'; give name=value"),
            ("other", "colour=3", "cannot hold 'colour=3'"),
            ("other", "num_gpu=many", "num_gpu cannot be 'many'"),
            ("other", "seed=3", "seed has a field of its own"),
            ("other", "\x1b[2J=1", "cannot hold"),
        ],
    )
    async def test_a_field_that_cannot_be_used_is_named_and_focused(
        self, field: str, typed: str, words: str
    ) -> None:
        app = Host(ChatSettingsScreen(session()))
        async with app.run_test(size=(90, 40)) as pilot:
            await set_field(pilot, app, field, typed)
            await pilot.press("ctrl+s")
            assert app.answers == []
            assert words in told(app, ".problem")
            assert "\x1b" not in told(app, ".problem")
            assert app.focused is app.dialog.query_one(f"#{field}")
            await set_field(pilot, app, field, "")
            await pilot.press("ctrl+s")
            assert app.answers == [ChatSettings("llama3.2:3b")]

    async def test_the_buttons_and_what_is_wrong_are_in_sight_on_a_small_screen(self) -> None:
        app = Host(ChatSettingsScreen(session()))
        async with app.run_test(size=(80, 24)) as pilot:
            await set_field(pilot, app, "other", "x")
            await pilot.press("ctrl+s")
            text = "\n".join(rows(app))
            assert "The other options cannot hold 'x'" in text
            assert "Save" in text
            assert "other options" in text, "it was scrolled into view"

    async def test_how_much_to_think_is_chosen_by_keys_and_by_clicks(self) -> None:
        app = Host(ChatSettingsScreen(session()))
        async with app.run_test(size=(90, 40)) as pilot:
            choice = app.dialog.query_one(Choice)
            choice.focus()
            assert any("▸default◂" in row for row in rows(app))
            await pilot.press("left")
            assert choice.value == "max"
            await pilot.press("right", "right")
            assert choice.value == "off"
            at = str(choice.render()).index("medium")
            await pilot.click(choice, offset=(at, 0))
            assert choice.value == "medium"
            await pilot.press("ctrl+s")
            assert app.answers[0].think == "medium"

    def test_every_option_has_a_field(self) -> None:
        assert {*HINTS, *OTHERS, "stop"} >= {"temperature", "num_ctx", "num_gpu", "stop", "min_p"}


class TestWarnings:
    """What a change would cost."""

    def test_only_what_is_loaded_with_the_model_loads_it_again(self) -> None:
        before = session(options={"num_ctx": 4096, "temperature": 1})
        same = ChatSettings("llama3.2:3b", options={"num_ctx": 4096, "temperature": 0})
        assert warning(before, same) == ""
        other = ChatSettings("llama3.2:3b", options={"num_ctx": 8192, "num_gpu": 3})
        said = warning(before, other)
        assert "Another num_ctx and another num_gpu makes the server load llama3.2:3b again" in said
        assert warning(before, ChatSettings("llama3.2:3b")) != "", "left to the model is a change"
        assert warning(before, other, reloads=False) == ""
        assert warning(before, ChatSettings("qwen3:8b", options={"num_ctx": 1})) == "", (
            "another model is loaded anyway"
        )
        assert warning(session(model="x", options={}), ChatSettings("x:latest")) == ""

    def test_chats_that_would_load_it_again_at_each_turn_are_told_of(self) -> None:
        before = session()
        others = [session(id="s2"), session(id="s3"), session(id="s4", model="qwen3:8b")]
        wanted = ChatSettings("llama3.2:3b", options={"num_ctx": 8192})
        assert "2 other chats ask it with other values" in warning(before, wanted, others=others)
        for each in others:
            each.options["num_ctx"] = 8192
        assert "other chat" not in warning(before, wanted, others=others)
        assert "2 other chats" in warning(
            session(model="a"), ChatSettings("llama3.2:3b"), others=others
        )

    def test_a_model_that_does_not_think_is_told_of(self) -> None:
        models = [
            ModelInfo("llama3.2:3b", capabilities=("completion",)),
            ModelInfo("qwen3:8b", capabilities=("completion", "thinking")),
            ModelInfo("old", capabilities=()),
        ]
        for model, think, says in (
            ("llama3.2:3b", True, True),
            ("llama3.2:3b", False, False),
            ("qwen3:8b", "high", False),
            ("old", True, False),
            ("unknown", True, False),
        ):
            said = warning(session(), ChatSettings(model, think=think), models=models)  # type: ignore[arg-type]
            assert ("does not think" in said) == says, model

    async def test_it_is_said_while_one_types_and_taken_back(self) -> None:
        app = Host(ChatSettingsScreen(session(options={"num_ctx": 4096})))
        async with app.run_test(size=(90, 40)) as pilot:
            assert told(app, ".warning") == ""
            await set_field(pilot, app, "num_ctx", "8192")
            assert "load llama3.2:3b again" in told(app, ".warning")
            await set_field(pilot, app, "num_ctx", "4096")
            assert told(app, ".warning") == ""
            await set_field(pilot, app, "other", "num_gpu=1")
            assert "another num_gpu" in told(app, ".warning").lower()

    async def test_servers_that_load_nothing_for_a_chat_are_not_spoken_of(self) -> None:
        app = scripted_app()
        async with app.run_test(size=(120, 40)) as pilot:
            await app.settle()
            await pilot.press("f4")
            app.screen.query_one("#num_ctx", Input).value = "8192"
            await pilot.pause()
            assert not app.screen.query_one(".warning").display


class TestPresets:
    """Settings kept by a name."""

    async def test_the_present_fields_are_kept_and_taken_by_another_chat(
        self, presets: Presets
    ) -> None:
        app = Host(ChatSettingsScreen(session(**WHOLE), presets=presets))
        async with app.run_test(size=(100, 40)) as pilot:
            await set_field(pilot, app, "top_k", "40")
            await pilot.press("f2")
            assert any("no presets yet" in row for row in rows(app))
            await pilot.press("f3", *"Strict [/b]", "enter")
            await until(
                lambda: presets.file.exists() and top(app).query(OptionList).first().display
            )
            assert any("Strict [/b]" in row for row in rows(app))
            await pilot.press("escape", "escape")
            assert app.answers == [None], "nothing was saved for the chat"
        assert list(presets.load()) == ["Strict [/b]"]
        kept = presets.load()["Strict [/b]"]
        assert kept == Preset(
            "Be brief.", {**WHOLE["options"], "top_k": 40}, think="high", keep_alive="10m"
        )

        app = Host(ChatSettingsScreen(session(system="old", options={"seed": 3}), presets=presets))
        async with app.run_test(size=(100, 40)) as pilot:
            await pilot.press("f2", "enter")
            assert app.answers == []
            await pilot.press("ctrl+s")
            assert app.answers[0].preset == kept
            assert app.answers[0].model == "llama3.2:3b"

    async def test_one_of_the_same_name_is_replaced_after_a_question(
        self, presets: Presets
    ) -> None:
        presets.save("mine", PRESET)
        app = Host(ChatSettingsScreen(session(), presets=presets))
        async with app.run_test(size=(100, 40)) as pilot:
            await pilot.press("f2", "f3", "enter")
            assert isinstance(top(app), ConfirmScreen)
            assert any("top_p 0.5" in row for row in rows(app)), "what would be lost"
            await pilot.press("enter")
            assert presets.load() == {"mine": PRESET}
            await pilot.press("f3", "enter", "y")
            await until(lambda: presets.load() == {"mine": Preset()})

    async def test_one_is_deleted_after_a_question(self, presets: Presets) -> None:
        for name in ("one", "two"):
            presets.save(name, PRESET)
        app = Host(ChatSettingsScreen(session(), presets=presets))
        async with app.run_test(size=(100, 40)) as pilot:
            await pilot.press("f2", "down", "f9", "enter")
            assert list(presets.load()) == ["one", "two"]
            await pilot.press("f9", "y")
            await until(lambda: list(presets.load()) == ["one"])
            assert app.screen.query_one(OptionList).option_count == 1
            await pilot.press("enter", "ctrl+s")
            assert app.answers[0].preset == PRESET

    async def test_a_broken_file_is_told_and_not_written_over(self, presets: Presets) -> None:
        presets.file.write_text("[presets", "utf-8")
        app = Host(ChatSettingsScreen(session(), presets=presets))
        async with app.run_test(size=(100, 40)) as pilot:
            await pilot.press("f2")
            assert "is not TOML" in str(app.screen.query_one(".problem", Static).content)
            await pilot.press("f3", "x", "enter")
            assert "is not TOML" in str(app.screen.query_one(".problem", Static).content)
            assert presets.file.read_text("utf-8") == "[presets"

    async def test_presets_that_cannot_be_used_are_named_beside_the_others(
        self, presets: Presets
    ) -> None:
        presets.save("good", PRESET)
        with presets.file.open("a", encoding="utf-8") as file:
            file.write("[presets.hot]\noptions = {temperature = 9}\n")
        app = Host(ChatSettingsScreen(session(), presets=presets))
        async with app.run_test(size=(100, 40)) as pilot:
            await pilot.press("f2")
            assert "“hot”: temperature cannot be 9" in str(
                app.screen.query_one(".problem", Static).content
            )
            assert app.screen.query_one(OptionList).option_count == 1

    async def test_fields_that_cannot_be_used_are_not_kept(self, presets: Presets) -> None:
        app = Host(ChatSettingsScreen(session(), presets=presets))
        async with app.run_test(size=(100, 40)) as pilot:
            await set_field(pilot, app, "top_k", "many")
            await pilot.press("f2", "f3")
            assert isinstance(top(app), PresetsScreen)
            assert "top_k cannot be 'many'" in str(app.screen.query_one(".problem", Static).content)
            assert not presets.file.exists()

    async def test_hostile_names_and_prompts_are_text(self, presets: Presets) -> None:
        presets.save(HOSTILE, Preset(system=HOSTILE, options={"stop": [HOSTILE]}))
        app = Host(ChatSettingsScreen(session(), presets=presets))
        async with app.run_test(size=(100, 40)) as pilot:
            await pilot.press("f2")
            assert not any(set(row) & set("\x1b\x9b\u202e") for row in rows(app))
            await pilot.press("enter")
            assert not any(set(row) & set("\x1b\x9b\u202e") for row in rows(app))

    async def test_without_a_file_there_is_no_button(self) -> None:
        app = Host(ChatSettingsScreen(session()))
        async with app.run_test(size=(100, 40)) as pilot:
            await pilot.press("f2")
            assert top(app) is app.dialog
            assert not app.dialog.query("#presets")


async def test_what_is_set_is_asked_with_and_told_above_the_box(presets: Presets) -> None:
    presets.save("mine", PRESET)
    app = scripted_app(presets=presets)
    async with app.run_test(size=(140, 40)) as pilot:
        await app.settle()
        await pilot.press("f4", "f2", "enter", "ctrl+s")
        await app.settle()
        await app.ask("Hello")
        prompt = (await app.script.call("Hello")).prompt
        assert prompt.options == {"top_p": 0.5, "seed": 7, "min_p": 0.1}
        assert prompt.think is False
        assert prompt.keep_alive == -1
        info = "".join(piece.text for piece in app.pane._info.pieces)
        assert "system prompt · think off · top_p 0.5 · seed 7 · min_p 0.1 · keep_alive -1" in info


async def test_the_other_chats_are_known_to_the_dialog() -> None:
    app = demo_app(users=("Ada", "Bob"))
    async with app.run_test(size=(120, 40)) as pilot:
        await app.settle()
        other: Session = app.session(2)
        other.options["num_ctx"] = 4096
        await pilot.press("f4")
        app.screen.query_one("#num_ctx", Input).value = "8192"
        await pilot.pause()
        said = str(app.screen.query_one(".warning", Static).content)
        assert "1 other chat asks it with other values" in said
