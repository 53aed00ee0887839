"""How errors are read: what a server says, in whatever form it says it."""

from __future__ import annotations

import json
import unicodedata
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccchat_tui.backends.base import BackendError, ErrorKind
from ccchat_tui.backends.openai_errors import from_status, in_stream, said_by

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
ADDRESS = "http://h:8000/v1"


def told(status: int, value: Any, **headers: str) -> BackendError:
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return from_status(status, headers, body, address=ADDRESS, now=NOW)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"error": {"message": "plain"}}, "plain"),
        ({"error": "bare"}, "bare"),
        ({"error": ""}, None),
        ({"error": {}}, None),
        ({"error": {"message": {"error": "deep"}}}, "deep"),
        ({"error": {"message": '{"error":{"message":"in a text"}}'}}, "in a text"),
        ({"error": {"message": "{no json"}}, "{no json"),
        ({"detail": "of FastAPI"}, "of FastAPI"),
        (
            {"detail": [{"loc": ["body", "n", 0], "msg": "bad"}, {"msg": "worse"}]},
            "n.0: bad; worse",
        ),
        ({"detail": [{"msg": str(n)} for n in range(9)]}, "0; 1; 2"),
        ({"message": "of a proxy"}, "of a proxy"),
        ({"other": 1}, None),
        ([], None),
        (7, None),
    ],
)
def test_the_text_of_an_error_is_found_wherever_it_is(body: Any, text: str | None) -> None:
    said = said_by(json.dumps(body).encode())
    assert (said.text if said else None) == text


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_json_has_no_text(body: bytes) -> None:
    assert said_by(body) is None


@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=9),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["error", "message", "code", "loc", "msg"]), inner)
        ),
    )
)
def test_any_error_at_all_is_told(value: Any) -> None:
    for error in (told(500, value), in_stream(value, ADDRESS)):
        assert len(error.message.splitlines()) == 1
        assert not [char for char in error.message if unicodedata.category(char) == "Cc"]
        assert len(error.message) < 500


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, ErrorKind.BAD_REQUEST),
        (407, ErrorKind.UNAUTHORIZED),
        (408, ErrorKind.GATEWAY),
        (418, ErrorKind.BAD_REQUEST),
        (500, ErrorKind.SERVER),
        (521, ErrorKind.GATEWAY),
        (599, ErrorKind.SERVER),
    ],
)
@pytest.mark.parametrize("body", [b"", b"{said}", b'{"error":"x {address}"}'])
def test_every_status_has_a_kind_and_words(status: int, kind: ErrorKind, body: bytes) -> None:
    error = told(status, body)
    assert error.kind is kind
    assert error.status == status
    assert ADDRESS in error.message
    if body.startswith(b"{said"):
        assert "{said}" in error.message, "a server's words are not filled in"


def test_a_code_says_more_than_a_text() -> None:
    error = told(404, {"error": {"message": "Not here.", "code": "model_not_found"}})
    assert error.kind is ErrorKind.MODEL_NOT_FOUND
    assert told(404, {"error": {"message": "Not here.", "code": 404}}).kind is ErrorKind.NOT_OLLAMA


@pytest.mark.parametrize("text", ["Invalid key: model not found", "out of memory", "overloaded"])
def test_what_a_status_says_of_the_key_or_the_pace_is_not_overruled(text: str) -> None:
    assert told(401, {"error": text}).kind is ErrorKind.UNAUTHORIZED
    assert told(429, {"error": text}).kind is ErrorKind.RATE_LIMITED


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Please try again in 20s.", 20.0),
        ("Please try again in 6ms.", 0.006),
        ("Please try again in 1m12.5s.", 72.5),
        ("Try again in 60 seconds.", 60.0),
        ("Please retry after 3 seconds", 3.0),
        ("Try again later", None),
        ("in 20s", None),
    ],
)
def test_a_message_says_when_to_come_back(text: str, seconds: float | None) -> None:
    assert told(429, {"error": text}).retry_after == seconds
    assert told(503, {"error": text}).retry_after == seconds
    assert told(500, {"error": text}).retry_after is None
    assert told(429, {"error": text}, **{"retry-after": "5"}).retry_after == 5.0


def test_a_reply_that_has_begun_comes_from_the_right_place() -> None:
    error = in_stream({"error": {"message": "no such adapter", "code": 404}}, ADDRESS)
    assert error.kind is ErrorKind.SERVER
    assert in_stream({"error": {"code": 500}}, ADDRESS).message.endswith("it does not say why")
