"""The whole reading of a reply, from bytes to chunks: any bytes at all, cut anywhere, give the same
as uncut, and end in words."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import httpx
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ccchat_tui.backends.base import ErrorKind
from ccchat_tui.backends.hosts import read_host
from ccchat_tui.backends.http import HttpServer
from ccchat_tui.backends.ollama import OllamaBackend
from ccchat_tui.testing.ollama_server.replies import chunk, final
from ccchat_tui.testing.ollama_server.steps import dumps
from tests.support.streams import ask, outcome

HOST = read_host("h")


class Pieces(httpx.AsyncByteStream):
    """A body in pieces that are exactly these, which no socket promises."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = list(pieces)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            yield piece


class Given(HttpServer):
    """A server whose next reply is given."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        super().__init__(HOST)
        self._pieces = pieces

    @asynccontextmanager
    async def request(
        self, method: str, path: str, body: bytes | None = None, *, accept: str = ""
    ) -> AsyncIterator[httpx.Response]:
        headers = {"Content-Type": "application/x-ndjson"}
        yield httpx.Response(200, headers=headers, stream=Pieces(self._pieces))


Read = tuple[list[tuple[str, str, Any]], tuple[ErrorKind, str] | None]


def read(pieces: Iterable[bytes]) -> Read:
    """What is made of a reply: its chunks, and how it failed, if it did."""
    backend = OllamaBackend(HOST)
    backend._server = Given(pieces)
    chunks, error = asyncio.run(outcome(backend, ask("hi")))
    told = None if error is None else (error.kind, error.message)
    return [(each.text, each.thinking, each.stats) for each in chunks], told


def cut(data: bytes, places: list[int]) -> list[bytes]:
    """The same bytes in pieces, some of them empty."""
    marks = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(marks)]


values = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(10**30), 10**30),
        st.floats(),
        st.text(max_size=8),
        st.sampled_from(["assistant", "stop", "out of memory", '{"error":"x"}']),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=6,
)
names = ("model", "message", "done", "done_reason", "error", "eval_count", "eval_duration")
objects = st.fixed_dictionaries({}, optional=dict.fromkeys(names, values)).map(
    lambda value: json.dumps(value).encode()
)
lines = st.one_of(
    st.text(max_size=8).map(lambda text: dumps(chunk("m", text))),
    st.text(max_size=8).map(lambda text: dumps(chunk("m", "", thinking=text))),
    st.just(dumps(final("m", "stop", 3, 1))),
    st.just(dumps({"error": "unexpected EOF"})),
    objects,
    st.builds(
        lambda message: json.dumps({"message": message, "done": False}).encode(),
        st.dictionaries(st.sampled_from(["content", "thinking", "role"]), values, max_size=3),
    ),
    st.binary(max_size=16),
    st.sampled_from([b"", b"\r", b"\xef\xbb\xbf", b"{", b"<html>", b"[" * 5000, b"1" * 5000]),
)
ends = st.sampled_from([b"\n", b"\n", b"\r\n", b"\n\n", b""])
bodies = st.lists(st.tuples(lines, ends).map(b"".join), max_size=6).map(b"".join)
places = st.lists(st.integers(0, 100_000), max_size=20)
often = settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))

HUGE = b'{"done":true,"message":{"content":"x"},"eval_count":%d,"eval_duration":%d}\n'


@often
@given(bodies, places)
@example("é漢👩‍🚀\n".encode(), [1, 2, 3, 4])
@example(
    dumps(chunk("m", "é漢👩‍🚀\u0085\u2028")) + b"\n" + dumps(final("m", "stop", 1, 1)),
    [*range(200)],
)
@example(HUGE % (10**400, 10**400), [])
@example(HUGE % (-5, -5), [7])
@example(b'{"error":' + b"[" * 5000, [])
@example(b'{"message":{"content":"\\ud800"},"done":true}', [20, 21, 22])
def test_the_pieces_of_a_reply_do_not_matter(body: bytes, where: list[int]) -> None:
    assert read(cut(body, where)) == read([body])


@often
@given(bodies)
@example(HUGE % (10**400, 1))
@example(HUGE % (1, 10**400))
@example(HUGE % (-1, 5))
def test_any_reply_at_all_ends_once_and_in_words(body: bytes) -> None:
    chunks, error = read([body])
    done = [stats is not None for _, _, stats in chunks]
    # It is complete, or it has failed, and nothing comes after either.
    assert done.count(True) == (error is None)
    assert done == sorted(done)
    if error is not None:
        kind, message = error
        assert kind is not ErrorKind.INTERNAL
        assert len(message.splitlines()) == 1
        assert len(message) < 400
    else:
        stats = chunks[-1][2]
        for count in (stats.prompt_tokens, stats.reply_tokens):
            assert count is None or 0 <= count < 1 << 63
        assert stats.tokens_per_second is None or stats.tokens_per_second >= 0


@often
@given(st.lists(st.text(max_size=12), max_size=8), places)
def test_what_was_said_is_what_is_read(texts: list[str], where: list[int]) -> None:
    said = [dumps(chunk("m", text)) for text in texts] + [dumps(final("m", "stop", 1, 1))]
    chunks, error = read(cut(b"\n".join(said) + b"\n", where))
    assert error is None
    whole = "".join(text for text, _, _ in chunks)
    assert whole == "".join(texts).encode(errors="replace").decode()
