"""The books of the chaos: kept on our side from the events alone, and compared with the engine's
figures, with the server's books, and with what the server must have sent."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from ccchat_tui.engine.events import (
    EngineEvent,
    RequestEnded,
    RequestEvent,
    RequestFirstToken,
    RequestQueued,
    RequestRejected,
    RequestRetrying,
    RequestStarted,
)
from ccchat_tui.engine.handle import RequestHandle
from ccchat_tui.engine.request import RequestState
from ccchat_tui.engine.service import ConcurrentChatService
from tests.servers.chaos_plan import Wanted, sent_for

TOLD = 40
"""So many faults are told of; there may be more."""

_NOBODY_KNOWS = frozenset({"disconnected", "stalled", "timed_out", "cancelled"})
"""Kinds of failure after which nobody here knows whether the server ever saw the request."""
_NEVER_CAME = "unreachable"


@dataclass(slots=True)
class Entry:
    """One accepted request."""

    wanted: Wanted
    handle: RequestHandle | None = None
    starts: int = 0
    running: bool = False
    shown: bool = False
    surely: int = 0
    """Attempts that reached the server, since it answered them."""
    perhaps: int = 0
    """Attempts that may have reached it."""
    ends: int = 0


@dataclass
class Books:
    """What happened, and what was wrong about it."""

    wrong: list[str] = field(default_factory=list)
    ended: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    accepted: int = 0
    rejected: int = 0
    attempts: int = 0
    surely: int = 0
    perhaps: int = 0
    reached: int = 0
    """What the server has counted."""
    characters: int = 0
    """Of replies, each compared with what was sent."""
    open: dict[str, Entry] = field(default_factory=dict)
    """Since the last comparison."""

    def fault(self, text: str) -> None:
        """Note something that must not be."""
        if len(self.wrong) < TOLD:
            self.wrong.append(text)

    def hear(self, event: EngineEvent) -> None:
        """Listen to the engine."""
        if isinstance(event, RequestRejected):
            self.rejected += 1
        if not isinstance(event, RequestEvent):
            return
        entry = self.open.get(event.request_id)
        if entry is None:
            self.fault(f"{event.request_id} is heard of, but was never asked for: {event}")
            return
        if entry.ends:
            self.fault(f"{event.request_id} is heard of after its end: {event}")
        match event:
            case RequestStarted():
                entry.starts += 1
                entry.running, entry.shown = True, False
            case RequestFirstToken():
                entry.shown = True
            case RequestQueued():
                self._over(entry, None)
            case RequestRetrying(failure=failure):
                if entry.shown:
                    self.fault(f"{event.request_id} is tried again though it has shown something")
                self._over(entry, failure.kind)
            case RequestEnded(state=state, failure=why):
                entry.ends += 1
                self.ended[state.value] += 1
                self.kinds[why.kind if why else "-"] += 1
                self._over(entry, why.kind if why else "")

    def _over(self, entry: Entry, kind: str | None) -> None:
        """An attempt is over, with a failure of this kind; `None` where it is not said."""
        if not entry.running:
            return
        entry.running = False
        if entry.shown or not (kind is None or kind in _NOBODY_KNOWS or kind == _NEVER_CAME):
            entry.surely += 1
        elif kind != _NEVER_CAME or "redirect_" in entry.wanted.question:
            # Who is sent on may have come to the server, and then not to where it was sent.
            entry.perhaps += 1

    def compare(self, service: ConcurrentChatService, reached: dict[str, int]) -> None:
        """Hold everything that has ended against the engine's and the server's books, and forget
        it."""
        for request_id, entry in self.open.items():
            self._compare_one(request_id, entry, reached.get(entry.wanted.question, 0))
        self.open.clear()
        self.reached = sum(reached.values())
        totals = service.snapshot(0).totals
        ours = (
            self.accepted,
            self.rejected,
            *(self.ended[state] for state in ("completed", "failed", "cancelled", "timed_out")),
        )
        theirs = (
            totals.submitted,
            totals.rejected,
            totals.completed,
            totals.failed,
            totals.cancelled,
            totals.timed_out,
        )
        if ours != theirs:
            self.fault(f"counted {ours}, the engine says {theirs}")
        if self.accepted != sum(self.ended.values()):
            self.fault(f"{self.accepted} accepted, {sum(self.ended.values())} ended")
        if not self.surely <= self.reached <= self.surely + self.perhaps:
            self.fault(
                f"{self.reached} reached the server, which cannot be: {self.surely} surely did, "
                f"and {self.perhaps} perhaps"
            )

    def _compare_one(self, request_id: str, entry: Entry, reached: int) -> None:
        handle, wanted = entry.handle, entry.wanted
        self.attempts += entry.starts
        self.surely += entry.surely
        self.perhaps += entry.perhaps
        if handle is None or not handle.ended or entry.ends != 1:
            self.fault(f"{request_id} has ended {entry.ends} times: {handle!r}")
            return
        if entry.starts != handle.attempt + handle._requeues:
            self.fault(f"{request_id} was started {entry.starts} times and says {handle.attempt}")
        if not entry.surely <= reached <= entry.surely + entry.perhaps:
            self.fault(
                f"{request_id} reached the server {reached} times, and here {entry.surely} times "
                f"surely and {entry.perhaps} perhaps: {wanted.question}"
            )
        if handle.failure is not None and handle.failure.kind == "internal":
            self.fault(f"{request_id}: {handle.failure.message}")
        self._compare_text(request_id, handle, wanted, reached)

    def _compare_text(
        self, request_id: str, handle: RequestHandle, wanted: Wanted, reached: int
    ) -> None:
        """What was received is the beginning of what was sent; all of it if it says so."""
        text, thinking = handle.text, "".join(handle.thinking)
        completed = handle.state is RequestState.COMPLETED
        if not (text or thinking or completed):
            return
        if not reached:
            self.fault(f"{request_id} has text that nobody sent: {text[:60]!r}")
            return
        # Nothing is tried again once it has shown something, so it is of the last attempt.
        sent = sent_for(wanted.question, wanted.model, reached - 1)
        self.characters += len(text) + len(thinking)
        if not (sent.text.startswith(text) and sent.thinking.startswith(thinking)):
            self.fault(
                f"{request_id} has {text[-60:]!r} at {len(text)}, which was not sent: "
                f"{wanted.question}"
            )
        elif completed and not (sent.whole and (text, thinking) == (sent.text, sent.thinking)):
            self.fault(f"{request_id} counts as complete and is not: {wanted.question}")
