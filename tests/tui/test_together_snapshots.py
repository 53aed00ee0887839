"""Models side by side and messages to several chats, as pictures.

See test_snapshots.py for how to accept new ones.
"""

from __future__ import annotations

import pytest
from textual.pilot import Pilot

from ccchat_tui.testing.app import AppUnderTest, demo_app, scripted_app
from tests.tui.test_slash import give
from tests.tui.test_snapshots import Snap, shape, snap

__all__ = ["snap"]

HOSTILE_USER = "[red]語語[/]\u202e"


class TestCompare:
    """The same question to several models."""

    @pytest.mark.parametrize("size", [(60, 20), (80, 24), (120, 40)], ids=shape)
    def test_streaming(self, snap: Snap, size: tuple[int, int]) -> None:
        """Three models, as many side by side as can be read; one is done, two stream."""

        async def story(app: AppUnderTest, pilot: Pilot[None]) -> None:
            names = "demo:small demo:medium demo:large"
            await give(app, pilot, f"/compare {names} -- Why is the sky blue?")
            await app.pass_time(4)

        snap(story, demo_app(), size)

    def test_before_the_first_question(self, snap: Snap) -> None:
        """Every pane says whom the question is for, and that there are no figures yet."""

        async def story(app: AppUnderTest, pilot: Pilot[None]) -> None:
            await give(app, pilot, "/compare llama3 qwen3")

        snap(story, size=(80, 24))

    def test_refused_by_one(self, snap: Snap) -> None:
        """Who has not got the question is named, and the question stays."""

        async def story(app: AppUnderTest, pilot: Pilot[None]) -> None:
            await give(app, pilot, "/compare llama3 qwen3 gemma3 -- Why is the sky blue?")

        snap(story, scripted_app(max_concurrent_chats=1, max_queue=1))

    @pytest.mark.parametrize("size", [(60, 20), (80, 24)], ids=shape)
    def test_choosing(self, snap: Snap, size: tuple[int, int]) -> None:
        """Two models are marked in the list of those there are."""

        async def story(app: AppUnderTest, pilot: Pilot[None]) -> None:
            await pilot.press("alt+c")
            await app.workers.wait_for_complete()
            await app.settle()
            await pilot.press("space", "down", "space")

        snap(story, size=size)

    def test_completing(self, snap: Snap) -> None:
        """Models that are not named yet are offered, one word at a time."""

        async def story(app: AppUnderTest, pilot: Pilot[None]) -> None:
            await pilot.press("slash", *"compare", "space", *"qw", "tab")

        snap(story, size=(80, 24))


class TestBroadcast:
    """One message to several chats."""

    def test_some_are_marked(self, snap: Snap) -> None:
        """A message, and who gets it."""

        async def story(app: AppUnderTest, pilot: Pilot[None]) -> None:
            await app.ask("Why is the sky blue?", 2)
            await pilot.press("alt+s", *"Hello", "tab", "down", "space")

        snap(story, scripted_app(users=("Ada", "Bob", HOSTILE_USER)), (80, 24))

    def test_refused_by_some(self, snap: Snap) -> None:
        """Who has refused it is named and stays marked; the message stays, too."""

        async def story(app: AppUnderTest, pilot: Pilot[None]) -> None:
            await pilot.press("alt+s", *"Hello", "enter")

        users = ("Ada", "Bob", "Cleo", HOSTILE_USER)
        snap(story, scripted_app(users=users, max_concurrent_chats=1, max_queue=1), (60, 20))
