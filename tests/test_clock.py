"""Clocks: the machine's own, and the one that stands still."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from ccchat_tui.clock import ManualClock, SystemClock


def test_the_system_clock_never_goes_back_and_knows_its_zone() -> None:
    clock = SystemClock()
    moments = [clock.monotonic() for _ in range(100)]
    assert moments == sorted(moments)
    assert clock.now().utcoffset() == timedelta(0)


async def test_the_system_clock_is_the_event_loops_own() -> None:
    clock = SystemClock()
    before, loop, after = (
        clock.monotonic(),
        asyncio.get_running_loop().time(),
        clock.monotonic(),
    )
    assert before <= loop <= after


def test_a_manual_clock_moves_only_when_told() -> None:
    moment = datetime(2030, 5, 6, tzinfo=UTC)
    clock = ManualClock(start=10.0, moment=moment)
    assert (clock.monotonic(), clock.now()) == (10.0, moment)
    clock.advance(1.5)
    clock.advance(0)
    assert clock.monotonic() == 11.5
    assert clock.now() == moment + timedelta(seconds=1.5)
    assert ManualClock().now().tzinfo is UTC


def test_a_manual_clock_is_never_set_back() -> None:
    clock = ManualClock()
    with pytest.raises(ValueError, match=r"-1 s; give 0 or more"):
        clock.advance(-1)
    assert clock.monotonic() == 0
