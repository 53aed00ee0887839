"""A run that was read from an event log, whole, so that any moment of it can be shown at once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ccchat_tui.engine.events import EngineEvent
from ccchat_tui.engine.stats import LimitsView
from ccchat_tui.event_log.reader import Begin, End, EventLogError, Lost, read_log
from ccchat_tui.runs.figures import Figures
from ccchat_tui.runs.lanes import Lanes
from ccchat_tui.runs.levels import Levels

if TYPE_CHECKING:
    from ccchat_tui.engine.events import EngineEvent as Event

MOST_EVENTS = 1_000_000
"""Events of a log that are played; what comes after them is left out, and that is told."""
EVERY = 1_000
"""Events between two checkpoints, from which figures are made again."""
MOST_CHECKPOINTS = 256
"""When there are as many, every other one is given up."""


class LoggedRun:
    """The events of a log with all that is needed to show the run at any moment.

    Args:
        path: The file.

    Raises:
        EventLogError: It is no event log that can be read. If it is damaged further on, what
            stands before the damage is the run, and `problems` tells of it.

    Attributes:
        begin: What the run began with.
        events: All of them; none is earlier than the one before.
        ats: Their moments.
        lanes: Every request.
        problems: What is missing, in words.
        end: When the run ended, or the last event happened.
    """

    def __init__(self, path: Path) -> None:
        self.problems: list[str] = []
        self.events: list[Event] = []
        self.ats: list[float] = []
        self.lanes = Lanes(kept=None)
        self._checkpoints: list[Figures] = []
        self.every = EVERY
        lines = read_log(path, self.problems.append)
        first = next(lines)
        assert isinstance(first, Begin)
        self.begin = first
        figures = self._begin()
        moments: list[tuple[float, int, int]] = []
        self.end = first.at
        whole = False
        try:
            for line in lines:
                if isinstance(line, EngineEvent):
                    if len(self.events) == MOST_EVENTS:
                        self.problems.append(
                            f"{path}: only its first {MOST_EVENTS:,} events are played"
                        )
                        whole = True
                        break
                    event = self._take(line, figures)
                    if moments and moments[-1][0] == event.at:
                        moments.pop()
                    moments.append((event.at, figures.in_flight, figures.queue_length))
                elif isinstance(line, Lost):
                    self.problems.append(
                        f"{path}: {line.count:,} events are missing, for the disk was too slow"
                    )
                elif isinstance(line, End):
                    self.end, whole = max(self.end, line.at), True
        except EventLogError as error:
            self.problems.append(f"{error.message}; what stands before it is played")
            whole = True  # which has been told
        if not whole:
            self.problems.append(f"{path}: has no end: the program was cut off, or still runs")
        self.levels = Levels(first.at, self.end, moments, self.lanes.courses)

    def _take(self, event: Event, figures: Figures) -> Event:
        if len(self.events) % self.every == 0:
            self._checkpoints.append(figures.copy())
            if len(self._checkpoints) == MOST_CHECKPOINTS:
                del self._checkpoints[1::2]
                self.every *= 2
        if event.at < self.end:  # no clock goes back; a file can say anything
            event = replace(event, at=self.end)
        self.end = event.at
        self.events.append(event)
        self.ats.append(event.at)
        self.lanes(event)
        figures.feed(event)
        return event

    def figures_before(self, index: int) -> tuple[int, Figures]:
        """Figures of the events up to a place that is not after `index`, and that place."""
        if not self._checkpoints:
            return 0, self._begin()
        number = min(index // self.every, len(self._checkpoints) - 1)
        return number * self.every, self._checkpoints[number].copy()

    def _begin(self) -> Figures:
        begin = self.begin
        return Figures(
            LimitsView(**begin.limits.model_dump()),
            mode=begin.mode,
            mode_reason=begin.mode_reason,
            at=begin.at,
            by_user=False,
        )
