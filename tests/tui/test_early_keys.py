"""Keys that come before there is anything for them: a slow machine, a fast person."""

from __future__ import annotations

from textual import events

from ccchat_tui.testing.app import AppUnderTest, scripted_app, until
from ccchat_tui.tui.screens.chat_settings import ChatSettingsScreen


class Hurried(AppUnderTest):
    """Keys are there before the first chat is."""

    async def on_mount(self) -> None:
        for key, letter in (("h", "h"), ("i", "i"), ("f4", None)):
            self.post_message(events.Key(key, letter))


async def test_keys_before_the_first_chat_are_obeyed_once_it_is_there() -> None:
    plain = scripted_app()
    app = Hurried(plain.settings, plain._parts, plain.time)
    async with app.run_test():
        await until(lambda: isinstance(app.screen, ChatSettingsScreen) and app.focused is not None)
        await until(lambda: app.pane.composer.text == "hi")
