"""What happens in the engine, for the log: how requests ended and how long each part took, and
what was decided on the way."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

from ccchat_tui.engine.events import (
    EngineEvent,
    LimitsChanged,
    ModeChanged,
    Paused,
    RequestEnded,
    RequestFirstToken,
    RequestQueued,
    RequestRejected,
    RequestRetrying,
    RequestStarted,
    Resumed,
)
from ccchat_tui.quick import dataclass
from ccchat_tui.text import one_line

if TYPE_CHECKING:
    from ccchat_tui.engine.handle import RequestHandle
    from ccchat_tui.engine.service import ConcurrentChatService

_log = logging.getLogger(__name__)
LONGEST_NAME: Final = 80
"""Cells of a model's name."""
_BAD: Final = frozenset({"failed", "timed_out"})


@dataclass(slots=True)
class _Course:
    """What is known of a living request."""

    model: str
    handle: RequestHandle | None
    waited: float | None = None
    first_token: float | None = None
    attempts: int = 0


class EngineLog:
    """The listener of a service.

    Args:
        service: The engine.
        texts: Whether what is said is kept until the end, for the log.
    """

    def __init__(self, service: ConcurrentChatService, *, texts: bool = False) -> None:
        self._service = service
        self._texts = texts
        self._courses: dict[str, _Course] = {}

    def __call__(self, event: EngineEvent) -> None:
        """An event."""
        match event:
            case RequestQueued() if event.request_id not in self._courses:
                # A name from outside may be long, and anything.
                model = one_line(event.model, LONGEST_NAME)
                handle = self._service.find(event.request_id) if self._texts else None
                self._courses[event.request_id] = _Course(model, handle)
            case RequestStarted():
                self._started(event)
            case RequestFirstToken():
                if (course := self._courses.get(event.request_id)) is not None:
                    course.first_token = event.after
            case RequestRetrying():
                self._retrying(event)
            case RequestEnded():
                self._ended(event)
            case RequestRejected():
                _say(
                    logging.WARNING,
                    "request_rejected",
                    {
                        "user": event.user,
                        "reason": event.reason,
                        "retry_after_ms": _ms(event.retry_after),
                    },
                )
            case ModeChanged():
                level = logging.WARNING if event.mode == "sequential" else logging.INFO
                _say(level, "mode_changed", {"mode": event.mode}, {"reason": event.reason})
            case LimitsChanged():
                limits = {
                    "max_concurrent": event.max_concurrent,
                    "max_concurrent_per_user": event.max_concurrent_per_user,
                }
                _say(logging.INFO, "limits_changed", limits)
            case Paused() | Resumed():
                _say(logging.INFO, type(event).__name__.lower(), {})
            case _:
                pass

    def _started(self, event: RequestStarted) -> None:
        course = self._courses.get(event.request_id)
        if course is None:
            return
        course.attempts = event.attempt
        if course.waited is None:
            course.waited = event.waited
        told = {"request": event.request_id, "user": event.user, "attempt": event.attempt}
        _say(logging.DEBUG, "request_started", {**told, "waited_ms": _ms(event.waited)})

    def _retrying(self, event: RequestRetrying) -> None:
        if not event.counted:
            return
        told = {
            "request": event.request_id,
            "user": event.user,
            "attempt": event.attempt,
            "failure": str(event.failure.kind),
            "delay_ms": _ms(event.delay),
        }
        _say(logging.WARNING, "request_retrying", told, {"message": event.failure.message})

    def _ended(self, event: RequestEnded) -> None:
        course = self._courses.pop(event.request_id, None) or _Course("", None)
        told: dict[str, Any] = {
            "request": event.request_id,
            "user": event.user,
            "model": course.model,
            "state": event.state.value,
            "attempts": course.attempts,
            "waited_ms": _ms(course.waited),
            "first_token_ms": _ms(course.first_token),
            "duration_ms": _ms(event.duration),
            "tokens": event.tokens,
        }
        texts: dict[str, Any] = {}
        if event.failure is not None:
            told["failure"] = str(event.failure.kind)
            texts["message"] = event.failure.message
        if course.handle is not None:
            texts["question"] = course.handle.request.preview
            texts["reply"] = course.handle.text
        level = logging.WARNING if event.state.value in _BAD else logging.INFO
        _say(level, "request_ended", told, texts)


def _say(level: int, event: str, told: dict[str, Any], texts: dict[str, Any] | None = None) -> None:
    _log.log(level, event, extra={"told": told, "texts": texts or {}})


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 1)
