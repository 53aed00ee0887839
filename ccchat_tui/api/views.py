"""The engine in JSON, by the names of `ccchat simulate --json`: times in milliseconds, rates in
tokens a second."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from ccchat_tui.backends.base import ServerStatus
from ccchat_tui.engine.history import HistoryBucket
from ccchat_tui.engine.stats import QueueSnapshot, RequestView, UserView

Json = dict[str, Any]


def encode(value: object) -> bytes:
    """JSON in ASCII, in which half a surrogate pair from outside does no harm."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False).encode()


def status_json(
    snapshot: QueueSnapshot, servers: Sequence[ServerStatus], *, user: str | None
) -> Json:
    """The queue, the figures, the limits, the mode and the servers.

    Args:
        snapshot: The engine, with its users.
        servers: How each is doing.
        user: Whose share is told of; `None` for those of all, and where the servers are.
    """
    told = asdict(snapshot)
    del told["requests"], told["at"]
    told["users"] = [_user(view) for view in snapshot.users if user in (None, view.user)]
    told["servers"] = [_server(server, where=user is None) for server in servers]
    rounded: Json = _rounded(told)
    return rounded


def history_json(seconds: float, buckets: Sequence[HistoryBucket]) -> Json:
    """The highest levels and the tokens in each bucket of so many seconds, oldest first."""
    return {
        "seconds": seconds,
        "in_flight": [bucket.in_flight for bucket in buckets],
        "queue_length": [bucket.queue_length for bucket in buckets],
        "tokens": [bucket.tokens for bucket in buckets],
    }


def request_json(view: RequestView) -> Json:
    """One living request."""
    return {
        **_named(view.id, view.user, view.session_id, view.model, view.preview),
        "state": view.state.value,
        "priority": view.priority.name.lower(),
        "position": view.position,
        "attempt": view.attempt,
        "cancelling": view.cancelling,
        "note": view.note,
        "waited_ms": _ms(view.waited),
        "first_token_ms": _ms(view.first_token_after),
        "running_ms": _ms(view.running),
        "tokens": view.tokens,
        "tokens_per_second": round(view.tokens_per_second, 3),
    }


def _named(id: str, user: str, session_id: str, model: str, preview: str) -> Json:  # noqa: A002
    return {"id": id, "user": user, "session_id": session_id, "model": model, "preview": preview}


def ended_json(
    view: Json, *, state: str, failure: str | None, tokens: int, duration: float
) -> Json:
    """A request that has ended: who it was, and what became of it."""
    return {
        **view,
        "state": state,
        "failure": failure,
        "tokens": tokens,
        "duration_ms": _ms(duration),
    }


def named_json(event: Any, preview: str) -> Json:
    """Who a request is, by the event of its queueing."""
    return _named(event.request_id, event.user, event.session_id, event.model, preview)


def _user(view: UserView) -> Json:
    return asdict(view)


def _server(server: ServerStatus, *, where: bool) -> Json:
    told = {
        "server": server.name,
        "state": server.state.value,
        "in_flight": server.in_flight,
        "weight": server.weight,
        "limit": server.limit,
        "completed": server.completed,
        "failed": server.failed,
    }
    return {**told, "address": server.address, "reason": server.reason} if where else told


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, dict):
        return {name: _rounded(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(each) for each in value]
    return value


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 3)
