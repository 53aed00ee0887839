"""The usual ways of the Ollama backend: what it sends, what it reads, what it lists."""

from __future__ import annotations

import asyncio
import base64
import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from ccchat_tui.backends import model_server, ollama
from ccchat_tui.backends.base import (
    BackendError,
    ChatBackend,
    ChatMessage,
    ChatStats,
    ErrorKind,
    Prompt,
)
from ccchat_tui.backends.hosts import read_host
from ccchat_tui.backends.ollama import OllamaBackend
from ccchat_tui.backends.ollama_models import Running, Show, read_running, read_tags
from ccchat_tui.testing.ollama_server import Model, OllamaServer, text_of
from tests.support.streams import ask, outcome, read, text_in


def backend_of(server: OllamaServer, **more: Any) -> OllamaBackend:
    return OllamaBackend(read_host(server.url), **more)


class TestReplies:
    async def test_a_reply_comes_line_by_line_with_its_figures_at_the_end(self) -> None:
        async with OllamaServer(manual=True, tokens=3) as server:
            backend = backend_of(server)
            chunks: list[Any] = []
            task = asyncio.create_task(read(backend, ask("hi"), chunks))
            chat = await server.chat("hi")
            await chat.release(2)
            while len(chunks) < 2:  # noqa: ASYNC110 - a line needs some steps from socket to here
                await asyncio.sleep(0)
            assert text_in(chunks) == "About: hi "
            assert not task.done()
            await chat.finish()
            assert text_in(await task) == text_of("hi", 3)
            assert chunks[-1].stats == ChatStats(
                done_reason="stop",
                prompt_tokens=1,
                reply_tokens=3,
                load_seconds=1.0,
                prompt_seconds=0.5,
                reply_seconds=0.06,
            )
            assert chunks[-1].stats.tokens_per_second == pytest.approx(50.0)

    async def test_thinking_comes_apart_from_the_answer(self) -> None:
        async with OllamaServer(tokens=2) as server:
            backend = backend_of(server)
            chunks = await read(backend, ask("hi", "qwen3:8b"))
            assert "".join(chunk.thinking for chunk in chunks) == "Let me think. "
            assert text_in(chunks) == text_of("hi", 2)
            silent = await read(backend, ask("hi", "qwen3:8b", think=False))
            assert not any(chunk.thinking for chunk in silent)

    async def test_a_reply_that_was_cut_at_its_length_says_so(self) -> None:
        async with OllamaServer(tokens=9) as server:
            chunks = await read(backend_of(server), ask("hi", options={"num_predict": 4}))
            assert text_in(chunks) == text_of("hi", 4)
            assert chunks[-1].stats is not None
            assert chunks[-1].stats.done_reason == "length"

    async def test_no_message_loads_a_model_and_none_kept_alive_unloads_it(self) -> None:
        async with OllamaServer() as server:
            backend = backend_of(server)
            (loaded,) = await read(backend, Prompt("llama3.2:3b", ()))
            assert loaded.stats is not None
            assert loaded.stats.done_reason == "load"
            assert [each.name for each in await backend.running()] == ["llama3.2:3b"]
            (unloaded,) = await read(backend, Prompt("llama3.2:3b", (), keep_alive=0))
            assert unloaded.stats is not None
            assert unloaded.stats.done_reason == "unload"
            assert await backend.running() == []

    async def test_replies_at_once_do_not_mix_and_wait_for_slots_in_silence(self) -> None:
        async with OllamaServer(slots=3, manual=True, tokens=5) as server:
            backend = backend_of(server)
            tasks = [asyncio.create_task(read(backend, ask(f"question {n}"))) for n in range(8)]
            await server.arrived(8)
            await server.until(lambda: server.generating == 3)
            assert backend.open == 8
            server.manual = False
            for chat in server.chats:
                chat.let_go()
            for number, task in enumerate(tasks):
                assert text_in(await task) == text_of(f"question {number}", 5)
            assert server.peak == 3

    async def test_giving_up_in_the_middle_closes_the_connection_at_once(self) -> None:
        async with OllamaServer(manual=True, tokens=5) as server:
            backend = backend_of(server)
            pieces = backend.stream(ask("hi"))
            first = asyncio.ensure_future(anext(pieces))
            await (await server.chat("hi")).release(1)
            assert (await first).text == "About: "
            await pieces.aclose()  # type: ignore[attr-defined]
            assert backend.open == 0
            await server.settled()
            assert [left.question for left in server.disconnects] == ["hi"]


class TestWhatIsSent:
    async def sent(self, prompt: Prompt, **more: Any) -> tuple[dict[str, Any], dict[str, str]]:
        async with OllamaServer() as server:
            await outcome(backend_of(server, **more), prompt)
            (chat,) = server.chats
            return chat.body, chat.request.headers

    async def test_a_bare_prompt_sends_nothing_that_was_not_asked_for(self) -> None:
        body, headers = await self.sent(ask("hi"))
        assert body == {
            "model": "llama3.2:3b",
            "messages": [{"role": "user", "content": "hi"}],
            "stream": True,
        }
        assert headers["content-type"] == "application/json"
        assert headers["accept-encoding"] == "identity"
        assert headers["user-agent"].startswith("ccchat/")
        assert "authorization" not in headers
        assert "origin" not in headers

    async def test_everything_of_a_prompt_is_sent(self) -> None:
        image = base64.b64encode(b"\x89PNG").decode()
        prompt = Prompt(
            "gemma3:4b",
            (
                ChatMessage("system", "be brief"),
                ChatMessage("user", "what is this?", images=(image,)),
                ChatMessage("assistant", "a picture"),
                ChatMessage("user", "und \ud800 漢字\u2028?"),
            ),
            options={"temperature": 0.5, "stop": ["x"], "num_ctx": 8192},
            think=False,
            keep_alive="10m",
            user="ada",
        )
        body, _ = await self.sent(prompt)
        assert body["messages"] == [
            {"role": "system", "content": "be brief"},
            {"role": "user", "content": "what is this?", "images": [image]},
            {"role": "assistant", "content": "a picture"},
            {"role": "user", "content": "und \ud800 漢字\u2028?"},
        ]
        assert body["options"] == {"temperature": 0.5, "stop": ["x"], "num_ctx": 8192}
        assert body["think"] is False
        assert body["keep_alive"] == "10m"
        assert "ada" not in json.dumps(body), "who asks is no business of the server's"

    @pytest.mark.parametrize(
        ("given", "sent"), [("300", 300), ("-1", -1), (2.5, 2.5), ("1h30m", "1h30m"), (0, 0)]
    )
    async def test_a_bare_number_to_keep_alive_means_seconds(
        self, given: str | float, sent: str | float
    ) -> None:
        body, _ = await self.sent(ask("hi", keep_alive=given))
        assert body["keep_alive"] == sent

    async def test_an_option_that_is_no_json_is_refused_before_anything_is_sent(self) -> None:
        async with OllamaServer() as server:
            for value in (float("nan"), object()):
                _, error = await outcome(backend_of(server), ask("hi", options={"seed": value}))
                assert error is not None
                assert error.kind is ErrorKind.BAD_REQUEST
                assert "'seed'" in error.message
            assert server.connections == 0

    async def test_what_the_server_refuses_by_its_own_rules(self) -> None:
        cases: list[tuple[Prompt, ErrorKind, str]] = [
            (ask("x", think=True), ErrorKind.BAD_REQUEST, "does not support thinking"),
            (ask("x", "nomic-embed-text"), ErrorKind.BAD_REQUEST, "does not support chat"),
            (ask("x", options={"stop": "y"}), ErrorKind.BAD_REQUEST, "must be of type array"),
            (ask("x", ""), ErrorKind.BAD_REQUEST, "model is required"),
            (ask("x", keep_alive="soon"), ErrorKind.BAD_REQUEST, "soon"),
            (ask("x", "nope"), ErrorKind.MODEL_NOT_FOUND, "'nope'"),
        ]
        async with OllamaServer() as server:
            backend = backend_of(server)
            for prompt, kind, words in cases:
                _, error = await outcome(backend, prompt)
                assert error is not None
                assert error.kind is kind
                assert words in error.message


class TestNoSuchModel:
    async def test_it_names_those_there_are(self) -> None:
        models = [Model(f"model-{n}:latest") for n in range(11)]
        async with OllamaServer(models=models) as server:
            _, error = await outcome(backend_of(server), ask("x", "no\x1b[31mpe"))
            assert error is not None
            assert error.hints == (
                f"There are: {', '.join(f'model-{n}:latest' for n in range(8))} and 3 more",
            )
            assert "\x1b" not in error.message

    async def test_it_is_told_without_them_where_the_list_does_not_come(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(model_server, "HINT_TIMEOUT", 0.01)
        async with OllamaServer() as server:
            backend = backend_of(server)
            server.fail("held", path="/api/tags")
            _, error = await outcome(backend, ask("x", "nope"))
            assert error is not None
            assert error.kind is ErrorKind.MODEL_NOT_FOUND
            assert error.hints == ()
            assert backend.open == 0

    async def test_the_last_list_has_to_do_where_no_new_one_comes(self) -> None:
        async with OllamaServer() as server:
            backend = backend_of(server)
            await backend.models()
            server.fail("empty_500", path="/api/tags")
            _, error = await outcome(backend, ask("x", "nope"))
            assert error is not None
            assert "qwen3:8b" in error.hints[0]


class TestLists:
    async def test_models_with_all_that_is_said_of_them(self) -> None:
        async with OllamaServer() as server:
            models = await backend_of(server).models()
        assert [model.name for model in models] == [model.name for model in server.models]
        first = models[0]
        assert (first.family, first.parameter_size, first.quantization) == (
            "llama",
            "3.2B",
            "Q4_K_M",
        )
        assert first.size == 2_019_393_189
        assert first.context_length == 131_072
        assert first.capabilities == ("completion", "tools")
        assert first.modified_at == datetime(
            2026, 10, 2, 11, 40, 21, 123456, timezone(timedelta(hours=2))
        )

    def test_a_list_with_gaps_is_read_as_far_as_it_can_be(self) -> None:
        body = json.dumps(
            {
                "models": [
                    {"name": "bare"},
                    {"name": "null", "details": None, "capabilities": None, "modified_at": None},
                    {"name": "odd", "size": "large"},
                    {"model": "nameless"},
                    {"name": "", "size": 1},
                    {"name": "last", "details": {"families": None, "family": ""}},
                ]
            }
        ).encode()
        assert [model.name for model in read_tags(body)] == ["bare", "null", "last"]
        assert read_tags(b'{"models":null}') == []
        assert read_tags(b"{}") == []

    async def test_the_version_is_the_sign_of_life(self) -> None:
        async with OllamaServer() as server:
            assert await backend_of(server).probe() == "0.33.0"

    async def test_what_is_loaded_and_for_how_long(self) -> None:
        async with OllamaServer() as server:
            backend = backend_of(server)
            assert await backend.running() == []
            await read(backend, ask("x", keep_alive=-1))
            (loaded,) = await backend.running()
            assert loaded.name == "llama3.2:3b"
            assert loaded.context_length == 4096
            assert loaded.stays
            assert loaded.expires_at is None
            await read(backend, ask("x", keep_alive="10m"))
            (loaded,) = await backend.running()
            assert loaded.expires_at is not None
            assert timedelta(minutes=9) < loaded.expires_at - datetime.now(UTC)
            assert not loaded.stays

    def test_no_expiry_is_too_strange(self) -> None:
        now = datetime(2026, 1, 1, tzinfo=UTC)
        times = {
            "0001-01-01T00:00:00Z": None,
            "2318-03-06T21:04:27.123456789Z": None,
            "2026-01-01T00:05:00Z": timedelta(minutes=5),
            "2026-01-01T02:05:00.5+02:00": timedelta(minutes=5, seconds=0.5),
            "2026-01-01T00:00:10": timedelta(seconds=10),
        }
        for text, left in times.items():
            body = json.dumps({"models": [{"name": "m", "expires_at": text}]}).encode()
            (running,) = read_running(body)
            assert running.expires_in(now) == left
            loaded = running.loaded(now)
            assert loaded.expires_at == (None if left is None else now + left)
            assert loaded.stays == text.startswith("2318")
        assert Running(name="m").expires_in(now) is None

    async def test_one_model_in_full(self) -> None:
        async with OllamaServer() as server:
            backend = backend_of(server)
            shown = await backend.show("qwen3:8b")
            assert shown.context_length == 40_960
            assert "thinking" in shown.capabilities
            with pytest.raises(BackendError) as caught:
                await backend.show("nope")
            assert caught.value.kind is ErrorKind.MODEL_NOT_FOUND
            assert "'nope:latest' not found" in caught.value.message
        assert Show.model_validate({"model_info": None}).context_length is None

    @pytest.mark.parametrize("question", ["models", "probe", "running"])
    @pytest.mark.parametrize(
        ("fault", "kind", "words"),
        [
            ("html", ErrorKind.NOT_OLLAMA, "My router"),
            ("html_untyped", ErrorKind.NOT_OLLAMA, "no Ollama"),
            ("not_found_text", ErrorKind.NOT_OLLAMA, "404"),
            ("bad_gateway", ErrorKind.GATEWAY, "502 Bad Gateway"),
            ("no_reply", ErrorKind.DISCONNECTED, "without a reply"),
            ("cut_off", ErrorKind.DISCONNECTED, "in the middle"),
            ("sign_in", ErrorKind.UNAUTHORIZED, "ollama signin"),
            ("not_an_object", ErrorKind.NOT_OLLAMA, "no Ollama"),
        ],
    )
    async def test_faults_of_a_list_are_told_like_those_of_a_reply(
        self, question: str, fault: str, kind: ErrorKind, words: str
    ) -> None:
        path = {"models": "/api/tags", "probe": "/api/version", "running": "/api/ps"}[question]
        async with OllamaServer() as server:
            backend = backend_of(server)
            server.fail(fault, path=path, after=1)
            with pytest.raises(BackendError) as caught:
                await getattr(backend, question)()
            assert caught.value.kind is kind
            assert words in caught.value.message
            assert backend.open == 0
            await getattr(backend, question)()

    @pytest.mark.parametrize(("question", "path"), [("models", "tags"), ("probe", "version")])
    async def test_a_list_that_does_not_come_is_not_waited_for(
        self, question: str, path: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(ollama, "LIST_TIMEOUT", 0.02)
        monkeypatch.setattr(ollama, "PROBE_TIMEOUT", 0.02)
        async with OllamaServer() as server:
            backend = backend_of(server)
            server.fail("held", path=f"/api/{path}")
            with pytest.raises(BackendError) as caught:
                await getattr(backend, question)()
            assert caught.value.kind is ErrorKind.UNREACHABLE
            assert "did not answer within 0.02 s" in caught.value.message
            await server.settled()


def test_the_limits_are_seconds() -> None:
    assert ollama.PROBE_TIMEOUT <= 5
    assert ollama.LIST_TIMEOUT == 10


async def test_it_is_a_backend_like_any_other() -> None:
    backend = OllamaBackend(read_host("h"))
    assert isinstance(backend, ChatBackend)
    assert backend.name == "Ollama"
    assert backend.address == "http://h:11434"
    await backend.aclose()
    await backend.aclose()
    _, error = await outcome(backend, ask("x"))
    assert error is not None
    assert error.kind is ErrorKind.UNREACHABLE
    assert "closed" in error.message


async def test_closing_it_breaks_off_what_is_being_read() -> None:
    async with OllamaServer(manual=True) as server:
        backend = backend_of(server)
        task = asyncio.create_task(outcome(backend, ask("x")))
        await (await server.chat("x")).release(2)
        await backend.aclose()
        _, error = await task
        assert error is not None
        assert error.kind is ErrorKind.DISCONNECTED
        assert backend.open == 0
        await server.settled()
