"""What Ollama, or whatever stands before it, means by an error.

The texts have changed over the years ("llama runner ..." became "llama-server ..."), so that they
are told apart by status, and by loose parts of them where the status does not say enough.
"""

from __future__ import annotations

import json
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
    by_text,
    excerpt,
    filled,
    is_page,
    retry_after,
    short,
    there_are,
)

_NOT_OLLAMA: Final = (
    ErrorKind.NOT_OLLAMA,
    "What answers at {address} is no Ollama{said}; check OLLAMA_HOST and the path in it",
)
_OUT_OF_MEMORY: Final = (
    ErrorKind.OUT_OF_MEMORY,
    "{address} is out of memory{said}; try a smaller num_ctx, a smaller model or fewer at once",
)

_BY_TEXT: Final[tuple[tuple[tuple[str, ...], Known], ...]] = (
    (
        (
            "out of memory",
            "out-of-memory",
            "more system memory",
            "not enough memory",
            "insufficient memory",
            "cudamalloc failed",
            "unable to allocate",
        ),
        _OUT_OF_MEMORY,
    ),
    (("server busy", "maximum pending requests"), BUSY),
    # With status 500, though another try would end in the same way.
    (("must be of type", "invalid format:", "does not support"), REFUSED),
)
"""What parts of a text, in lower case, say by themselves."""

_BY_STATUS: Final[Mapping[int, Known]] = {
    **BY_STATUS,  # 502 is also what Ollama says of its cloud
    401: (
        ErrorKind.UNAUTHORIZED,
        "{address} does not know us{said}; check the key, or sign in there with `ollama signin`",
    ),
    403: (
        ErrorKind.UNAUTHORIZED,
        "{address} does not let us in{said}",
    ),
    404: _NOT_OLLAMA,
    405: _NOT_OLLAMA,
}
"""What a status says by itself."""

_DEPTH: Final = 6
"""How deep an error's text is looked for: an object in a text in an object, and some more."""


def error_text(body: bytes) -> str | None:
    """What an error says, out of its JSON, in its own words.

    An engine's error comes as a JSON document in the text of Ollama's own; that is looked into as
    well. `None` if the body is not JSON or says nothing.
    """
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return _text_in(value, depth=_DEPTH)


def _text_in(value: Any, depth: int) -> str | None:
    if isinstance(value, str):
        if depth and value.lstrip().startswith("{"):
            try:
                return _text_in(json.loads(value), depth - 1) or value
            except (ValueError, RecursionError):
                return value
        return value or None
    if isinstance(value, dict) and depth:
        for name in ("error", "message", "detail"):
            if text := _text_in(value.get(name), depth - 1):
                return text
    return None


def in_stream(value: Any, address: str) -> BackendError:
    """An error that came as a line of a reply, where there is no status.

    Args:
        value: The line's `error`.
        address: Whose, for people.
    """
    text = _text_in(value, depth=_DEPTH) or "it does not say why"
    kind, words = by_text(_BY_TEXT, text) or SERVER
    return BackendError(kind, filled(words, address, f": {short(text)}"))


def from_status(
    status: int, headers: Mapping[str, str], body: bytes, *, address: str, now: datetime
) -> BackendError:
    """An error that came with a status, before the first line.

    Args:
        status: Any but 200.
        headers: By lower-case names.
        body: As much of it as was read.
        address: Whose, for people.
        now: The present moment, for a `Retry-After` that names a date.
    """
    said = error_text(body)
    text = short(said) if said else excerpt(body)
    kind, message = _by_status(status, said, text, address)
    return BackendError(
        kind,
        message,
        status=status,
        retry_after=retry_after(headers.get("retry-after"), now),
        hints=_sign_in(body) if status == 401 else (),
    )


def _by_status(status: int, said: str | None, text: str, address: str) -> tuple[ErrorKind, str]:
    """Kind and words. `said` is what Ollama itself says, if it was Ollama that spoke."""
    if status == 404 and said and "not found" in said:
        return ErrorKind.MODEL_NOT_FOUND, text
    if status == 403 and not text:
        # What Ollama says, without a word, to a name or an origin that it does not expect.
        text = "status 403; check OLLAMA_HOST and OLLAMA_ORIGINS where it runs"
    known = _BY_STATUS.get(status) or (by_text(_BY_TEXT, said) if said else None)
    kind, words = known or (SERVER if status >= 500 else REFUSED)
    return kind, filled(words, address, f": {text}" if text else f" (status {status})")


def _sign_in(body: bytes) -> tuple[str, ...]:
    """Where to sign in for the models in Ollama's cloud, if it is told."""
    try:
        url = json.loads(body).get("signin_url")
    except (ValueError, RecursionError, AttributeError):
        return ()
    return (f"Sign in at {short(url)}",) if isinstance(url, str) and url else ()


def not_ollama(body: bytes, address: str) -> BackendError:
    """An answer of status 200 that Ollama does not give, such as the page of another program."""
    text = excerpt(body)
    saying = f" (it says: {short(text, 60)})" if text else ""
    return BackendError(
        ErrorKind.NOT_OLLAMA,
        f"What answers at {address} is no Ollama{saying}; check OLLAMA_HOST",
        status=200,
    )


def bad_line(line: str, address: str) -> BackendError:
    """A line of a reply that is not what it should be."""
    if is_page(line):
        return not_ollama(line.encode(errors="replace"), address)
    return BackendError(
        ErrorKind.PROTOCOL,
        f"{address} sent a line that is no part of a reply: {short(line, 60)}",
    )


def long_line(limit: int, address: str) -> BackendError:
    """A line of a reply is longer than Ollama's own client takes."""
    return BackendError(ErrorKind.PROTOCOL, f"{address} sent a line of more than {limit >> 20} MB")


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
    shown = short(model, 80)
    return BackendError(
        error.kind,
        f"There is no model {shown!r} at {address}; choose another one, or fetch it with "
        f"`ollama pull {shown}`",
        status=error.status,
        hints=there_are(names),
    )
