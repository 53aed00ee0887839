"""What is known of each user from the events alone."""

from __future__ import annotations

from ccchat_tui.engine.events import RequestEnded, RequestRetrying, RequestStarted
from ccchat_tui.engine.request import Failure, RequestState
from ccchat_tui.scenarios.watch import UserWatch


def started(number: int, at: float) -> RequestStarted:
    return RequestStarted(at, f"r{number}", "Ada", "s", 1, 0.0)


def ended(number: int, at: float) -> RequestEnded:
    return RequestEnded(at, f"r{number}", "Ada", "s", RequestState.COMPLETED, None, None, 1, 1.0)


def test_a_peak_stays_when_less_is_in_flight() -> None:
    watch = UserWatch(["Ada", "Bob"])
    for event in (started(1, 1), started(2, 2), ended(1, 3), ended(2, 4), started(3, 5)):
        watch(event)
    assert watch.times()["Ada"].peak == 2
    assert watch.times()["Ada"].wall == 4
    assert (watch.times()["Bob"].peak, watch.times()["Bob"].wall) == (0, 0)


def test_who_waits_to_retry_is_not_in_flight() -> None:
    watch = UserWatch()
    busy = Failure("busy", "full", True)
    for event in (
        started(1, 1),
        RequestRetrying(2, "r1", "Ada", "s", busy, 0.5, 1),
        started(2, 2),
        ended(2, 3),
    ):
        watch(event)
    assert watch.times()["Ada"].peak == 1
