"""The usual ways of the OpenAI backend: what it sends, what it reads, what it lists."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import Any

import pytest

from ccchat_tui.backends import openai
from ccchat_tui.backends.base import (
    BackendError,
    ChatBackend,
    ChatMessage,
    ChatStats,
    ErrorKind,
    Prompt,
)
from ccchat_tui.backends.hosts import read_host
from ccchat_tui.backends.openai import OpenAIBackend
from ccchat_tui.backends.openai_models import read_models
from ccchat_tui.backends.openai_options import translated
from ccchat_tui.backends.openai_wire import Reply
from ccchat_tui.testing.ollama_server import Phase, text_of
from tests.support.openai_server import Dialect, OpenAIServer
from tests.support.streams import ask, outcome, read, text_in

MODEL = "mist-7b"


def backend_of(server: OpenAIServer, **more: Any) -> OpenAIBackend:
    return OpenAIBackend(read_host(server.url), **more)


def test_it_is_a_backend() -> None:
    backend = OpenAIBackend(read_host("http://h:8080/v1"))
    assert isinstance(backend, ChatBackend)
    assert (backend.name, backend.address) == ("OpenAI-compatible", "http://h:8080/v1")


class TestReplies:
    async def test_a_reply_comes_event_by_event_with_its_figures_at_the_end(self) -> None:
        async with OpenAIServer(manual=True, tokens=3) as server:
            backend = backend_of(server)
            chunks: list[Any] = []
            task = asyncio.create_task(read(backend, ask("hi", MODEL), chunks))
            chat = await server.chat("hi")
            await chat.release(3)
            while len(chunks) < 3:  # noqa: ASYNC110 - a line needs some steps from socket to here
                await asyncio.sleep(0)
            assert [chunk.text for chunk in chunks] == ["", "About: ", "hi "]
            assert not task.done()
            await chat.finish()
            assert text_in(await task) == text_of("hi", 3)
            assert chunks[-1].stats == ChatStats("stop", prompt_tokens=7, reply_tokens=3)
            assert [chunk.done for chunk in chunks].count(True) == 1
            assert backend.open == 0

    @pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
    async def test_thinking_comes_apart_from_the_answer(self, name: str) -> None:
        async with OpenAIServer(dialect=Dialect(thinking=name), tokens=2) as server:
            chunks = await read(backend_of(server), ask("ponder", MODEL))
            assert "".join(chunk.thinking for chunk in chunks) == "Let me think. "
            assert text_in(chunks) == text_of("ponder", 2)

    async def test_both_names_of_thinking_at_once_are_one(self) -> None:
        reply = Reply("http://h")
        delta = {"reasoning_content": "a", "reasoning": "a", "content": "b"}
        chunk = reply.take(json.dumps({"choices": [{"delta": delta}]}))
        assert (chunk.thinking, chunk.text) == ("a", "b")

    def test_an_empty_reason_ends_nothing(self) -> None:
        reply = Reply("http://h")
        reply.take(json.dumps({"choices": [{"delta": {"content": "x"}, "finish_reason": ""}]}))
        assert not reply.ended

    def test_a_whole_answer_needs_no_reason(self) -> None:
        reply = Reply("http://h")
        chunk = reply.take(json.dumps({"choices": [{"message": {"content": "x"}}]}))
        assert (chunk.text, reply.complete) == ("x", True)

    async def test_many_events_at_once_let_others_have_their_turn(self) -> None:
        async with OpenAIServer(tokens=500) as server:
            turns = 0

            async def others() -> None:
                nonlocal turns
                while True:
                    await asyncio.sleep(0)
                    turns += 1

            task = asyncio.create_task(others())
            longest = in_a_row = before = 0
            async for _ in backend_of(server).stream(ask("fault:one_write", MODEL)):
                in_a_row = in_a_row + 1 if turns == before else 1
                before, longest = turns, max(longest, in_a_row)
            task.cancel()
            assert longest <= openai.EVENTS_IN_A_ROW + 1

    async def test_the_times_of_llama_cpp(self) -> None:
        async with OpenAIServer(dialect=Dialect(timings=True, counting=None), tokens=5) as server:
            chunks = await read(backend_of(server), ask("hi", MODEL))
            stats = chunks[-1].stats
            assert stats == ChatStats("stop", 7, 5, None, 0.5, 0.1)
            assert stats is not None
            assert stats.tokens_per_second == pytest.approx(50.0)

    def test_figures_that_cannot_be_are_not_believed(self) -> None:
        reply = Reply("http://h")
        usage = {"prompt_tokens": -1, "completion_tokens": True}
        timings = {"prompt_n": 1 << 70, "predicted_ms": float("nan"), "prompt_ms": "1"}
        reply.take(json.dumps({"choices": [], "usage": usage, "timings": timings}))
        assert reply.stats() == ChatStats()

    async def test_a_reply_that_was_cut_at_its_length_says_so(self) -> None:
        async with OpenAIServer(tokens=9) as server:
            asked = ask("hi", MODEL, options={"num_predict": 4})
            chunks = await read(backend_of(server), asked)
            assert text_in(chunks) == text_of("hi", 4)
            assert chunks[-1].stats is not None
            assert chunks[-1].stats.done_reason == "length"

    async def test_giving_up_in_the_middle_closes_the_connection_at_once(self) -> None:
        async with OpenAIServer(manual=True, tokens=5) as server:
            backend = backend_of(server)
            pieces = backend.stream(ask("hi", MODEL))
            first = asyncio.ensure_future(anext(pieces))
            await (await server.chat("hi")).release(1)
            assert (await first).text == ""
            await pieces.aclose()  # type: ignore[attr-defined]
            assert backend.open == 0
            await server.settled()
            assert [left.question for left in server.left] == ["hi"]

    @pytest.mark.parametrize("fault", ["stall", "held"])
    async def test_silence_is_waited_for_and_a_cancel_ends_it(self, fault: str) -> None:
        async with OpenAIServer() as server:
            backend = backend_of(server)
            question = f"fault:{fault}@3"
            task = asyncio.create_task(read(backend, ask(question, MODEL)))
            chat = await server.chat(question)
            await server.until(lambda: chat.lines == (3 if fault == "stall" else 0))
            assert not task.done()
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            assert task.cancelled()
            assert backend.open == 0, "closed before the cancellation left"
            await chat.reached(Phase.LEFT)

    async def test_replies_at_once_do_not_mix(self) -> None:
        async with OpenAIServer(manual=True, tokens=5) as server:
            backend = backend_of(server)
            tasks = [asyncio.create_task(read(backend, ask(f"q {n}", MODEL))) for n in range(8)]
            await server.until(lambda: len(server.chats) == 8)
            assert backend.open == 8
            for chat in server.chats:
                chat.let_go()
            for number, task in enumerate(tasks):
                assert text_in(await task) == text_of(f"q {number}", 5)


class TestCounting:
    """Not every server counts tokens in a stream, and some refuse the very question."""

    @pytest.mark.parametrize("status", [400, 422])
    async def test_who_refuses_is_asked_without_and_never_again_with(self, status: int) -> None:
        async with OpenAIServer(dialect=Dialect(counting=status)) as server:
            backend = backend_of(server)
            for _ in range(2):
                chunks = await read(backend, ask("hi", MODEL))
                assert text_in(chunks) == text_of("hi", 8)
                assert chunks[-1].stats == ChatStats("stop")
            asked = ["stream_options" in chat.body for chat in server.chats]
            assert asked == [True, False, False]
            assert server.connections == 3
            await server.settled()

    async def test_who_counts_is_not_asked_twice_for_what_it_refuses(self) -> None:
        async with OpenAIServer() as server:
            backend = backend_of(server)
            await read(backend, ask("hi", MODEL))
            _, error = await outcome(backend, ask("fault:flat_error", MODEL))
            assert error is not None
            assert error.kind is ErrorKind.BAD_REQUEST
            assert len(server.chats) == 2

    async def test_before_that_is_known_the_second_refusal_counts(self) -> None:
        async with OpenAIServer() as server:
            backend = backend_of(server)
            _, error = await outcome(backend, ask("fault:flat_error", MODEL))
            assert error is not None
            assert "top_p must be in" in error.message
            assert ["stream_options" in chat.body for chat in server.chats] == [True, False]
            chunks = await read(backend, ask("hi", MODEL))
            assert chunks[-1].stats == ChatStats("stop", 7, 8), "it is asked for again"


class TestGoingOn:
    """A reply that was cut off stands last; how a server is told to go on with it differs."""

    ASKED = Prompt(MODEL, (ChatMessage("user", "hi"), ChatMessage("assistant", "Once upon")))

    async def test_it_is_said_to_whoever_understands_it(self) -> None:
        async with OpenAIServer() as server:
            await read(backend_of(server), self.ASKED)
            (chat,) = server.chats
            assert chat.body["messages"][-1] == {"role": "assistant", "content": "Once upon"}
            assert chat.body["continue_final_message"] is True
            assert chat.body["add_generation_prompt"] is False
            assert chat.body["chat_template_kwargs"] == {"enable_thinking": False}

    @pytest.mark.parametrize("counting", [200, 400])
    async def test_who_refuses_that_is_asked_without(self, counting: int) -> None:
        async with OpenAIServer(dialect=Dialect(counting=counting, going_on=400)) as server:
            backend = backend_of(server)
            chunks = await read(backend, self.ASKED)
            assert chunks[-1].stats is not None
            assert "continue_final_message" not in server.chats[-1].body
            assert ("stream_options" in server.chats[-1].body) is (counting == 200)
            before = len(server.chats)
            await read(backend, ask("hi", MODEL))
            assert len(server.chats) == before + 1, "what it counts is known from then on"


class TestWhatIsSent:
    async def sent(self, prompt: Prompt, **more: Any) -> tuple[dict[str, Any], dict[str, str]]:
        async with OpenAIServer() as server:
            await read(backend_of(server, **more), prompt)
            (chat,) = server.chats
            return chat.body, chat.request.headers

    async def test_a_bare_prompt_sends_nothing_that_was_not_asked_for(self) -> None:
        body, headers = await self.sent(ask("hi", MODEL, user="ada", keep_alive="5m"))
        assert body == {
            "model": MODEL,
            "messages": [{"role": "user", "content": "hi"}],
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        assert headers["content-type"] == "application/json"
        assert headers["user-agent"].startswith("ccchat/")
        assert "authorization" not in headers

    async def test_pictures_are_parts_of_a_message(self) -> None:
        message = ChatMessage("user", "what?", images=("/9j/abc=", "iVBORabc", "UklGRx", "other"))
        only = ChatMessage("user", "", images=("R0lGODx",))
        body, _ = await self.sent(Prompt(MODEL, (message, only, ChatMessage("user", "\ud800é"))))
        assert body["messages"][0]["content"] == [
            {"type": "text", "text": "what?"},
            {"type": "image_url", "image_url": {"url": "data:image/jpeg;base64,/9j/abc="}},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORabc"}},
            {"type": "image_url", "image_url": {"url": "data:image/webp;base64,UklGRx"}},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,other"}},
        ]
        assert body["messages"][1]["content"] == [
            {"type": "image_url", "image_url": {"url": "data:image/gif;base64,R0lGODx"}}
        ]
        assert body["messages"][2]["content"] == "\ud800é"

    def test_options_by_the_names_that_they_have_there(self) -> None:
        given = {
            "temperature": 0.5,
            "top_p": 0.9,
            "seed": 0,
            "stop": ["x"],
            "presence_penalty": 0.1,
            "frequency_penalty": 0.2,
            "num_predict": 100,
            "top_k": 40,
            "min_p": 0.05,
            "repeat_penalty": 1.1,
            "num_ctx": 8192,
            "num_keep": 4,
            "typical_p": 1,
            "repeat_last_n": 64,
            "num_gpu": 99,
            "mine": 1,
        }
        assert translated(given) == {
            "temperature": 0.5,
            "top_p": 0.9,
            "seed": 0,
            "stop": ["x"],
            "presence_penalty": 0.1,
            "frequency_penalty": 0.2,
            "max_tokens": 100,
            "top_k": 40,
            "min_p": 0.05,
            "repeat_penalty": 1.1,
            "repetition_penalty": 1.1,
        }
        assert translated({"num_predict": -1}) == translated({"num_predict": 0}) == {}
        assert translated({"num_predict": "many"}) == {"max_tokens": "many"}, "its own to refuse"

    @pytest.mark.parametrize(
        ("think", "sent"),
        [
            (None, {}),
            (True, {"chat_template_kwargs": {"enable_thinking": True}}),
            (False, {"chat_template_kwargs": {"enable_thinking": False}}),
            ("low", {"reasoning_effort": "low"}),
            ("max", {"reasoning_effort": "high"}),
        ],
    )
    async def test_how_much_to_think(self, think: Any, sent: dict[str, Any]) -> None:
        body, _ = await self.sent(ask("hi", MODEL, think=think))
        names = {"chat_template_kwargs", "reasoning_effort"}
        assert {name: value for name, value in body.items() if name in names} == sent

    async def test_what_is_of_the_wrong_kind_is_refused_before_anything_is_sent(self) -> None:
        async with OpenAIServer() as server:
            _, error = await outcome(backend_of(server), ask("hi", MODEL, think="wildly"))
            assert error is not None
            assert "think is 'wildly'" in error.message
            assert server.connections == 0

    async def test_an_option_that_is_no_json_is_refused_before_anything_is_sent(self) -> None:
        async with OpenAIServer() as server:
            for value in (float("nan"), object()):
                asked = ask("hi", MODEL, options={"seed": value})
                _, error = await outcome(backend_of(server), asked)
                assert error is not None
                assert error.kind is ErrorKind.BAD_REQUEST
                assert "'seed'" in error.message
            assert server.connections == 0


class TestModels:
    async def test_what_servers_say_of_their_models(self) -> None:
        cards: list[dict[str, Any]] = [
            {"id": "bare", "max_input_tokens": 128_000},
            {"id": "old", "created": 1_600_000_000, "owned_by": "openai"},
            {"id": "vllm", "created": 1_700_000_000, "max_model_len": 32768, "permission": []},
            {
                "id": "llama.gguf",
                "created": 1_700_000_000,
                "meta": {"n_ctx_train": 8192, "n_params": 8_030_261_248, "size": 4_912_898_304},
            },
            {"id": "small", "meta": {"n_params": 135_000_000, "n_ctx": 2048, "n_ctx_train": 4096}},
        ]
        async with OpenAIServer(models=cards) as server:
            models = await backend_of(server).models()
        assert [model.name for model in models] == ["vllm", "llama.gguf", "old", "bare", "small"]
        assert models[0].context_length == 32768
        llama, small = models[1], models[4]
        assert (llama.size, llama.parameter_size) == (4_912_898_304, "8.0B")
        assert (llama.context_length, small.context_length) == (8192, 2048)
        assert small.parameter_size == "135M"
        assert models[3].context_length == 128_000
        assert {model.modified_at for model in models} == {None}

    def test_a_list_with_gaps_is_read_as_far_as_it_can_be(self) -> None:
        entries: list[Any] = [
            {"id": "one", "created": "yesterday", "meta": None, "max_model_len": None},
            {"id": ""},
            {"name": "nameless"},
            "text",
            {"id": "two", "created": True, "meta": {"size": "big", "n_params": -1}},
        ]
        models = read_models(json.dumps({"data": entries}).encode())
        assert [model.name for model in models] == ["one", "two"]
        assert models[1].size is None
        assert read_models(b'{"data":[]}') == read_models(b'{"data":null}') == []

    async def test_a_sign_of_life(self) -> None:
        async with OpenAIServer() as server:
            assert await backend_of(server).probe() == ""
            assert [request.path for request in server.requests] == ["/v1/models"]

    @pytest.mark.parametrize("question", ["models", "probe"])
    @pytest.mark.parametrize(
        ("fault", "kind", "words"),
        [
            ("html", ErrorKind.NOT_OLLAMA, "My router"),
            ("html_untyped", ErrorKind.NOT_OLLAMA, "My router"),
            ("no_path", ErrorKind.NOT_OLLAMA, "mostly ends in /v1"),
            ("no_path_lmstudio", ErrorKind.NOT_OLLAMA, "(it says: Unexpected endpoint"),
            ("plain", ErrorKind.NOT_OLLAMA, "Hello!"),
            ("no_key", ErrorKind.UNAUTHORIZED, "wants another key"),
            ("loading", ErrorKind.BUSY, "still loading its model"),
            ("bad_gateway", ErrorKind.GATEWAY, "502 Bad Gateway"),
            ("no_reply", ErrorKind.DISCONNECTED, "without a reply"),
        ],
    )
    async def test_faults_of_the_list_are_told_like_those_of_a_reply(
        self, question: str, fault: str, kind: ErrorKind, words: str
    ) -> None:
        async with OpenAIServer() as server:
            backend = backend_of(server)
            server.fail(fault, path="/models")
            with pytest.raises(BackendError) as caught:
                await getattr(backend, question)()
            assert caught.value.kind is kind
            assert words in caught.value.message
            assert "OLLAMA" not in caught.value.message
            assert backend.open == 0
            await getattr(backend, question)()

    @pytest.mark.parametrize("question", ["models", "probe"])
    async def test_a_list_that_does_not_come(
        self, question: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(openai, "LIST_TIMEOUT", 0.02)
        monkeypatch.setattr(openai, "PROBE_TIMEOUT", 0.02)
        async with OpenAIServer() as server:
            backend = backend_of(server)
            server.fail("held", path="/models")
            with pytest.raises(BackendError) as caught:
                await getattr(backend, question)()
            assert caught.value.kind is ErrorKind.UNREACHABLE
            assert "within 0.02 s" in caught.value.message
            assert backend.open == 0

    async def test_no_such_model_names_those_there_are(self) -> None:
        cards = [{"id": f"model-{n}"} for n in range(11)]
        async with OpenAIServer(models=cards) as server:
            _, error = await outcome(backend_of(server), ask("fault:model_vllm", "no\x1b[31mpe"))
            assert error is not None
            assert error.kind is ErrorKind.MODEL_NOT_FOUND
            assert error.hints == (
                f"There are: {', '.join(f'model-{n}' for n in range(8))} and 3 more",
            )
            assert "no" in error.message
            assert "\x1b" not in error.message
            assert "ollama" not in error.message.lower()

    async def test_the_last_list_has_to_do_where_no_new_one_comes(self) -> None:
        async with OpenAIServer() as server:
            backend = backend_of(server)
            await backend.models()
            server.fail("empty_500", path="/models")
            _, error = await outcome(backend, ask("fault:model_openai", "nope"))
            assert error is not None
            assert MODEL in error.hints[0]


async def test_after_its_end_nothing_is_asked_any_more() -> None:
    async with OpenAIServer() as server:
        backend = backend_of(server)
        await backend.aclose()
        await backend.aclose()
        _, error = await outcome(backend, ask("hi", MODEL))
        assert error is not None
        assert error.kind is ErrorKind.UNREACHABLE
        assert server.connections == 0
