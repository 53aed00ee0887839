"""Limits as a person sets them, through the settings, the service and the words of a refusal."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ccchat_tui.config import load_settings
from ccchat_tui.engine.events import RequestStarted
from ccchat_tui.engine.request import Rejected, RequestState
from ccchat_tui.engine.service import ConcurrentChatService
from tests.engine.desk import ServiceDesk
from tests.engine.planned import Plan
from tests.support.pools import virtual


def desk_with(**env: str) -> ServiceDesk:
    """A service built from these variables of the environment."""
    engine = load_settings({}, {"REQUESTS_PER_MINUTE": "0", **env}, None).settings.engine()
    desk = ServiceDesk(**{name: getattr(engine, name) for name in engine.__dataclass_fields__})
    assert isinstance(desk.service, ConcurrentChatService)
    return desk


@virtual
async def test_a_user_of_weight_two_gets_twice_the_turns_under_load() -> None:
    desk = desk_with(
        CCCHAT_USER_WEIGHTS="ada=2", MAX_CONCURRENT_CHATS="3", MAX_CONCURRENT_PER_USER="3"
    )
    for _ in range(60):
        for user in ("bob", "ada", "cyd"):
            desk.ask(user=user)
    await asyncio.sleep(6)
    started: list[Any] = desk.told(RequestStarted)
    assert 40 < len(started) < 120, "all three have requests waiting still"
    turns = {user: sum(event.user == user for event in started) for user in ("ada", "bob", "cyd")}
    assert turns["ada"] == pytest.approx(2 * turns["bob"], abs=3)
    assert turns["cyd"] == pytest.approx(turns["bob"], abs=2)
    desk.service.cancel_all()
    await desk.service.aclose()


@virtual
async def test_who_waits_too_long_in_the_queue_is_told_so() -> None:
    desk = desk_with(CCCHAT_QUEUE_TIMEOUT="2.5", MAX_CONCURRENT_CHATS="1")
    runs, waits = desk.ask(Plan(first=9.0)), desk.ask()
    await asyncio.sleep(2.4)
    assert not waits.ended
    assert await waits is RequestState.TIMED_OUT
    assert asyncio.get_running_loop().time() == pytest.approx(2.5)
    assert waits.failure is not None
    assert waits.failure.kind == "queue_deadline"
    assert waits.failure.message == "It waited 2.5 s and its turn did not come"
    assert desk.server.asked == ["r1"], "it never reached the server"
    assert await runs is RequestState.COMPLETED, "which has its slot, and all its time"


@virtual
async def test_by_default_nobody_waits_too_long() -> None:
    desk = desk_with(MAX_CONCURRENT_CHATS="1", CHAT_TIMEOUT="86400000")
    desk.ask(Plan(first=50_000.0))
    waits = desk.ask()
    await asyncio.sleep(49_000)
    assert waits.state is RequestState.QUEUED
    desk.service.cancel_all()
    await desk.service.aclose()


@virtual
async def test_a_full_queue_says_how_many_wait_and_what_to_do() -> None:
    desk = desk_with(CCCHAT_MAX_QUEUE="3", MAX_CONCURRENT_CHATS="1")
    handles = [desk.ask() for _ in range(4)]
    with pytest.raises(Rejected) as refusal:
        desk.ask()
    assert refusal.value.reason == "queue_full"
    assert refusal.value.message == (
        "3 requests are waiting, and no more are taken; wait until some have ended, or cancel some"
    )
    assert handles[-1].cancel()
    handles.append(desk.ask())
    assert {await handle for handle in handles} == {RequestState.COMPLETED, RequestState.CANCELLED}
