"""Signals that ask for an end, and how long is waited then."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Iterator
from types import FrameType

import pytest

from ccchat_tui.backends.base import ChatMessage, Prompt
from ccchat_tui.ending import Ending, drain_within
from ccchat_tui.engine.handle import RequestHandle
from ccchat_tui.engine.service import ConcurrentChatService
from ccchat_tui.testing.app import until
from ccchat_tui.testing.scripted import ScriptedBackend

HUP = getattr(signal, "SIGHUP", signal.SIGTERM)


class Heard(list[str]):
    """What was heard, and in which way."""

    def usual(self, number: int, _frame: FrameType | None) -> None:
        self.append(f"usual {signal.Signals(number).name}")

    def ending(self) -> Ending:
        return Ending(lambda: self.append("drain"), lambda: self.append("stop"))


@pytest.fixture
def heard() -> Iterator[Heard]:
    """The test's own handlers are what there was before."""
    said = Heard()
    before = {n: signal.signal(n, said.usual) for n in {signal.SIGTERM, signal.SIGINT, HUP}}
    yield said
    for number, handler in before.items():
        signal.signal(number, handler)


def ask(service: ConcurrentChatService, text: str) -> RequestHandle:
    prompt = Prompt("llama3.2:3b", (ChatMessage("user", text),))
    return service.submit(
        user="ada",
        session_id="1",
        model="llama3.2:3b",
        prompt=lambda: prompt,
        preview=text,
        id=text,
    )


async def send(*numbers: signal.Signals) -> None:
    for number in numbers:
        signal.raise_signal(number)
        await asyncio.sleep(0)


async def test_a_first_one_drains_a_second_stops_a_third_goes_its_usual_way(heard: Heard) -> None:
    ending = heard.ending()
    with ending.listening():
        await send(signal.SIGTERM, signal.SIGTERM, signal.SIGTERM)
    assert heard == ["drain", "stop", "usual SIGTERM"]
    assert ending.came == signal.SIGTERM


async def test_ctrl_c_does_not_wait(heard: Heard) -> None:
    ending = heard.ending()
    with ending.listening():
        await send(signal.SIGINT, signal.SIGINT)
    assert heard == ["stop", "usual SIGINT"]
    assert ending.came == signal.SIGINT


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGHUP")
async def test_that_the_terminal_is_gone_may_be_told_twice(heard: Heard) -> None:
    """The system tells it, and the shell once more; everything is to be saved all the same."""
    with heard.ending().listening():
        await send(HUP, HUP, signal.SIGTERM)
    assert heard == ["stop", "stop", "stop"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGHUP")
async def test_a_terminal_that_goes_after_ctrl_c_cuts_nothing_short(heard: Heard) -> None:
    with heard.ending().listening():
        await send(signal.SIGINT, HUP)
    assert heard == ["stop", "stop"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGHUP")
async def test_nohup_stays_nohup(heard: Heard) -> None:
    signal.signal(HUP, signal.SIG_IGN)
    with heard.ending().listening():
        await send(HUP)
    assert heard == []


async def test_afterwards_signals_are_as_before(heard: Heard) -> None:
    with heard.ending().listening():
        pass
    await send(signal.SIGTERM)
    assert heard == ["usual SIGTERM"]


async def test_it_waits_for_what_was_taken_and_for_nothing_else() -> None:
    backend = ScriptedBackend()
    service = ConcurrentChatService(backend)
    ask(service, "one")
    waiting = asyncio.create_task(drain_within(service, 60, asyncio.Event()))
    await until(lambda: service.draining)
    await backend.finish("one")
    async with asyncio.timeout(20):
        assert await waiting
    await service.aclose()


@pytest.mark.parametrize("hurry", [False, True])
async def test_it_waits_no_longer_than_it_may(hurry: bool) -> None:
    service = ConcurrentChatService(ScriptedBackend())
    handle = ask(service, "one")
    now = asyncio.Event()
    if hurry:
        now.set()
    async with asyncio.timeout(20):
        assert not await drain_within(service, 3600 if hurry else 0, now)
    assert not handle.ended
    await service.aclose()
