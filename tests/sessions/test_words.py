"""What a person reads of a reply that did not come to its end."""

from __future__ import annotations

import pytest

from ccchat_tui.backends.base import ErrorKind
from ccchat_tui.engine.request import Failure
from ccchat_tui.sessions.words import (
    MODELS_NAMED,
    named_models,
    words_for,
    words_for_cancelled,
    words_for_retry,
)

TITLES = {
    ErrorKind.UNREACHABLE: "No server",
    ErrorKind.DISCONNECTED: "Broken off",
    ErrorKind.TRUNCATED: "Broken off",
    ErrorKind.STALLED: "Stalled",
    ErrorKind.TIMED_OUT: "Timed out",
    ErrorKind.BUSY: "Server busy",
    ErrorKind.OUT_OF_MEMORY: "Out of memory",
    ErrorKind.RATE_LIMITED: "Server limits the rate",
    ErrorKind.MODEL_NOT_FOUND: "No such model",
    ErrorKind.UNAUTHORIZED: "Not allowed",
    ErrorKind.BAD_REQUEST: "Refused by the server",
    ErrorKind.GATEWAY: "No way through the proxy",
    ErrorKind.SERVER: "Server fault",
    ErrorKind.PROTOCOL: "Not understood",
    ErrorKind.NOT_OLLAMA: "Not a model server",
    ErrorKind.INTERNAL: "A fault of ccchat",
}

REMEDIES = {
    ErrorKind.UNREACHABLE: "check its address",
    ErrorKind.STALLED: "lower the limit",
    ErrorKind.TIMED_OUT: "CHAT_TIMEOUT",
    ErrorKind.BUSY: "Retry in a while",
    ErrorKind.OUT_OF_MEMORY: "smaller num_ctx",
    ErrorKind.RATE_LIMITED: "Retry in a while",
    ErrorKind.MODEL_NOT_FOUND: "Choose another model",
    ErrorKind.UNAUTHORIZED: "Check the key",
    ErrorKind.NOT_OLLAMA: "Check the address",
}


@pytest.mark.parametrize("kind", ErrorKind)
@pytest.mark.parametrize("has_reply", [False, True])
def test_every_kind_has_a_title_the_servers_own_words_and_what_became_of_the_reply(
    kind: ErrorKind, has_reply: bool
) -> None:
    note = words_for(Failure(kind.value, "it said so"), has_reply=has_reply).note
    assert note.startswith(f"{TITLES[kind]}: it said so.")
    assert ("What had come is kept." in note) == has_reply
    assert REMEDIES.get(kind, "") in note
    assert note.endswith(".")
    assert ".." not in note


def test_a_wait_in_the_queue_that_was_too_long_and_kinds_nobody_has_named() -> None:
    words = words_for(Failure("queue_deadline", "60 s"), has_reply=False)
    assert words.note == "Waited too long: 60 s. Retry, or raise the limit of chats at once."
    assert words_for(Failure("brand_new", "x!"), has_reply=False).note == "Brand new: x!"
    assert words_for(Failure("", ""), has_reply=False).note == "Failed"
    assert words_for(None, has_reply=False).note == "Failed: No reason was given."
    assert words_for(None, has_reply=True).note.endswith("What had come is kept.")


def test_advice_is_not_given_twice() -> None:
    told = words_for(
        Failure(ErrorKind.UNREACHABLE, "nothing answers; start the server"), has_reply=False
    )
    assert told.note == "No server: nothing answers; start the server."


def test_the_models_there_are_are_named_unless_the_server_did() -> None:
    failure = Failure(ErrorKind.MODEL_NOT_FOUND, "model 'x' not found")
    models = tuple(f"m{number}" for number in range(MODELS_NAMED + 3))
    hints = words_for(failure, has_reply=False, known_models=models).hints
    assert hints == (f"There are: {', '.join(models[:MODELS_NAMED])} and 3 more",)
    assert words_for(failure, has_reply=False).hints == ()
    own = Failure(ErrorKind.MODEL_NOT_FOUND, "no", hints=("did you mean y?",))
    assert words_for(own, has_reply=False, known_models=models).hints == ("did you mean y?",)
    other = Failure(ErrorKind.SERVER, "no")
    assert words_for(other, has_reply=False, known_models=models).hints == ()


def test_named_models() -> None:
    assert named_models(("a", "b")) == "There are: a, b"
    exactly = tuple("abcdefgh")
    assert named_models(exactly) == "There are: a, b, c, d, e, f, g, h"


def test_a_cancel_says_whether_anything_is_kept() -> None:
    assert words_for_cancelled(has_reply=True).note == "Cancelled: What had come is kept."
    assert words_for_cancelled(has_reply=False).note == "Cancelled before anything came."


@pytest.mark.parametrize(("delay", "seconds"), [(0.0, 1), (0.4, 1), (2.4, 2), (30.0, 30)])
def test_another_attempt(delay: float, seconds: int) -> None:
    note = words_for_retry(Failure(ErrorKind.BUSY, "503"), delay)
    assert note == f"Server busy: 503. Trying again in {seconds} s."
