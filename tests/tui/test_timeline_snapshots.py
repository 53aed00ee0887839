"""What one sees of a run: timeline, charts and events.

After a change that is meant to be seen: `python -m pytest tests/tui/test_timeline_snapshots.py
--snapshot-update`, then look at each picture that differs.
"""

from __future__ import annotations

import pytest
from textual.pilot import Pilot

from ccchat_tui.testing.app import AppUnderTest
from tests.tui.test_snapshots import Snap, five_at_once, shape, snap, three_users

__all__ = ["snap"]

SIZES = [(60, 20), (80, 24), (120, 40)]


async def a_busy_run(app: AppUnderTest, pilot: Pilot[None]) -> None:
    """Nine questions of three users; Bob changes his mind, and Ada asks once more."""
    await five_at_once(app, pilot)
    await app.pass_time(4)
    app.cancel_user("Bob")
    await app.pass_time(2)
    await app.ask("And why is it red in the evening?", 1)
    await app.pass_time(2)
    await pilot.press("alt+t")
    await app.settle()


class TestTimeline:
    """Every request on a line of time."""

    @pytest.mark.parametrize("size", SIZES, ids=shape)
    def test_users(self, snap: Snap, size: tuple[int, int]) -> None:
        """A lane for each user, the cursor on a request that was cancelled."""

        async def story(app: AppUnderTest, pilot: Pilot[None]) -> None:
            await a_busy_run(app, pilot)
            await pilot.press("down")

        snap(story, three_users(notify="off"), size)

    def test_slots(self, snap: Snap) -> None:
        """A lane for each slot, the whole run in view."""

        async def story(app: AppUnderTest, pilot: Pilot[None]) -> None:
            await a_busy_run(app, pilot)
            await pilot.press("s", "a")

        snap(story, three_users(notify="off"))


class TestCharts:
    """The whole run in four charts."""

    @pytest.mark.parametrize("size", SIZES, ids=shape)
    def test_charts(self, snap: Snap, size: tuple[int, int]) -> None:
        """Over one line of time, each with its scale and its peak."""

        async def story(app: AppUnderTest, pilot: Pilot[None]) -> None:
            await a_busy_run(app, pilot)
            await pilot.press("2")

        snap(story, three_users(notify="off"), size)


class TestEvents:
    """Every event of the engine."""

    @pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=shape)
    def test_events(self, snap: Snap, size: tuple[int, int]) -> None:
        """In the order in which they happened, by the names of the event log."""

        async def story(app: AppUnderTest, pilot: Pilot[None]) -> None:
            await a_busy_run(app, pilot)
            await pilot.press("3")

        snap(story, three_users(notify="off"), size)
