"""Makes the picture of the queue out of the tables of the engine."""

from __future__ import annotations

from itertools import islice

from ccchat_tui.engine.counters import Tally
from ccchat_tui.engine.handle import RequestHandle
from ccchat_tui.engine.lifecycle import TOKENS_SECONDS, Lifecycle
from ccchat_tui.engine.request import RequestState
from ccchat_tui.engine.stats import AdaptiveView, LimitsView, QueueSnapshot, RequestView, UserView

_MS = 1000.0


def take_snapshot(
    life: Lifecycle,
    *,
    mode: str,
    mode_reason: str,
    user_limit: int,
    adaptive: AdaptiveView | None,
    requests: int | None,
    users: bool,
) -> QueueSnapshot:
    """The engine at this moment.

    Args:
        life: What lives.
        mode: `concurrent` or `sequential`.
        mode_reason: Why.
        user_limit: The limit of one user that is in force.
        adaptive: What the limit for all has found by itself.
        requests: How many rows there may be; `None` for all. Costs as much as the rows that are
            made, however many requests wait.
        users: Whether to say what each user's share is.
    """
    now = life.now()
    settings = life.settings
    tally = life.counters.all
    return QueueSnapshot(
        at=now,
        mode=mode,
        mode_reason=mode_reason,
        paused=life.paused,
        limits=LimitsView(
            max_concurrent=life.limit,
            max_concurrent_per_user=user_limit,
            requests_per_minute=settings.requests_per_minute,
            timeout_ms=round(settings.timeout * _MS),
            retry_attempts=settings.retry_attempts,
        ),
        queue_length=life.queue.queued,
        in_flight=len(life.in_flight),
        waiting_to_retry=len(life.waiting),
        peak_concurrency=life.counters.peak,
        totals=tally.totals(),
        success_rate=tally.success_rate,
        average_processing_ms=tally.processing.average * _MS,
        p50_ms=tally.processing.quantile(0.5) * _MS,
        p95_ms=tally.processing.quantile(0.95) * _MS,
        average_wait_ms=tally.average_wait * _MS,
        average_first_token_ms=tally.average_first_token * _MS,
        tokens=life.tokens,
        tokens_per_second=life.token_rate.total(now) / TOKENS_SECONDS,
        requests=_rows(life, now, len(life.living) if requests is None else requests),
        users=_users(life) if users else (),
        adaptive=adaptive,
    )


def _rows(life: Lifecycle, now: float, count: int) -> tuple[RequestView, ...]:
    if count <= 0:
        return ()
    rows = [_row(handle, now, None) for handle in islice(life.in_flight, count)]
    rows += [_row(handle, now, None) for handle in islice(life.waiting, count - len(rows))]
    queued = life.queue.ahead(count - len(rows)) if len(rows) < count else []
    rows += [_row(handle, now, position) for position, handle in enumerate(queued, 1)]
    return tuple(rows)


def _row(handle: RequestHandle, now: float, position: int | None) -> RequestView:
    request, started, first = handle.request, handle.started_at, handle.first_token_at
    streamed = now - first if first is not None else 0.0
    waits = handle.state is RequestState.WAITING_TO_RETRY and handle.failure is not None
    return RequestView(
        id=request.id,
        user=request.user,
        session_id=request.session_id,
        model=request.model,
        preview=request.preview,
        state=handle.state,
        priority=request.priority,
        position=position,
        waited=(now if started is None else started) - handle.submitted_at,
        first_token_after=None if first is None else first - handle._slot_at,
        running=now - handle._slot_at if handle.state.in_flight else 0.0,
        tokens=handle.tokens,
        tokens_per_second=handle.tokens / streamed if streamed > 0 else 0.0,
        attempt=handle.attempt,
        cancelling=handle.cancelling,
        note=handle.failure.message if waits and handle.failure is not None else "",
    )


def _users(life: Lifecycle) -> tuple[UserView, ...]:
    streaming: dict[str, int] = {}
    for handle in life.in_flight:
        user = handle.request.user
        streaming[user] = streaming.get(user, 0) + handle.tokens
    return tuple(
        user_view(user, tally, *life.queue.counts(user), tally.tokens + streaming.get(user, 0))
        for user, tally in life.counters.users()
    )


def user_view(user: str, tally: Tally, queue_length: int, in_flight: int, tokens: int) -> UserView:
    """One user's share, from what was counted of them."""
    return UserView(
        user=user,
        queue_length=queue_length,
        in_flight=in_flight,
        totals=tally.totals(),
        average_processing_ms=tally.processing.average * _MS,
        p50_ms=tally.processing.quantile(0.5) * _MS,
        p95_ms=tally.processing.quantile(0.95) * _MS,
        average_wait_ms=tally.average_wait * _MS,
        average_first_token_ms=tally.average_first_token * _MS,
        tokens=tokens,
    )
