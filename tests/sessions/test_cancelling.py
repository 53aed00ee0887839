"""Turns that are cancelled: held, queued and running ones."""

from __future__ import annotations

import asyncio

import pytest

from ccchat_tui.sessions.model import TurnState
from ccchat_tui.sessions.words import CANCELLING, WAITS_FOR_EARLIER
from tests.sessions.talk import talking


async def test_cancelling_what_is_held_or_queued_never_reaches_the_backend() -> None:
    async with talking(max_concurrent=1) as talk:
        other = talk.manager.create("Bob")
        runs = talk.send("runs")
        queued = talk.manager.send(other, "queued")
        other.ordered = True
        held = talk.manager.send(other, "held")
        assert held.note == WAITS_FOR_EARLIER
        assert talk.manager.cancel_turn(held)
        assert talk.manager.cancel_turn(queued)
        for turn in (held, queued):
            assert turn.state is TurnState.CANCELLED
            assert turn.note == "Cancelled before anything came."
            assert not talk.manager.cancel_turn(turn)
        await talk.answer(runs, "reply")
        assert [call.question for call in talk.script.calls] == ["runs"]


async def test_a_running_reply_says_that_it_is_being_cancelled_and_keeps_what_came() -> None:
    async with talking() as talk:
        talk.script.hold_cancel = asyncio.Event()
        turn = talk.send("why?")
        await talk.script.emit("why?", "be")
        assert talk.manager.cancel_turn(turn)
        assert (turn.state, turn.note) == (TurnState.STREAMING, CANCELLING)
        assert not talk.manager.cancel_turn(turn), "twice is harmless"
        talk.script.hold_cancel.set()
        await talk.becomes(turn, TurnState.CANCELLED)
        assert (turn.reply, turn.note) == ("be", "Cancelled: What had come is kept.")


async def test_esc_cancels_the_newest_then_the_one_before() -> None:
    async with talking() as talk:
        talk.script.hold_cancel = asyncio.Event()
        first, second = talk.send("one"), talk.send("two")
        await talk.script.arrived(2)
        assert talk.manager.cancel_newest(talk.session) is second
        assert talk.manager.cancel_newest(talk.session) is first
        assert talk.manager.cancel_newest(talk.session) is None
        talk.script.hold_cancel.set()
        await talk.becomes(first, TurnState.CANCELLED)
        await talk.becomes(second, TurnState.CANCELLED)


@pytest.mark.parametrize("way", ["all", "user", "close"])
async def test_cancelling_everything_starts_nothing_that_was_held(way: str) -> None:
    async with talking(max_concurrent=1) as talk:
        other = talk.manager.create("Bob")
        blocker = talk.manager.send(other, "blocker")
        talk.session.ordered = True
        turns = [talk.send(text) for text in ("queued", "held", "held too")]
        await talk.script.arrived(1)
        if way == "all":
            assert talk.manager.cancel_all() == 4
        elif way == "user":
            assert talk.manager.cancel_user("Ada") == 3
        else:
            talk.manager.close(talk.session)
        assert {turn.state for turn in turns} == {TurnState.CANCELLED}
        if way != "all":
            await talk.answer(blocker, "undisturbed")
        await talk.until(lambda: not blocker.state.alive)
        assert talk.service.snapshot().totals.submitted == 2, "the held ones were never submitted"
        assert [call.question for call in talk.script.calls] == ["blocker"]


async def test_a_request_is_cancelled_by_its_id_whosever_it_is() -> None:
    async with talking() as talk:
        turn = talk.send("why?")
        await talk.script.arrived(1)
        assert turn.request_id is not None
        assert talk.manager.cancel_request(turn.request_id)
        assert turn.note == CANCELLING
        assert not talk.manager.cancel_request("unknown")
        await talk.becomes(turn, TurnState.CANCELLED)
