"""What one sees of commands, completion, finding, jumping and room for the text.

After a change that is meant to be seen: `python -m pytest tests/tui/test_keyboard_snapshots.py
--snapshot-update`, then look at each picture that differs.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.pilot import Pilot

from ccchat_tui.testing.app import AppUnderTest, scripted_app
from tests.tui.test_snapshots import Snap, five_at_once, shape, snap, three_users

__all__ = ["snap"]

REPLY = (
    "The **needle** is in the haystack; see [the manual](https://example.org/needles).\n\n"
    "```python\nfor needle in haystack:\n    print(needle)\n```\n\n"
    "- a needle, and a second one\n"
)


async def with_reply(app: AppUnderTest) -> None:
    """A reply that has streamed in part."""
    await app.ask("Where is the needle?")
    await app.script.emit(0, REPLY)
    await app.settle()


class TestCommands:
    """What may be typed in place of a message."""

    @pytest.mark.parametrize("size", [(60, 20), (80, 24), (120, 40)], ids=shape)
    def test_offered(self, snap: Snap, size: tuple[int, int]) -> None:
        """A slash alone offers every command."""

        async def story(app: AppUnderTest, pilot: Pilot[None]) -> None:
            await with_reply(app)
            await pilot.press("slash", "down")

        snap(story, size=size)

    def test_narrowed(self, snap: Snap) -> None:
        """Letters narrow them down."""

        async def story(app: AppUnderTest, pilot: Pilot[None]) -> None:
            await pilot.press("slash", "c")

        snap(story)

    def test_argument(self, snap: Snap) -> None:
        """What may stand behind a name is offered, too."""

        async def story(app: AppUnderTest, pilot: Pilot[None]) -> None:
            await pilot.press("slash", *"model", "space")

        snap(story)

    def test_a_slip(self, snap: Snap) -> None:
        """A mistyped command is told, and stays."""

        async def story(app: AppUnderTest, pilot: Pilot[None]) -> None:
            app.pane.composer.set_draft("/modle llama3.2:3b")
            await pilot.press("enter")

        snap(story)

    def test_template(self, snap: Snap, tmp_path: Path) -> None:
        """A prompt template asks for what is to stand in its places."""
        text = "# Review a piece of code\n{{what}} in {{language=Python}}"
        (tmp_path / "review.md").write_text(text, encoding="utf-8")

        async def story(app: AppUnderTest, pilot: Pilot[None]) -> None:
            app.pane.composer.set_draft("/review")
            await pilot.press("enter")

        snap(story, scripted_app(prompts=tmp_path))


class TestFind:
    """Words in a conversation."""

    def test_found(self, snap: Snap) -> None:
        """Every hit is marked, the chosen one otherwise than the rest."""

        async def story(app: AppUnderTest, pilot: Pilot[None]) -> None:
            await with_reply(app)
            await pilot.press("ctrl+f", *"needle", "enter", "enter")

        snap(story)

    def test_nothing_found_narrow(self, snap: Snap) -> None:
        """Nothing found is said."""

        async def story(app: AppUnderTest, pilot: Pilot[None]) -> None:
            await with_reply(app)
            await pilot.press("ctrl+f", *"thimble")

        snap(story, size=(60, 20))


class TestRoom:
    """Places to go to, and room."""

    def test_jump(self, snap: Snap) -> None:
        """A letter over every place."""

        async def story(app: AppUnderTest, pilot: Pilot[None]) -> None:
            await five_at_once(app, pilot)
            await pilot.press("alt+j")

        snap(story, three_users())

    def test_zen(self, snap: Snap) -> None:
        """Nothing but the chat."""

        async def story(app: AppUnderTest, pilot: Pilot[None]) -> None:
            await with_reply(app)
            await pilot.press("alt+z")

        snap(story)

    @pytest.mark.parametrize("size", [(60, 20), (120, 40)], ids=shape)
    def test_compact(self, snap: Snap, size: tuple[int, int]) -> None:
        """More rows for the text."""

        async def story(app: AppUnderTest, pilot: Pilot[None]) -> None:
            await with_reply(app)
            await pilot.press(*"a draft")

        snap(story, scripted_app(density="compact"), size)

    def test_links_and_code(self, snap: Snap) -> None:
        """The links and code blocks of a reply, to be copied."""

        async def story(app: AppUnderTest, pilot: Pilot[None]) -> None:
            await with_reply(app)
            await pilot.press("alt+l")

        snap(story)

    def test_open_a_link(self, snap: Snap) -> None:
        """Before a link is opened its whole address is shown."""

        async def story(app: AppUnderTest, pilot: Pilot[None]) -> None:
            await with_reply(app)
            await pilot.press("alt+l", "o")

        snap(story)
