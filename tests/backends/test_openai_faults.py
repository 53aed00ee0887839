"""What becomes of everything that a server can do wrong, or only in an unusual way."""

from __future__ import annotations

import pytest

from ccchat_tui.backends import openai
from ccchat_tui.backends.base import ErrorKind
from ccchat_tui.backends.hosts import read_host
from ccchat_tui.backends.openai import OpenAIBackend
from ccchat_tui.testing.ollama_server import text_of
from tests.support.openai_server import FAULTS, OpenAIServer
from tests.support.outcomes import TOKENS, Right, Wrong
from tests.support.streams import ask, outcome, read, text_in

K = ErrorKind
COUNTED = Right(tokens=TOKENS)
EXPECTED: dict[str, Right | Wrong] = {
    "one_byte": COUNTED,
    "one_write": COUNTED,
    "crlf": COUNTED,
    "cr": COUNTED,
    "furnished": COUNTED,
    "over_lines": COUNTED,
    "without_blanks": COUNTED,
    "no_space": COUNTED,
    "no_last_blank": COUNTED,
    "no_done": COUNTED,
    "no_reason": Right("x", None),
    "reason_with_text": Right("x"),
    "empty_reason": Right("x"),
    "reason_everywhere": Right("xyz"),
    "repeated_whole": Right("x", tokens=5),
    "not_streamed": Right(tokens=5),
    "not_streamed_pretty": Right(tokens=5),
    "open_after_reason": Right(),
    "open_after_done": COUNTED,
    "reset_after_reason": Right(),
    "half_after_reason": Right(),
    "after_done": COUNTED,
    "null_fields": Right("x"),
    "filtered": Right("x", "content_filter"),
    "length": Right("x", "length"),
    "cut_characters": Right("é漢👩‍🚀"),
    "separators": Right("a\u0085c\u2028d\u2029b"),
    "not_utf8": Right("a\ufffdb"),
    "escapes": Right("\x1b]0;title\x07\x1b[2J [/b]"),
    "model_openai": Wrong(K.MODEL_NOT_FOUND, "have it served there", 404),
    "model_vllm": Wrong(K.MODEL_NOT_FOUND, "have it served there", 404),
    "model_litellm": Wrong(K.MODEL_NOT_FOUND, "have it served there", 400),
    "model_lmstudio": Wrong(K.MODEL_NOT_FOUND, "have it served there", 404),
    "context_openai": Wrong(K.BAD_REQUEST, "too long for the model", 400),
    "context_llama": Wrong(K.BAD_REQUEST, "too long for the model", 400),
    "flat_error": Wrong(K.BAD_REQUEST, "refuses this: top_p must be in (0, 1]", 400),
    "bare_text": Wrong(K.BAD_REQUEST, "refuses this: Bad 'messages'", 400),
    "fastapi": Wrong(K.BAD_REQUEST, "refuses this: top_k: Extra inputs are not permitted", 422),
    "wrapped": Wrong(K.BAD_REQUEST, ": request (13392 tokens)", 400),
    "wrong_key": Wrong(K.UNAUTHORIZED, "another key than it was given: Incorrect API", 401),
    "no_key": Wrong(K.UNAUTHORIZED, "Unauthorized", 401),
    "no_key_litellm": Wrong(K.UNAUTHORIZED, "another key than it was given: No connected", 400),
    "forbidden": Wrong(K.UNAUTHORIZED, "does not let us in with this key (status 403)", 403),
    "no_credit": Wrong(K.UNAUTHORIZED, "wants to be paid", 429),
    "to_pay": Wrong(K.UNAUTHORIZED, "Insufficient credits", 402),
    "rate_limited": Wrong(K.RATE_LIMITED, "no more requests for now", 429, retry_after=72.5),
    "rate_limited_header": Wrong(K.RATE_LIMITED, "Slow down", 429, retry_after=12.0),
    "rate_limited_ms": Wrong(K.RATE_LIMITED, "Slow down", 429, retry_after=0.25),
    "no_deployment": Wrong(K.RATE_LIMITED, "No deployments", 429, retry_after=60.0),
    "loading": Wrong(K.BUSY, "still loading its model", 503),
    "overloaded": Wrong(K.BUSY, "too much to do: Overloaded", 529),
    "out_of_memory": Wrong(K.OUT_OF_MEMORY, "try a smaller model", 500),
    "server_error": Wrong(K.SERVER, "The server had an error", 500),
    "not_supported": Wrong(K.SERVER, "does not support chats", 501),
    "empty_500": Wrong(K.SERVER, "(status 500)", 500),
    "bad_gateway": Wrong(K.GATEWAY, ": 502 Bad Gateway, nginx/1.27.0 \u241b[31m", 502),
    "gateway_timeout": Wrong(K.GATEWAY, ": 504 Gateway Time-out", 504),
    "no_path": Wrong(K.NOT_OLLAMA, "no OpenAI protocol: Not Found; the address", 404),
    "no_path_llama": Wrong(K.NOT_OLLAMA, "mostly ends in /v1", 404),
    "method_not_allowed": Wrong(K.NOT_OLLAMA, "mostly ends in /v1", 405),
    "no_path_lmstudio": Wrong(K.SERVER, "Unexpected endpoint or method."),
    "html": Wrong(K.NOT_OLLAMA, "(it says: My router)", 200),
    "html_untyped": Wrong(K.NOT_OLLAMA, "(it says: My router)", 200),
    "plain": Wrong(K.TRUNCATED, "without saying that it is complete"),
    "error_event": Wrong(K.OUT_OF_MEMORY, "try a smaller model", before=2),
    "error_named": Wrong(K.SERVER, "failed: Error rendering prompt", before=2),
    "error_field": Wrong(K.SERVER, "failed: slot unavailable", before=2),
    "error_bare": Wrong(K.BAD_REQUEST, "too long for the model", before=2),
    "error_flat": Wrong(K.SERVER, "failed: boom", before=2),
    "error_busy": Wrong(K.RATE_LIMITED, "no more requests", before=2, retry_after=3.0),
    "error_with_choices": Wrong(K.GATEWAY, "Upstream is gone", before=2),
    "aborted": Wrong(K.SERVER, "broke off the reply (it says: abort)", before=2),
    "no_end": Wrong(K.TRUNCATED, "without saying that it is complete", before=2),
    "empty": Wrong(K.TRUNCATED, "without saying that it is complete"),
    "half_event": Wrong(K.TRUNCATED, "without saying that it is complete", before=2),
    "half_answer": Wrong(K.TRUNCATED, "without saying that it is complete"),
    "garbage": Wrong(K.PROTOCOL, "{\u241b[31mgarbage", before=2),
    "not_an_object": Wrong(K.PROTOCOL, "[1]", before=2),
    "wrong_types": Wrong(K.PROTOCOL, '{"content":7}', before=2),
    "wrong_choices": Wrong(K.PROTOCOL, '{"choices":[7]}', before=2),
    "wrong_delta": Wrong(K.PROTOCOL, '"delta":"x"', before=2),
    "huge_event": Wrong(K.PROTOCOL, "more than 8 MB", before=2),
    "huge_over_lines": Wrong(K.PROTOCOL, "more than 8 MB", before=2),
    "reset": Wrong(K.DISCONNECTED, "broke off the connection", before=2, loses=True),
    "cut_off": Wrong(K.DISCONNECTED, "in the middle of the reply", before=2),
    "closed_between": Wrong(K.DISCONNECTED, "in the middle of the reply", before=2),
    "no_reply": Wrong(K.DISCONNECTED, "without a reply"),
    "not_http": Wrong(K.NOT_OLLAMA, "does not speak HTTP"),
    "head_only": Wrong(K.DISCONNECTED, "in the middle of the reply"),
}

HOLDING = {"stall", "held"}
"""Those that end only when somebody leaves; see tests/backends/test_openai.py."""
UNCERTAIN = {"reset_after_reason"}
"""A reset may take back what was not read yet, the reason with it."""


def test_every_fault_is_expected_to_end_in_some_way() -> None:
    assert EXPECTED.keys() | HOLDING == FAULTS.keys()


@pytest.mark.parametrize("fault", sorted(EXPECTED.keys() - UNCERTAIN))
async def test_a_fault(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = EXPECTED[fault]
    assert FAULTS[fault].right == isinstance(expected, Right)
    if fault == "open_after_reason":
        monkeypatch.setattr(openai, "TAIL_TIMEOUT", 0.02)
    async with OpenAIServer(tokens=TOKENS) as server:
        backend = OpenAIBackend(read_host(server.url))
        # Once it is known that the server counts, everything is asked once.
        await read(backend, ask("first"))
        question = f"fault:{fault}"
        chunks, error = await outcome(backend, ask(question))
        assert backend.open == 0
        if isinstance(expected, Right):
            expected.check(question, chunks, error)
            assert chunks[-1].stats is not None
            assert chunks[-1].stats.reply_tokens == expected.tokens
        else:
            error = expected.check(chunks, error)
            assert bool(error.hints) == (error.kind is K.MODEL_NOT_FOUND)
            assert "ollama" not in error.message.lower()
        # Whatever it was, it is over for the server too, and the next reply is right.
        for chat in server.chats:
            chat.let_go()
        await server.settled()
        assert text_in(await read(backend, ask("next"))) == text_of("next", TOKENS)
        assert len([chat for chat in server.chats if chat.question == question]) == 1
        await backend.aclose()


async def test_a_reset_behind_the_reason_loses_only_figures() -> None:
    async with OpenAIServer(tokens=TOKENS, manual=True) as server:
        backend = OpenAIBackend(read_host(server.url))
        question = "fault:reset_after_reason"
        chunks, pieces = [], backend.stream(ask(question))
        server.manual = False
        async for chunk in pieces:
            chunks.append(chunk)
            if len(chunks) == 1:
                # One by one, so that each is read before the reset.
                chat = await server.chat(question)
            if chat.lines < chat.total - 2:
                await chat.release()
        assert text_in(chunks) == text_of(question, TOKENS)
        assert chunks[-1].stats is not None
        assert chunks[-1].stats.done_reason == "stop"
