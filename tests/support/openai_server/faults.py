"""Everything that can go wrong, by name. Each fault makes another reply of the right one."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ccchat_tui.testing.ollama_server.faults import BAD_GATEWAY
from ccchat_tui.testing.ollama_server.steps import (
    HTML,
    JSON,
    PLAIN,
    Answer,
    Close,
    End,
    Head,
    Hold,
    Line,
    Raw,
    Reset,
    Step,
    answer,
    chunk_bytes,
    dumps,
    head_bytes,
)
from tests.support.openai_server.replies import DONE, SSE, chunk, event, whole

START = Head(content_type=SSE)
OUT_OF_MEMORY = "CUDA out of memory. Tried to allocate 2.00 GiB"


@dataclass(frozen=True, slots=True)
class Wrong:
    """What a fault has to work with."""

    events: Sequence[Line]
    """The right reply, its `[DONE]` included."""
    model: str
    after: int
    """How many events come first, for the faults that come in the middle."""
    text: str
    """The text of the whole reply."""

    @property
    def first(self) -> list[Step]:
        """The head and the events before the fault."""
        return [START, *self.events[: self.after]]

    @property
    def next(self) -> bytes:
        """The event at which the fault comes."""
        return self.events[self.after].data

    def said(self, text: str) -> Line:
        """An event that says this."""
        return event(chunk(self.model, {"content": text}))

    def end(self, reason: str = "stop") -> Line:
        """The event with the reason."""
        return event(chunk(self.model, {}, reason))


Make = Callable[[Wrong], list[Step]]


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong (or is only unusual)."""

    name: str
    words: str
    make: Make
    right: bool
    """Whether the reply is a right one all the same."""


def error(status: int, value: Any, *headers: tuple[str, str]) -> Answer:
    """An error of the protocol, or what this server has in its place."""
    return Answer(status, dumps(value), headers=headers)


def openai_error(text: str, kind: str, code: Any = None) -> dict[str, Any]:
    """The form of the protocol."""
    return {"error": {"message": text, "type": kind, "param": None, "code": code}}


def _answers(*args: Any, **more: Any) -> Make:
    reply = Answer(*args, **more)
    return lambda wrong: [reply]


def _refuses(status: int, value: Any, *headers: tuple[str, str]) -> Make:
    return lambda wrong: [error(status, value, *headers)]


def _whole(*steps: Step) -> list[Step]:
    return [START, *steps, End()]


def _joined(wrong: Wrong) -> bytes:
    return b"".join(each.data for each in wrong.events)


def _bytes_one_by_one(wrong: Wrong) -> list[Step]:
    data = _joined(wrong)
    return _whole(*(data[place : place + 1] for place in range(len(data))))


def _cut_characters(wrong: Wrong) -> list[Step]:
    data = wrong.said("é漢👩‍🚀").data + wrong.end().data + DONE.data
    cuts = [place for place, byte in enumerate(data) if byte & 0xC0 == 0x80]
    edges = [0, *cuts, len(data)]
    return _whole(*(data[a:b] for a, b in itertools.pairwise(edges)))


def _separators(wrong: Wrong) -> list[Step]:
    bad = wrong.said("aXb").data.replace(b"X", "\u0085c\u2028d\u2029".encode())
    return _whole(bad, wrong.end(), DONE)


def _furnished(wrong: Wrong) -> list[Step]:
    steps: list[Step] = [b"\xef\xbb\xbf: connected\n\nretry: 3000\n\n"]
    for number, each in enumerate(wrong.events):
        steps += [f"id: {number}\nevent: message\n".encode(), each, b": keep-alive\n\n\n"]
    return _whole(*steps)


def _over_lines(wrong: Wrong) -> list[Step]:
    """Each object printed over several lines, each of them with its `data`."""
    events = [
        each.data.replace(b'"choices":', b'\ndata: "choices":\ndata:') for each in wrong.events
    ]
    return _whole(*events)


def _without_blanks(wrong: Wrong) -> list[Step]:
    return _whole(*(each.data[:-1] for each in wrong.events))


def _mid_chunk(end: Step) -> Make:
    return lambda wrong: [
        *wrong.first,
        Raw(chunk_bytes(wrong.next)[: len(wrong.next) // 2]),
        end,
    ]


def _ends(reason: str) -> Make:
    return lambda wrong: _whole(wrong.said("x"), wrong.end(reason), DONE)


def _says(value: Any, *after: Step) -> Make:
    return lambda wrong: [*wrong.first, event(value), *after, End()]


def _raw(data: bytes) -> Make:
    return lambda wrong: [*wrong.first, data, End()]


def _before_end(wrong: Wrong) -> list[Line]:
    """All events up to the one with the reason, this included."""
    place = next(n for n, each in enumerate(wrong.events) if b'"finish_reason":"' in each.data)
    return list(wrong.events[: place + 1])


_CONTEXT = "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens."
_LLAMA_CONTEXT = {
    "error": {
        "code": 400,
        "type": "exceed_context_size_error",
        "message": "request (13392 tokens) exceeds the available context size (8192 tokens)",
        "n_prompt_tokens": 13392,
        "n_ctx": 8192,
    }
}
_FORBIDDEN_EXTRA = {
    "detail": [
        {
            "type": "extra_forbidden",
            "loc": ["body", "top_k"],
            "msg": "Extra inputs are not permitted",
            "input": 5,
        }
    ]
}

_RIGHT: list[tuple[str, str, Make]] = [
    ("one_byte", "one byte a chunk", _bytes_one_by_one),
    ("one_write", "all events in one write", lambda w: _whole(_joined(w))),
    ("crlf", "lines that end with CR LF, cut between the two", lambda w: _whole(
        *(part for each in w.events for part in (
            each.data.replace(b"\n", b"\r\n")[:-4], b"\r", b"\n\r", b"\n")))),
    ("cr", "lines that end with CR", lambda w: _whole(_joined(w).replace(b"\n", b"\r"))),
    ("furnished", "comments, names, ids, a byte order mark", _furnished),
    ("over_lines", "objects over several lines", _over_lines),
    ("without_blanks", "no blank lines between the events", _without_blanks),
    ("no_space", "no space behind the colon", lambda w: _whole(
        _joined(w).replace(b"data: ", b"data:"))),
    ("no_last_blank", "the last event lacks its blank line", lambda w: _whole(
        *w.events[:-1], b"data: [DONE]")),
    ("no_done", "an end without [DONE], with a reason", lambda w: _whole(*w.events[:-1])),
    ("no_reason", "[DONE] without a reason", lambda w: _whole(w.said("x"), DONE)),
    ("reason_with_text", "the reason stands with the last text", lambda w: _whole(
        event(chunk(w.model, {"content": "x"}, "stop")), DONE)),
    ("empty_reason", "an empty reason in every event", lambda w: _whole(
        event(chunk(w.model, {"content": "x"}, "")), w.end(), DONE)),
    ("reason_everywhere", "a reason in every event", lambda w: _whole(
        *(event(chunk(w.model, {"content": text}, "stop")) for text in "xyz"), DONE)),
    ("repeated_whole", "the whole answer once more behind the stream", lambda w: _whole(
        w.said("x"), event(whole(w.model, "x")), DONE)),
    ("not_streamed", "the whole answer as one object", lambda w: [
        answer(whole(w.model, w.text))]),
    ("not_streamed_pretty", "the same over lines, under the wrong name", lambda w: _whole(
        dumps(whole(w.model, w.text)).replace(b",", b",\n"))),
    ("open_after_reason", "neither [DONE] nor an end", lambda w: [
        START, *_before_end(w), Hold()]),
    ("open_after_done", "not ended after [DONE]", lambda w: [START, *w.events, Hold()]),
    ("reset_after_reason", "a reset behind the reason", lambda w: [
        START, *_before_end(w), Reset()]),
    ("half_after_reason", "half an event behind the reason", lambda w: _whole(
        *_before_end(w), b'data: {"choices":[],"usa')),
    ("after_done", "more behind [DONE]", lambda w: _whole(*w.events, b"data: {garbage\n\n")),
    ("null_fields", "nulls and unknown fields", lambda w: _whole(
        event({"choices": None, "error": None, "x": 1}),
        event({"choices": [{"delta": {"content": None, "tool_calls": None}}], "usage": None}),
        event({"type": "ping"}), w.said("x"), w.end(), DONE)),
    ("filtered", "cut by a filter", _ends("content_filter")),
    ("length", "cut at its length", _ends("length")),
    ("cut_characters", "every character cut in the middle", _cut_characters),
    ("separators", "U+0085, U+2028 and U+2029 raw in a text", _separators),
    ("not_utf8", "a byte that is no UTF-8", lambda w: _whole(
        w.said("aXb").data.replace(b"X", b"\xff"), w.end(), DONE)),
    ("escapes", "terminal escapes and markup", lambda w: _whole(
        w.said("\x1b]0;title\x07\x1b[2J [/b]"), w.end(), DONE)),
]  # fmt: skip
"""Unusual, and right."""

_WRONG: list[tuple[str, str, Make]] = [
    # Refused before the first event.
    ("model_openai", "404 of OpenAI", _refuses(404, openai_error(
        "The model `nope` does not exist or you do not have access to it.",
        "invalid_request_error", "model_not_found"))),
    ("model_vllm", "404 of vLLM", _refuses(404, openai_error(
        "The model `nope` does not exist.", "NotFoundError", 404))),
    ("model_litellm", "400 of LiteLLM", _refuses(400, openai_error(
        "/chat/completions: Invalid model name passed in model=nope. Call `/v1/models` to view "
        "available models for your key.", "invalid_request_error", "400"))),
    ("model_lmstudio", "404 of LM Studio", _refuses(404, openai_error(
        "No models loaded. Please load a model in the developer page.",
        "invalid_request_error", "model_not_found"))),
    ("context_openai", "400 of OpenAI", _refuses(400, openai_error(
        _CONTEXT, "invalid_request_error", "context_length_exceeded"))),
    ("context_llama", "400 of llama.cpp", _refuses(400, _LLAMA_CONTEXT)),
    ("flat_error", "400 of an older vLLM", _refuses(400, {
        "object": "error", "message": "top_p must be in (0, 1], got 7.0.",
        "type": "BadRequestError", "param": None, "code": 400})),
    ("bare_text", "400 with a bare text (LM Studio)", _refuses(400, {"error": "Bad 'messages'"})),
    ("fastapi", "422 of FastAPI", _refuses(422, _FORBIDDEN_EXTRA)),
    ("wrapped", "400 with another's error in its text", _refuses(400, {
        "detail": dumps(_LLAMA_CONTEXT).decode()})),
    ("wrong_key", "401 of OpenAI", _refuses(401, openai_error(
        "Incorrect API key provided.", "invalid_request_error", "invalid_api_key"))),
    ("no_key", "401 of vLLM", _refuses(401, {"error": "Unauthorized"})),
    ("no_key_litellm", "400 of LiteLLM without a database", _refuses(400, openai_error(
        "No connected db.", "no_db_connection", "400"))),
    ("forbidden", "403 without a word", _answers(403, b"", "")),
    ("no_credit", "429 because nothing is left", _refuses(429, openai_error(
        "You exceeded your current quota.", "insufficient_quota", "insufficient_quota"))),
    ("to_pay", "402", _refuses(402, openai_error("Insufficient credits", "None", 402))),
    ("rate_limited", "429 with a time in the text", _refuses(429, openai_error(
        "Rate limit reached. Please try again in 1m12.5s. Visit us.", "tokens",
        "rate_limit_exceeded"))),
    ("rate_limited_header", "429 with Retry-After", _refuses(429, openai_error(
        "Slow down, try again in 99s.", "requests"), ("Retry-After", "12"))),
    ("rate_limited_ms", "429 with milliseconds", _refuses(429, openai_error(
        "Slow down", "requests"), ("Retry-After", "1"), ("Retry-After-Ms", "250"))),
    ("no_deployment", "429 of LiteLLM", _refuses(429, openai_error(
        "No deployments available for selected model, Try again in 60 seconds.", "None", "429"))),
    ("loading", "503 of llama.cpp", _refuses(503, {"error": {
        "message": "Loading model", "type": "unavailable_error", "code": 503}})),
    ("overloaded", "529", _refuses(529, openai_error("Overloaded", "overloaded_error"))),
    ("out_of_memory", "500", _refuses(500, openai_error(
        OUT_OF_MEMORY, "InternalServerError", 500))),
    ("server_error", "500", _refuses(500, openai_error(
        "The server had an error", "server_error"))),
    ("not_supported", "501 of llama.cpp", _refuses(501, {"error": {
        "message": "This server does not support chats", "type": "not_supported_error",
        "code": 501}})),
    ("empty_500", "500 without a word", _answers(500, b"", "")),
    ("bad_gateway", "502 and a page", _answers(502, BAD_GATEWAY, HTML)),
    ("gateway_timeout", "504 and a page", _answers(504, b"<h1>504 Gateway Time-out</h1>", HTML)),
    ("no_path", "404 of FastAPI", _refuses(404, {"detail": "Not Found"})),
    ("no_path_llama", "404 of llama.cpp", _refuses(404, {"error": {
        "code": 404, "message": "File Not Found", "type": "not_found_error"}})),
    ("method_not_allowed", "405", _refuses(405, {"detail": "Method Not Allowed"})),
    ("no_path_lmstudio", "200 of LM Studio for a path it does not know", _answers(200, dumps(
        {"error": "Unexpected endpoint or method. (POST /chat/completions)"}), JSON)),
    ("html", "200 and a page", _answers(200, b"<!doctype html><title>My router</title>", HTML)),
    ("html_untyped", "200 and a page under a false name", _answers(
        200, b"<!doctype html>\n<title>My router</title>\n", SSE)),
    ("plain", "200 and a word", _answers(200, b"Hello!", PLAIN)),
    # In the stream.
    ("error_event", "an error as an event", _says(openai_error(OUT_OF_MEMORY, "server_error", 500),
        DONE)),
    ("error_named", "an event named error (LM Studio)", lambda w: [
        *w.first, b"event: error\n", event({"error": {"message": "Error rendering prompt"}}),
        DONE, End()]),
    ("error_field", "a field named error (older llama.cpp)", _raw(
        b'error: {"code":500,"message":"slot unavailable","type":"server_error"}\n\n')),
    ("error_bare", "bare JSON between events (gateways)", _raw(
        b'{"error":{"code":400,"message":"request exceeds the available context size"}}\n')),
    ("error_flat", "an older vLLM's, then [DONE]", _says(
        {"object": "error", "message": "boom", "type": "InternalServerError", "code": 500}, DONE)),
    ("error_busy", "an error with a status as its code", _says(
        openai_error("Please retry after 3s", "None", "429"))),
    ("error_with_choices", "an error beside choices (OpenRouter)", _says({
        "error": {"code": 502, "message": "Upstream is gone"},
        "choices": [{"delta": {"content": ""}, "finish_reason": "error"}]})),
    ("aborted", "a reason that is none", lambda w: [*w.first, w.end("abort"), DONE, End()]),
    ("no_end", "an end without a reason and without [DONE]", lambda w: [*w.first, End()]),
    ("empty", "200 and nothing at all", lambda w: _whole()),
    ("half_event", "a clean end in the middle of an event", lambda w: [
        *w.first, w.next[: len(w.next) // 2], End()]),
    ("half_answer", "half of a whole answer", lambda w: _whole(
        dumps(whole(w.model, w.text))[:60])),
    ("garbage", "an event that is no JSON", _raw(b"data: {\x1b[31mgarbage\n\n")),
    ("not_an_object", "an event that is JSON and no object", _raw(b"data: [1]\n\n")),
    ("wrong_types", "an event whose content is a number", _says(
        {"choices": [{"delta": {"content": 7}}]})),
    ("wrong_choices", "choices that are none", _says({"choices": [7]})),
    ("wrong_delta", "a delta that is none", _says({"choices": [{"delta": "x"}]})),
    ("huge_event", "an event of 9 MiB", lambda w: [
        *w.first, b"data: {", *[b"x" * (1 << 16)] * (9 * 16), b"}\n\n", End()]),
    ("huge_over_lines", "the same in many lines", lambda w: [
        *w.first, *[b"data: " + b"x" * (1 << 16) + b"\n"] * (9 * 16), b"\n", End()]),
    ("stall", "silence after some events", lambda w: [*w.first, Hold()]),
    # In the connection.
    ("held", "not even headers", lambda w: [Hold()]),
    ("reset", "a reset in the middle of a chunk", _mid_chunk(Reset())),
    ("cut_off", "the connection closed in the middle of a chunk", _mid_chunk(Close())),
    ("closed_between", "the connection closed between two chunks", lambda w: [*w.first, Close()]),
    ("no_reply", "the connection closed without a reply", lambda w: [Close()]),
    ("not_http", "something that is not HTTP", lambda w: [
        Raw(b"220 mail.example ESMTP\r\n\r\n"), Close()]),
    ("head_only", "closed behind the head", lambda w: [Raw(head_bytes(START)), Close()]),
]  # fmt: skip

FAULTS = {
    name: Fault(name, words, make, right)
    for right, group in ((True, _RIGHT), (False, _WRONG))
    for name, words, make in group
}
"""All of them."""
