"""What goes wrong between us and any HTTP server, in words for people.

Nothing here knows a protocol above HTTP, and nothing here imports httpx.
"""

from __future__ import annotations

import errno
import math
import socket
import ssl
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from ccchat_tui.backends.base import BackendError, ErrorKind
from ccchat_tui.quick import dataclass
from ccchat_tui.text import one_line

EXCERPT: Final = 240
"""Cells of a server's own words that are shown."""

Known = tuple[ErrorKind, str]
"""A kind of error and the words for it, in which `{address}` and `{said}` are filled in."""

BUSY: Final[Known] = (ErrorKind.BUSY, "{address} has too much to do{said}")
REFUSED: Final[Known] = (ErrorKind.BAD_REQUEST, "{address} refuses this{said}")
SERVER: Final[Known] = (ErrorKind.SERVER, "{address} failed{said}")

BY_STATUS: Final[Mapping[int, Known]] = {
    407: (
        ErrorKind.UNAUTHORIZED,
        "The proxy before {address} wants a name and a password{said}; give them in HTTP_PROXY",
    ),
    429: (ErrorKind.RATE_LIMITED, "{address} takes no more requests for now{said}"),
    503: BUSY,
    # What proxies answer when there is nobody behind them, some of it of no standard.
    **dict.fromkeys(
        (408, 502, 504, *range(520, 528), 530),
        (ErrorKind.GATEWAY, "There is no way through to {address} behind its proxy{said}"),
    ),
}
"""What a status says by itself, whichever protocol is spoken."""

MODELS_NAMED: Final = 8
"""At most so many models are named where one was not found."""

_LOOKED_AT: Final = 16_384
"""Bytes of a page that are looked at for an excerpt of it."""

_UNREACHABLE: Final = {
    errno.ENETUNREACH: "there is no network to it",
    errno.EHOSTUNREACH: "there is no way to that machine",
    errno.EADDRNOTAVAIL: "this machine has no such address",
    errno.ETIMEDOUT: "it does not answer",
    errno.EMFILE: "too many files are open here",
}


@dataclass(frozen=True, slots=True)
class Wording:
    """How messages speak of the servers of one kind."""

    name: str
    """At the beginning of a sentence."""
    setting: str
    """Where its address is set."""
    start: str
    """What may help where none runs on this machine."""


OLLAMA: Final = Wording("Ollama", "OLLAMA_HOST", "start it with `ollama serve`")


def short(text: str, cells: int = EXCERPT) -> str:
    """A text from outside in one line, harmless and not too long."""
    return one_line(text, cells)


def retry_after(value: str | None, now: datetime) -> float | None:
    """The seconds that a `Retry-After` header asks for, in either of its forms (RFC 9110, 10.2.3).

    Args:
        value: The header, if there is one.
        now: The present moment, for the form that names a date.

    Returns:
        Seconds, never negative; `None` where the header says nothing that can be understood.
    """
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        from email.utils import parsedate_to_datetime  # noqa: PLC0415 - seldom needed

        try:
            date = parsedate_to_datetime(value)
        except ValueError:
            return None
        if date.tzinfo is None:
            date = date.replace(tzinfo=UTC)
        seconds = (date - now).total_seconds()
    return max(0.0, seconds) if math.isfinite(seconds) else None


def filled(words: str, address: str, said: str) -> str:
    """Words with what they are about. What a server says comes last, and stays as it is."""
    return words.replace("{address}", address).replace("{said}", said)


def by_text(table: Sequence[tuple[Sequence[str], Known]], said: str) -> Known | None:
    """What the first part of a text that stands in a table says by itself; `None` if none does.

    Args:
        table: Parts in lower case, and what they say.
        said: The text.
    """
    low = said.lower()
    for parts, known in table:
        if any(part in low for part in parts):
            return known
    return None


def there_are(names: tuple[str, ...]) -> tuple[str, ...]:
    """The models there are as hints; none where none are known."""
    if not names:
        return ()
    more = f" and {len(names) - MODELS_NAMED} more" if len(names) > MODELS_NAMED else ""
    return (f"There are: {short(', '.join(names[:MODELS_NAMED]))}{more}",)


def truncated(address: str) -> BackendError:
    """A reply ended as if it were complete, and without saying so."""
    return BackendError(
        ErrorKind.TRUNCATED, f"{address} ended the reply without saying that it is complete"
    )


def is_page(text: str) -> bool:
    """Whether this is the beginning of HTML (or XML) rather than of JSON."""
    return text.lstrip("\ufeff \t\r\n").startswith("<")


def excerpt(body: bytes) -> str:
    """A body as a short text: of a page only what is to be read, without its markup."""
    text = body[:_LOOKED_AT].decode("utf-8-sig", errors="replace")
    if is_page(text):
        from ccchat_tui.backends.http_page import read_page  # noqa: PLC0415 - seldom needed

        text = ", ".join(read_page(text))
    return short(text)


def connect_error(
    error: Exception, address: str, *, local: bool, wording: Wording = OLLAMA
) -> BackendError:
    """No connection came about, for a reason that is somewhere among the error's causes.

    Args:
        error: What httpx raised.
        address: Where to, for people.
        local: Whether the server is on this machine, which decides what may help.
        wording: How to speak of it.
    """
    remedy = (
        f"{wording.start}, or check {wording.setting}"
        if local
        else f"check that it runs there, and {wording.setting}"
    )
    reason = short(str(error), 80) or type(error).__name__
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            words = short(cause.verify_message, 80)
            return BackendError(
                ErrorKind.UNREACHABLE,
                f"The certificate of {address} cannot be trusted ({words}); give the file of the "
                "authority that signed it in SSL_CERT_FILE",
            )
        if isinstance(cause, ssl.SSLError):
            words = short(cause.reason or str(cause), 80)
            return BackendError(
                ErrorKind.UNREACHABLE,
                f"{address} does not speak HTTPS ({words}); try http:// in {wording.setting}",
            )
        if known := _reason(cause):
            reason = known
            break
    return BackendError(
        ErrorKind.UNREACHABLE, f"{wording.name} does not answer at {address}: {reason}; {remedy}"
    )


def connect_timeout(address: str, seconds: float, wording: Wording = OLLAMA) -> BackendError:
    """No connection came about in time."""
    return BackendError(
        ErrorKind.UNREACHABLE,
        f"{wording.name} does not answer at {address}: no connection within {seconds:g} s; check "
        f"that it runs there, and {wording.setting}",
    )


def broken(error: Exception, address: str, *, begun: bool) -> BackendError:
    """The connection broke, or what came by it was not HTTP.

    Args:
        error: What httpx raised.
        address: Where to, for people.
        begun: Whether the reply had begun.
    """
    said = str(error)
    # httpx has one class for all of these; the texts are those of h11 and httpcore, and a text
    # that is not known counts as a broken connection, which may be tried again.
    if not begun and ("illegal" in said or "bad status" in said):
        return BackendError(
            ErrorKind.NOT_OLLAMA,
            f"What answers at {address} does not speak HTTP; check the address and the port",
        )
    if begun and ("illegal" in said or "decompressing" in said or "decod" in said.lower()):
        # h11 quotes the bytes in Python's words, which are none for people.
        what = short(said.partition(": bytearray(")[0], 100)
        return BackendError(ErrorKind.PROTOCOL, f"{address} sent what cannot be read: {what}")
    what = "in the middle of the reply" if begun else "without a reply"
    return BackendError(ErrorKind.DISCONNECTED, f"{address} broke off the connection {what}")


def _reason(cause: BaseException) -> str:
    """What one cause says in words; empty if it says nothing that is known here."""
    if isinstance(cause, ConnectionRefusedError):
        return "the connection was refused"
    if isinstance(cause, (socket.gaierror, UnicodeError)):
        return "there is no machine of that name"
    if isinstance(cause, OSError) and cause.errno is not None:
        return _UNREACHABLE.get(cause.errno, "") or short(cause.strerror or "", 80)
    return ""


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error and what it came from, into groups too, the outermost first."""
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        each = waiting.pop(0)
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        if isinstance(each, BaseExceptionGroup):
            waiting += each.exceptions
        waiting += [each.__cause__, each.__context__]
