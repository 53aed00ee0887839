"""What a person is told of a reply that did not come to its end, kind by kind."""

from __future__ import annotations

from ccchat_tui.backends.base import ErrorKind
from ccchat_tui.engine.request import Failure
from ccchat_tui.quick import dataclass

CANCELLING = "cancelling: the server is being told"
"""Shown from the cancel until the connection is closed; a server may take its time."""

WAITS_FOR_EARLIER = "waits for the reply before it"
"""Shown on a held turn of a session whose requests go one after the other."""

MODELS_NAMED = 8
"""At most so many models are named where one was not found; the model picker has them all."""


@dataclass(frozen=True, slots=True)
class Words:
    """What is shown below a reply that ended badly."""

    note: str
    """What happened, what became of the reply, and what helps."""
    hints: tuple[str, ...] = ()
    """Further facts, a line each."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """How one kind of failure is told."""

    title: str
    remedy: str = ""
    said_by: str = ""
    """What in a message says by itself what the title says."""


_KINDS: dict[str, _Kind] = {
    ErrorKind.UNREACHABLE: _Kind(
        "No server",
        "Start it or check its address, connect again, then retry.",
        said_by="does not answer",
    ),
    ErrorKind.DISCONNECTED: _Kind("Broken off", said_by="broke off"),
    ErrorKind.TRUNCATED: _Kind("Broken off", said_by="ended the reply without"),
    ErrorKind.STALLED: _Kind("Stalled", "The server may be overloaded; retry, or lower the limit."),
    ErrorKind.TIMED_OUT: _Kind("Timed out", "A longer CHAT_TIMEOUT gives it more time."),
    ErrorKind.BUSY: _Kind("Server busy", "Retry in a while, or lower the limit of chats at once."),
    ErrorKind.OUT_OF_MEMORY: _Kind(
        "Out of memory",
        "A smaller model, a smaller num_ctx or a lower limit helps.",
        said_by="is out of memory",
    ),
    ErrorKind.RATE_LIMITED: _Kind(
        "Server limits the rate", "Retry in a while.", said_by="takes no more requests"
    ),
    ErrorKind.MODEL_NOT_FOUND: _Kind(
        "No such model", "Choose another model, then retry.", said_by="There is no model"
    ),
    ErrorKind.UNAUTHORIZED: _Kind(
        "Not allowed", "Check the key for this server.", said_by="does not let us in"
    ),
    ErrorKind.BAD_REQUEST: _Kind("Refused by the server"),
    ErrorKind.GATEWAY: _Kind(
        "No way through the proxy", "Retry in a while.", said_by="no way through"
    ),
    ErrorKind.SERVER: _Kind("Server fault"),
    ErrorKind.PROTOCOL: _Kind("Not understood", said_by="sent what cannot be read"),
    ErrorKind.NOT_OLLAMA: _Kind("Not a model server", "Check the address.", said_by="What answers"),
    ErrorKind.INTERNAL: _Kind("A fault of ccchat", "Nothing else is affected; retry."),
    "queue_deadline": _Kind("Waited too long", "Retry, or raise the limit of chats at once."),
}

_KEPT = "What had come is kept."


def words_for(
    failure: Failure | None, *, has_reply: bool, known_models: tuple[str, ...] = ()
) -> Words:
    """Say in words why a reply failed.

    Args:
        failure: What the engine says; `None` where it gives no reason.
        has_reply: Whether part of the reply came before the failure, and so is kept.
        known_models: The models the server has, named when the wrong one was asked for.
    """
    if failure is None:
        return Words(_joined("Failed", "No reason was given.", _KEPT if has_reply else ""))
    kind = _KINDS.get(failure.kind, _named(failure.kind))
    hints = failure.hints
    if failure.kind == ErrorKind.MODEL_NOT_FOUND and not hints and known_models:
        hints = (named_models(known_models),)
    # The server's own sentence says which thing and which value; the remedy is left out where
    # that sentence already ends in an advice of its own.
    remedy = "" if _advises(failure.message) else kind.remedy
    kept = _KEPT if has_reply else ""
    return Words(_joined(_title(failure), failure.message, kept, remedy), hints)


def words_for_retry(failure: Failure, delay: float) -> str:
    """Say why another attempt is made, and when.

    Args:
        failure: Of the attempt before.
        delay: Seconds until it is queued again.
    """
    again = f"Trying again in {max(1, round(delay))} s."
    return _joined(_title(failure), failure.message, again)


def words_for_cancelled(*, has_reply: bool) -> Words:
    """Say what became of a reply that the person cancelled."""
    return Words(_joined("Cancelled", _KEPT) if has_reply else "Cancelled before anything came.")


def words_for_interrupted(*, has_reply: bool) -> Words:
    """Say what became of a reply whose program ended before it did."""
    ended = "ccchat ended before this reply did."
    return Words(f"{ended} {_KEPT}" if has_reply else "ccchat ended before anything came.")


def named_models(models: tuple[str, ...]) -> str:
    """One line that names the models there are, cut after `MODELS_NAMED`."""
    named = ", ".join(models[:MODELS_NAMED])
    rest = len(models) - MODELS_NAMED
    return f"There are: {named}" + (f" and {rest} more" if rest > 0 else "")


def _title(failure: Failure) -> str:
    """A few words for what happened; none where the message says the same."""
    known = _KINDS.get(failure.kind, _named(failure.kind))
    return "" if known.said_by and known.said_by in failure.message else known.title


def _named(kind: str) -> _Kind:
    """A kind that nobody has told us of, by its own name."""
    return _Kind(kind.replace("_", " ").capitalize() or "Failed")


def _advises(message: str) -> bool:
    """Whether a message says what to do by itself."""
    return any(mark in message for mark in ("; start", "; check", "; choose", "; give", "; try"))


def _joined(title: str, *sentences: str) -> str:
    """A title and the sentences that are not empty, each ended by a full stop."""
    ended = [
        text if text[-1] in ".!?" else f"{text}." for text in map(str.strip, sentences) if text
    ]
    return ": ".join(part for part in (title, " ".join(ended)) if part)
