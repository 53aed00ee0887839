"""Enter and Esc in one piece: the answer counts."""

from __future__ import annotations

from pathlib import Path

from textual import events

from ccchat_tui.sessions.presets import Presets
from ccchat_tui.testing.app import AppUnderTest, scripted_app, until


def at_once(app: AppUnderTest, *keys: str) -> None:
    """Keys as they come over a slow line: all are there before the first is answered."""
    for key in keys:
        app.post_message(events.Key(key, None))


async def test_a_preset_is_kept_though_esc_comes_right_behind(tmp_path: Path) -> None:
    presets = Presets(tmp_path / "presets.toml")
    app = scripted_app(presets=presets)
    async with app.run_test(size=(100, 40)) as pilot:
        await app.settle()
        await pilot.press("f4", "f2", "f3", *"mine")
        at_once(app, "enter", "escape")
        await until(lambda: "mine" in presets.load())


async def test_esc_alone_changes_nothing() -> None:
    app = scripted_app()
    async with app.run_test() as pilot:
        await app.settle()
        before = app.pane.session.title
        await pilot.press("f2", *"another")
        at_once(app, "escape", "enter")
        await until(lambda: app.screen is app.chats)
        await app.settle()
        assert app.pane.session.title == before


async def test_what_comes_behind_an_answer_answers_nothing() -> None:
    app = scripted_app()
    async with app.run_test() as pilot:
        await app.settle()
        await pilot.press("f2", *"another")
        at_once(app, "enter", "enter", "escape")
        await until(lambda: app.screen is app.chats)
        await app.settle()
        assert app.pane.session.title == "another"
