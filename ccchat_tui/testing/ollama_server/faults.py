"""Everything that can go wrong, by name. Each fault makes another reply of the right one."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

from ccchat_tui.quick import dataclass
from ccchat_tui.testing.ollama_server.replies import chunk, final, joined
from ccchat_tui.testing.ollama_server.steps import (
    HTML,
    JSON,
    NDJSON,
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
    error,
    head_bytes,
    line,
)

MOVED = "/moved"
"""A path before `/api` under which the server answers too, for redirects."""
BUSY = "server busy, please try again.  maximum pending requests exceeded"
BROKEN = "an error was encountered while running the model: unexpected EOF"
OUT_OF_MEMORY = "llama-server reported out-of-memory during startup: cudaMalloc failed"
BAD_GATEWAY = (
    b"<html><head><title>502 Bad Gateway</title><style>h1 {color: red}</style></head>"
    b"<body><center><h1>502 Bad Gateway</h1></center><hr>nginx/1.27.0 \x1b[31m</body></html>"
)


@dataclass(frozen=True, slots=True)
class Wrong:
    """What a fault has to work with."""

    lines: Sequence[Line]
    """The right reply, its last line included."""
    model: str
    after: int
    """How many lines come first, for the faults that come in the middle."""

    @property
    def first(self) -> list[Step]:
        """The lines before the fault, with the head."""
        return [Head(), *self.lines[: self.after]]

    @property
    def next(self) -> bytes:
        """The line at which the fault comes."""
        return self.lines[min(self.after, len(self.lines) - 1)].data

    def said(self, text: str, **more: Any) -> Line:
        """A line of the reply that says this."""
        return line(chunk(self.model, text, **more))


Make = Callable[[Wrong], list[Step]]


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong (or is only unusual)."""

    name: str
    words: str
    make: Make
    right: bool
    """Whether the reply is a right one all the same."""


def _answers(*args: Any, **more: Any) -> Make:
    reply = Answer(*args, **more)
    return lambda wrong: [reply]


def _error(status: int, text: str, *headers: tuple[str, str]) -> Make:
    return lambda wrong: [error(status, text.replace("MODEL", wrong.model), *headers)]


def _whole(*lines: Step) -> list[Step]:
    return [Head(), *lines, End()]


def _tool_call() -> list[dict[str, Any]]:
    call = {"function": {"index": 0, "name": "weather", "arguments": {"city": "Basel"}}}
    return [{"id": "call_1", **call}]


def _bytes_one_by_one(wrong: Wrong) -> list[Step]:
    data = b"".join(each.data for each in wrong.lines)
    return _whole(*(data[place : place + 1] for place in range(len(data))))


def _wire_one_by_one(wrong: Wrong) -> list[Step]:
    chunks = b"".join(chunk_bytes(each.data) for each in wrong.lines)
    data = head_bytes(Head()) + chunks + b"0\r\n\r\n"
    return [Raw(data[place : place + 1]) for place in range(len(data))]


def _cut_characters(wrong: Wrong) -> list[Step]:
    data = wrong.said("é漢👩‍🚀").data + wrong.lines[-1].data
    cuts = [place for place, byte in enumerate(data) if byte & 0xC0 == 0x80]
    edges = [0, *cuts, len(data)]
    return _whole(*(data[a:b] for a, b in itertools.pairwise(edges)))


def _not_utf8(wrong: Wrong) -> list[Step]:
    bad = wrong.said("aXb").data.replace(b"X", b"\xff")
    return _whole(bad, wrong.lines[-1])


def _separators(wrong: Wrong) -> list[Step]:
    bad = wrong.said("aXb").data.replace(b"X", "\u0085c\u2028d\u2029".encode())
    return _whole(bad, wrong.lines[-1])


def _blank_lines(wrong: Wrong) -> list[Step]:
    data = b"\r\n".join(each.data.rstrip(b"\n") + b"\r\n" for each in wrong.lines)
    return _whole(b"\xef\xbb\xbf\n\n" + data)


def _huge_line(wrong: Wrong) -> list[Step]:
    piece = b"x" * (1 << 16)
    return [*wrong.first, b'{"model":"', *[piece] * (9 * 16), b'"}\n', End()]


def _no_metrics(wrong: Wrong) -> list[Step]:
    last = {**chunk(wrong.model), "done": True}
    return _whole(*wrong.lines[:-1], line(last))


def _unknown(wrong: Wrong) -> list[Step]:
    lines = [{**chunk(wrong.model, "tomorrow"), "logprobs": [{"token": "x"}], "new": None}]
    last = {**final(wrong.model, "a_reason_of_tomorrow", 1, 1), "new": {"deep": [1]}}
    return _whole(line(lines[0]), line(last))


def _escapes(wrong: Wrong) -> list[Step]:
    text = "\x1b]0;title\x07\x1b[2J\x1b[31mred\x9b31m \u202eback [/b] [bold]"
    return _whole(wrong.said(text), wrong.lines[-1])


def _in_one_write(wrong: Wrong) -> list[Step]:
    return _whole(b"".join(each.data for each in wrong.lines))


def _mid_chunk(end: Step) -> Make:
    def make(wrong: Wrong) -> list[Step]:
        return [*wrong.first, Raw(chunk_bytes(wrong.next)[: len(wrong.next) // 2]), end]

    return make


def _redirect(status: int, location: str) -> Make:
    return _answers(status, b"", "", (("Location", location),))


_NESTED = dumps({"error": {"message": "the prompt is too long for the context", "code": 400}})

_RIGHT: list[tuple[str, str, Make]] = [
    ("tool_call", "a tool call in mid-stream", lambda w: _whole(
        w.said("", tool_calls=_tool_call()), w.lines[-1])),
    ("tool_call_at_end", "a tool call in the last line", lambda w: _whole(
        w.said("x"), line({**final(w.model, "stop", 1, 1), "message": {
            "role": "assistant", "content": "", "tool_calls": _tool_call()}}))),
    ("text_at_end", "the last line holds text too", lambda w: _whole(
        w.said("a"), line({**final(w.model, "stop", 2, 1), "message": {
            "role": "assistant", "content": "b"}}))),
    ("no_metrics", "the last line has neither a reason nor figures", _no_metrics),
    ("unknown_fields", "fields and a reason that nobody knows", _unknown),
    ("one_byte", "one byte a chunk", _bytes_one_by_one),
    ("one_byte_on_the_wire", "one byte a write, the headers included", _wire_one_by_one),
    ("one_write", "all lines in one write", _in_one_write),
    ("cut_characters", "every character cut in the middle", _cut_characters),
    ("not_utf8", "a byte that is no UTF-8", _not_utf8),
    ("separators", "U+0085, U+2028 and U+2029 raw in a text", _separators),
    ("blank_lines", "blank lines, CR LF and a byte order mark", _blank_lines),
    ("not_streamed", "the whole reply as one object, whatever was asked for", lambda w: [
        answer(joined(w.lines))]),
    ("no_final_newline", "the last line lacks its line end", lambda w: _whole(
        *w.lines[:-1], w.lines[-1].data.rstrip(b"\n"))),
    ("after_done", "more lines after the last", lambda w: _whole(
        *w.lines, b"{garbage\n", w.said("more"))),
    ("open_after_done", "the reply is not ended after the last line", lambda w: [
        Head(), *w.lines, Hold()]),
    ("escapes", "terminal escapes, overrides of direction and markup", _escapes),
]  # fmt: skip
"""Unusual, and right."""

_WRONG: list[tuple[str, str, Make]] = [
    # Refused before the first line.
    ("model_not_found", "404", _error(404, "model 'MODEL' not found")),
    ("no_tools", "400", _error(400, "registry.ollama.ai/library/MODEL does not support tools")),
    ("no_thinking", "400", _error(400, '"MODEL" does not support thinking')),
    ("bad_json", "400", _error(400, "invalid character 'x' looking for beginning of value")),
    ("too_long", "400", _error(400, "the prompt is longer than the context length currently "
                               "available (4096 tokens)")),
    ("wrong_option", "500", _error(500, 'option "stop" must be of type array')),
    ("bad_format", "500", _error(500, "invalid format: expected a JSON schema")),
    ("busy", "503 without Retry-After", _error(503, BUSY)),
    ("busy_for_7_s", "503 with Retry-After in seconds", _error(503, BUSY, ("Retry-After", "7"))),
    ("busy_shortly", "503 with a short Retry-After", _error(503, BUSY, ("Retry-After", "0.05"))),
    ("busy_till", "503 with Retry-After as a date far away", _error(
        503, BUSY, ("Retry-After", "Fri, 31 Dec 2280 23:59:59 GMT"))),
    ("out_of_memory", "500 at the load", _error(500, OUT_OF_MEMORY)),
    ("needs_more_memory", "500 before the load", _error(500, "model requires more system memory "
                                               "(12.0 GiB) than is available (7.4 GiB)")),
    ("load_failed", "500", _error(500, "llama-server process has terminated: exit status 2")),
    ("load_stalled", "500", _error(500, "timed out waiting for llama-server to start - ")),
    ("runner_gone", "500", _error(500, "model runner has unexpectedly stopped, this may be due "
                                  "to resource limitations or an internal error")),
    ("bad_tool_call", "500", _error(500, "error parsing tool call: raw='{', err=unexpected EOF")),
    ("nested_error", "400 with JSON in the text", lambda w: [
        Answer(400, dumps({"error": _NESTED.decode()}), JSON)]),
    ("sign_in", "401 with an address to sign in at", _answers(401, dumps(
        {"error": "unauthorized", "signin_url": "https://ollama.com/connect?name=x"}))),
    ("forbidden", "403 without a word", _answers(403, b"", "")),
    ("cloud_off", "403", _error(403, "ollama cloud is disabled: remote model is unavailable")),
    ("rate_limited", "429 with Retry-After in seconds", _error(
        429, "too many requests", ("Retry-After", "12"))),
    ("rate_limited_shortly", "429 with a short Retry-After", _error(
        429, "too many requests", ("Retry-After", "0.05"))),
    ("rate_limited_till", "429 with Retry-After as a date", _error(
        429, "too many requests", ("Retry-After", "Fri, 31 Dec 2280 23:59:59 GMT"))),
    ("rate_limited_bare", "429 without Retry-After", _error(429, "too many requests")),
    ("bad_gateway", "502 and a page", _answers(502, BAD_GATEWAY, HTML)),
    ("gateway_timeout", "504 and a page", _answers(504, b"<h1>504 Gateway Time-out</h1>", HTML)),
    ("origin_timeout", "524, of no standard", _answers(524, b"error code: 524", PLAIN)),
    ("cloud_unreachable", "502 in JSON", _error(502, "upstream error: ollama.com unreachable")),
    ("half_an_error", "503 whose body breaks off", lambda w: [
        Head(503, PLAIN), b"server bu", Close()]),
    ("held_error", "503 whose body never comes", lambda w: [Head(503, PLAIN), b"b", Hold()]),
    ("empty_500", "500 without a word", _answers(500, b"", "")),
    ("not_found_text", "404 of another kind", _answers(404, b"404 page not found", PLAIN)),
    ("method_not_allowed", "405", _answers(405, b"405 method not allowed", PLAIN)),
    ("too_large", "413 of a proxy", _answers(413, b"<h1>413 Entity Too Large</h1>", HTML)),
    ("html", "200 and a page", _answers(200, b"<!doctype html><title>My router</title>", HTML)),
    ("html_untyped", "200 and a page under a false name", _answers(
        200, b"<!doctype html>\n<title>My router</title>\n", NDJSON)),
    ("html_by_name", "200 and words under the name of a page", _answers(200, b"Hello!\n", HTML)),
    ("redirect_same", "307 within the server", _redirect(307, f"{MOVED}/api/chat")),
    ("redirect_away", "307 to another server", _redirect(307, "http://192.0.2.1:11434/api/chat")),
    ("redirect_loop", "308 to itself", _redirect(308, "/api/chat")),
    ("redirect_see_other", "303", _redirect(303, "/api/chat")),
    # In the stream.
    ("error_line", "an error line", lambda w: [*w.first, line({"error": BROKEN}), End()]),
    ("memory_line", "an error line about memory", lambda w: [
        *w.first, line({"error": "cudaMalloc failed: out of memory"}), End()]),
    ("nested_line", "an error line with JSON in its text", lambda w: [
        *w.first, line({"error": _NESTED.decode()}), End()]),
    ("no_done", "a clean end without a last line", lambda w: [*w.first, End()]),
    ("empty", "200 and nothing at all", lambda w: _whole()),
    ("half_line", "a clean end in the middle of a line", lambda w: [
        *w.first, w.next[: len(w.next) // 2], End()]),
    ("garbage", "a line that is no JSON", lambda w: [*w.first, b"{\x1b[31mgarbage\n", End()]),
    ("not_an_object", "a line that is JSON and no object", lambda w: [*w.first, b"[1]\n", End()]),
    ("wrong_types", "a line whose content is a number", lambda w: [
        *w.first, line({"message": {"content": 7}, "done": False}), End()]),
    ("huge_line", "a line of 9 MiB", _huge_line),
    ("stall", "silence after some lines", lambda w: [*w.first, Hold()]),
    # In the connection.
    ("held", "not even headers", lambda w: [Hold()]),
    ("held_then_right", "headers late, then the right reply", lambda w: [
        Hold(), *_whole(*w.lines)]),
    ("reset", "a reset in the middle of a chunk", _mid_chunk(Reset())),
    ("cut_off", "the connection closed in the middle of a chunk", _mid_chunk(Close())),
    ("closed_between", "the connection closed between two chunks", lambda w: [*w.first, Close()]),
    ("no_reply", "the connection closed without a reply", lambda w: [Close()]),
    ("reset_at_once", "a reset without a reply", lambda w: [Reset()]),
    ("not_http", "something that is not HTTP", lambda w: [
        Raw(b"220 mail.example ESMTP\r\n\r\n"), Close()]),
    ("bad_chunk", "a chunk whose length is none", lambda w: [*w.first, Raw(b"xyz\r\n"), Close()]),
    ("false_gzip", "said to be packed, and is not", lambda w: [
        Head(headers=(("Content-Encoding", "gzip"),)), *w.lines, End()]),
]  # fmt: skip

FAULTS = {
    name: Fault(name, words, make, right)
    for right, group in ((True, _RIGHT), (False, _WRONG))
    for name, words, make in group
}
"""All of them. What is not here is set at the server: slots, loads, pace, path, certificate."""
