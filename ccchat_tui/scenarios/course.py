"""How each request went, from the events: what it spent its time with, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from ccchat_tui.engine.events import (
    EngineEvent,
    RequestEnded,
    RequestEvent,
    RequestFirstToken,
    RequestQueued,
    RequestRetrying,
    RequestStarted,
)
from ccchat_tui.engine.request import RequestState


class Phase(StrEnum):
    """What a request spends its time with."""

    WAITING = "waiting"
    """In the queue."""
    CONNECTING = "first_token_wait"
    """With a slot, until the first token."""
    STREAMING = "streaming"
    RETRYING = "retry"
    """After an attempt that failed, without a slot."""


@dataclass(slots=True)
class Course:
    """One request. Moments are seconds of the engine's clock."""

    id: str
    user: str
    session_id: str
    sent_at: float
    phases: list[tuple[Phase, float]] = field(default_factory=list)
    """Each with its beginning; it lasts until the next, or the end."""
    started_at: float | None = None
    """When it first got a slot."""
    first_token_at: float | None = None
    ended_at: float | None = None
    state: RequestState | None = None
    """How it ended; `None` while it has not."""
    failure: str = ""
    """Why, in words."""
    tokens: int = 0
    attempts: int = 0


class Courses:
    """Watches events and keeps each request's course: memory grows with the requests.

    Attributes:
        all: In the order in which they were sent.
    """

    def __init__(self) -> None:
        self.all: list[Course] = []
        self._living: dict[str, Course] = {}

    def __call__(self, event: EngineEvent) -> None:
        """One more event."""
        if not isinstance(event, RequestEvent):
            return
        course = self._living.get(event.request_id)
        if course is None:
            if isinstance(event, RequestQueued):
                course = Course(event.request_id, event.user, event.session_id, event.at)
                course.phases.append((Phase.WAITING, event.at))
                self._living[event.request_id] = course
                self.all.append(course)
            return
        match event:
            case RequestQueued():
                course.phases.append((Phase.WAITING, event.at))
            case RequestStarted():
                course.attempts += 1
                if course.started_at is None:
                    course.started_at = event.at
                course.phases.append((Phase.CONNECTING, event.at))
            case RequestFirstToken():
                course.first_token_at = event.at
                course.phases.append((Phase.STREAMING, event.at))
            case RequestRetrying():
                course.phases.append((Phase.RETRYING, event.at))
            case RequestEnded():
                course.ended_at, course.state = event.at, event.state
                course.tokens = event.tokens
                course.failure = event.failure.message if event.failure else ""
                del self._living[event.request_id]
            case _:
                pass
