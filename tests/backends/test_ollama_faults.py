"""What becomes of everything that a server can do wrong, or only in an unusual way."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from ccchat_tui.backends import http
from ccchat_tui.backends.base import BackendError, ErrorKind
from ccchat_tui.backends.hosts import read_host
from ccchat_tui.backends.ollama import OllamaBackend
from ccchat_tui.testing.ollama_server import FAULTS, OllamaServer, Phase, text_of
from tests.support.outcomes import TOKENS, Right, Wrong
from tests.support.streams import ask, outcome, read, text_in

K = ErrorKind
EXPECTED: dict[str, Right | Wrong] = {
    "tool_call": Right(""),
    "tool_call_at_end": Right("x"),
    "text_at_end": Right("ab"),
    "no_metrics": Right(reason=None),
    "unknown_fields": Right("tomorrow", "a_reason_of_tomorrow"),
    "one_byte": Right(),
    "one_byte_on_the_wire": Right(),
    "one_write": Right(),
    "cut_characters": Right("é漢👩‍🚀"),
    "not_utf8": Right("a\ufffdb"),
    "separators": Right("a\u0085c\u2028d\u2029b"),
    "blank_lines": Right(),
    "not_streamed": Right(),
    "no_final_newline": Right(),
    "after_done": Right(),
    "open_after_done": Right(),
    "escapes": Right("\x1b]0;title\x07\x1b[2J\x1b[31mred\x9b31m \u202eback [/b] [bold]"),
    "model_not_found": Wrong(
        K.MODEL_NOT_FOUND, "`ollama pull llama3.2:3b`", 404, hint="There are: llama3.2:3b, qwen3:8b"
    ),
    "no_tools": Wrong(K.BAD_REQUEST, "does not support tools", 400),
    "no_thinking": Wrong(K.BAD_REQUEST, "does not support thinking", 400),
    "bad_json": Wrong(K.BAD_REQUEST, "invalid character 'x'", 400),
    "too_long": Wrong(K.BAD_REQUEST, "longer than the context length", 400),
    "wrong_option": Wrong(K.BAD_REQUEST, 'option "stop" must be of type array', 500),
    "bad_format": Wrong(K.BAD_REQUEST, "invalid format: expected", 500),
    "busy": Wrong(K.BUSY, "maximum pending requests exceeded", 503),
    "busy_for_7_s": Wrong(K.BUSY, "too much to do", 503, retry_after=7.0),
    "busy_shortly": Wrong(K.BUSY, "too much to do", 503, retry_after=0.05),
    "out_of_memory": Wrong(K.OUT_OF_MEMORY, "smaller num_ctx", 500),
    "needs_more_memory": Wrong(K.OUT_OF_MEMORY, "7.4 GiB", 500),
    "load_failed": Wrong(K.SERVER, "process has terminated: exit status 2", 500),
    "load_stalled": Wrong(K.SERVER, "timed out waiting for llama-server", 500),
    "runner_gone": Wrong(K.SERVER, "unexpectedly stopped", 500),
    "bad_tool_call": Wrong(K.SERVER, "error parsing tool call", 500),
    "nested_error": Wrong(K.BAD_REQUEST, "refuses this: the prompt is too long", 400),
    "sign_in": Wrong(K.UNAUTHORIZED, "`ollama signin`", 401, hint="https://ollama.com/connect"),
    "forbidden": Wrong(K.UNAUTHORIZED, "OLLAMA_ORIGINS", 403),
    "cloud_off": Wrong(K.UNAUTHORIZED, "ollama cloud is disabled", 403),
    "rate_limited": Wrong(K.RATE_LIMITED, "too many requests", 429, retry_after=12.0),
    "rate_limited_shortly": Wrong(K.RATE_LIMITED, "too many requests", 429, retry_after=0.05),
    "rate_limited_bare": Wrong(K.RATE_LIMITED, "too many requests", 429),
    "bad_gateway": Wrong(K.GATEWAY, ": 502 Bad Gateway, nginx/1.27.0 \u241b[31m", 502),
    "gateway_timeout": Wrong(K.GATEWAY, ": 504 Gateway Time-out", 504),
    "origin_timeout": Wrong(K.GATEWAY, "error code: 524", 524),
    "cloud_unreachable": Wrong(K.GATEWAY, "ollama.com unreachable", 502),
    "half_an_error": Wrong(K.BUSY, "too much to do: server bu", 503),
    "empty_500": Wrong(K.SERVER, "status 500", 500),
    "not_found_text": Wrong(K.NOT_OLLAMA, "404 page not found", 404),
    "method_not_allowed": Wrong(K.NOT_OLLAMA, "405 method not allowed", 405),
    "too_large": Wrong(K.BAD_REQUEST, "413 Entity Too Large", 413),
    "html": Wrong(K.NOT_OLLAMA, "My router", 200),
    "html_untyped": Wrong(K.NOT_OLLAMA, "no Ollama", 200),
    "html_by_name": Wrong(K.NOT_OLLAMA, "Hello!", 200),
    "redirect_same": Right(),
    "redirect_away": Wrong(K.NOT_OLLAMA, "http://192.0.2.1:11434/api/chat", 307),
    "redirect_loop": Wrong(K.NOT_OLLAMA, "in a circle"),
    "redirect_see_other": Wrong(K.NOT_OLLAMA, "sends requests on", 303),
    "error_line": Wrong(K.SERVER, "unexpected EOF", before=2),
    "memory_line": Wrong(K.OUT_OF_MEMORY, "smaller num_ctx", before=2),
    "nested_line": Wrong(K.SERVER, "failed: the prompt is too long", before=2),
    "no_done": Wrong(K.TRUNCATED, "without saying that it is complete", before=2),
    "empty": Wrong(K.TRUNCATED, "without saying that it is complete"),
    "half_line": Wrong(K.TRUNCATED, "without saying that it is complete", before=2),
    "garbage": Wrong(K.PROTOCOL, "{\u241b[31mgarbage", before=2),
    "not_an_object": Wrong(K.PROTOCOL, "[1]", before=2),
    "wrong_types": Wrong(K.PROTOCOL, '{"content":7}', before=2),
    "huge_line": Wrong(K.PROTOCOL, "more than 8 MB", before=2),
    "reset": Wrong(K.DISCONNECTED, "broke off the connection", before=2, loses=True),
    "cut_off": Wrong(K.DISCONNECTED, "in the middle of the reply", before=2),
    "closed_between": Wrong(K.DISCONNECTED, "in the middle of the reply", before=2),
    "no_reply": Wrong(K.DISCONNECTED, "without a reply"),
    "reset_at_once": Wrong(K.DISCONNECTED, "without a reply"),
    "not_http": Wrong(K.NOT_OLLAMA, "does not speak HTTP"),
    "bad_chunk": Wrong(K.PROTOCOL, "cannot be read", before=2),
    "false_gzip": Wrong(K.PROTOCOL, "cannot be read"),
}

HOLDING = {"stall", "held", "held_then_right", "held_error"}
"""Those that end only when somebody lets go or leaves."""
APART = {"rate_limited_till", "busy_till"}
"""They depend on the date; see the test of `retry_after`."""


def test_every_fault_is_expected_to_end_in_some_way() -> None:
    assert EXPECTED.keys() | HOLDING | APART == FAULTS.keys()


@pytest.mark.parametrize("fault", sorted(EXPECTED))
async def test_a_fault(fault: str) -> None:
    expected = EXPECTED[fault]
    async with OllamaServer(tokens=TOKENS) as server:
        backend = OllamaBackend(read_host(server.url))
        question = f"fault:{fault}"
        chunks, error = await outcome(backend, ask(question))
        assert backend.open == 0
        if isinstance(expected, Right):
            expected.check(question, chunks, error)
        else:
            error = expected.check(chunks, error)
            assert bool(expected.hint) == bool(error.hints)
        # Whatever it was, it is over for the server too, and the next reply is right.
        for chat in server.chats:
            chat.let_go()
        await server.settled()
        assert text_in(await read(backend, ask("next"))) == text_of("next", TOKENS)
        await backend.aclose()


@pytest.mark.parametrize("fault", ["stall", "held"])
async def test_silence_is_waited_for_and_a_cancel_ends_it(fault: str) -> None:
    async with OllamaServer(tokens=TOKENS) as server:
        backend = OllamaBackend(read_host(server.url))
        task = asyncio.create_task(read(backend, ask(f"fault:{fault}@3")))
        chat = await server.chat()
        await chat.reached(Phase.GENERATING)
        await server.until(lambda: chat.lines == (3 if fault == "stall" else 0))
        assert not task.done()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        assert task.cancelled()
        assert backend.open == 0, "closed before the cancellation left"
        await chat.reached(Phase.LEFT)
        assert [(left.phase, left.lines) for left in server.disconnects] == [
            (Phase.GENERATING, chat.lines)
        ]


async def test_headers_may_come_as_late_as_they_like() -> None:
    async with OllamaServer(tokens=TOKENS) as server:
        backend = OllamaBackend(read_host(server.url))
        question = "fault:held_then_right"
        task = asyncio.create_task(read(backend, ask(question)))
        chat = await server.chat()
        await chat.reached(Phase.GENERATING)
        chat.let_go()
        assert text_in(await task) == text_of(question, TOKENS)


async def test_done_is_the_end_though_the_connection_stays_open() -> None:
    async with OllamaServer(tokens=TOKENS) as server:
        backend = OllamaBackend(read_host(server.url))
        assert (await read(backend, ask("fault:open_after_done")))[-1].done
        await server.settled()
        assert server.disconnects == [], "the reply was complete"


async def test_an_error_whose_words_do_not_come_is_told_without_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(http, "ERROR_TIMEOUT", 0.02)
    async with OllamaServer(tokens=TOKENS) as server:
        _, error = await outcome(OllamaBackend(read_host(server.url)), ask("fault:held_error"))
        assert error is not None
        assert error.kind is ErrorKind.BUSY
        await server.settled()


async def test_a_list_without_an_end_is_not_read_to_its_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(http, "BODY_LIMIT", 100)
    async with OllamaServer() as server:
        backend = OllamaBackend(read_host(server.url))
        with pytest.raises(BackendError) as caught:
            await backend.models()
        assert caught.value.kind is ErrorKind.PROTOCOL
        await server.settled()
