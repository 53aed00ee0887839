"""The timeline's lanes say of any span of time what looking at every request says."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccchat_tui.engine.request import RequestState
from ccchat_tui.runs.course import Course, Phase
from ccchat_tui.runs.lane import END_MARKS, PHASE_MARKS, Cell, Lane, Mark
from ccchat_tui.runs.lanes import Lanes
from tests.runs.plays import made_up

HOLDING = (Phase.CONNECTING, Phase.STREAMING)


def spans(course: Course, until: float) -> list[tuple[Phase, float, float]]:
    """What a request did, from when until when."""
    ends = [*(at for _, at in course.phases[1:]), until if course.ended_at is None else None]
    ends[-1] = course.ended_at if ends[-1] is None else ends[-1]
    return [
        (phase, begin, end or 0.0) for (phase, begin), end in zip(course.phases, ends, strict=True)
    ]


def looked_at(courses: list[Course], begin: float, end: float, phases: object = Phase) -> Cell:
    """What a lane should say, from every request one by one."""
    marks, there = 0, 0
    for course in courses:
        present = False
        for phase, since, to in spans(course, float("inf")):
            if phase not in phases or not since < min(to, end) or to <= begin:  # type: ignore[operator]
                continue  # what lasts for no time is not seen
            present = True
            marks |= PHASE_MARKS[phase]
        ended = course.ended_at
        if ended is not None and begin <= ended < end:
            last = course.phases[-1][0]
            if last in phases:  # type: ignore[operator]
                assert course.state is not None
                marks |= END_MARKS[course.state]
                present = True
        there += present
    return Cell(marks, there)


@given(st.integers(0, 10_000), st.integers(1, 60), st.floats(99, 140), st.floats(0.1, 50))
@settings(max_examples=150, derandomize=True, deadline=None)
def test_the_lane_of_a_user(seed: int, count: int, begin: float, width: float) -> None:
    lanes = Lanes()
    for event in made_up(count, users=2, seed=seed):
        lanes(event)
    for lane in lanes.users:
        theirs = [course for course in lanes.courses if course.user == lane.name]
        expected = looked_at(theirs, begin, begin + width)
        found = lane.cell(begin, begin + width)
        assert found.marks == expected.marks
        assert found.requests == expected.requests


@given(st.integers(0, 10_000), st.floats(99, 140), st.sampled_from([0.25, 0.7, 3.0]))
@settings(max_examples=60, derandomize=True, deadline=None)
def test_a_row_is_its_cells(seed: int, begin: float, width: float) -> None:
    lanes = Lanes()
    for event in made_up(40, users=1, seed=seed):
        lanes(event)
    lane = lanes.users[0]
    row = lane.cells(begin, width, 30, 1e9)
    assert row == [lane.cell(begin + at * width, begin + (at + 1) * width) for at in range(30)]


def test_nothing_is_told_of_what_is_still_to_come() -> None:
    """A replay has the whole run, and shows it as it was at a moment."""
    events = list(made_up(80, users=2, seed=3))
    whole = Lanes()
    for event in events:
        whole(event)
    moment = events[len(events) // 2].at
    then = Lanes()
    for event in events:
        if event.at <= moment:
            then(event)
    for lane in then.users:
        later = next(each for each in whole.users if each.name == lane.name)
        assert later.cells(100.0, 0.5, 400, moment) == lane.cells(100.0, 0.5, 400, moment)


@pytest.mark.parametrize("seed", range(5))
def test_a_slot_has_one_request_at_a_time_and_each_attempt_has_a_slot(seed: int) -> None:
    lanes = Lanes()
    attempts = Counter[str]()
    for event in made_up(200, slots=3, seed=seed):
        lanes(event)
        for lane in lanes.slots:
            assert lane.present <= 1
    for lane in lanes.slots:
        attempts.update(course.id for course in lane.courses)
    assert len(lanes.slots) == 3
    assert attempts == {course.id: course.attempts for course in lanes.courses if course.attempts}


def test_the_worst_wins() -> None:
    assert Cell(Mark.FAILED + Mark.STREAMING, 2).worst == Mark.FAILED
    assert Cell(Mark.STREAMING + Mark.WAITING, 5).worst == Mark.WAITING
    assert Cell(Mark.COMPLETED + Mark.STREAMING, 2).worst == Mark.COMPLETED, "an end is seen"
    assert Cell(Mark.COMPLETED + Mark.STREAMING, 3).worst == Mark.STREAMING, "not among many"
    assert Cell(Mark.COMPLETED + Mark.CANCELLED, 2).worst == Mark.CANCELLED
    assert Cell(0, 0).worst == 0


def test_memory_is_bounded_and_what_is_left_is_right() -> None:
    events = list(made_up(600, users=3, seed=9))
    bounded, whole = Lanes(kept=100), Lanes(kept=None)
    most = 0
    for event in events:
        bounded(event)
        whole(event)
        most = max(most, len(bounded.courses))
    assert most <= 110
    assert bounded.left_out + len(bounded.courses) == 600
    assert set(bounded.by_id) == {course.id for course in bounded.courses}
    since = bounded.courses[0].sent_at + 5.0
    end = events[-1].at
    count = int((end - since) / 0.5)
    for lane in bounded.users:
        other = next(each for each in whole.users if each.name == lane.name)
        assert lane.cells(since, 0.5, count, end) == other.cells(since, 0.5, count, end)
        assert len(lane._ats) < 5 * 110
        assert len(lane._upper) == -(-len(lane._ats) // 32)


def test_a_request_is_found_where_it_is_seen() -> None:
    lanes = Lanes()
    for event in made_up(50, users=1, seed=2):
        lanes(event)
    lane: Lane = lanes.users[0]
    for course in lane.courses:
        assert course.ended_at is not None
        index = lane.course_at(course.sent_at, course.ended_at + 1e-9)
        assert index is not None
        found = lane.courses[index]
        assert found.sent_at <= course.ended_at
        assert found.ended_at is not None
        assert found.ended_at >= course.sent_at
    assert lane.course_at(0.0, 50.0) is None
    assert all(course.state in set(RequestState) for course in lane.courses)
