"""Chats that ask one question after the other."""

from __future__ import annotations

from ccchat_tui.backends.base import ErrorKind
from ccchat_tui.sessions.model import SessionStatus, TurnState
from ccchat_tui.sessions.words import WAITS_FOR_EARLIER
from tests.sessions.talk import MODEL, talking


async def test_an_ordered_chat_asks_one_question_after_the_other() -> None:
    async with talking() as talk:
        talk.session.ordered = True
        first, second, third = (talk.send(text) for text in ("one", "two", "three"))
        await talk.script.arrived(1)
        assert (second.note, third.note) == (WAITS_FOR_EARLIER, WAITS_FOR_EARLIER)
        assert second.state is third.state is TurnState.QUEUED
        await talk.answer(first, "1")
        assert await talk.asked("two") == [("user", "one"), ("assistant", "1"), ("user", "two")]
        assert second.note == ""
        await talk.fail(second, ErrorKind.BAD_REQUEST)
        assert await talk.asked("three") == [("user", "one"), ("assistant", "1"), ("user", "three")]
        await talk.answer(third, "3")
        assert len(talk.script.calls) == 3
        assert [turn.left_out for turn in (first, second, third)] == [0, 0, 0]


async def test_a_held_question_is_asked_with_the_model_it_was_sent_with() -> None:
    async with talking() as talk:
        talk.session.ordered = True
        first, second = talk.send("one"), talk.send("two")
        talk.session.model = "qwen3:8b"
        await talk.answer(first, "1")
        assert (await talk.script.call("two")).prompt.model == second.model == MODEL
        views = talk.service.snapshot().requests
        assert [view.model for view in views] == [MODEL]


async def test_cancelling_the_one_that_runs_lets_the_next_one_go() -> None:
    async with talking() as talk:
        talk.session.ordered = True
        first, second = talk.send("one"), talk.send("two")
        await talk.script.arrived(1)
        assert talk.manager.cancel_turn(first)
        await talk.answer(second, "2")
        assert first.state is TurnState.CANCELLED


async def test_a_held_question_that_is_refused_when_its_turn_comes_says_so_and_can_be_retried() -> (
    None
):
    async with talking(requests_per_minute=1) as talk:
        talk.session.ordered = True
        first, second, third = talk.send("one"), talk.send("two"), talk.send("three")
        await talk.answer(first, "1")
        assert second.state is third.state is TurnState.FAILED
        assert second.note.startswith("Not taken: ")
        assert talk.manager.running(talk.session) == []
        assert talk.manager.status(talk.session) is SessionStatus.FAILED


async def test_a_retry_in_an_ordered_chat_waits_as_well() -> None:
    async with talking() as talk:
        talk.session.ordered = True
        first = talk.send("one")
        await talk.fail(first, ErrorKind.BAD_REQUEST)
        second = talk.send("two")
        talk.manager.retry(talk.session, first)
        assert first.note == WAITS_FOR_EARLIER
        assert (first.request_id, first.stats, first.duration) == (None, None, None)
        await talk.answer(second, "2")
        await talk.script.arrived(3)
        await talk.answer(first, "1")
        assert await talk.asked("one") == [("user", "one")], "it stands before the other"
