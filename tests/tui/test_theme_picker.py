"""The themes as Ctrl+T lists them: ours first, the others told apart."""

from __future__ import annotations

from ccchat_tui.testing.app import THEMES, scripted_app, until
from ccchat_tui.tui.commands import themes


async def test_ours_come_first_and_one_is_chosen() -> None:
    app = scripted_app()
    async with app.run_test() as pilot:
        await app.settle()
        names = [command.name for command in themes(app)]
        assert names[: len(THEMES.themes)] == sorted(THEMES.themes)
        told = {command.name: command.help for command in themes(app)}
        assert told["tideline"] == "dark, in use"
        assert told["textual-light"] == "light, one of Textual's"
        await pilot.press("ctrl+t", *"okabe")
        await until(lambda: "okabe" in str(app.screen.query_one("CommandList").render_line(0).text))
        await pilot.press("enter")
        await until(lambda: app.theme == "okabe")
