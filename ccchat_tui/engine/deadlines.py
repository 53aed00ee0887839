"""When a request must next be looked at, and whether its time is over."""

from __future__ import annotations

import math

from ccchat_tui.engine.handle import RequestHandle
from ccchat_tui.engine.limits import EngineSettings
from ccchat_tui.engine.request import Failure, RequestState

_CONNECTING, _STREAMING = RequestState.CONNECTING, RequestState.STREAMING


def next_look(handle: RequestHandle, settings: EngineSettings) -> float:
    """The first moment at which something is due, if nothing happens before; or infinity.

    While a reply streams that is the stall limit counted from the last token known now; it is
    found to have moved on when it is looked at.
    """
    total = handle._deadline
    when = math.inf if total is None else total
    state = handle.state
    if state is _CONNECTING or state is _STREAMING:
        if handle.stats is not None:
            return when
        if state is _CONNECTING:
            limit, since = settings.first_token_timeout, handle._slot_at
        else:
            limit, since = settings.stall_timeout, handle._last_at
        if limit is not None and since + limit < when:
            when = since + limit
    elif state is RequestState.WAITING_TO_RETRY:
        if handle._retry_at is not None and handle._retry_at < when:
            when = handle._retry_at
    elif settings.queue_timeout is not None and not handle.attempt and not handle._front:
        when = min(when, handle.submitted_at + settings.queue_timeout)
    return when


def overdue(
    handle: RequestHandle, settings: EngineSettings, now: float
) -> tuple[RequestState, Failure] | None:
    """How a request must end because one of its limits has passed; `None` if none has."""
    if handle._deadline is not None and handle._deadline <= now:
        return timed_out(handle, settings)
    state = handle.state
    if state is _STREAMING:
        limit = settings.stall_timeout
        if limit is not None and handle.stats is None and handle._last_at + limit <= now:
            return RequestState.FAILED, Failure(
                "stalled", f"No token came for {limit:g} s", retryable=True, server_fault=True
            )
    elif state is _CONNECTING:
        limit = settings.first_token_timeout
        if limit is not None and handle.stats is None and handle._slot_at + limit <= now:
            return RequestState.FAILED, Failure(
                "stalled",
                f"No token came within {limit:g} s of its start",
                retryable=True,
                server_fault=True,
            )
    elif state is RequestState.QUEUED and not handle.attempt and not handle._front:
        limit = settings.queue_timeout
        if limit is not None and handle.submitted_at + limit <= now:
            return RequestState.TIMED_OUT, Failure(
                "queue_deadline", f"It waited {limit:g} s and its turn did not come"
            )
    return None


def timed_out(handle: RequestHandle, settings: EngineSettings) -> tuple[RequestState, Failure]:
    """How a request ends whose total time is over."""
    allowed = handle.request.timeout or settings.timeout
    return RequestState.TIMED_OUT, Failure(
        "timed_out", f"It was not whole within {allowed:g} s of its start"
    )
