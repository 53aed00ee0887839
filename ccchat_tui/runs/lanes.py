"""The timeline of a run: every request in the lane of its user, and in that of its slot."""

from __future__ import annotations

import heapq

from ccchat_tui.engine.events import EngineEvent
from ccchat_tui.runs.course import Course, Courses, Phase
from ccchat_tui.runs.lane import END_MARKS, PHASE_MARKS, Lane

KEPT = 20_000
"""Requests that a run under way keeps; there may be a tenth more until older ones are left out."""


class Lanes:
    """Watches events and keeps what a timeline shows, in bounded memory.

    A slot has no number in the engine: here a request is in the lowest one that is free when it
    starts, so that there are as many lanes as were ever in flight at once.

    Args:
        kept: How many requests are remembered, the latest ones; `None` for all.
    """

    def __init__(self, kept: int | None = KEPT) -> None:
        self.users: list[Lane] = []
        """In the order in which they came."""
        self.slots: list[Lane] = []
        self.left_out = 0
        """Requests that are too old to be remembered."""
        self.changes = 0
        """How many events were told of requests."""
        self.changed_at = 0.0
        """When the last of them was."""
        self.began: float | None = None
        """When the first was."""
        self.by_id: dict[str, Course] = {}
        """The requests that are remembered; of several with one id, the last."""
        self._kept = kept
        self._courses = Courses()
        self._by_user: dict[str, Lane] = {}
        self._slot_of: dict[int, int] = {}
        self._free: list[int] = []

    @property
    def courses(self) -> list[Course]:
        """What is remembered, in the order in which it was sent."""
        return self._courses.all

    @property
    def living(self) -> dict[str, Course]:
        """Those that have not ended, by their ids."""
        return self._courses.living

    def __call__(self, event: EngineEvent) -> None:
        """One more event."""
        course = self._courses.follow(event)
        if course is None:
            return
        at = event.at
        if self.began is None:
            self.began = at
        self.changes += 1
        self.changed_at = at
        lane = self._by_user.get(course.user)
        if lane is None:
            lane = self._by_user[course.user] = Lane(course.user)
            self.users.append(lane)
        ended = END_MARKS[course.state] if course.state is not None else 0
        # At its end the last phase is the one that it had before.
        past = course.phases if ended else course.phases[:-1]
        before = past[-1][0] if past else None
        after = None if ended else course.phases[-1][0]
        first = PHASE_MARKS[before] if before else 0
        then = PHASE_MARKS[after] if after else 0
        lane.change(at, course, first, then, ended)
        self._move_in_slots(at, course, before, after, ended)
        if before is None:
            self.by_id[course.id] = course
            if self._kept is not None and len(self.courses) > self._kept + self._kept // 10:
                self._forget(self._kept)

    def _move_in_slots(
        self, at: float, course: Course, before: Phase | None, after: Phase | None, ended: int
    ) -> None:
        held, holds = before in _HOLDING, after in _HOLDING
        if not held and not holds:
            return
        if not held:
            number = heapq.heappop(self._free) if self._free else len(self.slots)
            if number == len(self.slots):
                self.slots.append(Lane(f"slot {number + 1}"))
            self._slot_of[id(course)] = number
        number = self._slot_of[id(course)]
        self.slots[number].change(
            at,
            course,
            PHASE_MARKS[before] if before and held else 0,
            PHASE_MARKS[after] if after and holds else 0,
            ended,
        )
        if not holds:
            del self._slot_of[id(course)]
            heapq.heappush(self._free, number)

    def _forget(self, kept: int) -> None:
        """Leave out the oldest requests. One that still lives is remembered until its end."""
        gone = self.courses[:-kept]
        self.left_out += len(gone)
        del self.courses[:-kept]
        for course in gone:
            if self.by_id.get(course.id) is course:
                del self.by_id[course.id]
        before = self.courses[0].sent_at
        for lane in (*self.users, *self.slots):
            lane.forget(before)
        self.users = [lane for lane in self.users if lane.courses or lane.present]
        self._by_user = {lane.name: lane for lane in self.users}


_HOLDING = (Phase.CONNECTING, Phase.STREAMING)
