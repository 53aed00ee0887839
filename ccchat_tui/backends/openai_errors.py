"""What servers of the OpenAI protocol, and the proxies before them, mean by an error.

The protocol has `{"error": {"message", "type", "param", "code"}}`. Besides there are: the same
without the wrapping (vLLM until 0.10), a bare text as `error` (LM Studio; vLLM for a wrong key),
`detail` as a text or as a list of complaints (FastAPI, so vLLM and LiteLLM), a `code` that is the
status as a number (llama.cpp, vLLM) or as a text (LiteLLM), and one server's error as a text within
another's (LiteLLM and other gateways).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from ccchat_tui.backends.base import BackendError, ErrorKind
from ccchat_tui.backends.http_errors import (
    BUSY,
    BY_STATUS,
    REFUSED,
    SERVER,
    Known,
    Wording,
    by_text,
    excerpt,
    filled,
    is_page,
    retry_after,
    short,
    there_are,
)
from ccchat_tui.quick import dataclass

OPENAI: Final = Wording("The server", "the settings", "start it")

_NO_MODEL: Final = (ErrorKind.MODEL_NOT_FOUND, "{address} does not have this model{said}")
_NO_CREDIT: Final = (
    ErrorKind.UNAUTHORIZED,
    "{address} wants to be paid before it goes on{said}",
)
_WRONG_KEY: Final = (ErrorKind.UNAUTHORIZED, "{address} wants another key than it was given{said}")
_STRANGER: Final = (
    ErrorKind.NOT_OLLAMA,
    "What answers at {address} speaks no OpenAI protocol{said}; the address mostly ends in /v1",
)

_BY_CODE: Final[Mapping[str, Known]] = {
    "model_not_found": _NO_MODEL,
    "insufficient_quota": _NO_CREDIT,
    "billing_hard_limit_reached": _NO_CREDIT,
    # LiteLLM, which would look up in a database what is not its master key.
    "no_db_connection": _WRONG_KEY,
}
"""What a `code` or `type` says by itself, whatever the status."""

_BY_TEXT: Final[tuple[tuple[tuple[str, ...], Known], ...]] = (
    (
        (
            "out of memory",
            "out-of-memory",
            "outofmemory",
            "not enough memory",
            "insufficient memory",
            "cudamalloc failed",
            "unable to allocate",
            "insufficient system resources",
        ),
        (
            ErrorKind.OUT_OF_MEMORY,
            "{address} is out of memory{said}; try a smaller model or fewer at once",
        ),
    ),
    (
        (
            "exceed_context_size",
            "context_length_exceeded",
            "maximum context length",
            "available context size",
            "contextwindowexceeded",
        ),
        (
            ErrorKind.BAD_REQUEST,
            "This is too long for the model at {address}{said}; start a new conversation",
        ),
    ),
    (
        ("no models loaded", "invalid model name", "invalid model id", "model not found"),
        _NO_MODEL,
    ),
    (
        ("loading model", "model is loading"),
        (ErrorKind.BUSY, "{address} is still loading its model{said}"),
    ),
    (
        (
            "overloaded",
            "queue is full",
            "no deployments available",
            "no healthy deployment",
            "server busy",
        ),
        BUSY,
    ),
)
"""What parts of a text, in lower case, say by themselves."""

_NO_SUCH_MODEL: Final = re.compile(
    r"\bmodel\b.*\b(not found|does not exist|not available|unknown)|\b(no such|unknown) model\b",
    re.IGNORECASE | re.DOTALL,
)
"""How a 404 sounds that is about the model and not about the path."""

_BY_STATUS: Final[Mapping[int, Known]] = {
    **BY_STATUS,
    401: _WRONG_KEY,
    402: _NO_CREDIT,
    403: (ErrorKind.UNAUTHORIZED, "{address} does not let us in with this key{said}"),
    404: _STRANGER,
    405: _STRANGER,
    529: BUSY,
}
"""What a status says by itself."""

_AGAIN: Final = re.compile(
    r"(?:try|retry)[a-z ]{0,20} (?:in|after) (?:(\d{1,4})m(?!s))?(\d{1,5}(?:\.\d+)?)\s?(ms|s)",
    re.IGNORECASE,
)
"""How a message says when to come back: `try again in 20s`, `in 1m12.5s`, `in 350ms`, `in 60
seconds`."""

_DEPTH: Final = 6
"""How deep an error's text is looked for."""
_COMPLAINTS: Final = 3
"""Of a list of complaints, so many are shown."""


@dataclass(frozen=True, slots=True)
class Said:
    """What an error says."""

    text: str
    codes: tuple[str, ...] = ()
    """Its `code` and `type`, as far as they are there."""

    @property
    def status(self) -> int | None:
        """The status that it repeats, if it does."""
        for code in self.codes:
            if re.fullmatch("[45][0-9][0-9]", code):
                return int(code)
        return None


def said_in(value: Any) -> Said | None:
    """What an error says, out of its decoded JSON; `None` if that says nothing."""
    found = _find(value, _DEPTH)
    return found if found is not None and found.text else None


def said_by(body: bytes) -> Said | None:
    """What an error says, out of its body; `None` if that is not JSON or says nothing."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return said_in(value)


def _find(value: Any, depth: int) -> Said | None:
    if not depth:
        return None
    if isinstance(value, str):
        if value.lstrip().startswith("{"):
            try:
                return _find(json.loads(value), depth - 1) or Said(value)
            except (ValueError, RecursionError):
                pass
        return Said(value) if value else None
    if isinstance(value, list):
        texts = [found.text for each in value[:_COMPLAINTS] if (found := _find(each, depth - 1))]
        return Said("; ".join(texts)) if texts else None
    if isinstance(value, dict):
        for name in ("error", "message", "detail", "msg"):
            found = _find(value.get(name), depth - 1)
            if found is not None:
                codes = (str(value[key]) for key in ("code", "type") if value.get(key) is not None)
                return Said(_placed(value, found.text), (*found.codes, *codes))
    return None


def _placed(complaint: Mapping[str, Any], text: str) -> str:
    """A complaint with the place in the request that it is about."""
    place = complaint.get("loc")
    if isinstance(place, list) and place:
        return f"{'.'.join(str(part) for part in place if part != 'body')}: {text}"
    return text


def from_status(
    status: int, headers: Mapping[str, str], body: bytes, *, address: str, now: datetime
) -> BackendError:
    """An error that came with a status, before the reply.

    Args:
        status: Any but 200.
        headers: By lower-case names.
        body: As much of it as was read.
        address: Whose, for people.
        now: The present moment, for a `Retry-After` that names a date.
    """
    said = said_by(body)
    text = short(said.text) if said else excerpt(body)
    kind, words = _meaning(said, status)
    wait = _wait(headers, now)
    if wait is None and kind in (ErrorKind.RATE_LIMITED, ErrorKind.BUSY):
        wait = _wait_in(text)
    return BackendError(
        kind,
        filled(words, address, f": {text}" if text else f" (status {status})"),
        status=status,
        retry_after=wait,
    )


def in_stream(value: Any, address: str) -> BackendError:
    """An error that came as an event of a reply, or in an answer of status 200.

    Args:
        value: What the event holds.
        address: Whose, for people.
    """
    said = said_in(value) or Said("it does not say why")
    kind, words = _meaning(said, said.status)
    if kind is ErrorKind.NOT_OLLAMA:
        # A reply had begun, so that it is the right place all the same.
        kind, words = SERVER
    wait = _wait_in(said.text) if kind in (ErrorKind.RATE_LIMITED, ErrorKind.BUSY) else None
    return BackendError(kind, filled(words, address, f": {short(said.text)}"), retry_after=wait)


def _meaning(said: Said | None, status: int | None) -> Known:
    """Kind and words."""
    if said is not None:
        for code in said.codes:
            if code in _BY_CODE:
                return _BY_CODE[code]
        known = by_text(_BY_TEXT, " ".join((said.text, *said.codes)))
        if known and status not in (401, 403, 429):
            return known
        if status == 404 and _NO_SUCH_MODEL.search(said.text):
            return _NO_MODEL
    if status is None:
        return SERVER
    return _BY_STATUS.get(status) or (SERVER if status >= 500 else REFUSED)


def _wait(headers: Mapping[str, str], now: datetime) -> float | None:
    """The seconds that the headers ask us to wait; OpenAI says it in milliseconds, too."""
    milliseconds = retry_after(headers.get("retry-after-ms"), now)
    if milliseconds is not None:
        return milliseconds / 1000
    return retry_after(headers.get("retry-after"), now)


def _wait_in(text: str) -> float | None:
    """The seconds that a message asks us to wait."""
    found = _AGAIN.search(text)
    if found is None:
        return None
    minutes, number, unit = found.groups()
    seconds = float(number) / (1000 if unit.lower() == "ms" else 1)
    return 60.0 * int(minutes or 0) + seconds


def stranger(body: bytes, address: str) -> BackendError:
    """An answer of status 200 that is none of the protocol, such as the page of another
    program."""
    text = excerpt(body)
    saying = f" (it says: {short(text, 60)})" if text else ""
    return BackendError(ErrorKind.NOT_OLLAMA, filled(_STRANGER[1], address, saying), status=200)


def bad_event(event: str, address: str) -> BackendError:
    """An event of a reply that is not what it should be."""
    if is_page(event):
        return stranger(event.encode(errors="replace"), address)
    return BackendError(
        ErrorKind.PROTOCOL,
        f"{address} sent an event that is no part of a reply: {short(event, 60)}",
    )


def long_event(limit: int, address: str) -> BackendError:
    """An event of a reply is longer than anything that a model says at once."""
    return BackendError(
        ErrorKind.PROTOCOL, f"{address} sent an event of more than {limit >> 20} MB"
    )


def broke_off(reason: str, address: str) -> BackendError:
    """The server says that it gave up on the reply, and not why."""
    return BackendError(
        ErrorKind.SERVER, f"{address} broke off the reply (it says: {short(reason, 40)})"
    )


def no_such_model(
    error: BackendError, model: str, names: tuple[str, ...], address: str
) -> BackendError:
    """A model was not found.

    Args:
        error: As the server's answer was read.
        model: The one that was asked for.
        names: Those there are, as far as anybody knows.
        address: Whose, for people.
    """
    return BackendError(
        error.kind,
        f"There is no model {short(model, 80)!r} at {address}; choose another one, or have it "
        "served there",
        status=error.status,
        hints=there_are(names),
    )
