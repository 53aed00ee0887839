"""One lane of a timeline: what went on in it in any span of time, at a cost that does not grow with
how much it was."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from enum import IntEnum
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING

from ccchat_tui.engine.request import RequestState
from ccchat_tui.quick import dataclass
from ccchat_tui.runs.course import Phase

if TYPE_CHECKING:
    from ccchat_tui.runs.course import Course

BLOCK = 32
"""Changes that are summed up in one entry of the next level."""


class Mark(IntEnum):
    """What a request does, or how it ends; several of them may meet in one span of time. A higher
    value is worse."""

    COMPLETED = 1
    STREAMING = 2
    CONNECTING = 4
    WAITING = 8
    RETRYING = 16
    CANCELLED = 32
    TIMED_OUT = 64
    FAILED = 128


PHASE_MARKS: Mapping[Phase, int] = {
    Phase.WAITING: Mark.WAITING.value,
    Phase.CONNECTING: Mark.CONNECTING.value,
    Phase.STREAMING: Mark.STREAMING.value,
    Phase.RETRYING: Mark.RETRYING.value,
}
END_MARKS: Mapping[RequestState, int] = {
    RequestState.COMPLETED: Mark.COMPLETED.value,
    RequestState.CANCELLED: Mark.CANCELLED.value,
    RequestState.TIMED_OUT: Mark.TIMED_OUT.value,
    RequestState.FAILED: Mark.FAILED.value,
}


@dataclass(frozen=True, slots=True)
class Cell:
    """A span of time in a lane."""

    marks: int
    """All that was going on in it, as `Mark` has it; 0 for nothing."""
    requests: int
    """How many requests there were."""

    @property
    def worst(self) -> int:
        """The worst mark; 0 for none. A completion is seen wherever there is room for it: it is
        what parts two replies that follow each other."""
        if self.marks & Mark.COMPLETED and self.requests <= 2 and self.marks < Mark.RETRYING:
            return Mark.COMPLETED
        return 1 << (self.marks.bit_length() - 1) if self.marks else 0


NOTHING = Cell(0, 0)


class Lane:
    """The changes in one lane, in their order.

    Kept are, of each change: its moment, what goes on from then on together with what ended at it,
    how many requests there are from then on, and how many have come in so far. A span of time is
    then a stretch of these lists, found by halving; and a level above them has the marks of 32
    changes each, so that an hour costs no more than a second.

    Args:
        name: Whose lane it is; text from outside.
    """

    __slots__ = ("_ats", "_came", "_counts", "_marks", "_upper", "courses", "entries", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        self.courses: list[Course] = []
        """The requests that came in, in their order."""
        self.entries: list[float] = []
        """When each of them did."""
        self._ats: list[float] = []
        self._marks: list[int] = []
        self._upper: list[int] = []
        self._came: list[tuple[int, int]] = []
        self._counts = dict.fromkeys(PHASE_MARKS.values(), 0)

    @property
    def present(self) -> int:
        """How many requests are in it now."""
        return self._came[-1][0] if self._came else 0

    def change(
        self, at: float, course: Course, before: int = 0, after: int = 0, ended: int = 0
    ) -> None:
        """A request comes in, goes on to something else, or goes.

        Args:
            at: When.
            course: The request.
            before: The mark that it had; 0 if it comes in.
            after: The mark that it has from now on; 0 if it goes.
            ended: The mark of its end, if that is why it goes.
        """
        present, came = self._came[-1] if self._came else (0, 0)
        if before:
            self._counts[before] -= 1
            present -= 1
        if after:
            self._counts[after] += 1
            present += 1
            if not before:
                came += 1
                self.courses.append(course)
                self.entries.append(at)
        marks = ended
        for mark, count in self._counts.items():
            if count:
                marks |= mark
        if self._ats and self._ats[-1] == at:
            # What lasted for no time at all is not seen; what ended is.
            self._marks[-1] = marks | self._marks[-1] & _ENDS
            self._came[-1] = (present, came)
            start = (len(self._marks) - 1) // BLOCK * BLOCK
            self._upper[-1] = reduce(or_, self._marks[start:])
            return
        if len(self._marks) % BLOCK == 0:
            self._upper.append(0)
        self._upper[-1] |= marks
        self._ats.append(at)
        self._marks.append(marks)
        self._came.append((present, came))

    def cell(self, begin: float, end: float) -> Cell:
        """What went on from `begin` until before `end`."""
        first, last = bisect_left(self._ats, begin), bisect_left(self._ats, end)
        return self._between(first, last, begin)

    def cells(self, begin: float, width: float, count: int, until: float) -> list[Cell]:
        """So many spans of one width, one after another.

        Args:
            begin: Where the first of them begins.
            width: Seconds.
            count: How many.
            until: The present: nothing is told of what comes after it.
        """
        found: list[Cell] = []
        ats, total = self._ats, len(self._ats)
        known = bisect_right(ats, until)
        first = bisect_left(ats, begin, 0, known)
        for number in range(count):
            start = begin + number * width
            if start > until:
                found.append(NOTHING)
                continue
            # Most spans of a quiet lane hold no change at all.
            edge = begin + (number + 1) * width
            last = first
            if first < known and ats[first] < edge:
                last = bisect_left(ats, edge, first, known)
            found.append(self._between(first, last, start) if total else NOTHING)
            first = last
        return found

    def _between(self, first: int, last: int, begin: float) -> Cell:
        present, came = self._came[first - 1] if first else (0, 0)
        if first == last:
            return Cell(self._alive(first - 1), present) if present else NOTHING
        requests = present + self._came[last - 1][1] - came
        marks = self._any(first, last)
        # What was there before lasts into this span, unless its first change is its first moment.
        if present and self._ats[first] > begin:
            marks |= self._alive(first - 1)
        return Cell(marks, requests)

    def _alive(self, index: int) -> int:
        """What goes on after a change, without what ended at it."""
        marks = self._marks[index]
        return marks & _PHASES if self._came[index][0] else 0

    def _any(self, first: int, last: int) -> int:
        low, high = -(-first // BLOCK), last // BLOCK
        if low >= high:
            return reduce(or_, self._marks[first:last], 0)
        marks = reduce(or_, self._marks[first : low * BLOCK], 0)
        marks |= reduce(or_, self._upper[low:high], 0)
        return reduce(or_, self._marks[high * BLOCK : last], marks)

    def forget(self, before: float) -> None:
        """Leave out requests that came in before a moment, and changes before it."""
        gone = bisect_left(self._ats, before)
        # The last of them stays: it says what went on at that moment.
        gone = max(0, gone - 1)
        del self._ats[:gone], self._marks[:gone], self._came[:gone]
        self._upper = [
            reduce(or_, self._marks[at : at + BLOCK], 0) for at in range(0, len(self._marks), BLOCK)
        ]
        old = bisect_left(self.entries, before)
        del self.entries[:old], self.courses[:old]

    def course_at(self, begin: float, end: float) -> int | None:
        """The place in `courses` of a request that is there in a span of time: the last that came
        in before its end, or an older one that lasts. `None` where there is none near."""
        last = bisect_left(self.entries, end) - 1
        for index in range(last, max(-1, last - _LOOK_BACK), -1):
            ended = self.courses[index].ended_at
            if ended is None or ended >= begin:
                return index
        return None


# Sums, for they are plain numbers: the operators of flags take a microsecond each.
_PHASES = Mark.STREAMING + Mark.CONNECTING + Mark.WAITING + Mark.RETRYING
_ENDS = Mark.COMPLETED + Mark.CANCELLED + Mark.TIMED_OUT + Mark.FAILED
_LOOK_BACK = 2_000
"""Requests that are looked at to find one that lasts."""
