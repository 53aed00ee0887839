"""The themes: ours can be read by everybody, and a wrong file is told of in words."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from textual.app import App
from textual.color import Color
from textual.screen import Screen
from textual.theme import BUILTIN_THEMES, Theme

import ccchat_tui
from ccchat_tui.sessions.model import SessionStatus, TurnState
from ccchat_tui.tui import themes
from ccchat_tui.tui.glyphs import GLYPHS, WORDS
from ccchat_tui.tui.screens.chat_settings import ChatSettingsScreen
from ccchat_tui.tui.screens.confirm import ConfirmScreen
from ccchat_tui.tui.screens.help import HelpScreen, KeyGroup, KeyRow
from ccchat_tui.tui.screens.model_picker import ModelPickerScreen
from ccchat_tui.tui.theme_file import parse_theme
from ccchat_tui.tui.themes import (
    DEFAULT_LIGHT_THEME,
    DEFAULT_THEME,
    ThemeError,
    defaults_for,
    load_themes,
    packaged_folder,
    variable_defaults,
)
from ccchat_tui.tui.widgets.transcript import Transcript
from tests.tui.test_screens import MODELS, session
from tests.tui.theme_show import ChatShow, ThemeShow, hard_to_read, ratio

OURS = ("beacon", "ember", "okabe", "paper", "tideline")
LEAST = dict.fromkeys(OURS, 4.5) | {"beacon": 7.0}
"""What the guidelines (WCAG 2.1) ask of text: level AA, and AAA of the theme that is for it."""

GOOD = """
name = "mine"
dark = true
[colours]
primary = "#abcdef"
background = "black"
surface = "#111"
panel = "rgb(20, 20, 20)"
foreground = "#eeeeee"
muted = "#aaaaaa"
"""


def variables(theme: str) -> dict[str, str]:
    return ThemeShow(theme).get_css_variables()


# Ours ----------------------------------------------------------------------------------------


def test_ours_all_load_and_each_file_has_the_name_of_its_theme() -> None:
    found = load_themes()
    assert found.problems == []
    assert tuple(sorted(found.themes)) == OURS
    files = [file.name for file in packaged_folder().iterdir() if file.name.endswith(".toml")]
    assert sorted(files) == [f"{name}.toml" for name in OURS]


@pytest.mark.parametrize("name", OURS)
def test_ours_are_what_they_are_when_checked(name: str) -> None:
    """A start takes them as they stand in their files."""

    def plain(theme: Theme) -> dict[str, object]:
        told = {**vars(theme), **theme.variables}
        return {
            key: float(value) if key == "code-contrast" else str(value).lower()
            for key, value in told.items()
            if key != "variables"
        }

    file = packaged_folder() / f"{name}.toml"
    assert plain(load_themes().themes[name]) == plain(parse_theme(file.read_text(), name))


def test_one_of_ours_that_was_broken_is_told_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.toml").write_text(GOOD.replace("dark = true", ""))
    (tmp_path / "b.toml").write_text("[")
    (tmp_path / "c.toml").write_text(GOOD.replace("#111", "rod"))
    monkeypatch.setattr(themes, "packaged_folder", lambda: tmp_path)
    told = load_themes().problems
    assert ["dark is missing" in told[0], "not valid TOML" in told[1]] == [True, True]


def test_there_is_a_dark_default_and_its_light_companion() -> None:
    found = load_themes().themes
    assert found[DEFAULT_THEME].dark
    assert not found[DEFAULT_LIGHT_THEME].dark


GROUNDS = (
    *("background", "surface", "panel"),
    *("composer-background", "user-bubble", "code-background"),
)
INKS = (
    *("foreground", "text-muted", "primary", "secondary", "accent"),
    *("warning", "error", "success", "text-warning", "text-error", "text-primary", "text-accent"),
    *(f"state-{state.value.replace('_', '-')}" for state in TurnState if state != "interrupted"),
    "state-unread",
)


@pytest.mark.parametrize("name", OURS)
def test_every_ink_can_be_read_on_every_ground(name: str) -> None:
    values = variables(name)
    poor = []
    for ground in GROUNDS:
        under = Color.parse(values[ground])
        for ink in INKS:
            found = ratio(Color.parse(values[ink]), under)
            if found < LEAST[name]:
                poor.append(f"{ink} on {ground}: {found:.2f}")
    assert poor == []


@pytest.mark.parametrize("name", OURS)
async def test_everything_that_is_drawn_can_be_read(name: str) -> None:
    app = ChatShow(name)
    async with app.run_test(size=(120, 100)) as pilot:
        await pilot.pause()
        assert hard_to_read(app, LEAST[name]) == []
        for view in app.query_one(Transcript)._views:
            view.expanded = True
        app.query_one(Transcript).action_go_home()
        await pilot.pause()
        assert hard_to_read(app, LEAST[name]) == []


DIALOGS: dict[str, Any] = {
    "settings": lambda: ChatSettingsScreen(session(system="Be brief.")),
    "confirm": lambda: ConfirmScreen("Close", "Two replies are running.", yes="Close it"),
    "help": lambda: HelpScreen([KeyGroup("Here", (KeyRow(("^a",), "Do it"),))], "About"),
    "models": lambda: ModelPickerScreen(MODELS, "qwen3:30b"),
}


@pytest.mark.parametrize("dialog", DIALOGS)
@pytest.mark.parametrize("name", OURS)
async def test_every_dialog_can_be_read(name: str, dialog: str) -> None:
    app = Dialogs(name, DIALOGS[dialog]())
    async with app.run_test(size=(80, 30)) as pilot:
        for _ in range(3):
            assert hard_to_read(app, LEAST[name]) == []
            await pilot.press("tab")


class Dialogs(ThemeShow):
    """A dialog over nothing."""

    def __init__(self, theme: str, dialog: Screen[Any]) -> None:
        super().__init__(theme)
        self._dialog = dialog

    def on_mount(self) -> None:
        self.push_screen(self._dialog)


@pytest.mark.parametrize("name", OURS)
def test_the_focused_box_stands_out_from_the_others(name: str) -> None:
    """Non-text contrast, WCAG 2.1, 1.4.11: 3 to 1."""
    values = variables(name)
    focus = Color.parse(values["composer-border-focus"])
    assert ratio(focus, Color.parse(values["composer-background"])) >= 3
    assert ratio(focus, Color.parse(values["composer-border"])) > 1.2


def test_states_are_told_by_sign_and_word_whatever_the_colours() -> None:
    assert len({GLYPHS[state] for state in TurnState}) == len(TurnState)
    assert len({GLYPHS[status] for status in SessionStatus}) == len(SessionStatus)
    assert len({WORDS[state] for state in TurnState}) == len(TurnState)


def test_the_colours_for_colour_blind_people_are_those_of_okabe_and_ito() -> None:
    """Color Universal Design: orange, sky blue, bluish green, yellow, vermillion, reddish purple.

    Vermillion and bluish green are a little lighter, to be read on a dark ground.
    """
    values = variables("okabe")
    assert values["state-streaming"].lower() == "#56b4e9"
    assert values["state-connecting"].lower() == "#f0e442"
    assert values["state-waiting-to-retry"].lower() == "#e69f00"
    assert values["state-cancelled"].lower() == "#cc79a7"


# The variables of the style sheets ------------------------------------------------------------

NAME = re.compile(r"\$([a-z][a-z0-9]*(?:-[a-z0-9]+)*)(?![a-z0-9]*[-{])")
DEFINED = re.compile(r"^\s*\$([a-z0-9-]+)\s*:", re.MULTILINE)


def used() -> set[str]:
    """Each variable in a style sheet or a style of ours."""
    names: set[str] = set()
    folder = Path(ccchat_tui.__path__[0]) / "tui"
    for file in [*folder.rglob("*.py"), *folder.rglob("*.tcss")]:
        text = file.read_text(encoding="utf-8")
        names |= set(NAME.findall(text)) - set(DEFINED.findall(text))
    return names


def test_every_variable_we_use_exists_in_every_theme() -> None:
    names = used()
    assert {"state-streaming", "composer-border", "user-bubble", "text-muted"} <= names
    app = ThemeShow(DEFAULT_THEME)
    for theme in [*OURS, *BUILTIN_THEMES]:
        app.theme = theme
        assert names - set(app.get_css_variables()) == set(), theme


@pytest.mark.parametrize("theme", ["textual-dark", "textual-light", "nord", "ansi-dark"])
async def test_the_app_can_be_drawn_in_themes_that_are_not_ours(theme: str) -> None:
    app = ChatShow(theme)
    async with app.run_test(size=(100, 40)) as pilot:
        await pilot.pause()
        assert app.theme == theme


async def test_a_change_of_theme_is_seen_at_once() -> None:
    app = ChatShow("tideline")
    async with app.run_test(size=(100, 40)) as pilot:
        for name in OURS:
            app.theme = name
            await pilot.pause()
            ground = Color.parse(variables(name)["panel"])
            assert app.query_one("StatusHeader").styles.background == ground


# Files -------------------------------------------------------------------------------------------


def test_a_file_with_only_what_is_needed_has_everything() -> None:
    theme = parse_theme(GOOD, "mine.toml")
    assert theme.name == "mine"
    assert theme.background == "#000000"
    assert set(variable_defaults({"primary": "#abcdef"})) <= set(theme.variables)
    assert theme.variables["text-muted"] == "#AAAAAA"
    assert theme.variables["state-streaming"] == "#ABCDEF"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("#abcdef", "#abcdeg"), ["colours.primary", "'#abcdeg'", "#rrggbb"]),
        (("#abcdef", "red 50%"), ["colours.primary", "'red 50%'", "#rrggbb"]),
        (("#abcdef", "#abcdef80"), ["colours.primary", "'#abcdef80'", "solid"]),
        (("#abcdef", "ansi_red"), ["colours.primary", "'ansi_red'", "solid"]),
        (("#abcdef", "auto"), ["colours.primary", "'auto'", "#rrggbb"]),
        (('primary = "#abcdef"', ""), ["colours.primary", "is missing"]),
        (('primary = "#abcdef"', "primary = 3"), ["colours.primary", "3"]),
        (("muted =", "mutd ="), ["colours.mutd", "not a field", "muted", "background"]),
        (("dark = true", "dark = 7"), ["dark", "7"]),
        (("dark = true", ""), ["dark", "is missing"]),
        (('"mine"', '"My Theme"'), ["name", "'My Theme'", "lower case letters"]),
        (("[colours]", "[colors]"), ["colors", "not a field", "colours", "states", "chat"]),
        (("[colours]", "[colours"), ["not valid TOML"]),
        (("[colours]", "chat = 5\n[colours]"), ["chat", "5"]),
    ],
)
def test_a_wrong_file_names_itself_the_field_the_value_and_what_is_allowed(
    change: tuple[str, str], words: list[str]
) -> None:
    text = GOOD.replace(*change)
    assert text != GOOD
    with pytest.raises(ThemeError) as caught:
        parse_theme(text, "folder/mine.toml")
    for word in ["folder/mine.toml", *words]:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ('[chat]\ncode_theme = "nope"', ["chat.code_theme", "'nope'", "monokai"]),
        ("[chat]\ncode_contrast = 99", ["chat.code_contrast", "99"]),
        ('[states]\nstreamin = "red"', ["states.streamin", "not a field", "streaming"]),
        ('[states]\nfailed = "rod"', ["states.failed", "'rod'", "#rrggbb"]),
        ('[variables]\nborder = "red; }"', ["variables.border", "'red; }'", "CSS value"]),
        ('[variables]\n"a b" = "red"', ["variables.a b"]),
    ],
)
def test_so_does_every_other_table(table: str, words: list[str]) -> None:
    with pytest.raises(ThemeError) as caught:
        parse_theme(f"{GOOD}\n{table}\n", "mine.toml")
    for word in ["mine.toml", *words]:
        assert word in str(caught.value)


def test_every_mistake_of_a_file_is_told_at_once() -> None:
    text = GOOD.replace("#abcdef", "rod").replace("dark = true", "")
    with pytest.raises(ThemeError) as caught:
        parse_theme(text, "mine.toml")
    assert len(str(caught.value).splitlines()) == 2


# The person's own folder -----------------------------------------------------------------------


def test_their_own_themes_are_read_and_may_take_the_place_of_ours(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(GOOD)
    (tmp_path / "b.toml").write_text(GOOD.replace('"mine"', '"ember"'))
    (tmp_path / "notes.txt").write_text("not a theme")
    found = load_themes(tmp_path)
    assert found.problems == []
    assert set(found.themes) == {*OURS, "mine"}
    assert found.themes["ember"].primary == "#ABCDEF"


def test_a_wrong_file_is_left_out_and_harms_no_other(tmp_path: Path) -> None:
    (tmp_path / "good.toml").write_text(GOOD)
    (tmp_path / "bad.toml").write_text(GOOD.replace("#abcdef", "rod"))
    (tmp_path / "latin.toml").write_bytes(b'name = "caf\xe9"')
    (tmp_path / "large.toml").write_text("#" * 200_000)
    (tmp_path / "folder.toml").mkdir()
    found = load_themes(tmp_path)
    assert set(found.themes) == {*OURS, "mine"}
    told = "\n".join(found.problems)
    assert len(found.problems) == 4
    assert "bad.toml" in told
    assert "'rod'" in told
    assert "latin.toml: not UTF-8" in told
    assert "large.toml: larger than 100,000 bytes" in told
    assert "folder.toml: cannot be read" in told


def test_a_folder_that_is_not_there_is_no_problem(tmp_path: Path) -> None:
    assert load_themes(tmp_path / "none").problems == []
    (tmp_path / "file").write_text("x")
    assert load_themes(tmp_path / "file").problems == []


def test_defaults_follow_from_a_theme_of_textuals() -> None:
    nord = BUILTIN_THEMES["nord"]
    assert defaults_for(nord)["state-streaming"] == nord.primary
    assert defaults_for(None)["state-streaming"] == "#4cc9f0"
    light = defaults_for(BUILTIN_THEMES["textual-light"])
    app: App[None] = App()
    app.theme = "textual-light"
    assert ratio(Color.parse(light["state-queued"]), Color.parse(light["user-bubble"])) > 4.5


@pytest.mark.parametrize("name", ["ansi-dark", "ansi-light"])
def test_in_sixteen_colours_what_is_chosen_is_not_hidden_by_its_own_ground(name: str) -> None:
    """These cannot be mixed: a touch of blue behind blue would be blue."""
    theme = BUILTIN_THEMES[name]
    for ground in ("chosen", "chosen-tab"):
        assert defaults_for(theme)[ground] not in (theme.primary, theme.foreground)
        assert Color.parse(defaults_for(theme)[ground]).ansi is not None
