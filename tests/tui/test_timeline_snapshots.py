"""What one sees of a run: timeline, charts and events.

After a change that is meant to be seen: `python -m pytest tests/tui/test_timeline_snapshots.py
--snapshot-update`, then look at each picture that differs.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from ccchat_tui.runs.logged import LoggedRun
from ccchat_tui.runs.player import Player
from ccchat_tui.testing.app import THEMES, AppUnderTest, drawn
from ccchat_tui.tui.timeline.replay_app import ReplayApp
from tests.runs.plays import made_up
from tests.runs.test_player import written
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


class TestReplay:
    """A logged run, played back."""

    @pytest.mark.parametrize(
        ("size", "key"),
        [((60, 20), "1"), ((80, 24), "4"), ((120, 40), "1"), ((120, 40), "4")],
        ids=["timeline-60x20", "queue-80x24", "timeline-120x40", "queue-120x40"],
    )
    def test_replay(
        self, snap_compare: Callable[..., bool], tmp_path: Path, size: tuple[int, int], key: str
    ) -> None:
        """At a moment in the middle, with the bar that is pulled."""
        file = written(tmp_path / "events.jsonl", list(made_up(40, users=3, seed=8)))
        app = ReplayApp(Player(LoggedRun(file)), THEMES, time_source=lambda: 0.0)
        app.animation_level = "none"

        async def before(pilot: Pilot[Any]) -> None:
            app.player.seek(app.player.began + (app.player.end - app.player.began) * 0.6)
            await pilot.press(key, "b")
            await drawn(app)
            app.look()

        assert snap_compare(app, terminal_size=size, run_before=before)
