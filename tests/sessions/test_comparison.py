"""The same to several: which models are meant, who has got a question, and what it is called."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from ccchat_tui.clock import ManualClock
from ccchat_tui.engine.limits import EngineSettings
from ccchat_tui.engine.service import ConcurrentChatService
from ccchat_tui.sessions.comparison import (
    MOST_MODELS,
    Comparison,
    ModelsError,
    begun,
    read_models,
)
from ccchat_tui.sessions.ids import counted_ids
from ccchat_tui.sessions.keeper import Keeper
from ccchat_tui.sessions.manager import SessionManager
from ccchat_tui.sessions.model import Session, Turn
from ccchat_tui.sessions.titles import UNTITLED
from ccchat_tui.sessions.together import send_to, when_all_kept
from ccchat_tui.testing.scripted import ScriptedBackend

KNOWN = ["llama3.2:3b", "llama3.1:8b", "qwen3:8b", "mistral:latest", "a--b:1b"]
MANY = [f"m{number}:1b" for number in range(20)]


class TestReading:
    """`modelA modelB -- question`."""

    @pytest.mark.parametrize(
        ("typed", "models", "question"),
        [
            ("llama3.2:3b qwen3:8b", ["llama3.2:3b", "qwen3:8b"], ""),
            ("llama3.2 qwen", ["llama3.2:3b", "qwen3:8b"], ""),
            ("mistral QWEN3", ["mistral:latest", "qwen3:8b"], ""),
            ("qwen3 mistral --", ["qwen3:8b", "mistral:latest"], ""),
            ("qwen3 mistral -- Why?  So  what?", ["qwen3:8b", "mistral:latest"], "Why?  So  what?"),
            ("qwen3\n mistral --\na\n\n b -- c ", ["qwen3:8b", "mistral:latest"], "a\n\n b -- c"),
            ("a--b qwen3 -- x", ["a--b:1b", "qwen3:8b"], "x"),
            ("qwen3 qwen3", ["qwen3:8b", "qwen3:8b"], ""),
        ],
    )
    def test_what_is_meant(self, typed: str, models: list[str], question: str) -> None:
        assert read_models(typed, KNOWN) == (models, question)

    @pytest.mark.parametrize(
        ("typed", "told"),
        [
            ("qwen3 nope", ["“nope”", "There are llama3.2:3b", "-- question"]),
            ("qwen3 mistral why is the sky blue?", ["“why”", "two dashes"]),
            ("llama3 qwen3", ["“llama3” may be llama3.2:3b, llama3.1:8b"]),
            ("qwen3", ["two models or more", "qwen3:8b"]),
            ("-- why?", ["two models or more"]),
        ],
    )
    def test_what_cannot_be_meant(self, typed: str, told: list[str]) -> None:
        with pytest.raises(ModelsError) as error:
            read_models(typed, KNOWN)
        for words in told:
            assert words in error.value.message

    def test_too_many(self) -> None:
        assert len(read_models(" ".join(MANY[:MOST_MODELS]), MANY)[0]) == MOST_MODELS
        with pytest.raises(ModelsError, match="9 models are too many: up to 8"):
            read_models(" ".join(MANY[: MOST_MODELS + 1]), MANY)

    def test_where_nobody_knows_models_names_are_taken_as_they_stand(self) -> None:
        assert read_models("x y -- z", []) == (["x", "y"], "z")

    def test_a_long_question_is_whole(self) -> None:
        question = "\n".join(f"line  {number}" for number in range(3000))
        assert read_models(f"qwen3 mistral -- {question}", KNOWN)[1] == question

    @pytest.mark.parametrize(
        ("typed", "found"),
        [
            ("", ([], "")),
            ("qw", ([], "qw")),
            ("qwen3:8b ", (["qwen3:8b"], "")),
            ("qwen3:8b mi", (["qwen3:8b"], "mi")),
            ("qwen3:8b -- mi", None),
        ],
    )
    def test_what_is_begun(self, typed: str, found: tuple[list[str], str] | None) -> None:
        assert begun(typed) == found


class Desk:
    """A manager over an engine over a script."""

    def __init__(self, **settings: Any) -> None:
        self.script = ScriptedBackend()
        self.service = ConcurrentChatService(self.script, EngineSettings(**settings))
        self.manager = SessionManager(
            self.service, clock=ManualClock(), new_id=counted_ids(), system="Be brief."
        )
        models = [info.name for info in self.script.model_infos]
        self.manager.set_models(models, models[0])
        self.like = self.manager.create("Ada")

    def compare(self, *models: str) -> Comparison:
        comparison = Comparison(self.like.id)
        for model in models:
            comparison.add(self.manager, self.like, model)
        return comparison

    def asked(self, sessions: list[Session]) -> list[list[str]]:
        return [[turn.question for turn in session.turns] for session in sessions]


@pytest.fixture
async def desk() -> AsyncIterator[Callable[..., Desk]]:
    """Makes desks, and stops them."""
    made: list[Desk] = []

    def make(**settings: Any) -> Desk:
        made.append(Desk(**settings))
        return made[-1]

    yield make
    for each in made:
        await each.service.aclose()


class TestAsking:
    """All of them, or those who have not got it."""

    async def test_each_model_is_asked_the_same_as_the_chat_it_came_from(
        self, desk: Callable[..., Desk]
    ) -> None:
        at = desk()
        at.like.system, at.like.options = "Rhyme.", {"temperature": 0.1}
        comparison = at.compare("qwen3:8b", "gemma3:4b")
        at.like.options["temperature"] = 2.0
        comparison.ask(at.manager, "Why?")
        for place, model in enumerate(("qwen3:8b", "gemma3:4b")):
            prompt = (await at.script.call(place)).prompt
            assert prompt.model == model
            assert [message.content for message in prompt.messages] == ["Rhyme.", "Why?"]
            assert prompt.options == {"temperature": 0.1}
            assert comparison.sessions[place].user == "Ada"

    async def test_who_has_refused_is_asked_again_and_nobody_else(
        self, desk: Callable[..., Desk]
    ) -> None:
        at = desk(max_concurrent=1, max_queue=1)
        comparison = at.compare("llama3.2:3b", "qwen3:8b", "gemma3:4b")
        sent = comparison.ask(at.manager, "Why?")
        assert [turn.question for turn in sent.turns] == ["Why?", "Why?"]
        assert [session for session, _ in sent.refused] == comparison.sessions[2:]
        assert at.asked(comparison.sessions) == [["Why?"], ["Why?"], []]
        at.manager.cancel_newest(comparison.sessions[1])
        assert not comparison.ask(at.manager, "Why?").refused
        assert at.asked(comparison.sessions) == [["Why?"], ["Why?"], ["Why?"]]
        at.manager.cancel_newest(comparison.sessions[2])
        # It is a question like any other once all have it.
        comparison.ask(at.manager, "Why?")
        assert at.asked(comparison.sessions)[0] == ["Why?", "Why?"]

    async def test_another_question_is_for_all_again(self, desk: Callable[..., Desk]) -> None:
        at = desk(max_concurrent=1, max_queue=1)
        comparison = at.compare("llama3.2:3b", "qwen3:8b", "gemma3:4b")
        comparison.ask(at.manager, "Why?")
        at.manager.cancel_newest(comparison.sessions[1])
        comparison.ask(at.manager, "How?")
        assert at.asked(comparison.sessions) == [["Why?", "How?"], ["Why?"], []]

    async def test_titles_say_what_they_are(self, desk: Callable[..., Desk]) -> None:
        at = desk()
        comparison = at.compare("llama3.2:3b", "qwen3:8b")
        first, second = comparison.sessions
        assert first.title == UNTITLED
        at.manager.rename(second, "My own")
        comparison.ask(at.manager, "Why is the sky blue?")
        assert first.title == "llama3.2:3b compared · Why is the sky blue?"
        assert second.title == "My own"
        comparison.ask(at.manager, "And the sea?")
        assert first.title == "llama3.2:3b compared · Why is the sky blue?"
        comparison.let_go(at.manager, first)
        comparison.let_go(at.manager, second)
        assert (first.title, second.title) == ("Why is the sky blue?", "My own")


class TestTogether:
    """One message to several."""

    async def test_one_that_is_refused_stops_no_other(self, desk: Callable[..., Desk]) -> None:
        at = desk(requests_per_minute=1)
        ada, bob = at.manager.create("Ada"), at.manager.create("Bob")
        closed = at.manager.create("Cleo")
        at.manager.close(closed)
        sent = send_to(at.manager, [at.like, ada, closed, bob], "Hello")
        assert at.asked([at.like, ada, bob, closed]) == [["Hello"], [], ["Hello"], []]
        assert [session for session, _ in sent.refused] == [ada]
        assert [turn.question for turn in sent.turns] == ["Hello", "Hello"]

    async def test_it_waits_for_all_and_calls_once(self, desk: Callable[..., Desk]) -> None:
        class Slow(Keeper):
            def __init__(self) -> None:
                self.waiting: list[Callable[[], None]] = []

            def when_kept(self, turn: Turn, then: Callable[[], None]) -> None:
                self.waiting.append(then)

        at = desk()
        keeper, called = Slow(), []
        turns = send_to(at.manager, [at.like, at.manager.create("Bob")], "Hello").turns
        when_all_kept(keeper, turns, lambda: called.append(1))
        keeper.waiting[1]()
        assert not called
        keeper.waiting[0]()
        assert called == [1]
        when_all_kept(keeper, [], lambda: called.append(2))
        assert called == [1, 2]
