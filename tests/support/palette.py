"""The command palette, waited for by what it shows and not by the clock."""

from __future__ import annotations

from textual.command import CommandList, CommandPalette
from textual.fuzzy import Matcher

from ccchat_tui.testing.app import AppUnderTest, until
from ccchat_tui.tui.commands import commands, themes


async def palette_found(app: AppUnderTest, words: str, *, only_themes: bool = False) -> None:
    """Wait until it lists every command that matches some words, and searches no more."""
    palette = app.screen
    assert isinstance(palette, CommandPalette)
    matcher = Matcher(words)
    wanted = sum(
        matcher.match(command.name) > 0 for command in (themes if only_themes else commands)(app)
    )
    found = palette.query_one(CommandList)
    await until(
        lambda: found.option_count == wanted and found.highlighted == 0 and not palette._show_busy
    )
    await app.settle()
