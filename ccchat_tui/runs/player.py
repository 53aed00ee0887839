"""Plays a run that was logged: a moment of it is the present, which moves on, stands still, or
jumps."""

from __future__ import annotations

import time
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ccchat_tui.engine.events import EngineEvent
    from ccchat_tui.engine.series import HistoryBucket
    from ccchat_tui.engine.stats import QueueSnapshot
    from ccchat_tui.runs.course import Course
    from ccchat_tui.runs.lanes import Lanes
    from ccchat_tui.runs.logged import LoggedRun

SPEEDS = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
SLICE = 0.004
"""Seconds that figures are made again before something else has a turn."""
_AT_ONCE = 200
"""Events that are counted between two looks at the time."""


class Player:
    """Where a replay is. All of a moment has happened, or none of it.

    Everything but the figures is known at once for any moment; these are made from the nearest
    checkpoint before it, a slice at a time: see `catch_up`.

    Args:
        run: What is played.
        time_source: Seconds, for the time that a slice takes.
    """

    def __init__(
        self, run: LoggedRun, *, time_source: Callable[[], float] = time.perf_counter
    ) -> None:
        self.run = run
        self.playing = False
        self.now = run.begin.at
        self.next_event = bisect_right(run.ats, self.now)
        self._speed = SPEEDS.index(1.0)
        self._time = time_source
        self._fed, self._figures = run.figures_before(0)

    # Where it is --------------------------------------------------------------------------

    @property
    def began(self) -> float:
        """When the run began."""
        return self.run.begin.at

    @property
    def end(self) -> float:
        """When it ended."""
        return self.run.end

    @property
    def speed(self) -> float:
        """Seconds of the run in a second."""
        return SPEEDS[self._speed]

    @property
    def settled(self) -> bool:
        """Whether the figures are those of the present."""
        return self._fed == self.next_event

    def change_speed(self, step: int) -> None:
        """Faster or slower."""
        self._speed = max(0, min(self._speed + step, len(SPEEDS) - 1))

    def toggle(self) -> None:
        """Play, or stand still; at the end, play from the beginning."""
        if not self.playing and self.now >= self.end:
            self.seek(self.began)
        self.playing = not self.playing

    def advance(self, seconds: float) -> None:
        """So much time has passed for the person who looks at it."""
        if self.playing:
            self.seek(self.now + seconds * self.speed)
            self.playing = self.now < self.end

    def seek(self, moment: float) -> None:
        """Go to a moment, as near as the run has it."""
        self.now = max(self.began, min(moment, self.end))
        self.next_event = bisect_right(self.run.ats, self.now)
        ahead = self.next_event - self._fed
        if ahead < 0 or ahead > self.run.every:
            fed, figures = self.run.figures_before(self.next_event)
            if ahead < 0 or fed > self._fed:
                self._fed, self._figures = fed, figures

    def step(self, step: int) -> None:
        """Go to the next moment at which something happened, or to the one before."""
        ats, index = self.run.ats, self.next_event
        self.playing = False
        if step > 0:
            self.seek(ats[index] if index < len(ats) else self.end)
        elif index:
            if self.now == ats[index - 1]:
                index = bisect_left(ats, self.now)
            self.seek(ats[index - 1] if index else self.began)

    def catch_up(self, seconds: float = SLICE) -> bool:
        """Make the figures those of the present. Returns whether they are, or there is more to do
        in another slice."""
        events, until = self.run.events, self._time() + seconds
        while self._fed < self.next_event:
            upto = min(self.next_event, self._fed + _AT_ONCE)
            for event in events[self._fed : upto]:
                self._figures.feed(event)
            self._fed = upto
            if self._time() >= until:
                break
        return self.settled

    # What there is to show ----------------------------------------------------------------

    @property
    def lanes(self) -> Lanes:
        """Every request of the run, those to come as well."""
        return self.run.lanes

    @property
    def first_event(self) -> int:
        """The number of the first event that is kept: all are."""
        return 0

    def events(self, first: int, last: int) -> Sequence[EngineEvent]:
        """The events from one number to before another."""
        return self.run.events[first:last]

    def whole(self) -> tuple[float, Sequence[HistoryBucket]]:
        """The length of a bucket, and the buckets from the beginning until now."""
        return self.run.levels.whole(self.now)

    def recent(self, count: int) -> tuple[float, Sequence[HistoryBucket]]:
        """The length of a bucket, and the last of them."""
        return self.run.levels.seconds, self.run.levels.recent(count, self.now)

    def snapshot(self, requests: int = 0) -> QueueSnapshot:
        """The queue; while there is something to catch up with, as far as that has come."""
        now = self.now if self.settled else self._figures.at
        rate = self.run.levels.rate(self.now)
        return self._figures.snapshot(requests, now=now, rate=rate)

    def tokens_of(self, _course: Course, /) -> int | None:
        """How many tokens a living request has: no event tells."""
        return None
