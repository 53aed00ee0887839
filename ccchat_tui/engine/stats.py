"""Counters and percentiles, and the one picture of the queue that everybody shows."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from ccchat_tui.quick import dataclass

if TYPE_CHECKING:
    from ccchat_tui.engine.request import Priority, RequestState


@dataclass(frozen=True, slots=True)
class LimitsView:
    """The limits in force."""

    max_concurrent: int
    max_concurrent_per_user: int
    requests_per_minute: int
    timeout_ms: int
    retry_attempts: int


@dataclass(frozen=True, slots=True)
class Totals:
    """How many requests came to what, since the start."""

    submitted: int = 0
    completed: int = 0
    failed: int = 0
    cancelled: int = 0
    timed_out: int = 0
    rejected: int = 0
    retried: int = 0


@dataclass(frozen=True, slots=True)
class RequestView:
    """One living request, as the panel shows it. Times in seconds."""

    id: str
    user: str
    session_id: str
    model: str
    preview: str
    state: RequestState
    priority: Priority
    position: int | None
    """Its place in the queue, 1 is next; `None` once it holds a slot or waits to retry."""
    waited: float
    """From submission to its slot, or until now."""
    first_token_after: float | None
    """From its slot to the first token; `None` while none has come."""
    running: float
    """Since its slot; 0 while queued."""
    tokens: int
    tokens_per_second: float
    """Over the life of the stream so far."""
    attempt: int
    cancelling: bool
    """Cancelled, but its connection is not closed yet."""
    note: str = ""
    """Why it waits to retry, or what the server says."""


@dataclass(frozen=True, slots=True)
class UserView:
    """One user's share."""

    user: str
    queue_length: int
    in_flight: int
    totals: Totals
    average_processing_ms: float
    p50_ms: float
    p95_ms: float
    average_wait_ms: float
    average_first_token_ms: float
    tokens: int


@dataclass(frozen=True, slots=True)
class AdaptiveView:
    """What a limit that finds itself has found."""

    on: bool
    """Whether it still looks; no longer once somebody has set the limit by hand."""
    found: int
    """The limit that it believes in; the one in force may be another, while it tries that."""
    phase: str
    """`measuring`, `trying` or `resting`; `off` when it is not on."""
    words: str
    """The same for a person."""


@dataclass(frozen=True, slots=True)
class QueueSnapshot:
    """The whole engine at one moment. The names are those of `ccchat simulate --json`."""

    at: float
    """The moment, in seconds of the engine's clock."""
    mode: str
    """`concurrent` or `sequential`."""
    mode_reason: str
    """Why, e.g. `by configuration` or `fallback: server busy`; empty when concurrent."""
    paused: bool
    limits: LimitsView
    queue_length: int
    in_flight: int
    waiting_to_retry: int
    peak_concurrency: int
    totals: Totals
    success_rate: float
    """Completed of ended, 0 to 1; 1 while none has ended."""
    average_processing_ms: float
    p50_ms: float
    p95_ms: float
    average_wait_ms: float
    average_first_token_ms: float
    tokens: int
    tokens_per_second: float
    """Over the last few seconds, all requests together."""
    requests: tuple[RequestView, ...] = ()
    """Living requests: in flight first, then waiting to retry, then the queue in the order in
    which it would be served; cut at the number asked for."""
    users: tuple[UserView, ...] = field(default=())
    adaptive: AdaptiveView | None = None
    """What the limit has found by itself; `None` where it was never asked to."""
