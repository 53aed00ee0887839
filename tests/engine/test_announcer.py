"""Who is told what, and when."""

from __future__ import annotations

import logging

import pytest

from ccchat_tui.engine.announcer import Announcer
from ccchat_tui.engine.events import EngineEvent


def test_each_is_told_of_everything_in_order_also_of_what_it_sets_off() -> None:
    announcer = Announcer()
    told: list[tuple[str, float]] = []

    def first(event: EngineEvent) -> None:
        told.append(("first", event.at))
        if event.at == 1.0:
            announcer.post(EngineEvent(3.0))
            announcer.deliver()

    announcer.subscribe(first)
    announcer.subscribe(lambda event: told.append(("second", event.at)))
    announcer.post(EngineEvent(1.0))
    announcer.post(EngineEvent(2.0))
    assert told == [], "only when the step is over"
    announcer.deliver()
    assert told == [(who, at) for at in (1.0, 2.0, 3.0) for who in ("first", "second")]


def test_a_listener_that_raises_changes_nothing_and_is_told_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    announcer = Announcer()
    told: list[float] = []

    def bad(event: EngineEvent) -> None:
        told.append(-event.at)
        raise ZeroDivisionError("bad")

    announcer.subscribe(bad)
    announcer.subscribe(lambda event: told.append(event.at))
    for at in (1.0, 2.0):
        announcer.post(EngineEvent(at))
    with caplog.at_level(logging.ERROR):
        announcer.deliver()
    assert told == [-1.0, 1.0, -2.0, 2.0]
    assert len(caplog.records) == 1, "its first fault is logged, and not every one"


def test_who_has_left_is_not_told_even_of_what_is_being_told() -> None:
    announcer = Announcer()
    told: list[str] = []
    leave = announcer.subscribe(lambda event: told.append("b"))

    def first(event: EngineEvent) -> None:
        told.append("a")
        unsubscribe_second()

    unsubscribe_first = announcer.subscribe(first)
    unsubscribe_second = announcer.subscribe(lambda event: told.append("c"))
    leave()
    leave()
    announcer.post(EngineEvent(1.0))
    announcer.deliver()
    assert told == ["a"]
    unsubscribe_first()
    assert not announcer.heard


def test_one_who_subscribes_twice_is_told_twice_and_leaves_singly() -> None:
    announcer = Announcer()
    told: list[float] = []

    def listener(event: EngineEvent) -> None:
        told.append(event.at)

    leave = announcer.subscribe(listener)
    announcer.subscribe(listener)
    announcer.post(EngineEvent(1.0))
    announcer.deliver()
    leave()
    announcer.post(EngineEvent(2.0))
    announcer.deliver()
    assert told == [1.0, 1.0, 2.0]
