"""Conversations as data: a session, its turns, and the settings it talks to a model with."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from ccchat_tui.backends.base import Think
from ccchat_tui.engine.request import ReplyStats


class TurnState(StrEnum):
    """Where a turn stands: the states of its request, and `interrupted` for one whose program
    ended before its reply did."""

    QUEUED = "queued"
    CONNECTING = "connecting"
    STREAMING = "streaming"
    WAITING_TO_RETRY = "waiting_to_retry"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    INTERRUPTED = "interrupted"

    @property
    def alive(self) -> bool:
        """Whether a reply may still come."""
        return self in _ALIVE


_ALIVE = frozenset(
    {
        TurnState.QUEUED,
        TurnState.CONNECTING,
        TurnState.STREAMING,
        TurnState.WAITING_TO_RETRY,
    }
)


@dataclass(slots=True, eq=False)
class Turn:
    """A question and the reply to it.

    While its request runs, `parts` and `thinking` are the very lists that the engine appends to:
    a reader keeps its own index into them and takes what is new when it wants to draw.
    """

    id: str
    question: str
    model: str
    asked_at: datetime
    state: TurnState = TurnState.QUEUED
    parts: list[str] = field(default_factory=list)
    """The reply, in the pieces in which it came; only ever appended to within one `revision`."""
    thinking: list[str] = field(default_factory=list)
    revision: int = 0
    """Goes up when `parts` is replaced (another attempt was asked for)."""
    request_id: str | None = None
    note: str = ""
    """What went wrong, or what is being waited for, in words."""
    hints: tuple[str, ...] = ()
    """Further facts for the person, such as the models there are."""
    left_out: int = 0
    """How many turns of this session were still running when this one started, and so are not in
    its context."""
    stats: ReplyStats | None = None
    duration: float | None = None
    """Seconds from the slot to the end."""

    @property
    def reply(self) -> str:
        """The reply so far, in one piece."""
        return "".join(self.parts)


@dataclass(slots=True, eq=False)
class Session:
    """One conversation."""

    id: str
    user: str
    title: str
    model: str
    created_at: datetime
    system: str = ""
    """The system prompt; empty for none."""
    options: dict[str, Any] = field(default_factory=dict)
    """By Ollama's names: `temperature` and so on."""
    think: Think | None = None
    keep_alive: str | float | None = None
    ordered: bool = False
    """Whether each request waits for the one before it."""
    turns: list[Turn] = field(default_factory=list)


class SessionStatus(StrEnum):
    """What a tab says of its chat."""

    IDLE = "idle"
    WAITING = "waiting"
    STREAMING = "streaming"
    UNREAD = "unread"
    FAILED = "failed"
