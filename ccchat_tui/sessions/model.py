"""Conversations as data: a session, its turns, and the settings it talks to a model with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from ccchat_tui.backends.base import Think
from ccchat_tui.backends.model_lists import full_name
from ccchat_tui.engine.handle import RequestHandle
from ccchat_tui.engine.request import ReplyStats
from ccchat_tui.sessions.attachments import Attachment


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
    thought_for: float | None = None
    """Seconds that the model thought aloud before it answered, once it has ended; `None` where it
    did not, or that is not known."""
    handle: RequestHandle | None = None
    """Its request, while that runs."""
    attachments: tuple[Attachment, ...] = ()
    """The files that go with the question."""

    @property
    def thinking_seconds(self) -> float | None:
        """Seconds that the model thought aloud, once it answers; `None` where it does not, or that
        is not known."""
        return self.thought_for if self.handle is None else self.handle.thought_for

    @property
    def reply(self) -> str:
        """The reply so far, in one piece."""
        return "".join(self.parts)

    def start_over(self, model: str) -> Callable[[], None]:
        """Forget the reply, for another attempt.

        Args:
            model: What is asked this time.

        Returns:
            What takes it back.
        """
        fresh = Turn(
            self.id,
            self.question,
            model,
            self.asked_at,
            revision=self.revision + 1,
            attachments=self.attachments,
        )
        before = {name: getattr(self, name) for name in self.__slots__}
        for name in before:
            setattr(self, name, getattr(fresh, name))

        def undo() -> None:
            for name, value in before.items():
                setattr(self, name, value)

        return undo


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
    draft: str = ""
    """What stood in the message box when the conversation was last kept."""
    attached: tuple[Attachment, ...] = ()
    """The files that are to go with the next question."""
    stand_in: tuple[str, str] | None = None
    """The model it was given, if that is not there now, and the one that answers in its place."""

    @property
    def own_model(self) -> str:
        """The model it was given, also while another stands in for it; empty for none."""
        if self.stand_in is not None and self.model == self.stand_in[1]:
            return self.stand_in[0]
        return self.model

    def fit_model(self, there: Sequence[str], default: str, *, stand_in: bool) -> None:
        """Take the model it was given if that is there, and else another.

        Args:
            there: The models there are.
            default: The other one.
            stand_in: Whether these answer only while others do not.
        """
        own = self.own_model
        self.stand_in = None
        if own and full_name(own) in map(full_name, there):
            self.model = own
        else:
            self.model = default
            if own or stand_in:
                self.stand_in = (own, default)

    def status(self, *, unread: bool) -> SessionStatus:
        """What its tab says of it.

        Args:
            unread: Whether something has come that the person has not seen.
        """
        states = {turn.state for turn in self.turns}
        if TurnState.STREAMING in states:
            return SessionStatus.STREAMING
        if any(state.alive for state in states):
            return SessionStatus.WAITING
        if self.turns and self.turns[-1].state in {TurnState.FAILED, TurnState.TIMED_OUT}:
            return SessionStatus.FAILED
        return SessionStatus.UNREAD if unread else SessionStatus.IDLE


class SessionStatus(StrEnum):
    """What a tab says of its chat."""

    IDLE = "idle"
    WAITING = "waiting"
    STREAMING = "streaming"
    UNREAD = "unread"
    FAILED = "failed"
