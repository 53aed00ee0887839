"""The history as pictures, and a chat that was interrupted."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
from textual.pilot import Pilot

from ccchat_tui.sessions.history import set_pinned, set_tags
from ccchat_tui.testing.app import AppUnderTest
from tests.sessions.stored import conversation, fill
from tests.tui.history_app import KeptApp, kept_app
from tests.tui.snapshot_texts import HOSTILE
from tests.tui.test_snapshots import Snap, shape, snap

__all__ = ["snap"]  # a fixture, found by its name


@pytest.fixture
def app(tmp_path: Path) -> KeptApp:
    """An app on a file with some conversations."""
    path = tmp_path / "c.db"
    said = (
        ("A soup for winter", "Ada", "What goes into it?", "Herring, potatoes and a little dill."),
        ("Trains to Lisbon", "Bob", "Is there a night train?", "Not at present."),
        (HOSTILE[:60], "Eve [/b]", HOSTILE[:80], "herring " + HOSTILE),
        ("日本語のスープ", "Cleo", "材料は？", "にしん (herring) と大根です。"),
        ("Sorting algorithms", "Ada", "Which is stable?", "Merge sort is."),
    )
    fill(
        path,
        *(
            conversation(number, title=title, user=user, turns=((question, reply),) * number)
            for number, (title, user, question, reply) in enumerate(said, 1)
        ),
    )
    return kept_app(path)


async def opened(app: AppUnderTest, pilot: Pilot[None]) -> KeptApp:
    assert isinstance(app, KeptApp)
    await app.begun()
    await app.store.write(partial(set_pinned, session_id="s1", pinned=True))
    await app.store.write(partial(set_tags, session_id="s2", tags=("travel", "plans")))
    await pilot.press("f12")
    await app.listed(5)
    return app


@pytest.mark.parametrize("size", [(60, 20), (120, 40)], ids=shape)
def test_list(snap: Snap, app: KeptApp, size: tuple[int, int]) -> None:
    """Pinned ones on top, then the newest; whose they are, and how long."""

    async def story(app: AppUnderTest, pilot: Pilot[None]) -> None:
        await opened(app, pilot)

    snap(story, app, size)


def test_search(snap: Snap, app: KeptApp) -> None:
    """What was found stands below each."""

    async def story(app: AppUnderTest, pilot: Pilot[None]) -> None:
        kept = await opened(app, pilot)
        await pilot.press(*"herring", "down")
        await kept.listed(3)

    snap(story, app)


def test_deleted(snap: Snap, app: KeptApp) -> None:
    """It is said how it comes back."""

    async def story(app: AppUnderTest, pilot: Pilot[None]) -> None:
        kept = await opened(app, pilot)
        await pilot.press("down", "f9")
        await kept.listed(4)

    snap(story, app)


def test_nothing_kept_yet(snap: Snap, tmp_path: Path) -> None:
    """An empty history says so."""

    async def story(app: AppUnderTest, pilot: Pilot[None]) -> None:
        assert isinstance(app, KeptApp)
        await app.begun()
        await pilot.press("f12")
        await app.listed(0)

    snap(story, kept_app(tmp_path / "c.db"))
