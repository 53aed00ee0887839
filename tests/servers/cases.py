"""What a server can do, number by number, and what becomes of it: one table, read by a test."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from ccchat_tui.engine.handle import RequestHandle
from ccchat_tui.engine.request import RequestState
from tests.servers import plays
from tests.servers.stage import MODEL, THINKER, Stage

NUMBERS = 56
"""How many cases there are."""

_NONE: Mapping[str, Any] = MappingProxyType({})
_DONE, _FAILED, _CANCELLED, _LATE = (
    RequestState.COMPLETED,
    RequestState.FAILED,
    RequestState.CANCELLED,
    RequestState.TIMED_OUT,
)

Play = Callable[[Stage], Awaitable[RequestHandle]]


@dataclass(frozen=True)
class Case:
    """One thing that a server can do."""

    number: int
    name: str
    ends: RequestState = _DONE
    kind: str = ""
    """Of the failure; empty where there is none."""
    text: str | int | None = None
    """What is kept of the reply: this, or so many of its pieces; `None` is the whole of it."""
    attempts: int | None = 1
    """`None` where it depends on the moment. Three is all there are: it is tried again."""
    words: str = ""
    """Part of what the person is shown."""
    hint: str = ""
    """Part of the further facts."""
    fault: str = ""
    """What every attempt meets: `NAME` or `NAME@LINES`."""
    reason: str | None = "stop"
    """Why the server says that it ended."""
    thinking: str = ""
    pause: float | None = None
    """Seconds of `Retry-After` that are waited for before each further attempt."""
    sequential: bool = False
    """Whether requests run one at a time from then on."""
    loses: bool = False
    """Whether the system may throw away what had come and was not read yet."""
    play: Play | None = None
    """How it is asked, where that is more than a question."""
    model: str = MODEL
    next_model: str = MODEL
    """Whom the next question is for."""
    prompt: Mapping[str, Any] = field(default_factory=lambda: _NONE)
    """What is asked for beside the words."""
    server: Mapping[str, Any] = field(default_factory=lambda: _NONE)
    settings: Mapping[str, Any] = field(default_factory=lambda: _NONE)
    recovers: bool = True
    """Whether the next question is answered."""


def _fails(number: int, name: str, kind: str, fault: str, words: str, **more: Any) -> Case:
    """It fails at the first attempt, and another would be of no use."""
    return Case(number, name, _FAILED, kind, **{"text": "", **more}, fault=fault, words=words)


def _again(number: int, name: str, kind: str, fault: str, words: str, **more: Any) -> Case:
    """It fails before anything was shown, and is tried twice more."""
    more = {"text": "", "attempts": 3, **more}
    return Case(number, name, _FAILED, kind, fault=fault, words=words, **more)


CASES = (
    # Normal.
    Case(1, "stream"),
    Case(2, "stream:false, all the same", fault="not_streamed"),
    Case(3, "thinking, then content", model=THINKER, thinking="Let me think. "),
    Case(4, "tool call in mid-stream", fault="tool_call", text=""),
    Case(5, "tool call in the final chunk", fault="tool_call_at_end", text="x"),
    Case(6, "length", text=3, reason="length", prompt={"options": {"num_predict": 3}}),
    Case(7, "load", play=plays.load, text="", reason="load"),
    Case(7, "unload", play=plays.unload, text="", reason="unload"),
    Case(8, "final chunk without figures", fault="no_metrics", reason=None),
    Case(9, "ps, tags, show and version with null and unknown fields", play=plays.lists),
    Case(10, "pull to success, and then it is there", play=plays.pull, text=None),
    Case(11, "pull error inside 200, and then it is not there", _FAILED, "model_not_found", "",
         words="`ollama pull nope`", hint="There are:", play=plays.pull_of_nothing),
    Case(12, "delete's empty 200, and then it is gone", _FAILED, "model_not_found", "",
         words=f"There is no model '{MODEL}'", hint="There are: qwen3:8b, gemma3:4b",
         play=plays.delete, next_model="gemma3:4b"),
    # Status.
    _fails(13, "404, unknown model", "model_not_found", "", "`ollama pull nope`", model="nope",
           hint=f"There are: {MODEL}, "),
    _fails(14, "400, no tools", "bad_request", "no_tools", "does not support tools"),
    _fails(15, "400, no thinking", "bad_request", "", "does not support thinking",
           prompt={"think": True}),
    _fails(16, "400, bad JSON", "bad_request", "bad_json", "invalid character 'x'"),
    Case(17, "503 at MAX_QUEUE", _FAILED, "busy", "", 3, "maximum pending requests exceeded",
         play=plays.full_queue, sequential=True, server={"max_queue": 1}),
    _again(18, "500, out of memory", "out_of_memory", "out_of_memory", "smaller num_ctx",
           sequential=True),
    _again(18, "500, more memory needed than there is", "out_of_memory", "needs_more_memory",
           "12.0 GiB", sequential=True),
    _fails(19, "error with JSON in its text", "bad_request", "nested_error",
           "refuses this: the prompt is too long"),
    _fails(20, "401 with an address to sign in at", "unauthorized", "sign_in", "`ollama signin`",
           hint="https://ollama.com/connect"),
    _fails(21, "403 without a word", "unauthorized", "forbidden", "OLLAMA_ORIGINS"),
    _again(22, "429 with Retry-After", "rate_limited", "rate_limited_shortly",
           "takes no more requests for now", pause=0.05),
    _fails(22, "429 with a Retry-After past every limit", "rate_limited", "rate_limited_till",
           "takes no more requests for now"),
    Case(22, "429 with Retry-After, cancelled while waiting", _CANCELLED, "cancelled", "",
         words="Cancelled before anything came", fault="rate_limited", pause=12.0,
         play=plays.cancel_while_waiting),
    _again(22, "503 with Retry-After", "busy", "busy_shortly", "too much to do", pause=0.05,
           sequential=True),
    _fails(22, "503 with a Retry-After past every limit", "busy", "busy_till", "too much to do",
           sequential=True),
    _again(23, "429 without Retry-After", "rate_limited", "rate_limited_bare",
           "too many requests"),
    _again(24, "502, HTML", "gateway", "bad_gateway", ": 502 Bad Gateway, nginx/1.27.0 \u241b[31m"),
    _again(24, "504, HTML", "gateway", "gateway_timeout", "behind its proxy: 504"),
    _fails(25, "200, HTML", "not_ollama", "html", "My router"),
    _again(26, "500 without a word", "server", "empty_500", "status 500"),
    # Timing.
    Case(27, "headers withheld for a while", fault="held_then_right", play=plays.late_headers),
    _again(27, "headers withheld past the limit for a first token", "stalled", "held",
           "No token came within 0.05 s", settings={"first_token_timeout": 0.05}),
    Case(27, "headers withheld past every limit", _LATE, "timed_out", "", fault="held",
         words="not whole within 0.1 s", settings={"timeout": 0.1}),
    Case(28, "NUM_PARALLEL slots, waiting without a word", play=plays.slots, text=None,
         server={"slots": 2, "manual": True}),
    Case(29, "one load at a time, and eviction", play=plays.loads, text=None,
         server={"max_loaded": 1}),
    Case(30, "a load broken off by leaving", _CANCELLED, "cancelled", "", play=plays.broken_load,
         words="Cancelled before anything came"),
    _fails(31, "stall after k chunks", "stalled", "stall@4", "No token came for 0.15 s", text=4,
           settings={"stall_timeout": 0.15}),
    Case(32, "one byte at a time", fault="one_byte"),
    Case(32, "one byte a write, headers too", fault="one_byte_on_the_wire"),
    Case(33, "held open after done", fault="open_after_done"),
    Case(34, "the moment of leaving is known", _CANCELLED, "cancelled", 2, play=plays.leaving,
         words="What had come is kept", server={"manual": True}),
    # Stream.
    _fails(35, "error line at k", "server", "error_line@3", "unexpected EOF", text=3),
    _again(35, "error line at once", "server", "error_line@0", "unexpected EOF"),
    _fails(35, "error line about memory", "out_of_memory", "memory_line", "smaller num_ctx", text=2,
           sequential=True),
    _fails(36, "reset in mid-chunk", "disconnected", "reset", "broke off the connection", text=2,
           loses=True, attempts=None),
    _again(36, "reset before the first chunk", "disconnected", "reset@0",
           "broke off the connection"),
    _fails(37, "clean end without done", "truncated", "no_done@5",
           "without saying that it is complete", text=5),
    _again(37, "clean end without done, at once", "truncated", "no_done@0",
           "without saying that it is complete"),
    _again(38, "empty 200", "truncated", "empty", "without saying that it is complete"),
    _fails(39, "half a last line", "truncated", "half_line",
           "without saying that it is complete", text=2),
    Case(40, "no final newline", fault="no_final_newline"),
    Case(41, "many lines in one write", fault="one_write"),
    Case(42, "cut inside UTF-8 characters", fault="cut_characters", text="é漢👩‍🚀"),
    Case(43, "invalid UTF-8", fault="not_utf8", text="a\ufffdb"),
    Case(44, "raw U+0085 and U+2028", fault="separators", text="a\u0085c\u2028d\u2029b"),
    Case(45, "blank lines, CR LF, byte order mark", fault="blank_lines"),
    _fails(46, "garbage line", "protocol", "garbage", "{\u241b[31mgarbage", text=2),
    _fails(46, "garbage line, at once", "protocol", "garbage@0", "{\u241b[31mgarbage"),
    _fails(47, "line of 9 MiB", "protocol", "huge_line", "more than 8 MB", text=2),
    Case(48, "data after done", fault="after_done"),
    Case(49, "unknown fields and reason", fault="unknown_fields", text="tomorrow",
         reason="a_reason_of_tomorrow"),
    Case(50, "terminal escapes", fault="escapes",
         text="\x1b]0;title\x07\x1b[2J\x1b[31mred\x9b31m \u202eback [/b] [bold]"),
    # Connection.
    Case(51, "refused", _FAILED, "unreachable", "", 3, "start it with `ollama serve`",
         play=plays.refused),
    Case(51, "refused, and then it comes", play=plays.refused_then_there, text=None, attempts=None,
         settings={"retry_attempts": 99, "retry_base": 0.05, "retry_cap": 0.05}),
    _again(52, "accepted, and closed without a reply", "disconnected", "no_reply",
           "without a reply"),
    Case(53, "an idle connection closed", play=plays.idle_closed, text=None),
    Case(54, "redirect within the server", fault="redirect_same"),
    _fails(54, "redirect to another", "not_ollama", "redirect_away", "http://192.0.2.1:11434"),
    Case(55, "path prefix", server={"prefix": "/ollama"}),
    Case(56, "HTTPS, bad certificate", _FAILED, "unreachable", "", 3,
         "cannot be trusted", play=plays.bad_certificate, recovers=False),
)  # fmt: skip
