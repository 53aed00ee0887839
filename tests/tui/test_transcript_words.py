"""What stands below a reply."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from ccchat_tui.backends.base import ErrorKind
from ccchat_tui.engine.request import Failure
from ccchat_tui.sessions.model import Turn, TurnState
from ccchat_tui.sessions.words import words_for, words_for_cancelled
from ccchat_tui.tui.widgets.transcript_words import footer


def below(state: TurnState, note: str) -> str:
    """The first sentence below a reply, without its sign."""
    turn = Turn("t1", "Why?", "m", datetime(2026, 1, 1, tzinfo=UTC), state, note=note)
    text = next(text for line in footer(turn, 100) if (text := line.text))
    return text[2:]


@pytest.mark.parametrize(
    ("has_reply", "said"),
    [(True, "Cancelled: What had come is kept."), (False, "Cancelled before anything came.")],
)
def test_that_it_was_cancelled_is_said_once(has_reply: bool, said: str) -> None:
    assert below(TurnState.CANCELLED, words_for_cancelled(has_reply=has_reply).note) == said


def test_that_it_timed_out_is_said_once() -> None:
    failure = Failure(ErrorKind.TIMED_OUT, "It took longer than 300 s")
    told = below(TurnState.TIMED_OUT, words_for(failure, has_reply=False).note)
    assert told.startswith("Timed out: It took longer than 300 s.")


@pytest.mark.parametrize(
    ("kind", "message", "said"),
    [
        (ErrorKind.UNREACHABLE, "Nobody is there", "No server: Nobody is there."),
        (ErrorKind.SERVER, "status 500", "Server fault: status 500."),
        (
            ErrorKind.MODEL_NOT_FOUND,
            "There is no model 'x' at http://h:1; choose another one",
            "There is no model 'x' at http://h:1; choose another one.",
        ),
        (
            ErrorKind.UNREACHABLE,
            "Ollama does not answer at http://h:1: refused; check it",
            "Ollama does not answer at http://h:1: refused; check it.",
        ),
        (ErrorKind.DISCONNECTED, "http://h:1 broke off the connection", "http://h:1 broke off"),
    ],
)
def test_why_it_failed_is_said_once(kind: ErrorKind, message: str, said: str) -> None:
    told = below(TurnState.FAILED, words_for(Failure(kind, message), has_reply=False).note)
    assert told.startswith(said)


def test_a_failure_without_a_reason_has_its_word() -> None:
    assert below(TurnState.FAILED, "") == "failed"
