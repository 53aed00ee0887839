"""The typed events of the engine. Whoever shows, stores or counts anything watches these."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ccchat_tui.quick import dataclass

if TYPE_CHECKING:
    from ccchat_tui.engine.request import Failure, Priority, ReplyStats, RequestState


@dataclass(frozen=True, slots=True)
class EngineEvent:
    """Something that happened, at a moment of the engine's clock (seconds)."""

    at: float


@dataclass(frozen=True, slots=True)
class RequestEvent(EngineEvent):
    """Something that happened to one request."""

    request_id: str
    user: str
    session_id: str


@dataclass(frozen=True, slots=True)
class RequestQueued(RequestEvent):
    """Accepted, or back in the queue after a pause or a fallback."""

    model: str
    priority: Priority
    attempt: int
    """How many attempts have been started before."""


@dataclass(frozen=True, slots=True)
class RequestStarted(RequestEvent):
    """Given a slot; it connects now."""

    attempt: int
    """1 for the first."""
    waited: float
    """Seconds since it was submitted."""


@dataclass(frozen=True, slots=True)
class RequestFirstToken(RequestEvent):
    """The first token of the reply (or of its thinking) came."""

    after: float
    """Seconds since the slot was given."""


@dataclass(frozen=True, slots=True)
class RequestRetrying(RequestEvent):
    """An attempt failed before it showed anything, and waits without a slot for another.

    Told twice of one attempt if it first has to be found out what the failure means (see
    `fallback`): then with the time that takes, and again with the pause. It may be found that there
    is to be no other, and then it ends."""

    failure: Failure
    delay: float
    """Seconds until it is queued again."""
    attempt: int
    """The attempt that failed."""
    counted: bool = True
    """Whether it is one of the retries that are counted: not while it has to be found out what the
    failure means, nor where the fallback begins again as if the attempt had not been."""


@dataclass(frozen=True, slots=True)
class RequestEnded(RequestEvent):
    """Reached its one terminal state."""

    state: RequestState
    failure: Failure | None
    """Why, where the state is not `completed`."""
    stats: ReplyStats | None
    tokens: int
    duration: float
    """Seconds since the slot was given; 0 if it never had one."""


@dataclass(frozen=True, slots=True)
class RequestRejected(EngineEvent):
    """Refused at the door; it was never queued."""

    user: str
    reason: str
    message: str
    retry_after: float | None


@dataclass(frozen=True, slots=True)
class LimitsChanged(EngineEvent):
    """A limit was changed while running."""

    max_concurrent: int
    max_concurrent_per_user: int


@dataclass(frozen=True, slots=True)
class ModeChanged(EngineEvent):
    """Running at once, or one at a time, and why."""

    mode: str
    """`concurrent` or `sequential`."""
    reason: str


@dataclass(frozen=True, slots=True)
class Paused(EngineEvent):
    """No queued request is started until `Resumed`; what runs runs on."""


@dataclass(frozen=True, slots=True)
class Resumed(EngineEvent):
    """Queued requests are started again."""
