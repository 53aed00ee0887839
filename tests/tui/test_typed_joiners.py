"""Letters without width that are typed one by one, as input methods send them."""

from __future__ import annotations

import pytest
from textual import events
from textual.pilot import Pilot
from textual.widgets import Input

from ccchat_tui.testing.app import AppUnderTest, scripted_app

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
PERSIAN = "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"


async def type_in(app: AppUnderTest, pilot: Pilot[None], text: str) -> None:
    for letter in text:
        app.post_message(events.Key(letter, letter))
    await pilot.pause()
    await app.settle()


@pytest.mark.parametrize("text", [FAMILY, PERSIAN])
async def test_they_are_written_in_the_box_and_in_a_field(text: str) -> None:
    app = scripted_app()
    async with app.run_test() as pilot:
        await app.settle()
        await type_in(app, pilot, text)
        assert app.pane.composer.text == text
        await pilot.press("f2", "end", "ctrl+u")
        await type_in(app, pilot, text)
        assert app.screen.query_one(Input).value == text
        await pilot.press("enter")
        await app.settle()
        assert app.pane.session.title == text
