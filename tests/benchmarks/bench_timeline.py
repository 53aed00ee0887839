"""The timeline of 10,000 requests, beside that of 100: what a step of scrolling costs, with all
that is sent to the terminal; and a replay of 100,000 events, from one moment of it to any other.

    python -m tests.benchmarks.bench_timeline [--quick]
"""

from __future__ import annotations

import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from textual.app import App
from textual.theme import Theme

from ccchat_tui.event_log.writer import EventLog
from ccchat_tui.runs.lanes import Lanes
from ccchat_tui.runs.logged import LoggedRun
from ccchat_tui.runs.player import Player
from ccchat_tui.testing.app import THEMES, drawn
from ccchat_tui.tui.themes import DEFAULT_THEME, defaults_for
from ccchat_tui.tui.timeline.screen import RunScreen
from tests.benchmarks.drawing_app import SinkDriver, run
from tests.benchmarks.rows import Row, spread
from tests.runs.plays import made_up

ABOUT = {
    "program": "1",
    "date": "2026",
    "mode": "concurrent",
    "mode_reason": "",
    "limits": {
        "max_concurrent": 20,
        "max_concurrent_per_user": 3,
        "requests_per_minute": 0,
        "timeout_ms": 1,
        "retry_attempts": 2,
    },
}
SIZE = (120, 40)
WAYS: dict[str, tuple[str, ...]] = {
    "sideways": ("scroll(-1)", "scroll(-1)", "scroll(1)"),
    "from request to request": ("request(-1)", "request(-1)", "request(1)"),
    "lane by lane, the whole run in view": ("fit", "lane(1)", "lane(1)"),
}


class TimelineApp(App[None]):
    """The screen of a run, over a log."""

    def __init__(self, player: Player) -> None:
        super().__init__(driver_class=SinkDriver)
        for theme in THEMES.themes.values():
            self.register_theme(theme)
        self.theme = DEFAULT_THEME
        self.run_screen = RunScreen(player)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """The colours of states."""
        theme: Theme | None = self.available_themes.get(self.theme)
        return defaults_for(theme)

    async def on_mount(self) -> None:
        """Show it."""
        await self.push_screen(self.run_screen)


def logged(requests: int, folder: str) -> Player:
    """A run of so many requests, at its end."""
    file = Path(folder) / f"{requests}.jsonl"
    log = EventLog(file, ABOUT, 100.0, patient=True)
    last = 100.0
    for event in made_up(requests, users=40, slots=20, seed=1):
        log(event)
        last = event.at
    log.close(last)
    player = Player(LoggedRun(file))
    player.seek(player.end)
    return player


def scrolling(player: Player, steps: int) -> dict[str, float]:
    """Milliseconds of processor time for a step of each way of moving."""
    found: dict[str, float] = {}

    async def body(app: TimelineApp) -> None:
        await drawn(app)
        timeline = app.run_screen.timeline
        for name, actions in WAYS.items():
            timeline.action_end()
            await drawn(app)
            began = time.process_time()
            for number in range(steps):
                action = actions[number % len(actions)]
                verb, _, argument = action.partition("(")
                method: Callable[..., None] = getattr(timeline, f"action_{verb}")
                method(*([int(argument.rstrip(")"))] if argument else []))
                await drawn(app)
            found[name] = (time.process_time() - began) / steps * 1000

    run(TimelineApp(player), body, SIZE)
    return found


def idle_frame(player: Player, steps: int) -> float:
    """Milliseconds of processor time for waiting for a frame in which nothing is drawn."""
    found: list[float] = []

    async def body(app: TimelineApp) -> None:
        await drawn(app)
        began = time.process_time()
        for _ in range(steps):
            await drawn(app)
        found.append((time.process_time() - began) / steps * 1000)

    run(TimelineApp(player), body, SIZE)
    return found[0]


def seeking(player: Player, seeks: int) -> tuple[list[float], list[float]]:
    """Milliseconds of processor time for each jump to a random moment, and for the longest slice of
    each, for which the event loop would have stood."""
    rng = random.Random(2)
    jumps: list[float] = []
    slices: list[float] = []
    for _ in range(seeks):
        moment = player.began + rng.random() * (player.end - player.began)
        began = before = time.process_time()
        player.seek(moment)
        longest = 0.0
        done = False
        while not done:
            done = player.catch_up()
            longest, before = max(longest, time.process_time() - before), time.process_time()
        jumps.append((time.process_time() - began) * 1000)
        slices.append(longest * 1000)
    return jumps, slices


def per_event(requests: int) -> float:
    """Microseconds that the lanes of a run under way take for an event."""
    events = list(made_up(requests, users=40, slots=20, seed=1))
    lanes = Lanes()
    began = time.process_time()
    for event in events:
        lanes(event)
    return (time.process_time() - began) / len(events) * 1e6


def rows(quick: bool) -> list[Row]:
    """The figures for the table of all benchmarks."""
    steps = 60 if quick else 300
    out: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        few, many = logged(100, folder), logged(10_000, folder)
        small, large = scrolling(few, steps), scrolling(many, steps)
        out += [
            Row(
                f"timeline of 10,000 requests: a step {name}, processor time",
                large[name],
                small[name],
                "of 100 requests",
                "ms",
                f"mean of {steps} steps",
            )
            for name in WAYS
        ]
        frame = 1000 / 30
        worst = max(large.values()) - idle_frame(many, steps)
        out.append(
            Row(
                "timeline of 10,000 requests: the dearest step",
                worst,
                frame,
                "a frame at 30/s",
                "ms",
                "without waiting for the frame",
            )
        )
        player = logged(6_000 if quick else 24_000, folder)
        jumps, slices = seeking(player, 100)
        events = f"{len(player.run.events):,}"
        out += [
            Row(
                f"replay of {events} events: a jump",
                statistics.median(jumps),
                10.0,
                "the aim",
                "ms",
                f"median of 100, {spread(jumps, 1)}",
            ),
            Row(
                f"replay of {events} events: the loop stands for",
                max(slices),
                10.0,
                "the aim",
                "ms",
                "longest slice of 100 jumps",
            ),
        ]
    long, short = per_event(20_000 if quick else 60_000), per_event(2_000)
    out.append(
        Row(
            "timeline: an event of a run under way, late",
            long,
            short,
            "early in it",
            "us",
            "one run",
        )
    )
    return out


if __name__ == "__main__":
    from tests.benchmarks.rows import table

    sys.stdout.write(table(rows("--quick" in sys.argv)))
