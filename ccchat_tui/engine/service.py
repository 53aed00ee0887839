"""The engine with a model server behind it: what the app, the API and the simulation use."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Literal, cast

from ccchat_tui.backends.base import (
    BackendError,
    ChatBackend,
    ChatChunk,
    ChatStats,
    HasServers,
    Prompt,
    ServerState,
    ServerStatus,
)
from ccchat_tui.clock import Clock
from ccchat_tui.engine.events import EngineEvent
from ccchat_tui.engine.fallback import Fallback
from ccchat_tui.engine.handle import RequestHandle
from ccchat_tui.engine.history import QueueHistory
from ccchat_tui.engine.kinds import failure_of
from ccchat_tui.engine.limits import EngineSettings
from ccchat_tui.engine.manager import ChatQueueManager
from ccchat_tui.engine.request import AttemptFailed, ChatRequest, Priority, ReplyStats
from ccchat_tui.engine.stats import QueueSnapshot
from ccchat_tui.engine.tuner import Tuner

PREVIEW = 160
"""Characters of a request's first words that are kept for the panel."""


def preview_of(text: str) -> str:
    """The first words of a message, in one line."""
    return " ".join(text[: 4 * PREVIEW].split())[:PREVIEW]


class ConcurrentChatService:
    """Many chats at once with one model server, or one at a time where that is too much for it.

    Everything but `drain` and `aclose` is done when it returns, waits for nothing, and belongs to
    the thread of the event loop.

    Args:
        backend: What requests are asked of. It stays its owner's: nothing here closes it.
        settings: The limits.
        clock: Where the time comes from; its seconds must be those of the event loop's timers.
        rng: Where the jitter of retries comes from.
    """

    def __init__(
        self,
        backend: ChatBackend,
        settings: EngineSettings | None = None,
        *,
        clock: Clock | None = None,
        rng: random.Random | None = None,
    ) -> None:
        self._backend = backend
        self._manager = ChatQueueManager(self._run, settings, clock=clock, rng=rng)
        self._tuner = Tuner(self._manager, self._servers_that_are_well)
        self._fallback = Fallback(self._manager, self._probe, self._tuner.overloaded)
        if self._manager.settings.concurrent:
            self._manager.guard_with(self._fallback)
            self._manager.tune_with(self._tuner)
            if self._manager.settings.adapts:
                self._tuner.start(self._manager.settings.adaptive)

    @property
    def backend(self) -> ChatBackend:
        """What new attempts are asked of."""
        return self._backend

    @property
    def settings(self) -> EngineSettings:
        """What the engine was built with."""
        return self._manager.settings

    @property
    def draining(self) -> bool:
        """Whether new requests are refused, because it is being closed."""
        return self._manager.draining

    @property
    def history(self) -> QueueHistory:
        """The last minutes, for a chart."""
        return self._manager.history

    @property
    def servers(self) -> tuple[ServerStatus, ...]:
        """How each server of the backend is doing now; none where it does not say."""
        return self._backend.servers() if isinstance(self._backend, HasServers) else ()

    # Requests -----------------------------------------------------------------------------

    def submit(
        self,
        *,
        user: str,
        session_id: str,
        model: str,
        prompt: Callable[[], Prompt],
        preview: str,
        id: str,  # noqa: A002 - the word for it everywhere
        priority: Priority = Priority.NORMAL,
        timeout: float | None = None,
    ) -> RequestHandle:
        """Ask something of the model; it starts at once if it may.

        Args:
            user: Whose request it is; limits and turns are by user.
            session_id: The conversation it belongs to.
            model: The model's name, for showing; what is asked is in the prompt.
            prompt: Called once, when the request first has its slot: the context is fixed then.
            preview: The message; its first words are kept for the panel.
            id: Unlike that of every other living request.
            priority: Which class it waits in.
            timeout: Seconds from the slot; `None` takes the limit of the settings.

        Raises:
            Rejected: It was not taken; it says why and when to try again.
            RuntimeError: If no event loop runs.
        """
        words = preview
        if isinstance(preview, str):
            words = preview_of(preview)
        return self._manager.submit(
            ChatRequest(id, user, session_id, model, words, prompt, priority, timeout)
        )

    def find(self, request_id: str) -> RequestHandle | None:
        """The living request of this id."""
        return self._manager.find(request_id)

    def cancel(self, request_id: str) -> bool:
        """Cancel a request wherever it stands. Cancelling twice is harmless.

        Returns:
            Whether this call did it.
        """
        return self._manager.cancel(request_id)

    def cancel_user(self, user: str) -> list[str]:
        """Cancel everything of one user. Returns the ids of what this call cancelled."""
        return self._manager.cancel_user(user)

    def cancel_all(self) -> list[str]:
        """Cancel everything. Returns the ids of what this call cancelled."""
        return self._manager.cancel_all()

    # The queue as a whole -----------------------------------------------------------------

    def pause(self) -> None:
        """Start nothing until `resume`; what runs runs on."""
        self._manager.pause()

    def resume(self) -> None:
        """Start queued requests again."""
        self._manager.resume()

    def set_limits(
        self,
        *,
        max_concurrent: int | Literal["auto"] | None = None,
        max_concurrent_per_user: int | None = None,
    ) -> None:
        """Change limits. Lowering one stops nothing; raising one starts what waits at once.

        A limit for all above the one in force ends a fallback to one at a time: the person at the
        keyboard knows best. If it is too much again, it falls back again. A limit for all also ends
        its finding itself, and `auto` has it find itself (again) from the present one on; where
        requests run one at a time by configuration, `auto` changes nothing.

        Raises:
            ValueError: A limit is below 1 or no whole number; then nothing has changed.
        """
        present = self._manager.limit
        number = None if max_concurrent == "auto" else max_concurrent
        self._manager.set_limits(
            max_concurrent=number, max_concurrent_per_user=max_concurrent_per_user
        )
        if number is not None:
            self._tuner.stop()
            if number > present:
                self._fallback.overruled()
        elif max_concurrent == "auto" and not self._tuner.on and self.settings.concurrent:
            self._tuner.start(self.settings.adaptive)
            self._manager.settle()

    def snapshot(self, requests: int | None = None, *, users: bool = True) -> QueueSnapshot:
        """The engine at this moment.

        Args:
            requests: How many rows of living requests there may be; `None` for all. It costs as
                much as the rows that are made, however many requests wait.
            users: Whether to say what each user's share is; it costs as much as there are users.
        """
        return self._manager.snapshot(requests, users=users)

    def subscribe(self, listener: Callable[[EngineEvent], None]) -> Callable[[], None]:
        """Have a listener told of every event, in order. Returns what ends that.

        A listener is called at the end of the step in which something happened. One that raises
        changes nothing.
        """
        return self._manager.subscribe(listener)

    def use_backend(self, backend: ChatBackend) -> ChatBackend:
        """Ask another backend from now on, further attempts of living requests included.

        What runs, runs on with the one it was started with; what is known of the old server's
        being overloaded, or of how much it can do at once, is forgotten.

        Returns:
            The old one, which is the caller's to close once nothing runs with it.
        """
        old, self._backend = self._backend, backend
        self._fallback.overruled()
        if self._tuner.on:
            self._tuner.start(self.settings.adaptive)
        return old

    async def drain(self) -> None:
        """Refuse new requests from now on, and wait until all that were taken have ended.

        A paused queue stays paused, and then this waits for `resume`.
        """
        await self._manager.drain()

    async def aclose(self) -> None:
        """Refuse new requests, cancel all, and wait until their connections are closed.

        The backend stays open. Harmless when called twice.
        """
        await self._manager.aclose()
        await self._fallback.aclose()

    # Within -------------------------------------------------------------------------------

    async def _run(self, handle: RequestHandle) -> None:
        """One attempt at a request: the runner of the manager."""
        backend = self._backend
        chunks: AsyncIterator[ChatChunk] | None = None
        try:
            chunks = backend.stream(cast(Prompt, handle.prompt))
            feed = handle.feed
            async for chunk in chunks:
                if handle.stats is not None:
                    continue  # what follows the end mark is none of the reply
                feed(chunk.text, chunk.thinking)
                if chunk.stats is not None:
                    handle.finish(_stats(chunk.stats))
        except BackendError as error:
            failure = failure_of(error)
            if backend is not self._backend:
                # It says nothing of the server that is asked now.
                failure = replace(failure, server_fault=False, overload=False)
            raise AttemptFailed(failure) from error
        finally:
            aclose = getattr(chunks, "aclose", None)
            if aclose is not None:
                await aclose()

    def _servers_that_are_well(self) -> frozenset[str]:
        return frozenset(s.name for s in self.servers if s.state is ServerState.CLOSED)

    async def _probe(self) -> object:
        """Whether those that failed still live; that another does says nothing of them."""
        backend = self._backend
        if isinstance(backend, HasServers):
            return await backend.probe_failing()
        return await backend.probe()


def _stats(stats: ChatStats) -> ReplyStats:
    return ReplyStats(
        tokens=stats.reply_tokens,
        prompt_tokens=stats.prompt_tokens,
        tokens_per_second=stats.tokens_per_second,
        done_reason=stats.done_reason,
        cached=stats.cached,
    )
