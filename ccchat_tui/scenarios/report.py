"""What became of a load: the object that `ccchat simulate --json` prints, from the snapshot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from ccchat_tui.backends.base import ServerStatus
from ccchat_tui.engine.stats import QueueSnapshot, Totals, UserView
from ccchat_tui.quick import dataclass

Report = dict[str, Any]
"""Names and values as JSON has them; times in milliseconds, rates in tokens a second."""

_FIGURES = (
    "average_processing_ms",
    "p50_ms",
    "p95_ms",
    "average_wait_ms",
    "average_first_token_ms",
)


@dataclass(frozen=True, slots=True)
class UserTimes:
    """What a snapshot does not say of one user."""

    peak: int
    """The most requests that were in flight at once."""
    wall: float
    """Seconds from the first message to the end of the last reply."""


def make_report(
    snapshot: QueueSnapshot,
    wall: float,
    times: Mapping[str, UserTimes],
    servers: Sequence[ServerStatus] = (),
) -> Report:
    """Put the report together.

    Args:
        snapshot: The service at the end, with all its users.
        wall: Seconds that the load took.
        times: The users, in the order in which they are to be told of.
        servers: How each server is doing at the end; none where that is not known.
    """
    views = {view.user: view for view in snapshot.users}
    return {
        "mode": snapshot.mode,
        "mode_reason": snapshot.mode_reason,
        "limits": asdict(snapshot.limits),
        "adaptive": None if snapshot.adaptive is None else asdict(snapshot.adaptive),
        "queue_length": snapshot.queue_length,
        "in_flight": snapshot.in_flight,
        "peak_concurrency": snapshot.peak_concurrency,
        **_shared(snapshot, snapshot.success_rate, wall),
        "users": [_of_user(views.get(name) or _nothing(name), own) for name, own in times.items()],
        "servers": [_of_server(server) for server in servers],
    }


def _of_user(view: UserView, own: UserTimes) -> Report:
    return {
        "user": view.user,
        "queue_length": view.queue_length,
        "in_flight": view.in_flight,
        "peak_concurrency": own.peak,
        **_shared(view, success_rate(view.totals), own.wall),
    }


def _of_server(server: ServerStatus) -> Report:
    return {
        "server": server.name,
        "address": server.address,
        "state": server.state.value,
        "reason": server.reason,
        "weight": server.weight,
        "limit": server.limit,
        "completed": server.completed,
        "failed": server.failed,
    }


def _shared(figures: QueueSnapshot | UserView, rate: float, wall: float) -> Report:
    """What is told of everybody together and of each user alike."""
    return {
        "totals": asdict(figures.totals),
        "success_rate": round(rate, 6),
        **{name: round(getattr(figures, name), 3) for name in _FIGURES},
        "tokens": figures.tokens,
        "tokens_per_second": round(figures.tokens / wall, 3) if wall > 0 else 0.0,
        "wall_ms": round(wall * 1000, 3),
    }


def success_rate(totals: Totals) -> float:
    """Completed of ended, 0 to 1; 1 while none has ended."""
    ended = totals.completed + totals.failed + totals.cancelled + totals.timed_out
    return totals.completed / ended if ended else 1.0


def _nothing(name: str) -> UserView:
    """A user of whom the service never heard."""
    return UserView(name, 0, 0, Totals(), 0.0, 0.0, 0.0, 0.0, 0.0, 0)
