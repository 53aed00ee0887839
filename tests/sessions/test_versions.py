"""Versions and branches over the real engine: several replies to a question, questions asked
otherwise, replies that are gone on with, and turns that are deleted."""

from __future__ import annotations

import asyncio

import pytest

from ccchat_tui.backends.base import ErrorKind
from ccchat_tui.engine.request import Rejected
from ccchat_tui.sessions.model import Session, Turn, TurnState
from ccchat_tui.sessions.words import CANCELLING
from tests.sessions.talk import Talk, talking


def shown(session: Session) -> list[tuple[str, str]]:
    return [(turn.question, turn.reply) for turn in session.turns]


async def replied(talk: Talk, turn: Turn, call: int, *pieces: str, reason: str = "stop") -> None:
    """Let a turn have its reply by the place of its request, as several ask the same."""
    for piece in pieces:
        await talk.script.emit(call, piece)
    await talk.script.finish(call, reason=reason)
    await talk.until(lambda: not turn.state.alive)


async def context(talk: Talk, call: int) -> list[str]:
    return [message.content for message in (await talk.script.call(call)).prompt.messages]


# Versions ---------------------------------------------------------------------------------


async def test_the_version_that_is_shown_is_the_one_that_later_questions_know() -> None:
    async with talking() as talk:
        versions = talk.manager.versions
        first = talk.send("q1")
        await replied(talk, first, 0, "one")
        talk.session.model = "qwen3:8b"
        again = versions.regenerate(talk.session, first)
        assert (again.versions, again.model) == ((2, 2), "qwen3:8b")
        await replied(talk, again, 1, "two")
        prompts = [(await talk.script.call(number)).prompt for number in (0, 1)]
        assert [prompt.version for prompt in prompts] == [0, 1]
        assert await context(talk, 1) == ["q1"], "it does not know of the version before"
        talk.send("q2")
        assert await context(talk, 2) == ["q1", "two", "q2"]
        assert versions.walk(talk.session, again, -1) is first
        assert versions.walk(talk.session, first, -1) is None
        talk.send("q3")
        assert (await context(talk, 3))[:3] == ["q1", "one", "q3"]
        assert [turn.question for turn in talk.session.turns] == ["q1", "q2", "q3"]


async def test_several_versions_stream_at_once_shown_or_not_and_each_has_its_own_text() -> None:
    async with talking(max_concurrent_per_user=5) as talk:
        turns = [talk.send("q")]
        turns += [talk.manager.versions.regenerate(talk.session, turns[0]) for _ in range(2)]
        await talk.script.arrived(3)
        assert talk.manager.running(talk.session) == turns
        for number in range(3):
            await talk.script.emit(number, f"of {number}")
        assert shown(talk.session) == [("q", "of 2")]
        assert talk.manager.cancel_newest(talk.session) is turns[2], "what is shown goes first"
        await talk.becomes(turns[2], TurnState.CANCELLED)
        await replied(talk, turns[0], 0, "!")
        assert turns[0].reply == "of 0!"
        assert talk.told[-1] == (talk.session, turns[0]), "also told of what is not shown"
        assert talk.manager.cancel_newest(talk.session) is turns[1], "then what is not"


async def test_a_refused_version_or_branch_or_continuation_changes_nothing() -> None:
    async with talking(requests_per_minute=2) as talk:
        versions = talk.manager.versions
        turn = talk.send("q")
        await replied(talk, turn, 0, "cut", reason="length")
        behind = talk.send("q2")
        await replied(talk, behind, 1, "x")
        state, parts, stats = turn.state, turn.parts, turn.stats
        for ask in (
            lambda: versions.regenerate(talk.session, turn),
            lambda: versions.resend(talk.session, turn, "other"),
            lambda: versions.go_on(talk.session, turn),
        ):
            with pytest.raises(Rejected):
                ask()
            assert talk.session.turns == talk.session.every == [turn, behind]
            assert (turn.state, turn.stats, turn.resumed) == (state, stats, None)
            assert turn.parts is parts
            assert turn.versions == (1, 1)


# Branches ---------------------------------------------------------------------------------


async def test_an_edited_question_begins_a_branch_and_each_keeps_what_follows() -> None:
    async with talking() as talk:
        versions = talk.manager.versions
        for number, text in enumerate(("q1", "q2", "q3")):
            await replied(talk, talk.send(text), number, f"r{number + 1}")
        old = talk.session.turns[1]
        branch = versions.resend(talk.session, old, "q2 otherwise")
        assert await context(talk, 3) == ["q1", "r1", "q2 otherwise"]
        await replied(talk, branch, 3, "other")
        talk.send("behind")
        assert await context(talk, 4) == ["q1", "r1", "q2 otherwise", "other", "behind"]
        assert versions.walk(talk.session, branch, -1) is old
        assert [turn.question for turn in talk.session.turns] == ["q1", "q2", "q3"]
        talk.send("q4")
        assert await context(talk, 5) == ["q1", "r1", "q2", "r2", "q3", "r3", "q4"]
        versions.show(talk.session, next(t for t in talk.session.every if t.question == "behind"))
        assert [turn.question for turn in talk.session.turns] == ["q1", "q2 otherwise", "behind"]


async def test_what_waits_in_a_branch_that_is_hidden_meanwhile_has_the_context_of_that() -> None:
    async with talking(max_concurrent=1) as talk:
        first = talk.send("q1")
        waits = talk.send("q2")
        branch = talk.manager.versions.resend(talk.session, first, "other")
        assert talk.session.turns == [branch]
        await replied(talk, first, 0, "r1")
        assert await context(talk, 1) == ["q1", "r1", "q2"]
        await replied(talk, waits, 1, "r2")
        assert await context(talk, 2) == ["other"]


# Going on ---------------------------------------------------------------------------------


async def test_a_reply_that_was_cut_off_is_gone_on_with_in_its_place() -> None:
    async with talking() as talk:
        turn = talk.send("q")
        await replied(talk, turn, 0, "Once ", "upon", reason="length")
        was_cut_off = turn.cut_off
        talk.manager.versions.go_on(talk.session, turn)
        call = await talk.script.call(1)
        assert [(m.role, m.content) for m in call.prompt.messages] == [
            ("user", "q"),
            ("assistant", "Once upon"),
        ]
        assert call.prompt.continues
        assert turn.reply == "Once upon", "what there was stays while more is waited for"
        await talk.script.emit(1, " a time")
        assert turn.reply == "Once upon a time"
        await talk.script.finish(1, tokens=5)
        await talk.becomes(turn, TurnState.COMPLETED)
        assert (was_cut_off, turn.cut_off) == (True, False)
        assert turn.stats is not None
        assert turn.stats.tokens == 12, "seven of the first part, five of the other"
        assert talk.session.every == [turn]
        with pytest.raises(Rejected, match="cut off"):
            talk.manager.versions.go_on(talk.session, turn)


@pytest.mark.parametrize("way", ["cancel", "fail"])
async def test_going_on_in_vain_leaves_the_reply_as_it_was(way: str) -> None:
    async with talking() as talk:
        turn = talk.send("q")
        await replied(talk, turn, 0, "Once", reason="length")
        stats = turn.stats
        talk.manager.versions.go_on(talk.session, turn)
        await talk.script.arrived(2)
        if way == "cancel":
            talk.manager.cancel_turn(turn)
        else:
            await talk.script.fail(1, ErrorKind.BAD_REQUEST, "no such thing")
        await talk.until(lambda: not turn.state.alive)
        assert (turn.state, turn.stats, turn.reply) == (TurnState.COMPLETED, stats, "Once")
        assert turn.cut_off
        assert turn.note.startswith("Not continued. ")
        talk.send("next")
        assert await context(talk, 2) == ["q", "Once", "next"]


async def test_going_on_that_breaks_off_keeps_both_parts_and_can_be_gone_on_with_again() -> None:
    async with talking() as talk:
        turn = talk.send("q")
        await talk.script.emit(0, "Once ", thinking="hm")
        talk.manager.cancel_turn(turn)
        await talk.becomes(turn, TurnState.CANCELLED)
        talk.manager.versions.go_on(talk.session, turn)
        await talk.script.emit(1, "upon ")
        await talk.script.fail(1, ErrorKind.DISCONNECTED, "gone")
        await talk.until(lambda: not turn.state.alive)
        assert (turn.state, turn.reply, turn.thinking) == (TurnState.FAILED, "Once upon ", ["hm"])
        talk.manager.versions.go_on(talk.session, turn)
        assert await context(talk, 2) == ["q", "Once upon "]
        await replied(talk, turn, 2, "a time")
        assert (turn.state, turn.reply) == (TurnState.COMPLETED, "Once upon a time")


# Deleting ---------------------------------------------------------------------------------


async def test_a_deleted_turn_is_gone_from_the_context_and_comes_back_where_it_was() -> None:
    async with talking() as talk:
        versions = talk.manager.versions
        for number, text in enumerate(("q1", "q2", "q3")):
            await replied(talk, talk.send(text), number, f"r{number + 1}")
        before = shown(talk.session)
        second = talk.session.turns[1]
        versions.delete(talk.session, second)
        talk.send("q4")
        assert await context(talk, 3) == ["q1", "r1", "q3", "r3", "q4"]
        assert versions.undelete(talk.session) is second
        assert shown(talk.session)[:3] == before
        assert versions.undelete(talk.session) is None


async def test_of_several_versions_the_deleted_one_makes_way_for_another() -> None:
    async with talking() as talk:
        versions = talk.manager.versions
        first = talk.send("q")
        await replied(talk, first, 0, "one")
        again = versions.regenerate(talk.session, first)
        await replied(talk, again, 1, "two")
        await replied(talk, talk.send("behind"), 2, "x")
        versions.delete(talk.session, again)
        assert shown(talk.session) == [("q", "one"), ("behind", "x")]
        assert first.versions == (1, 1)
        versions.undelete(talk.session)
        assert shown(talk.session) == [("q", "two"), ("behind", "x")]
        assert again.versions == (2, 2)


async def test_a_running_turn_is_cancelled_first_and_comes_back_with_what_had_come() -> None:
    async with talking() as talk:
        talk.script.hold_cancel = asyncio.Event()
        turn = talk.send("q")
        await talk.script.emit(0, "half")
        talk.manager.versions.delete(talk.session, turn)
        assert talk.session.every == []
        assert turn.note == CANCELLING
        told = len(talk.told)
        talk.script.hold_cancel.set()
        await talk.becomes(turn, TurnState.CANCELLED)
        assert len(talk.told) == told, "nobody is told of what is not there"
        assert talk.manager.versions.undelete(talk.session) is turn
        assert shown(talk.session) == [("q", "half")]
