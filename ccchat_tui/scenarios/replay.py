"""The report of a run, made again from its events alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from ccchat_tui.engine.events import EngineEvent
from ccchat_tui.engine.stats import LimitsView
from ccchat_tui.event_log.reader import Begin, End, Lost, read_log
from ccchat_tui.quick import dataclass
from ccchat_tui.runs.figures import Figures
from ccchat_tui.scenarios.report import Report, make_report
from ccchat_tui.scenarios.watch import UserWatch


class Replay(Figures):
    """Counts events as the engine has counted what they tell of, and tells of it as a run does.

    Args:
        limits: Those that the run began with.
        mode: `concurrent` or `sequential`, at the beginning.
        mode_reason: Why.
        names: The users, in the order in which they are to be told of.
        at: The moment of the beginning.
    """

    def __init__(
        self,
        limits: LimitsView,
        *,
        mode: str = "concurrent",
        mode_reason: str = "",
        names: Iterable[str] = (),
        at: float = 0.0,
    ) -> None:
        super().__init__(limits, mode=mode, mode_reason=mode_reason, at=at)
        self._watch = UserWatch(names)

    def feed(self, event: EngineEvent) -> None:
        """One more event."""
        self._watch(event)
        super().feed(event)

    def report(self, wall: float | None = None) -> Report:
        """What `ccchat simulate --json` said, or would have said at this moment; but for what no
        event tells: the servers, and what a limit has found by itself.

        Args:
            wall: Seconds that the run took; `None` for those up to the last event.
        """
        wall = self.at - self.began if wall is None else wall
        return make_report(self.snapshot(), wall, self._watch.times())


@dataclass(frozen=True, slots=True)
class Replayed:
    """A log that was read to its end."""

    begin: Begin
    figures: Replay
    wall: float
    """Seconds that the run took."""
    whole: bool
    """Whether nothing is missing, neither at the end nor in between."""


def replay_log(
    path: Path,
    complain: Callable[[str], object] = lambda _: None,
    *also: Callable[[EngineEvent], object],
) -> Replayed:
    """Read an event log and count what it tells of.

    Args:
        path: The file.
        complain: Told of what is missing in it.
        also: Who else is told of every event.

    Raises:
        EventLogError: It cannot be read.
    """
    lines = read_log(path, complain)
    begin = next(lines)
    assert isinstance(begin, Begin)
    figures = Replay(
        LimitsView(**begin.limits.model_dump()),
        mode=begin.mode,
        mode_reason=begin.mode_reason,
        names=[user.name for user in begin.users],
        at=begin.at,
    )
    wall, whole, lost = None, False, 0
    for line in lines:
        match line:
            case EngineEvent():
                figures.feed(line)
                for listener in also:
                    listener(line)
            case End(at=at, began=began):
                wall, whole = at - began, True
            case Lost(count=count):
                lost += count
            case _:
                pass
    if lost:
        complain(f"event log {path}: {lost} events are missing, for the disk was too slow for them")
    elif not whole:
        complain(f"event log {path}: has no end: the program was cut off, or still runs")
    wall = figures.at - figures.began if wall is None else wall
    return Replayed(begin, figures, wall, whole and not lost)
