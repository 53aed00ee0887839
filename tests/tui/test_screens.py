"""The dialogs, by the keys of somebody who answers them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from textual import events
from textual.app import App
from textual.binding import Binding
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Button, Checkbox, Input, OptionList, Static, TextArea

from ccchat_tui.backends.base import ModelInfo
from ccchat_tui.sessions.model import Session
from ccchat_tui.tui.screens.ask_text import AskTextScreen
from ccchat_tui.tui.screens.chat_settings import ChatSettings, ChatSettingsScreen
from ccchat_tui.tui.screens.confirm import ConfirmScreen
from ccchat_tui.tui.screens.help import HelpScreen, KeyGroup, KeyRow, key_groups, key_text
from ccchat_tui.tui.screens.model_picker import ModelPickerScreen
from ccchat_tui.tui.themes import variable_defaults

HOSTILE = "[/b]\x1b[2Jx\u202ey"
SHOWN = "[/b]␛[2Jx\ufffdy"


class Host(App[None]):
    """Pushes one dialog and remembers its answers."""

    def __init__(self, dialog: Screen[Any]) -> None:
        super().__init__()
        self.dialog = dialog
        self.answers: list[Any] = []

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return variable_defaults({"primary": "#4cc9f0"})

    def on_mount(self) -> None:
        self.push_screen(self.dialog, self.answers.append)


def rows(app: App[None]) -> list[str]:
    """The whole screen as text."""
    strips = app.screen._compositor.render_strips()
    return ["".join(segment.text for segment in strip) for strip in strips]


def session(**changes: Any) -> Session:
    made: dict[str, Any] = {
        "id": "s1",
        "user": "Ada",
        "title": "A chat",
        "model": "llama3.2:3b",
        "created_at": datetime(2026, 1, 1, tzinfo=UTC),
    }
    return Session(**(made | changes))


MODELS = [
    ModelInfo("llama3.2:3b", size=2_019_393_189, parameter_size="3.2B", quantization="Q4_K_M"),
    ModelInfo("qwen3:30b", size=18_556_699_314, parameter_size="30.5B", quantization="Q4_K_M"),
    ModelInfo("qwen3-coder:30b"),
    ModelInfo("語語:1b", parameter_size="1B"),
    ModelInfo("registry.example/a-very-long-name/of-a-model-indeed:latest"),
]


def dialogs() -> list[Screen[Any]]:
    return [
        AskTextScreen("Rename", "A new name", "old"),
        ChatSettingsScreen(session()),
        ConfirmScreen("Close", "Two replies are running.", yes="Close it"),
        HelpScreen([KeyGroup("Here", (KeyRow(("^a",), "Do it"),))], "About"),
        ModelPickerScreen(MODELS, "qwen3:30b"),
    ]


@pytest.mark.parametrize("dialog", dialogs(), ids=lambda dialog: type(dialog).__name__)
async def test_esc_leaves_every_dialog_and_changes_nothing(dialog: Screen[Any]) -> None:
    app = Host(dialog)
    async with app.run_test(size=(80, 24)) as pilot:
        assert app.screen is dialog
        await pilot.press("escape")
        assert app.answers == [None]
        assert app.screen is not dialog


@pytest.mark.parametrize("size", [(40, 12), (80, 24), (200, 60)])
@pytest.mark.parametrize("index", range(5))
async def test_every_dialog_lies_within_the_screen(index: int, size: tuple[int, int]) -> None:
    dialog = dialogs()[index]
    app = Host(dialog)
    async with app.run_test(size=size):
        box = dialog.query_one(".box").region
        assert app.screen.region.contains_region(box)
        assert box.height >= 5


# A question ------------------------------------------------------------------------------------


async def ask(*keys: str) -> list[Any]:
    app = Host(ConfirmScreen("Close", f"Lose {SHOWN}?", yes="Close it"))
    async with app.run_test(size=(80, 24)) as pilot:
        assert any(f"Lose {SHOWN}?" in row for row in rows(app))
        await pilot.press(*keys)
        return app.answers


@pytest.mark.parametrize(
    ("keys", "answer"),
    [
        (["enter"], False),
        (["space", "enter"], False),
        (["n"], False),
        (["y"], True),
        (["tab", "enter"], True),
        (["right", "enter"], True),
        (["right", "left", "enter"], False),
    ],
)
async def test_only_a_deliberate_yes_is_a_yes(keys: list[str], answer: bool) -> None:
    assert await ask(*keys) == [answer]


async def test_a_click_on_the_button_is_deliberate() -> None:
    app = Host(ConfirmScreen("Close", "Sure?", yes="Close it"))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.click("#yes")
        assert app.answers == [True]


# A line of text ----------------------------------------------------------------------------------


async def test_a_name_is_asked_for_and_comes_back_without_white_space_around_it() -> None:
    app = Host(AskTextScreen("Rename", "A new name", "old"))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("end", "e", "r", "space", "enter")
        assert app.answers == ["older"]


@pytest.mark.parametrize(("needed", "answers"), [(False, [""]), (True, [])])
async def test_an_empty_answer_counts_only_where_none_is_needed(
    needed: bool, answers: list[str]
) -> None:
    app = Host(AskTextScreen("New chat", "Whose?", needed=needed))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("space", "enter")
        assert app.answers == answers
        assert any("Type a name" in row for row in rows(app)) == needed


async def test_hostile_text_in_a_field_is_made_harmless_however_it_gets_there() -> None:
    app = Host(AskTextScreen("Rename", "A new name", HOSTILE))
    async with app.run_test(size=(80, 24)) as pilot:
        line = app.screen.query_one(Input)
        assert line.value == SHOWN
        await pilot.press("end")
        line.post_message(events.Paste(HOSTILE + "\rnext"))
        await pilot.pause()
        assert line.value == SHOWN * 2
        assert not any("\x1b" in row for row in rows(app))
        await pilot.press("enter")
        assert app.answers == [SHOWN * 2]


# The settings of a chat -----------------------------------------------------------------------


async def test_settings_come_back_as_they_were_if_nothing_is_changed() -> None:
    given = session(system="Be brief.\nPlease.", options={"temperature": 0.7}, ordered=True)
    app = Host(ChatSettingsScreen(given))
    async with app.run_test(size=(80, 30)) as pilot:
        await pilot.press("ctrl+s")
        assert app.answers == [
            ChatSettings("llama3.2:3b", "Be brief.\nPlease.", {"temperature": 0.7}, ordered=True)
        ]


async def fill(pilot: Pilot[None], app: Host, temperature: str) -> None:
    app.dialog.query_one("#temperature", Input).value = temperature
    await pilot.press("ctrl+s")


@pytest.mark.parametrize(
    ("typed", "meant"), [("", None), (" ", None), ("0", 0.0), ("1,5", 1.5), ("2.0", 2.0)]
)
async def test_temperatures_that_can_be_used(typed: str, meant: float | None) -> None:
    app = Host(ChatSettingsScreen(session(options={"temperature": 1})))
    async with app.run_test(size=(80, 30)) as pilot:
        await fill(pilot, app, typed)
        assert [answer.options.get("temperature") for answer in app.answers] == [meant]


@pytest.mark.parametrize("typed", ["2.01", "-0.1", "warm", "nan", "inf", "1e9", "[/b]"])
async def test_a_temperature_that_cannot_be_used_is_named_and_focused(typed: str) -> None:
    app = Host(ChatSettingsScreen(session()))
    async with app.run_test(size=(80, 30)) as pilot:
        await fill(pilot, app, typed)
        assert app.answers == []
        assert app.focused is app.dialog.query_one("#temperature")
        problem = app.dialog.query_one(".problem", Static)
        assert problem.display
        assert f"temperature cannot be '{typed}'" in str(problem.content)
        assert "0 to 2" in str(problem.content)
        await fill(pilot, app, "1")
        assert [answer.options for answer in app.answers] == [{"temperature": 1.0}]


async def test_every_setting_can_be_changed_by_keys() -> None:
    app = Host(ChatSettingsScreen(session()))
    async with app.run_test(size=(80, 40)) as pilot:
        await pilot.press("end", "x", "tab", *"Be", "enter", *"kind", "tab")
        for typed in ("1", "0.5", "40", "1.1", "8192", "-1", "7", "10m"):
            await pilot.press(*typed, "tab")
        await pilot.press("right", "right", "left", "space", "tab", *"END", "enter", *"\\n", "tab")
        await pilot.press(*"num_gpu=3", "tab", "space", "tab", "tab", "enter")
        assert app.answers == [
            ChatSettings(
                model="llama3.2:3bx",
                system="Be\nkind",
                options={
                    "temperature": 1.0,
                    "top_p": 0.5,
                    "top_k": 40,
                    "repeat_penalty": 1.1,
                    "num_ctx": 8192,
                    "num_predict": -1,
                    "seed": 7,
                    "stop": ["END", "\n"],
                    "num_gpu": 3,
                },
                think=True,
                keep_alive="10m",
                ordered=True,
            )
        ]


async def test_going_back_saves_nothing() -> None:
    app = Host(ChatSettingsScreen(session()))
    async with app.run_test(size=(80, 30)) as pilot:
        app.dialog.query_one(Checkbox).value = True
        await pilot.click("#back")
        assert app.answers == [None]


async def test_hostile_titles_and_prompts_reach_no_terminal() -> None:
    app = Host(ChatSettingsScreen(session(title=HOSTILE, system=HOSTILE, model=HOSTILE)))
    async with app.run_test(size=(80, 30)) as pilot:
        area = app.dialog.query_one(TextArea)
        area.focus()
        area.post_message(events.Paste("a\rb\x9b"))
        await pilot.pause()
        assert not any(set(row) & set("\x1b\x9b\u202e") for row in rows(app))
        assert any(f"Settings of “{SHOWN}”" in row for row in rows(app))
        await pilot.press("ctrl+s")
        assert app.answers[0].system == f"a\nb\ufffd{SHOWN}"


# The models --------------------------------------------------------------------------------------


def listed(app: Host) -> list[str]:
    options = app.dialog.query_one(OptionList)
    return [
        str(options.get_option_at_index(index).prompt)[2:].split("  ")[0]
        for index in range(options.option_count)
    ]


async def test_typing_narrows_the_models_down_and_enter_takes_the_marked_one() -> None:
    app = Host(ModelPickerScreen(MODELS, "qwen3:30b"))
    async with app.run_test(size=(90, 30)) as pilot:
        assert len(listed(app)) == 5
        assert app.dialog.query_one(OptionList).highlighted == 1, "the present one"
        await pilot.press(*"QW", "space", *"cod")
        assert listed(app) == ["qwen3-coder:30b"]
        await pilot.press("enter")
        assert app.answers == ["qwen3-coder:30b"]


async def test_arrows_choose_while_the_cursor_stays_in_the_line() -> None:
    app = Host(ModelPickerScreen(MODELS, "llama3.2:3b"))
    async with app.run_test(size=(90, 30)) as pilot:
        await pilot.press("down", "down", "up")
        assert isinstance(app.focused, Input)
        await pilot.press("enter")
        assert app.answers == ["qwen3:30b"]


async def test_a_click_chooses_too() -> None:
    app = Host(ModelPickerScreen(MODELS, ""))
    async with app.run_test(size=(90, 30)) as pilot:
        await pilot.click(OptionList, offset=(5, 3))
        assert app.answers == ["語語:1b"]


async def test_each_model_has_one_row_and_its_facts_are_whole() -> None:
    app = Host(ModelPickerScreen(MODELS, "qwen3:30b"))
    async with app.run_test(size=(90, 30)):
        shown = rows(app)
        assert app.dialog.query_one(OptionList).size.height == len(MODELS)
        assert any("30.5B Q4_K_M" in row and "18.6 GB" in row for row in shown)
        assert any("● qwen3:30b" in row for row in shown)


async def test_no_match_is_said_and_enter_does_nothing() -> None:
    app = Host(ModelPickerScreen(MODELS, "qwen3:30b"))
    async with app.run_test(size=(90, 30)) as pilot:
        await pilot.press(*"gpt", "enter")
        assert app.answers == []
        assert any("None of the 5 models has “gpt”" in row for row in rows(app))
        await pilot.press(*["backspace"] * 3)
        assert len(listed(app)) == 5
        assert not any("None of the" in row for row in rows(app))


async def test_a_server_without_models_and_one_that_does_not_answer_are_told_in_words() -> None:
    for problem, words in (("", "no models yet"), ("No server answers.", "No server answers.")):
        app = Host(ModelPickerScreen([], "", problem=problem))
        async with app.run_test(size=(90, 30)) as pilot:
            await pilot.press("enter")
            assert app.answers == []
            assert any(words in row for row in rows(app))


async def test_a_hostile_model_name_is_text_and_can_be_chosen() -> None:
    app = Host(ModelPickerScreen([ModelInfo(HOSTILE, parameter_size="[/b]\x07")], ""))
    async with app.run_test(size=(90, 30)) as pilot:
        assert any(SHOWN in row for row in rows(app))
        assert not any("\x1b" in row for row in rows(app))
        await pilot.press("enter")
        assert app.answers == [HOSTILE]


# The keys ---------------------------------------------------------------------------


class Place(Static):
    BINDINGS = [  # noqa: RUF012
        Binding("a,b", "one", "One", tooltip="Do one [/thing]"),
        Binding("c", "two", "Two"),
        Binding("d", "hidden", ""),
        Binding("e", "system", "System", system=True),
    ]


async def test_keys_are_read_from_the_bindings_themselves() -> None:
    groups = key_groups([("Here", Place()), ("Nothing", Static())], lambda binding: binding.key)
    assert [group.title for group in groups if group.title != "Nothing"] == ["Here"]
    here = next(group for group in groups if group.title == "Here")
    assert KeyRow(("a", "b"), "Do one [/thing]") in here.rows
    assert KeyRow(("c",), "Two") in here.rows
    assert not {"System", ""} & {row.words for row in here.rows}
    app = Host(HelpScreen(groups, "About [/it]"))
    async with app.run_test(size=(90, 30)):
        shown = rows(app)
        assert any("a, b" in row and "Do one [/thing]" in row for row in shown)
        assert any("About [/it]" in row for row in shown)


def test_what_keys_do_stays_beside_them_however_narrow_it_is() -> None:
    group = KeyGroup("Here", (KeyRow(("ctrl+g", "f8", "f9"), "Change between tabs and grid"),))
    lines = key_text("About", [group], 30).plain.splitlines()
    assert [line.rstrip() for line in lines[3:]] == [
        "  ctrl+g, f8,   Change between",
        "  f9            tabs and grid",
    ]
    assert max(map(len, lines)) <= 30


async def test_a_long_list_of_keys_is_scrolled_by_the_arrows() -> None:
    group = KeyGroup(
        "Many", tuple(KeyRow((f"k{number}",), f"row {number}") for number in range(99))
    )
    app = Host(HelpScreen([group], "About"))
    app.animation_level = "none"
    async with app.run_test(size=(90, 20)) as pilot:
        assert not any("row 98" in row for row in rows(app))
        await pilot.press("end")
        await pilot.pause()
        assert any("row 98" in row for row in rows(app))


async def test_buttons_say_what_they_were_given_as_text() -> None:
    app = Host(ConfirmScreen("T", "Q", yes="[/b]", no="[red]"))
    async with app.run_test(size=(80, 24)):
        assert [str(button.label) for button in app.screen.query(Button)] == ["[red]", "[/b]"]
