"""What is of the wrong kind is refused in words that name it, at the door or before it is sent."""

from __future__ import annotations

import sys
import unicodedata
from dataclasses import replace
from typing import Any

import pytest

from ccchat_tui.backends.base import ChatMessage, Prompt
from ccchat_tui.clock import ManualClock
from ccchat_tui.engine.events import RequestRejected
from ccchat_tui.engine.handle import RequestHandle
from ccchat_tui.engine.request import Rejected, RequestState
from ccchat_tui.sessions.manager import SessionManager
from ccchat_tui.sessions.model import TurnState
from ccchat_tui.testing.ollama_server import OllamaServer
from tests.servers.stage import Stage

HELLO = Prompt("llama3.2:3b", (ChatMessage("user", "hi"),))


class Unspeakable:
    """Something that cannot even be shown."""

    def __repr__(self) -> str:
        raise ZeroDivisionError


def nested(depth: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(depth):
        value = {"a": value}
    return value


def told(request: Any) -> dict[str, Any]:
    fields = {
        "user": "a",
        "session_id": "s",
        "model": "m",
        "prompt": lambda: HELLO,
        "preview": "hi",
        "id": "r",
    }
    return {**fields, **request}


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"user": None}, "user is None; give a text"),
    ({"user": ""}, "user is ''; give a text that is not empty"),
    ({"user": " \n"}, "user is ' \\n'"),
    ({"user": ["a"]}, "user is ['a']"),
    ({"user": b"a"}, "user is b'a'"),
    ({"user": Unspeakable()}, "user is <Unspeakable instance at"),
    ({"id": 7}, "id is 7"),
    ({"id": {}}, "id is {}"),
    ({"session_id": None}, "session_id is None"),
    ({"model": None}, "model is None"),
    ({"model": 3.5}, "model is 3.5"),
    ({"preview": None}, "preview is None"),
    ({"preview": b"x"}, "preview is b'x'"),
    ({"prompt": "hi"}, "prompt is 'hi'"),
    ({"prompt": None}, "prompt is None"),
    ({"priority": 1}, "priority is 1; give one of Priority: LOW, NORMAL, HIGH"),
    ({"priority": "high"}, "priority is 'high'"),
    ({"timeout": 0}, "timeout is 0; give seconds above 0"),
    ({"timeout": -1.0}, "timeout is -1.0"),
    ({"timeout": float("nan")}, "timeout is nan"),
    ({"timeout": float("inf")}, "timeout is inf"),
    ({"timeout": "5"}, "timeout is '5'"),
    ({"timeout": True}, "timeout is True"),
]


@pytest.mark.parametrize(("fields", "words"), WRONG, ids=[words for _, words in WRONG])
async def test_a_request_of_the_wrong_kind_is_refused(fields: dict[str, Any], words: str) -> None:
    async with OllamaServer() as server:
        stage = Stage(server, {})
        events: list[Any] = []
        stage.service.subscribe(events.append)
        with pytest.raises(Rejected) as caught:
            stage.service.submit(**told(fields))
        assert caught.value.reason == "invalid"
        assert words in caught.value.message
        assert caught.value.message.isprintable()
        (event,) = events
        assert isinstance(event, RequestRejected)
        assert isinstance(event.user, str)
        seen = stage.service.snapshot()
        assert (seen.totals.rejected, seen.totals.submitted) == (1, 0)
        # The next one is taken as if nothing had been.
        assert await stage.service.submit(**told({})) is RequestState.COMPLETED
        await stage.close()


async def test_an_id_that_is_in_use_is_refused() -> None:
    async with OllamaServer() as server:
        stage = Stage(server, {})
        first = stage.service.submit(**told({}))
        with pytest.raises(Rejected, match="'r' is under way already"):
            stage.service.submit(**told({}))
        await first
        await stage.close()


def message(**more: Any) -> dict[str, Any]:
    return {"messages": (replace(ChatMessage("user", "hi"), **more),)}


PROMPTS: list[tuple[Any, str]] = [
    ("hi", "the prompt is 'hi'"),
    (None, "the prompt is None"),
    ({"model": 7}, "model is 7; give the name"),
    ({"model": None}, "model is None"),
    ({"model": ""}, "model is required"),
    ({"messages": "hi"}, "messages is 'hi'"),
    ({"messages": ("hi",)}, "message 1 is 'hi'"),
    ({"messages": (ChatMessage("user", "a"), None)}, "message 2 is None"),
    (message(content=None), "message 1 has the content None; give a text"),
    (message(content=["a"]), "message 1 has the content ['a']"),
    (message(content=b"a"), "message 1 has the content b'a'"),
    (message(role="robot"), "message 1 has the role 'robot'; give one of system, user"),
    (message(role=[]), "message 1 has the role []"),
    (message(images="abc"), "message 1 has the images 'abc'"),
    (message(images=(b"abc",)), "message 1 has the images (b'abc',)"),
    (message(images=("%",)), "illegal base64"),
    ({"options": "abc"}, "options is 'abc'"),
    ({"options": None}, "options is None"),
    ({"options": {7: 1}}, "options has the name 7"),
    ({"options": {"temperature": "hot"}}, 'option "temperature" must be of type'),
    ({"options": {"stop": "x"}}, 'option "stop" must be of type array'),
    ({"options": {"temperature": float("nan")}}, "{'temperature': nan} cannot be sent"),
    ({"options": {"seed": {1, 2}}}, "{'seed': {1, 2}} cannot be sent"),
    ({"options": {"seed": b"1"}}, "{'seed': b'1'} cannot be sent"),
    ({"options": {"seed": Unspeakable()}}, "cannot be sent"),
    ({"options": {"a": {("b",): 1}}}, "cannot be sent"),
    ({"options": {"seed": 10 ** (2 * sys.get_int_max_str_digits())}}, "cannot be sent"),
    ({"options": nested(100_000)}, "cannot be sent"),
    ({"think": "much"}, "think is 'much'; give true, false"),
    ({"think": 1}, "think is 1"),
    ({"think": []}, "think is []"),
    ({"keep_alive": True}, "keep_alive is True"),
    ({"keep_alive": float("nan")}, "keep_alive is nan"),
    ({"keep_alive": [5]}, "keep_alive is [5]"),
    ({"keep_alive": "soon"}, '"soon"'),
]


@pytest.mark.parametrize(("wrong", "words"), PROMPTS, ids=[words for _, words in PROMPTS])
async def test_a_prompt_of_the_wrong_kind_fails_in_words(
    wrong: Any, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    prompt = replace(HELLO, **wrong) if isinstance(wrong, dict) else wrong
    async with OllamaServer() as server:
        stage = Stage(server, {})
        handle = stage.service.submit(**told({"prompt": lambda: prompt}))
        assert await handle is RequestState.FAILED
        assert handle.failure is not None
        assert handle.failure.kind == "bad_request"
        assert words in handle.failure.message
        assert handle.failure.message.isprintable()
        assert handle.attempt == 1
        assert caplog.records == [], "no fault of ours"
        assert await stage.ask("next") is RequestState.COMPLETED
        await stage.close()


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("words and a line\n" * 600_000, id="of the usual letters"),
        pytest.param("漢字 👩‍🚀\n" * 600_000, id="of others"),
    ],
)
async def test_ten_million_characters_pass(text: str) -> None:
    async with OllamaServer(pieces=lambda question: ["read ", f"{len(question)}"]) as server:
        stage = Stage(server, {})
        handle: RequestHandle = stage.ask(text[:10_000_000])
        assert await handle is RequestState.COMPLETED
        assert handle.text == f"read {len(text[:10_000_000])}"
        await stage.close()


async def test_what_is_too_much_for_a_proxy_is_refused_in_words() -> None:
    async with OllamaServer() as server:
        stage = Stage(server, {})
        server.fail("too_large")
        handle = stage.ask("x " * 5_000_000)
        assert await handle is RequestState.FAILED
        assert handle.failure is not None
        assert "refuses this: 413 Entity Too Large" in handle.failure.message
        await stage.close()


TEXTS = ["\x00\x01", "\ud800", "a\ud83d", "\x1b[2J", "[/b]", "\u202e", "\ufeff", "{}", "漢" * 3]


@pytest.mark.parametrize("text", TEXTS, ids=ascii)
async def test_strange_texts_are_only_texts(text: str) -> None:
    async with OllamaServer() as server:
        stage = Stage(server, {})
        handle = stage.ask(text, user=text)
        assert await handle is RequestState.COMPLETED
        unknown = stage.ask("hi", model=f"nope{text}")
        assert await unknown is RequestState.FAILED
        assert unknown.failure is not None
        assert unknown.failure.kind == "model_not_found"
        assert not any(unicodedata.category(char) == "Cc" for char in unknown.failure.message)
        await stage.close()


class TestSessions:
    """The same for those who come by a conversation."""

    @staticmethod
    def manager(stage: Stage) -> SessionManager:
        numbers = iter(range(1000))
        made = SessionManager(
            stage.service, clock=ManualClock(), new_id=lambda: f"n{next(numbers)}"
        )
        made.set_models(["llama3.2:3b"], "llama3.2:3b")
        return made

    @pytest.mark.parametrize("text", [None, 7, b"hi", ["hi"], "", "  \n"])
    async def test_a_question_that_is_none(self, text: Any) -> None:
        async with OllamaServer() as server:
            stage = Stage(server, {})
            manager = self.manager(stage)
            session = manager.create("a")
            with pytest.raises(Rejected) as caught:
                manager.send(session, text)
            assert caught.value.reason == "invalid"
            assert session.turns == []
            await stage.close()

    @pytest.mark.parametrize("user", [None, 7, b"a", "", " "])
    async def test_a_user_that_is_none(self, user: Any) -> None:
        async with OllamaServer() as server:
            stage = Stage(server, {})
            manager = self.manager(stage)
            session = manager.create(user)
            with pytest.raises(Rejected, match="user is"):
                manager.send(session, "hi")
            assert session.turns == []
            await stage.close()

    @pytest.mark.parametrize(
        ("name", "value", "words"),
        [
            ("model", 7, "model is 7"),
            ("system", 7, "system"),
            ("options", ["a"], "options"),
            ("options", {"temperature": "hot"}, 'option "temperature"'),
            ("think", "much", "think is 'much'"),
            ("keep_alive", [], "keep_alive is []"),
        ],
    )
    async def test_settings_of_the_wrong_kind(
        self, name: str, value: Any, words: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        async with OllamaServer() as server:
            stage = Stage(server, {})
            manager = self.manager(stage)
            session = manager.create("a")
            setattr(session, name, value)
            if name in ("model", "system") or not isinstance(session.options, dict):
                with pytest.raises(Rejected, match=words) as caught:
                    manager.send(session, "hi")
                assert caught.value.reason == "invalid"
                assert session.turns == []
            else:
                # Only the server, and what asks it, know what may be there.
                turn = manager.send(session, "hi")
                handle = stage.service.find(str(turn.request_id))
                assert handle is not None
                await handle
                assert turn.state is TurnState.FAILED
                assert words in turn.note
                assert turn.note.isprintable()
            assert caplog.records == [], "no fault of ours"
            await stage.close()
