"""A request as it is asked, the states it goes through, and the ways in which it ends."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum, StrEnum

from ccchat_tui.quick import dataclass


class RequestState(StrEnum):
    """Where a request stands. The ways between states are in `TRANSITIONS`, and no others."""

    QUEUED = "queued"
    CONNECTING = "connecting"
    """It holds a slot; no token has come yet."""
    STREAMING = "streaming"
    WAITING_TO_RETRY = "waiting_to_retry"
    """An attempt failed; it holds no slot until its pause is over."""
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    FAILED = "failed"
    TIMED_OUT = "timed_out"

    @property
    def ended(self) -> bool:
        """Whether this is a terminal state."""
        return self in TERMINAL

    @property
    def in_flight(self) -> bool:
        """Whether a request in this state holds a slot."""
        return self is RequestState.CONNECTING or self is RequestState.STREAMING


TERMINAL = frozenset(
    {
        RequestState.COMPLETED,
        RequestState.CANCELLED,
        RequestState.FAILED,
        RequestState.TIMED_OUT,
    }
)

TRANSITIONS: dict[RequestState, frozenset[RequestState]] = {
    RequestState.QUEUED: frozenset(
        {RequestState.CONNECTING, *(TERMINAL - {RequestState.COMPLETED})}
    ),
    RequestState.CONNECTING: frozenset(
        {RequestState.STREAMING, RequestState.WAITING_TO_RETRY, RequestState.QUEUED, *TERMINAL}
    ),
    RequestState.STREAMING: TERMINAL,
    RequestState.WAITING_TO_RETRY: frozenset(
        {RequestState.QUEUED, *(TERMINAL - {RequestState.COMPLETED})}
    ),
}
"""The only ways between states. `CONNECTING` back to `QUEUED` is the fallback to one at a time,
which puts a request that has shown nothing back at the front."""


class Priority(IntEnum):
    """Which class a request waits in. Higher goes first, until ageing lifts the lower."""

    LOW = 0
    NORMAL = 1
    HIGH = 2


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a request (or one attempt at it) did not complete."""

    kind: str
    """A value of `ErrorKind`, or `cancelled`, or `queue_deadline`."""
    message: str
    """In words, for the person."""
    retryable: bool = False
    """Whether another attempt may help. Whether it is made, the retry policy decides."""
    retry_after: float | None = None
    """Seconds the server asked us to wait."""
    server_fault: bool = False
    """Whether it speaks of the server as a whole rather than of this request."""
    overload: bool = False
    """Whether the server says that running at once is too much for it (busy, out of memory)."""
    hints: tuple[str, ...] = ()


class AttemptFailed(Exception):  # noqa: N818 - what a runner says, not a fault of anybody
    """Raised by what runs a request: this attempt has failed, and why."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


@dataclass(frozen=True, slots=True)
class ReplyStats:
    """What is known of a finished reply. `None` where nobody said."""

    tokens: int | None = None
    prompt_tokens: int | None = None
    tokens_per_second: float | None = None
    done_reason: str | None = None
    cached: bool = False
    """Whether it came out of the reply cache, and no server worked on it."""


class Rejected(Exception):  # noqa: N818 - an answer of the engine, not a fault of anybody
    """The engine did not take a request; it was never queued.

    Args:
        reason: `rate_limited`, `queue_full`, `draining` or `invalid`.
        message: In words, for the person: what was refused, why, and what to do.
        retry_after: Seconds until the same request would be taken, where that is known.
    """

    def __init__(self, reason: str, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One turn asked of a model, as it is handed to the engine."""

    id: str
    """Unlike that of every other living request."""
    user: str
    session_id: str
    model: str
    preview: str
    """The first words, for the panel."""
    prompt: Callable[[], object]
    """Called once, when the request first gets its slot: the context is fixed at that moment, and
    kept for further attempts. If it raises, the request has failed and nothing else happens."""
    priority: Priority = Priority.NORMAL
    timeout: float | None = None
    """Seconds from the slot; `None` takes the engine's own limit."""
