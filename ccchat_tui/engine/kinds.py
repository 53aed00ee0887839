"""What each kind of error means to the engine: one table, which the README holds too."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ccchat_tui.backends.base import BackendError, ErrorKind
from ccchat_tui.engine.request import Failure
from ccchat_tui.quick import dataclass


@dataclass(frozen=True, slots=True)
class Meaning:
    """What follows from an error of one kind."""

    why: str
    """What has happened, and why it is or is not tried again."""
    again: bool = False
    """Whether another attempt may help, as long as nothing of the reply was shown."""
    server: bool = False
    """Whether it speaks of the server rather than of the request: if several requests fail so
    together while the server answers a probe, running at once was too much for it."""
    overload: bool = False
    """Whether the server says itself that running at once was too much for it."""


KINDS: Mapping[ErrorKind, Meaning] = MappingProxyType(
    {
        ErrorKind.UNREACHABLE: Meaning(
            "no connection; it may be starting", again=True, server=True
        ),
        ErrorKind.DISCONNECTED: Meaning("the connection broke", again=True, server=True),
        ErrorKind.STALLED: Meaning("no token for too long", again=True, server=True),
        ErrorKind.GATEWAY: Meaning(
            "a proxy does not reach the server (502, 504, 524)", again=True, server=True
        ),
        ErrorKind.SERVER: Meaning("a fault of the server (5xx)", again=True, server=True),
        ErrorKind.TRUNCATED: Meaning("the reply ended without its end mark", again=True),
        ErrorKind.BUSY: Meaning("the server's queue is full (503)", again=True, overload=True),
        ErrorKind.OUT_OF_MEMORY: Meaning(
            "the server unloads what it can, so that the next try may fit",
            again=True,
            overload=True,
        ),
        # Fewer at once would not help: it counts over time.
        ErrorKind.RATE_LIMITED: Meaning("too many requests in a span of time (429)", again=True),
        ErrorKind.TIMED_OUT: Meaning("its time is over"),
        ErrorKind.MODEL_NOT_FOUND: Meaning("the server has no such model"),
        ErrorKind.UNAUTHORIZED: Meaning("the key is missing or not accepted (401, 403)"),
        ErrorKind.BAD_REQUEST: Meaning("the server refuses what was asked"),
        ErrorKind.PROTOCOL: Meaning("what came cannot be read"),
        ErrorKind.NOT_OLLAMA: Meaning("something else than a model server answers"),
        ErrorKind.INTERNAL: Meaning("a fault in ccchat"),
    }
)
"""Each kind. How often, how soon, and how many retries altogether there may be is in `retry`."""


def failure_of(error: BackendError) -> Failure:
    """What a backend's error means to the engine."""
    meaning = KINDS[error.kind]
    return Failure(
        kind=error.kind.value,
        message=error.message,
        retryable=meaning.again,
        retry_after=error.retry_after,
        server_fault=meaning.server,
        overload=meaning.overload,
        hints=error.hints,
    )


def markdown_table() -> str:
    """The table as the README holds it."""
    rows = ["| what went wrong | tried again | says of the server |", "| --- | --- | --- |"]
    for kind, meaning in KINDS.items():
        name = kind.value.replace("_", " ")
        again = "yes" if meaning.again else "no"
        says = "one at a time at once" if meaning.overload else ""
        says = "one at a time, if several fail together" if meaning.server else says
        rows.append(f"| {name}: {meaning.why} | {again} | {says} |")
    return "\n".join(rows)
