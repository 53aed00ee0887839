"""How each request went, from the events: what it spent its time with, and how it ended."""

from __future__ import annotations

from dataclasses import field
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
from ccchat_tui.engine.request import Priority, RequestState
from ccchat_tui.quick import dataclass


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
    """Why, in words; while it waits to be tried again, why the last attempt failed."""
    tokens: int = 0
    attempts: int = 0
    model: str = ""
    priority: Priority = Priority.NORMAL


class Courses:
    """Watches events and keeps each request's course: memory grows with the requests.

    Attributes:
        all: In the order in which they were sent.
        living: Those that have not ended, by their ids.
    """

    def __init__(self) -> None:
        self.all: list[Course] = []
        self.living: dict[str, Course] = {}

    def __call__(self, event: EngineEvent) -> None:
        """One more event."""
        self.follow(event)

    def follow(self, event: EngineEvent) -> Course | None:
        """One more event; the request that it is of, as it stands after it."""
        if not isinstance(event, RequestEvent):
            return None
        course = self.living.get(event.request_id)
        if course is None:
            if not isinstance(event, RequestQueued):
                return None
            course = Course(
                event.request_id,
                event.user,
                event.session_id,
                event.at,
                model=event.model,
                priority=event.priority,
            )
            self.living[event.request_id] = course
            self.all.append(course)
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
                course.failure = event.failure.message
                course.phases.append((Phase.RETRYING, event.at))
            case RequestEnded():
                course.ended_at, course.state = event.at, event.state
                course.tokens = event.tokens
                course.failure = event.failure.message if event.failure else ""
                del self.living[event.request_id]
            case _:
                pass
        return course
