"""The preset of new chats: found by its name at the start, or told of before anything is drawn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ccchat_tui.config import SettingsError
from ccchat_tui.sessions.presets import Preset, Presets
from ccchat_tui.testing.app import AppUnderTest, scripted_app
from ccchat_tui.tui.run import preset_named

PRESET = Preset("Be strict.", {"temperature": 0.2, "num_ctx": 8192}, think="low", keep_alive="10m")


@pytest.fixture
def presets(tmp_path: Path) -> Presets:
    made = Presets(tmp_path / "presets.toml")
    made.save("strict", PRESET)
    return made


def test_it_is_found_by_its_name(presets: Presets) -> None:
    assert preset_named("strict", presets) == PRESET
    assert preset_named("", presets) == Preset()


def test_one_that_is_not_there_is_told_with_those_that_are(presets: Presets) -> None:
    with pytest.raises(SettingsError) as caught:
        preset_named("kind", presets)
    assert "preset cannot be 'kind'" in caught.value.message
    assert "There are strict" in caught.value.message
    assert str(presets.file) in caught.value.message


def test_one_that_cannot_be_used_is_told_with_the_reason(presets: Presets) -> None:
    presets.file.write_text("[presets.hot]\noptions = {temperature = 9}\n", "utf-8")
    with pytest.raises(SettingsError, match="temperature cannot be 9"):
        preset_named("hot", presets)
    presets.file.write_text("[", "utf-8")
    with pytest.raises(SettingsError, match="not TOML"):
        preset_named("hot", presets)
    assert preset_named("", presets) == Preset(), "nobody asked for one"


async def test_new_chats_are_asked_with_it_and_settings_count_more() -> None:
    cases: tuple[tuple[dict[str, Any], str, float], ...] = (
        ({}, "Be strict.", 0.2),
        ({"system": "Be kind.", "temperature": 1.0}, "Be kind.", 1.0),
    )
    for settings, system, temperature in cases:
        app: AppUnderTest = scripted_app(preset=PRESET, **settings)
        async with app.run_test():
            await app.settle()
            await app.ask("Hello")
            prompt = (await app.script.call("Hello")).prompt
            assert prompt.options == {"temperature": temperature, "num_ctx": 8192}
            assert prompt.messages[0].content == system
            assert (prompt.think, prompt.keep_alive) == ("low", "10m")
