"""What a model is told along with a question: the context of a request."""

from __future__ import annotations

from ccchat_tui.backends.base import ErrorKind
from ccchat_tui.sessions.model import TurnState
from tests.sessions.talk import MODEL, talking


async def test_the_context_is_the_system_prompt_what_has_completed_and_the_question() -> None:
    async with talking() as talk:
        talk.session.system = "Be brief."
        talk.session.options = {"temperature": 0.5}
        await talk.answer(talk.send("one"), "first ", "reply")
        await talk.answer(talk.send("two"), "second")
        talk.send("three")
        assert await talk.asked("three") == [
            ("system", "Be brief."),
            ("user", "one"),
            ("assistant", "first reply"),
            ("user", "two"),
            ("assistant", "second"),
            ("user", "three"),
        ]
        prompt = (await talk.script.call("three")).prompt
        assert (prompt.model, prompt.options, prompt.user) == (MODEL, {"temperature": 0.5}, "Ada")


async def test_replies_that_are_not_whole_are_left_out_and_those_that_run_counted() -> None:
    async with talking() as talk:
        await talk.answer(talk.send("done"), "yes")
        await talk.fail(talk.send("bad"), ErrorKind.BAD_REQUEST)
        stopped = talk.send("stopped")
        await talk.script.emit("stopped", "par")
        talk.manager.cancel_turn(stopped)
        await talk.becomes(stopped, TurnState.CANCELLED)
        runs = talk.send("runs")
        await talk.script.emit("runs", "so far")
        last = talk.send("last")
        assert await talk.asked("last") == [
            ("user", "done"),
            ("assistant", "yes"),
            ("user", "last"),
        ]
        assert (runs.left_out, last.left_out) == (0, 1)


async def test_the_context_is_fixed_when_the_request_starts_not_when_it_is_sent() -> None:
    async with talking(max_concurrent=1) as talk:
        first, second = talk.send("first"), talk.send("second")
        talk.session.system = "Set while it waited."
        await talk.answer(first, "reply")
        assert await talk.asked("second") == [
            ("system", "Set while it waited."),
            ("user", "first"),
            ("assistant", "reply"),
            ("user", "second"),
        ]
        assert second.left_out == 0


async def test_how_many_were_left_out_is_known_when_the_listeners_hear_of_the_start() -> None:
    async with talking() as talk:
        heard: list[int] = []
        talk.send("first")
        talk.manager.subscribe(
            lambda _session, turn: (
                heard.append(turn.left_out)
                if turn is not None
                and turn.question == "second"
                and turn.state is TurnState.CONNECTING
                else None
            )
        )
        talk.send("second")
        await talk.asked("second")
        assert heard
        assert heard[-1] == 1


async def test_chats_know_nothing_of_each_other() -> None:
    async with talking() as talk:
        await talk.answer(talk.send("mine"), "reply")
        other = talk.manager.create("Bob")
        talk.manager.send(other, "his")
        assert await talk.asked("his") == [("user", "his")]
        assert (await talk.script.call("his")).prompt.user == "Bob"
