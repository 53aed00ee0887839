"""Conversations over the real engine, with a backend whose every piece the test releases."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ccchat_tui.backends.base import ErrorKind
from ccchat_tui.clock import ManualClock
from ccchat_tui.engine.request import Rejected
from ccchat_tui.sessions.ids import counted_ids
from ccchat_tui.sessions.manager import SessionManager
from ccchat_tui.sessions.model import Session, SessionStatus, TurnState
from ccchat_tui.sessions.titles import UNTITLED
from tests.sessions.talk import MODEL, talking


async def test_a_turn_goes_through_its_states_and_every_change_is_told() -> None:
    async with talking() as talk:
        seen: list[TurnState] = []
        talk.manager.subscribe(
            lambda _session, turn: seen.append(turn.state) if turn is not None else None
        )
        turn = talk.send("why?")
        assert talk.session.turns == [turn]
        await talk.script.emit("why?", "be")
        assert turn.parts == ["be"]
        assert turn.state is TurnState.STREAMING
        await talk.script.emit("why?", "cause", thinking="hm")
        await talk.script.finish("why?", tokens=42)
        await talk.becomes(turn, TurnState.COMPLETED)
        assert (turn.reply, turn.thinking) == ("because", ["hm"])
        assert turn.stats is not None
        assert turn.stats.tokens == 42
        assert turn.duration is not None
        assert (turn.note, turn.hints) == ("", ())
        assert list(dict.fromkeys(seen)) == [
            TurnState.QUEUED,
            TurnState.CONNECTING,
            TurnState.STREAMING,
            TurnState.COMPLETED,
        ]


async def test_five_messages_in_one_chat_are_five_requests() -> None:
    async with talking(max_concurrent_per_user=5) as talk:
        turns = [talk.send(f"q{number}") for number in range(5)]
        await talk.script.arrived(5)
        for turn in reversed(turns):
            await talk.answer(turn, f"reply to {turn.question}")
        assert [turn.reply for turn in turns] == [f"reply to q{number}" for number in range(5)]


async def test_a_failure_keeps_what_came_and_says_why() -> None:
    async with talking() as talk:
        turn = talk.send("why?")
        await talk.script.emit("why?", "be")
        await talk.fail(turn, ErrorKind.DISCONNECTED, "the server closed the connection")
        assert turn.state is TurnState.FAILED
        assert turn.reply == "be"
        assert turn.note == ("Broken off: the server closed the connection. What had come is kept.")


async def test_a_wrong_model_offers_those_there_are() -> None:
    async with talking() as talk:
        talk.session.model = "nope"
        turn = talk.send("why?")
        await talk.becomes(turn, TurnState.FAILED)
        assert turn.note.startswith("No such model: model 'nope' not found.")
        assert turn.hints == (f"There are: {MODEL}, qwen3:8b",)


async def test_another_attempt_is_told_of_with_the_reason_and_the_time() -> None:
    async with talking(retry_attempts=1, retry_base=0.001) as talk:
        notes: list[str] = []
        talk.manager.subscribe(
            lambda _session, turn: (
                notes.append(turn.note)
                if turn is not None and turn.state is TurnState.WAITING_TO_RETRY
                else None
            )
        )
        turn = talk.send("why?")
        await talk.script.fail("why?", ErrorKind.GATEWAY, "502 from the proxy")
        await talk.script.arrived(2)
        assert notes == ["No way through the proxy: 502 from the proxy. Trying again in 1 s."]
        assert turn.state is TurnState.CONNECTING
        assert turn.note == ""
        await talk.answer(turn, "at last")
        assert turn.reply == "at last"


async def test_events_of_requests_that_are_not_its_own_are_ignored() -> None:
    async with talking() as talk:
        before = len(talk.told)
        handle = talk.service.submit(
            user="Eve",
            session_id="elsewhere",
            model=MODEL,
            prompt=lambda: (_ for _ in ()).throw(RuntimeError("no prompt")),
            preview="x",
            id="foreign",
        )
        await handle
        assert len(talk.told) == before
        assert talk.manager.running(talk.session) == []


async def test_after_stop_and_unsubscribe_nothing_is_heard() -> None:
    async with talking() as talk:
        heard: list[Session] = []
        end = talk.manager.subscribe(lambda session, _turn: heard.append(session))
        end()
        end()
        turn = talk.send("why?")
        assert heard == []
        talk.manager.stop()
        talk.manager.stop()
        state = turn.state
        await talk.script.emit("why?", "x")
        assert turn.state is state
        assert turn.parts == ["x"], "the text still arrives: it is the engine's own list"


# Refused ----------------------------------------------------------------------------------


def picture(session: Session) -> list[Any]:
    return [
        (session.title, session.model, session.options),
        *(
            (turn.id, turn.state, turn.model, turn.reply, turn.revision, turn.note, turn.request_id)
            for turn in session.turns
        ),
    ]


async def test_a_refused_message_changes_nothing() -> None:
    async with talking(requests_per_minute=1) as talk:
        other = talk.manager.create("Ada")
        other.model = ""
        await talk.answer(talk.send("one"), "reply")
        for session in (talk.session, other):
            before = picture(session)
            with pytest.raises(Rejected) as caught:
                talk.manager.send(session, "two")
            assert caught.value.reason == "rate_limited"
            assert picture(session) == before
        assert other.title == UNTITLED
        assert talk.manager.running(talk.session) == []


async def test_a_refused_retry_changes_nothing_and_the_old_reply_stays() -> None:
    async with talking(requests_per_minute=1) as talk:
        turn = talk.send("one")
        await talk.script.emit("one", "half a reply")
        await talk.fail(turn, ErrorKind.DISCONNECTED)
        before, parts = picture(talk.session), turn.parts
        talk.session.model = "qwen3:8b"
        with pytest.raises(Rejected):
            talk.manager.retry(talk.session, turn)
        talk.session.model = MODEL
        assert picture(talk.session) == before
        assert turn.parts is parts


@pytest.mark.parametrize("text", ["", "  ", "\n\t"])
async def test_nothing_is_not_sent(text: str) -> None:
    async with talking() as talk:
        with pytest.raises(Rejected, match="nothing to send"):
            talk.send(text)
        assert talk.session.turns == []


async def test_without_any_model_a_message_is_refused_with_a_way_out() -> None:
    async with talking() as talk:
        talk.manager.set_models([], "")
        assert talk.session.model == ""
        with pytest.raises(Rejected, match="choose a model"):
            talk.send("why?")
        assert talk.session.turns == []
        talk.manager.set_models([MODEL], MODEL)
        assert talk.send("why?").model == MODEL


async def test_while_it_connects_a_message_needs_no_model_yet() -> None:
    async with talking() as talk:
        talk.manager.set_models([], "")
        talk.manager.connecting = True
        talk.service.pause()
        turn = talk.send("early")
        talk.manager.set_models(["qwen3:8b"], "qwen3:8b")
        talk.service.resume()
        assert (await talk.script.call("early")).prompt.model == "qwen3:8b"
        assert turn.model == talk.session.model == "qwen3:8b"


async def test_a_model_that_is_gone_makes_way_for_the_default_and_one_that_is_there_stays() -> None:
    async with talking() as talk:
        other = talk.manager.create("Bob", model="qwen3:8b")
        talk.manager.set_models(["qwen3:8b", "gemma3:4b"], "gemma3:4b")
        assert (talk.session.model, other.model) == ("gemma3:4b", "qwen3:8b")


# Asking again -----------------------------------------------------------------------------


async def test_a_retry_is_the_same_turn_one_revision_on_with_the_present_model() -> None:
    async with talking() as talk:
        turn = talk.send("why?")
        await talk.fail(turn, ErrorKind.DISCONNECTED)
        talk.session.model = "qwen3:8b"
        assert talk.manager.retry(talk.session, turn) is turn
        assert (turn.revision, turn.model, turn.reply, turn.note) == (1, "qwen3:8b", "", "")
        assert turn.state.alive
        await talk.script.arrived(2)
        assert talk.manager.retry(talk.session, turn).revision == 1, "left alone while it runs"
        await talk.answer(turn, "whole")
        assert turn.reply == "whole"
        assert talk.session.turns == talk.session.every == [turn]
        assert len(talk.script.calls) == 2


async def test_a_retry_of_what_had_come_in_part_keeps_that_as_another_version() -> None:
    async with talking() as talk:
        turn = talk.send("why?")
        await talk.script.emit("why?", "half")
        await talk.fail(turn, ErrorKind.DISCONNECTED)
        behind = talk.send("and?")
        await talk.answer(behind, "so")
        again = talk.manager.retry(talk.session, turn)
        assert again is not turn
        assert talk.session.turns == [again, behind]
        await talk.script.arrived(3)
        await talk.answer(again, "whole")
        assert (turn.reply, turn.state, again.reply) == ("half", TurnState.FAILED, "whole")


async def test_a_retry_looks_at_what_it_asks() -> None:
    async with talking() as talk:
        turn = talk.send("why?")
        await talk.fail(turn, ErrorKind.DISCONNECTED)
        talk.session.system = 3  # type: ignore[assignment]
        with pytest.raises(Rejected, match="system is 3; give a text"):
            talk.manager.retry(talk.session, turn)
        assert (turn.state, turn.revision) == (TurnState.FAILED, 0)


# What tabs say ----------------------------------------------------------------------------


async def test_the_status_of_a_chat_from_its_first_message_to_its_being_read() -> None:
    async with talking() as talk:

        def status() -> SessionStatus:
            return talk.manager.status(talk.session)

        assert status() is SessionStatus.IDLE
        turn = talk.send("one")
        assert status() is SessionStatus.WAITING
        await talk.script.emit("one", "x")
        assert status() is SessionStatus.STREAMING
        await talk.answer(turn)
        assert status() is SessionStatus.UNREAD
        before = len(talk.told)
        talk.manager.mark_read(talk.session)
        assert status() is SessionStatus.IDLE
        assert talk.told[before:] == [(talk.session, None)]
        talk.manager.mark_read(talk.session)
        assert len(talk.told) == before + 1, "nothing changed, nothing is told"


async def test_a_failure_is_told_until_something_better_comes() -> None:
    async with talking() as talk:
        await talk.fail(talk.send("one"), ErrorKind.BAD_REQUEST)
        talk.manager.mark_read(talk.session)
        assert talk.manager.status(talk.session) is SessionStatus.FAILED
        second = talk.send("two")
        assert talk.manager.status(talk.session) is SessionStatus.WAITING
        await talk.answer(second, "fine")
        assert talk.manager.status(talk.session) is SessionStatus.UNREAD


async def test_what_the_person_cancelled_is_not_unread() -> None:
    async with talking() as talk:
        turn = talk.send("one")
        await talk.script.emit("one", "x")
        talk.manager.cancel_turn(turn)
        await talk.becomes(turn, TurnState.CANCELLED)
        assert talk.manager.status(talk.session) is SessionStatus.IDLE


# Titles, opening and closing --------------------------------------------------------------


async def test_a_chat_is_called_by_its_first_words_until_it_is_given_a_name() -> None:
    async with talking() as talk:
        assert talk.session.title == UNTITLED
        talk.send("What is a monad, please?")
        assert talk.session.title == "What is a monad, please?"
        talk.send("And a functor?")
        assert talk.session.title == "What is a monad, please?"
        talk.manager.rename(talk.session, "  Monads ")
        talk.send("More")
        assert talk.session.title == "Monads"
        talk.manager.rename(talk.session, " ")
        assert talk.session.title == "What is a monad, please?"
        talk.send("Yet more")
        assert talk.session.title == "What is a monad, please?"


async def test_a_name_taken_away_before_anything_was_said_comes_from_the_first_words() -> None:
    async with talking() as talk:
        named = talk.manager.create("Ada", title=" Named ")
        assert named.title == "Named"
        talk.manager.send(named, "Hello")
        assert named.title == "Named"
        talk.manager.rename(talk.session, "x")
        talk.manager.rename(talk.session, "")
        assert talk.session.title == UNTITLED
        talk.send("Hello there")
        assert talk.session.title == "Hello there"


async def test_new_chats_get_the_settings_of_the_program_each_its_own_copy() -> None:
    async with talking() as talk:
        manager = SessionManager(
            talk.service,
            clock=ManualClock(),
            new_id=counted_ids("m-"),
            system="Be kind.",
            options={"temperature": 1},
        )
        one, two = manager.create("Ada"), manager.create("Bob")
        one.options["temperature"] = 2
        assert (two.system, two.options) == ("Be kind.", {"temperature": 1})
        assert manager.find(two.id) is two
        assert manager.find("none") is None
        manager.stop()


async def test_closing_cancels_what_runs_and_is_heard_of_no_more() -> None:
    async with talking() as talk:
        talk.script.hold_cancel = asyncio.Event()
        turn = talk.send("runs")
        await talk.script.emit("runs", "x")
        other = talk.manager.create("Bob")
        undisturbed = talk.manager.send(other, "other")
        await talk.script.arrived(2)
        talk.manager.close(talk.session)
        assert talk.manager.sessions == [other]
        assert talk.told[-1] == (talk.session, None)
        before = len(talk.told)
        talk.script.hold_cancel.set()
        await talk.becomes(turn, TurnState.CANCELLED)
        talk.manager.close(talk.session)
        assert len(talk.told) == before, "closed twice, and its end told to nobody"
        await talk.answer(undisturbed, "y")
        assert talk.manager._requests.idle
