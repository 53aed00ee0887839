"""How errors are read: what a server says, in whatever form it says it."""

from __future__ import annotations

import errno
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccchat_tui.backends.base import BackendError, ErrorKind
from ccchat_tui.backends.http_errors import connect_error, excerpt, retry_after
from ccchat_tui.backends.ollama_errors import error_text, from_status, in_stream
from ccchat_tui.backends.ollama_wire import read_chunk

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
ADDRESS = "http://h:11434"


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("0", 0.0),
        ("7", 7.0),
        (" 1.5 ", 1.5),
        ("-3", 0.0),
        ("Tue, 24 Nov 2026 12:00:30 GMT", 30.0),
        ("Tue, 24 Nov 2026 13:00:30 +0100", 30.0),
        ("Tuesday, 24-Nov-26 12:00:30 GMT", 30.0),
        ("Tue, 24 Nov 2026 11:00:00 GMT", 0.0),
        ("soon", None),
        ("", None),
        ("nan", None),
        ("inf", None),
    ],
)
def test_both_forms_of_retry_after(value: str | None, seconds: float | None) -> None:
    assert retry_after(value, NOW) == seconds


@given(st.text(max_size=40))
def test_no_retry_after_is_too_strange(value: str) -> None:
    seconds = retry_after(value, NOW)
    assert seconds is None or seconds >= 0


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"error": "plain"}, "plain"),
        ({"error": ""}, None),
        ({"error": None}, None),
        ({"error": {"message": "of an engine", "code": 400}}, "of an engine"),
        ({"error": '{"error":{"message":"nested"}}'}, "nested"),
        ({"error": '{"message":"nested"}'}, "nested"),
        ({"error": "{not json"}, "{not json"),
        ({"error": '{"other":1}'}, '{"other":1}'),
        ({"message": "of a proxy"}, "of a proxy"),
        ({"detail": "of another"}, "of another"),
        ({}, None),
        ([], None),
        ("text", "text"),
    ],
)
def test_the_text_of_an_error_is_found_wherever_it_is(body: Any, text: str | None) -> None:
    assert error_text(json.dumps(body).encode()) == text


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_json_has_no_text(body: bytes) -> None:
    assert error_text(body) is None


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"plain words", "plain words"),
        (b"", ""),
        (b"<h1>Bad &amp; worse</h1><script>alert(1)</script>", "Bad & worse"),
        (b"<style>p{}</style><p>one\n two</p><p>three</p>", "one two, three"),
        (b"<title>502</title><h1>502</h1><hr>nginx", "502, nginx"),
        ("\ufeff <p>ü\x1b[2J</p>".encode(), "ü\u241b[2J"),
        (b"<p>a\xffb", "a\ufffdb"),
        (b"<p>before<![foo[ after", "before"),
    ],
)
def test_a_page_is_told_by_what_is_to_be_read_on_it(body: bytes, text: str) -> None:
    assert excerpt(body) == text


@given(st.one_of(st.binary(max_size=400), st.text('<![]>/-a"= ?', max_size=60).map(str.encode)))
def test_any_body_at_all_makes_a_short_line(body: bytes) -> None:
    for shown in (excerpt(b"<" + body), excerpt(body)):
        assert len(shown.splitlines()) <= 1
        assert "\x1b" not in shown


def test_a_long_page_is_cut() -> None:
    assert len(excerpt(b"<p>" + b"words " * 100_000)) <= 240


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, ErrorKind.BAD_REQUEST),
        (402, ErrorKind.BAD_REQUEST),
        (407, ErrorKind.UNAUTHORIZED),
        (408, ErrorKind.GATEWAY),
        (418, ErrorKind.BAD_REQUEST),
        (500, ErrorKind.SERVER),
        (501, ErrorKind.SERVER),
        (503, ErrorKind.BUSY),
        (521, ErrorKind.GATEWAY),
        (599, ErrorKind.SERVER),
    ],
)
@pytest.mark.parametrize("body", [b"", b"{said}", b'{"error":"x {address}"}'])
def test_every_status_has_a_kind_and_words(status: int, kind: ErrorKind, body: bytes) -> None:
    error = from_status(status, {}, body, address=ADDRESS, now=NOW)
    assert error.kind is kind
    assert error.status == status
    assert ADDRESS in error.message
    if not body:
        assert str(status) in error.message
    if body.startswith(b"{said"):
        assert "{said}" in error.message, "a server's words are not filled in"


def test_404_means_a_model_only_where_ollama_says_so() -> None:
    said = b'{"error":"model \\"x\\" not found, try pulling it first"}'
    assert from_status(404, {}, said, address=ADDRESS, now=NOW).kind is ErrorKind.MODEL_NOT_FOUND
    for body in (b"404 page not found", b'{"detail":"no route"}', b"<h1>Not Found</h1>", b""):
        assert from_status(404, {}, body, address=ADDRESS, now=NOW).kind is ErrorKind.NOT_OLLAMA


@pytest.mark.parametrize(
    ("value", "kind", "words"),
    [
        ("an error was encountered: unexpected EOF", ErrorKind.SERVER, "unexpected EOF"),
        ("CUDA error: out of memory", ErrorKind.OUT_OF_MEMORY, "out of memory"),
        ("server busy, please try again", ErrorKind.BUSY, "server busy"),
        ({"message": "in an object"}, ErrorKind.SERVER, "in an object"),
        ("", ErrorKind.SERVER, "it does not say why"),
        (7, ErrorKind.SERVER, "it does not say why"),
    ],
)
def test_an_error_in_the_stream_is_told_by_its_text(
    value: object, kind: ErrorKind, words: str
) -> None:
    error = in_stream(value, ADDRESS)
    assert error.kind is kind
    assert words in error.message


class TestConnecting:
    def test_the_reason_is_found_among_the_causes(self) -> None:
        group = ExceptionGroup("all failed", [OSError(errno.EHOSTUNREACH, "no route")])
        error = RuntimeError("outer")
        error.__cause__ = group
        told = connect_error(error, ADDRESS, local=False)
        assert told.kind is ErrorKind.UNREACHABLE
        assert "no way to that machine" in told.message

    def test_causes_in_a_circle_do_no_harm(self) -> None:
        one, two = RuntimeError("one"), RuntimeError("two")
        one.__cause__, two.__cause__ = two, one
        assert "one" in connect_error(one, ADDRESS, local=True).message

    def test_an_error_without_a_word_has_at_least_a_name(self) -> None:
        assert "RuntimeError" in connect_error(RuntimeError(), ADDRESS, local=True).message


class TestLines:
    @pytest.mark.parametrize(
        "line",
        [
            "{",
            "1",
            "null",
            "[]",
            '"done"',
            '{"done":true} x',
            "{}",
            '{"id":"x","choices":[]}',
            '{"message":"x","done":false}',
            '{"message":{"content":{"a":1}}}',
            '{"message":{"thinking":1}}',
            "[" * 100_000,
            "data: {}",
        ],
    )
    def test_what_is_no_part_of_a_reply(self, line: str) -> None:
        with pytest.raises(BackendError) as caught:
            read_chunk(line, ADDRESS)
        assert caught.value.kind is ErrorKind.PROTOCOL
        assert len(caught.value.message) < 200

    @pytest.mark.parametrize(
        ("line", "text", "done"),
        [
            ('{"message":{}}', "", False),
            ('{"message":{"content":null}}', "", False),
            ('{"done":false}', "", False),
            ('{"done":true}', "", True),
            ('{"error":null,"message":{"content":"x"}}', "x", False),
            ('{"message":{"content":"x"},"done":"yes"}', "x", False),
            ('{"done":true,"eval_count":"7","eval_duration":null,"done_reason":5}', "", True),
        ],
    )
    def test_what_is_one_though_much_is_missing(self, line: str, text: str, done: bool) -> None:
        chunk = read_chunk(line, ADDRESS)
        assert (chunk.text, chunk.done) == (text, done)
        if chunk.stats is not None:
            assert chunk.stats.reply_tokens is None
            assert chunk.stats.done_reason is None
            assert chunk.stats.tokens_per_second is None
