"""Conversations as data: a session, its turns, and the settings it talks to a model with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import field
from datetime import datetime
from enum import StrEnum
from typing import Any

from ccchat_tui.backends.base import Think
from ccchat_tui.backends.model_lists import full_name
from ccchat_tui.engine.handle import RequestHandle
from ccchat_tui.engine.request import ReplyStats
from ccchat_tui.quick import dataclass
from ccchat_tui.sessions import tree
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


BROKEN = frozenset(
    {TurnState.CANCELLED, TurnState.FAILED, TurnState.TIMED_OUT, TurnState.INTERRUPTED}
)
"""How a turn ends that did not get its whole reply."""
_ALIVE = frozenset(
    {
        TurnState.QUEUED,
        TurnState.CONNECTING,
        TurnState.STREAMING,
        TurnState.WAITING_TO_RETRY,
    }
)


@dataclass(frozen=True, slots=True)
class Resumed:
    """What there was of a reply when its model was asked to go on with it."""

    parts: int
    """Pieces of its text; what comes is put behind them."""
    thinking: int
    tokens: int
    state: TurnState
    stats: ReplyStats | None
    duration: float | None
    thought_for: float | None


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
    resumed: Resumed | None = None
    """Set from when the model was asked to go on with a reply until it is asked anew."""
    place: str = ""
    """Where it stands: all versions of a reply have the same; its own id if none is given. See
    `tree` for this and the two below."""
    after: str = ""
    """The place that it follows; empty at the beginning of the conversation."""
    picked: int = 0
    """The higher, the later it was chosen to be shown."""
    versions: tuple[int, int] = (1, 1)
    """Its number among what can be shown in its place, and how many these are; kept up to date in
    what is shown."""
    drafted: bool = True
    """Whether its question stood in the message box, and so goes out of the kept draft with it."""

    def __post_init__(self) -> None:
        self.place = self.place or self.id

    @property
    def thinking_seconds(self) -> float | None:
        """Seconds that the model thought aloud, once it answers; `None` where it does not, or that
        is not known."""
        if self.handle is None:
            return self.thought_for
        before = self.resumed
        if before is None:
            return self.handle.thought_for
        if len(self.thinking) == before.thinking:
            return before.thought_for
        now = self.handle.thought_for
        return None if now is None else now + (before.thought_for or 0.0)

    @property
    def where(self) -> tuple[str, str, int]:
        """Its `place`, what it stands `after`, and `picked`."""
        return self.place, self.after, self.picked

    @property
    def tokens(self) -> int:
        """Pieces of the reply and of the thinking so far, by the server's own count where that is
        known."""
        if self.stats is not None and self.stats.tokens is not None:
            return self.stats.tokens
        before = self.resumed
        here = len(self.parts) + len(self.thinking)
        return here if before is None else here - before.parts - before.thinking + before.tokens

    @property
    def cut_off(self) -> bool:
        """Whether the reply is whole only because it might not be longer."""
        reason = self.stats.done_reason if self.stats else None
        return self.state is TurnState.COMPLETED and reason == "length"

    @property
    def can_go_on(self) -> bool:
        """Whether the model can be asked to go on with the reply where it was cut off."""
        return (self.cut_off or self.state in BROKEN) and any(self.parts)

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
            place=self.place,
            after=self.after,
            picked=self.picked,
            versions=self.versions,
        )
        undo = self._snapshot()
        for name in self.__slots__:
            setattr(self, name, getattr(fresh, name))
        return undo

    def go_on(self) -> Callable[[], None]:
        """Wait for more of a reply that was cut off; what there is of it stays.

        Returns:
            What takes it back.
        """
        undo = self._snapshot()
        self.resumed = Resumed(
            len(self.parts),
            len(self.thinking),
            self.tokens,
            self.state,
            self.stats,
            self.duration,
            self.thought_for,
        )
        self.state, self.note, self.hints, self.stats = TurnState.QUEUED, "", (), None
        self.duration = None
        self.revision += 1
        return undo

    def _snapshot(self) -> Callable[[], None]:
        before = {name: getattr(self, name) for name in self.__slots__}

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
    """What is shown, the first one first. Changed by the methods below only."""
    draft: str = ""
    """What stood in the message box when the conversation was last kept."""
    attached: tuple[Attachment, ...] = ()
    """The files that are to go with the next question."""
    stand_in: tuple[str, str] | None = None
    """The model it was given, if that is not there now, and the one that answers in its place."""
    every: list[Turn] = field(default_factory=list)
    """All turns, those of versions and branches that are not shown too, in the order of asking. If
    none are given, `turns` follow each other and are all."""
    shape: int = 0
    """Goes up when other turns are shown, or the same in other places."""

    def __post_init__(self) -> None:
        if not self.every:
            place = ""
            for turn in self.turns:
                turn.after, place = place, turn.place
            self.every = list(self.turns)
        self._reshape()

    # Versions and branches

    @property
    def end(self) -> str:
        """The place that a further question follows; empty before the first one."""
        return self.turns[-1].place if self.turns else ""

    def add(self, turn: Turn) -> None:
        """Take a further turn, and show it."""
        turn.picked = tree.top(self.every) + 1
        self.every.append(turn)
        self._reshape()

    def remove(self, turn: Turn) -> tree.Removed[Turn]:
        """Take a turn out; `put_back` with what this returns undoes it."""
        removed = tree.take_out(self.every, turn)
        self._reshape()
        return removed

    def put_back(self, removed: tree.Removed[Turn]) -> None:
        """Undo a `remove`."""
        tree.put_back(self.every, removed)
        self._reshape()

    def show(self, turn: Turn) -> None:
        """Show a turn, and with it the branch that it stands in."""
        tree.pick(self.every, turn)
        self._reshape()

    def alternatives(self, turn: Turn) -> list[Turn]:
        """What can be shown where a turn stands: branches, and of each its versions."""
        return tree.alternatives(self.every, turn)

    def _reshape(self) -> None:
        beside: dict[str, list[Turn]] = {}
        for turn in self.every:
            beside.setdefault(turn.after, []).append(turn)
        self.turns[:] = tree.path(self.every)
        for turn in self.turns:
            turn.versions = (1, 1)
            if len(beside[turn.after]) > 1:
                others = tree.alternatives(beside[turn.after], turn)
                turn.versions = (others.index(turn) + 1, len(others))
        self.shape += 1

    # What it is asked with

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
        states = {turn.state for turn in self.every}
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
