"""The handle of a request: how its owner follows it, and how its reply is kept as it comes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Generator
from typing import Any, Protocol

from ccchat_tui.engine.request import (
    TRANSITIONS,
    ChatRequest,
    Failure,
    ReplyStats,
    RequestState,
)

_STREAMING = RequestState.STREAMING


class HandleOwner(Protocol):
    """What a handle needs of the engine that made it."""

    now: Callable[[], float]

    def cancel_handle(self, handle: RequestHandle) -> bool:
        """Stop a request, wherever it stands."""
        ...

    def first_token(self, handle: RequestHandle, now: float) -> None:
        """The first piece is about to be kept."""
        ...

    def count_token(self, now: float) -> None:
        """One more piece came."""
        ...

    def correct_tokens(self, difference: int) -> None:
        """The server's own count differs by so much from the pieces that were counted."""
        ...


class RequestHandle:
    """A request as its owner follows it: iterate it, await it, cancel it, or just look.

    The engine makes handles; nobody else does. Everything here belongs to the event loop's
    thread. Moments are seconds of the engine's clock.

    Attributes:
        request: What was asked.
        state: Where it stands.
        attempt: How many attempts have been started; the fallback to one at a time gives one back.
        failure: Why it ended as it did, or why it waits to retry; `None` if all is well.
        stats: What is known of the finished reply, once it is whole.
        parts: The text so far. One list for the life of the handle, only ever appended to, so
            that a reader keeps its own index into it.
        thinking: The same for what the model thinks aloud.
        tokens: Pieces so far; the server's own count once that is known.
        prompt: What `ChatRequest.prompt` gave, once the request had its first slot.
        cancelling: It is being stopped, but what runs for it has not closed yet.
        submitted_at: When it was accepted.
        started_at: When it got its slot; the first one, if it was tried again. `None` again while
            the fallback to one at a time has put it back.
        first_token_at: When the first piece of text or thinking came.
        answered_at: When the first piece of text came.
        ended_at: When it reached its terminal state.
    """

    __slots__ = (
        "_begun",
        "_company",
        "_deadline",
        "_front",
        "_held",
        "_last_at",
        "_owner",
        "_prompted",
        "_readers",
        "_requeues",
        "_retry_at",
        "_seq",
        "_slot_at",
        "_stop",
        "_waiters",
        "_watch_at",
        "answered_at",
        "attempt",
        "cancelling",
        "ended_at",
        "failure",
        "first_token_at",
        "parts",
        "prompt",
        "request",
        "started_at",
        "state",
        "stats",
        "submitted_at",
        "thinking",
        "tokens",
    )

    def __init__(self, owner: HandleOwner, request: ChatRequest, now: float, seq: int) -> None:
        self.request = request
        self.state = RequestState.QUEUED
        self.attempt = 0
        self.failure: Failure | None = None
        self.stats: ReplyStats | None = None
        self.parts: list[str] = []
        self.thinking: list[str] = []
        self.tokens = 0
        self.prompt: object = None
        self.cancelling = False
        self.submitted_at = now
        self.started_at: float | None = None
        self.first_token_at: float | None = None
        self.answered_at: float | None = None
        self.ended_at: float | None = None
        self._owner = owner
        self._seq = seq
        # What it is being stopped as, and why; set once, but for a cancel that comes on top.
        self._stop: tuple[RequestState, Failure | None] | None = None
        self._begun = False  # whether its task has taken its first step
        self._prompted = False
        self._company = False  # whether another was in flight beside this attempt
        self._slot_at = now
        self._last_at = now
        self._deadline: float | None = None
        self._retry_at: float | None = None
        self._watch_at: float | None = None
        self._front = False  # whether it waits in the front lane
        self._held = False  # whether the fallback still finds out what its failure means
        self._requeues = 0
        self._readers: list[asyncio.Future[None]] | None = None
        self._waiters: list[asyncio.Future[None]] | None = None

    def __repr__(self) -> str:
        return f"<RequestHandle {self.id!r} of {self.user!r}: {self.state.value}>"

    @property
    def id(self) -> str:
        """The request's id."""
        return self.request.id

    @property
    def user(self) -> str:
        """Whose request it is."""
        return self.request.user

    @property
    def session_id(self) -> str:
        """The conversation it belongs to."""
        return self.request.session_id

    @property
    def text(self) -> str:
        """The reply so far, in one piece."""
        return "".join(self.parts)

    @property
    def ended(self) -> bool:
        """Whether it has reached its terminal state."""
        return self.ended_at is not None

    def cancel(self) -> bool:
        """Stop it, wherever it stands.

        A queued request has ended when this returns. A running one is `cancelling` until what
        runs for it has closed its connection; the text that came is kept.

        Returns:
            Whether this call did it: false if it had ended, was being stopped already, or has its
            whole reply and is only closing.
        """
        return self._owner.cancel_handle(self)

    async def wait(self) -> RequestState:
        """Wait for the end.

        Any number may wait. Cancelling a waiter never cancels the request, and a request that
        failed raises nothing here: the state says it, and `failure` says why.
        """
        while self.ended_at is None:
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            if self._waiters is None:
                self._waiters = [waiter]
            else:
                self._waiters.append(waiter)
            try:
                await waiter
            finally:
                if waiter.cancelled():
                    _drop(self._waiters, waiter)
        return self.state

    @property
    def thought_for(self) -> float | None:
        """Seconds that the model thought aloud before it answered, or until it ended; `None` where
        it did not, or still does."""
        end = self.ended_at if self.answered_at is None else self.answered_at
        if not self.thinking or self.first_token_at is None or end is None:
            return None
        return max(0.0, end - self.first_token_at)

    def __await__(self) -> Generator[Any, None, RequestState]:
        return self.wait().__await__()

    def __aiter__(self) -> AsyncIterator[str]:
        """The pieces of text from the first on, for any number of readers.

        Ends when the request does, in whatever state; pieces that came before a failure are all
        given first. Cancelling a reader disturbs nobody.
        """
        return _Pieces(self)

    async def changed(self) -> None:
        """Return after the next piece, or the end; at once if it has ended."""
        if self.ended_at is not None:
            return
        reader: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self._readers is None:
            self._readers = [reader]
        else:
            self._readers.append(reader)
        try:
            await reader
        finally:
            if reader.cancelled():
                _drop(self._readers, reader)

    def feed(self, text: str, thinking: str = "") -> None:
        """Keep a piece of the reply. For what runs the request, and nobody else.

        An empty piece is a sign of life and no token: it keeps the stall limit away and changes
        nothing else.

        Raises:
            RuntimeError: If the request holds no slot, or its reply is already whole.
        """
        now = self._owner.now()
        self._last_at = now
        if self.state is not _STREAMING or self.stats is not None:
            if not self.state.in_flight or self.stats is not None:
                raise RuntimeError(f"{self!r} takes no text: it is not running")
            if not (text or thinking):
                return
            self._owner.first_token(self, now)
        if text:
            if self.answered_at is None:
                self.answered_at = now
            self.parts.append(text)
        if thinking:
            self.thinking.append(thinking)
        elif not text:
            return
        self.tokens += 1
        self._owner.count_token(now)
        if self._readers is not None:
            self._wake_readers()

    def finish(self, stats: ReplyStats) -> None:
        """The server said that the reply is whole. For what runs the request.

        The request has `completed` once its runner has returned, which frees the slot.

        Raises:
            RuntimeError: If the request holds no slot, or has finished before.
        """
        if not self.state.in_flight or self.stats is not None:
            raise RuntimeError(f"{self!r} cannot finish: it is not running")
        self.stats = stats
        if stats.tokens is not None and stats.tokens != self.tokens:
            self._owner.correct_tokens(stats.tokens - self.tokens)
            self.tokens = stats.tokens

    def _move(self, state: RequestState) -> None:
        """Go to another state; the only place where a state is set."""
        assert state in TRANSITIONS.get(self.state, ()), f"{self!r} cannot become {state.value}"
        self.state = state

    def _wake_readers(self) -> None:
        readers, self._readers = self._readers, None
        for reader in readers or ():
            if not reader.done():
                reader.set_result(None)

    def _wake_all(self) -> None:
        if self._readers is not None:
            self._wake_readers()
        if self._waiters is not None:
            waiters, self._waiters = self._waiters, None
            for waiter in waiters:
                if not waiter.done():
                    waiter.set_result(None)


def _drop(waiting: list[asyncio.Future[None]] | None, gone: asyncio.Future[None]) -> None:
    """Forget one who waited, if whoever wakes them has not done so already."""
    if waiting is not None and gone in waiting:
        waiting.remove(gone)


class _Pieces:
    """One reader's way through the pieces of a reply."""

    __slots__ = ("_at", "_handle")

    def __init__(self, handle: RequestHandle) -> None:
        self._handle = handle
        self._at = 0

    def __aiter__(self) -> _Pieces:
        return self

    async def __anext__(self) -> str:
        handle = self._handle
        while self._at >= len(handle.parts):
            if handle.ended:
                raise StopAsyncIteration
            await handle.changed()
        piece = handle.parts[self._at]
        self._at += 1
        return piece
