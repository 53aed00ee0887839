"""The queue of another ccchat, from the JSON of its API (`api.views`) to the types of ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import Field, fields, replace
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
from ccchat_tui.text import one_line, sanitize

Json = Mapping[str, Any]
T = TypeVar("T", LimitsView, Totals, UserView, AdaptiveView)

LONGEST: Final = 512
LONGEST_NAME: Final = 100
"""Characters of a text, and of a user's name."""
HIGHEST: Final = 1e15
"""What no figure of a queue comes to."""

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
        plain = {field.name: _field(field, status[field.name]) for field in _PLAIN}
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
                in_flight=int(_number(each["in_flight"])),
                limit=None if each["limit"] is None else int(_number(each["limit"])),
                weight=_number(each["weight"]),
                completed=int(_number(each["completed"])),
                failed=int(_number(each["failed"])),
                note=one_line(each.get("reason", ""), 200),
                reason=one_line(each.get("reason", ""), 200),
            )
            for each in status["servers"]
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"servers are told of in another way: {error!r}"[:200]) from None


_OWN = {"at", "limits", "totals", "requests", "users", "adaptive"}
_PLAIN = tuple(field for field in fields(QueueSnapshot) if field.name not in _OWN)
_KINDS: Final[Mapping[str, frozenset[type]]] = {
    "bool": frozenset({bool}),
    "int": frozenset({int}),
    "float": frozenset({int, float}),
    "str": frozenset({str}),
}


def _of(kind: type[T], data: Json) -> T:
    return kind(**{field.name: _field(field, data[field.name]) for field in fields(kind)})


def _field(field: Field[Any], value: Any) -> Any:
    """A value for a field, if it is of the field's kind: what is drawn or reckoned with later must
    not be another's to choose."""
    if field.type == "Totals":
        return _of(Totals, value)
    if type(value) not in _KINDS[str(field.type)]:
        raise TypeError(f"{field.name} is of another kind")
    return _words(value, LONGEST) if isinstance(value, str) else _number(value)


def _user(data: Json) -> UserView:
    return replace(_of(UserView, data), user=_name(data["user"]))


def _row(data: Json) -> RequestView:
    position = data["position"]
    return RequestView(
        id=_name(data["id"]),
        user=_name(data["user"]),
        session_id=_name(data["session_id"]),
        model=_words(data["model"], LONGEST),
        preview=_words(data["preview"], LONGEST),
        state=RequestState(data["state"]),
        priority=_PRIORITIES[data["priority"]],
        position=None if position is None else int(_number(position)),
        waited=_seconds(data["waited_ms"]) or 0.0,
        first_token_after=_seconds(data["first_token_ms"]),
        running=_seconds(data["running_ms"]) or 0.0,
        tokens=int(_number(data["tokens"])),
        tokens_per_second=_number(data["tokens_per_second"]),
        attempt=int(_number(data["attempt"])),
        cancelling=data["cancelling"] is True,
        note=_words(data["note"], LONGEST),
    )


def _seconds(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else _number(milliseconds) / 1000


def _number(value: float) -> float:
    if not 0 <= value <= HIGHEST:
        raise TypeError("a figure is out of all bounds")
    return value


def _words(text: str, most: int) -> str:
    """A text in one line, that steers no terminal."""
    return " ".join(sanitize(text[:most]).split())


def _name(text: str) -> str:
    """A name by which something is asked for again, and which therefore stays as it is."""
    if len(text) > LONGEST or sanitize(text) != text or "\n" in text:
        raise TypeError("a name is none")
    return text
