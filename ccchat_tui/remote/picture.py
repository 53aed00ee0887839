"""The queue of another ccchat, from the JSON of its API (`api.views`) to the types of ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, Final, TypeVar

from ccchat_tui.backends.base import ServerState, ServerStatus
from ccchat_tui.engine.request import Priority, RequestState
from ccchat_tui.engine.stats import (
    AdaptiveView,
    LimitsView,
    QueueSnapshot,
    RequestView,
    Totals,
    UserView,
)
from ccchat_tui.text import one_line

Json = Mapping[str, Any]
T = TypeVar("T", LimitsView, Totals, UserView, AdaptiveView)

_PRIORITIES: Final = {priority.name.lower(): priority for priority in Priority}

NOTHING: Final = QueueSnapshot(
    at=0.0,
    mode="concurrent",
    mode_reason="",
    paused=False,
    limits=LimitsView(0, 0, 0, 0, 0),
    queue_length=0,
    in_flight=0,
    waiting_to_retry=0,
    peak_concurrency=0,
    totals=Totals(),
    success_rate=1.0,
    average_processing_ms=0.0,
    p50_ms=0.0,
    p95_ms=0.0,
    average_wait_ms=0.0,
    average_first_token_ms=0.0,
    tokens=0,
    tokens_per_second=0.0,
)
"""What is known of a queue before anything was heard of it."""


def snapshot_of(status: Json, rows: Sequence[Json], at: float) -> QueueSnapshot:
    """The queue.

    Args:
        status: What `/api/ai/status` says.
        rows: What `/api/ai/requests` says.
        at: The present moment of our clock.

    Raises:
        ValueError: Something in it is missing, or of the wrong kind.
    """
    try:
        plain = {name: status[name] for name in _PLAIN}
        adaptive = status.get("adaptive")
        return QueueSnapshot(
            **plain,
            at=at,
            limits=_of(LimitsView, status["limits"]),
            totals=_of(Totals, status["totals"]),
            requests=tuple(map(_row, rows)),
            users=tuple(_user(user) for user in status["users"]),
            adaptive=None if adaptive is None else _of(AdaptiveView, adaptive),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"the queue is told of in another way: {error!r}"[:200]) from None


def servers_of(status: Json) -> tuple[ServerStatus, ...]:
    """The servers behind it. Raises `ValueError`."""
    try:
        return tuple(
            ServerStatus(
                name=one_line(each["server"], 80),
                address=one_line(each.get("address", ""), 200),
                state=ServerState(each["state"]),
                in_flight=each["in_flight"],
                limit=each["limit"],
                weight=each["weight"],
                completed=each["completed"],
                failed=each["failed"],
                note=one_line(each.get("reason", ""), 200),
                reason=one_line(each.get("reason", ""), 200),
            )
            for each in status["servers"]
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"servers are told of in another way: {error!r}"[:200]) from None


_OWN = {"at", "limits", "totals", "requests", "users", "adaptive"}
_PLAIN = tuple(field.name for field in fields(QueueSnapshot) if field.name not in _OWN)


def _of(kind: type[T], data: Json) -> T:
    return kind(**{field.name: data[field.name] for field in fields(kind)})


def _user(data: Json) -> UserView:
    return _of(UserView, {**data, "totals": _of(Totals, data["totals"])})


def _row(data: Json) -> RequestView:
    return RequestView(
        id=data["id"],
        user=data["user"],
        session_id=data["session_id"],
        model=data["model"],
        preview=data["preview"],
        state=RequestState(data["state"]),
        priority=_PRIORITIES[data["priority"]],
        position=data["position"],
        waited=_seconds(data["waited_ms"]) or 0.0,
        first_token_after=_seconds(data["first_token_ms"]),
        running=_seconds(data["running_ms"]) or 0.0,
        tokens=data["tokens"],
        tokens_per_second=data["tokens_per_second"],
        attempt=data["attempt"],
        cancelling=data["cancelling"],
        note=data["note"],
    )


def _seconds(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000
