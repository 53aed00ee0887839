"""Several model servers as one: the least busy healthy one that has the model.

A pool of one is how a single server is run, too: it adds the circuit breaker and nothing else.

What becomes of a request while every server that could take it is left out: those that gave no
sign of life are asked for one at once, for the person who has just started the server shall not
wait for the end of a pause; if one answers, the request goes there. If none does, it fails with
the time of the next try, which the engine waits for without a slot before it tries again.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Callable, Mapping, Sequence

from ccchat_tui.backends.base import (
    BackendError,
    ChatChunk,
    ErrorKind,
    ManagesModels,
    ModelInfo,
    Prompt,
    ServerState,
    ServerStatus,
    managers_of,
)
from ccchat_tui.backends.breaker import (
    VERDICTS,
    BreakerChange,
    BreakerSettings,
    CircuitBreaker,
    Verdict,
)
from ccchat_tui.backends.model_lists import full_name, merged
from ccchat_tui.backends.placement import Member, Place, Placement, PoolServer
from ccchat_tui.backends.pool_errors import closed, left_out, together
from ccchat_tui.backends.pool_health import PoolHealth
from ccchat_tui.clock import Clock, SystemClock

__all__ = ["PoolBackend", "PoolServer"]

_log = logging.getLogger(__name__)
_log.addHandler(logging.NullHandler())  # without one it would be written on the screen

STAYS = frozenset(
    {
        # Every server would refuse it in the same words.
        ErrorKind.BAD_REQUEST,
        # Our own limit on the whole request; another server has no time left either.
        ErrorKind.TIMED_OUT,
        # A fault of ours, which goes wherever the request goes.
        ErrorKind.INTERNAL,
    }
)
"""Failures that are no better at another server. All others move on, while nothing was shown."""

BUSY_REST = 1.0
"""Seconds for which a busy server is asked last, where it does not say how long itself."""
LONGEST_REST = 30.0
"""Seconds; however long a server asks us to wait."""


class PoolBackend:
    """Several servers that look like one `ChatBackend`.

    A request goes to the server that is least busy for its weight, among those that are healthy,
    have room and have the model (by lists that are fetched in the background, and fetched again
    when they are old); a server whose list is unknown is a second choice. While all of these are
    full it waits, first come first served. If a server fails it before anything was shown, it
    moves on to the next, to each at most once; later it fails with what it has.

    A server that keeps failing, or one of several that cannot be reached, is left out by its
    circuit breaker, and comes back by itself: a task of the pool probes it, one probe at a time,
    with growing pauses.

    Args:
        servers: At least one, with different names.
        clock: Where the time comes from; its seconds must be those of the event loop's timers.
        rng: Where the jitter of the probes comes from.
        breaker: When a server is left out, and for how long.
        models_max_age: Seconds after which a server's list of models is fetched again.
        probe_timeout: Seconds that a server has to answer a probe or a question for its models.
        listener: Told when the state of a server has changed; must not raise.
    """

    def __init__(
        self,
        servers: Sequence[PoolServer],
        *,
        clock: Clock | None = None,
        rng: random.Random | None = None,
        breaker: BreakerSettings | None = None,
        models_max_age: float = 60.0,
        probe_timeout: float = 10.0,
        listener: Callable[[ServerStatus], None] | None = None,
    ) -> None:
        names = [server.name for server in servers]
        if not names or len(set(names)) < len(names):
            raise ValueError(f"servers {names}: give at least one, each with a name of its own")
        self._clock = clock or SystemClock()
        self._rng = rng or random.Random()
        self._listener = listener
        self._closed = False

        def make_breaker(told: Callable[[BreakerChange], None]) -> CircuitBreaker:
            return CircuitBreaker(clock=self._clock, rng=self._rng, settings=breaker, listener=told)

        self._placement = Placement(
            servers, make_breaker=make_breaker, clock=self._clock, listener=self._changed
        )
        self._members = self._placement.members
        self._health = PoolHealth(
            self._placement,
            clock=self._clock,
            models_max_age=models_max_age,
            probe_timeout=probe_timeout,
        )

    @property
    def name(self) -> str:
        """The server's own name if there is one only; else the kinds there are, and how many."""
        kinds = list(dict.fromkeys(member.server.backend.name for member in self._members))
        if len(self._members) == 1:
            return kinds[0]
        return f"{', '.join(kinds)} ({len(self._members)} servers)"

    @property
    def address(self) -> str:
        """The servers' addresses, in the order of the configuration."""
        return ", ".join(member.server.backend.address for member in self._members)

    @property
    def waiting(self) -> int:
        """How many requests wait for a place, because all servers that could take them are full."""
        return self._placement.waiting

    def servers(self) -> tuple[ServerStatus, ...]:
        """Every server at this moment, in the order of the configuration."""
        return tuple(member.status() for member in self._members)

    def managers(self) -> Mapping[str, ManagesModels]:
        """See `HasManagers`; also those that are left out at this moment."""
        return {
            member.server.name: manager
            for member in self._members
            for manager in managers_of(member.server.backend).values()
        }

    async def stream(self, prompt: Prompt) -> AsyncIterator[ChatChunk]:
        """Ask for a reply, of whichever server is best placed to give it.

        Yields:
            The pieces as they come; the last has `stats`.

        Raises:
            BackendError: The server's own if it failed after something was shown, if no other
                can do better, or if there is only one; else one that names every server.
                `UNREACHABLE`, with `retry_after`, if all that could take it are left out.

        A cancel (or closing the iterator) closes the server's stream and then gives its place
        on, before it leaves.
        """
        self._health.refresh_if_old()
        failures: dict[Member, BackendError] = {}
        while True:
            place = await self._take(prompt.model, failures)
            member, permit = place.member, place.permit
            shown = False
            chunk: ChatChunk | None = None
            pieces: AsyncIterator[ChatChunk] | None = None
            try:
                pieces = aiter(member.server.backend.stream(prompt))
                async for chunk in pieces:
                    shown = bool(chunk.text or chunk.thinking) or chunk.done
                    if shown:
                        # It can generate. From here on nothing is left to judge or to move, and
                        # the rest is handed through as fast as it comes.
                        permit.succeeded()
                        yield chunk
                        break
                    yield chunk
                async for chunk in pieces:
                    yield chunk
                if chunk is None or not chunk.done:
                    raise BackendError(
                        ErrorKind.TRUNCATED, "The reply was cut off: it ended without its end mark"
                    )
                member.completed += 1
                return
            except BackendError as error:
                self._count_failure(member, error)
                permit.failed(error)
                self._health.suspect(member, error)
                if shown or error.kind in STAYS:
                    raise
                self._note(member, prompt.model, error)
                failures[member] = error
            except Exception:
                member.failed += 1
                raise
            finally:
                permit.abandoned()
                try:
                    await _close(pieces)
                finally:
                    self._placement.release(member)

    async def models(self) -> list[ModelInfo]:
        """The models of all servers that answer, newest first, each name once.

        Each says which servers have it. Where they have different versions of it, the newest
        speaks for it, and its digest is `None`: it is not known which one will reply. A server
        that takes much longer than the first to answer is left out of it; its list is taken note
        of when it comes.

        Raises:
            BackendError: If no server answers.
        """
        lists: list[tuple[str, list[ModelInfo]]] = []
        failures: list[tuple[Member, BackendError]] = []
        for member, answer in (await self._health.lists()).items():
            if isinstance(answer, BackendError):
                failures.append((member, answer))
            else:
                lists.append((member.server.name, answer))
        if not lists:
            raise together(failures)
        return lists[0][1] if len(self._members) == 1 else merged(lists)

    async def probe(self) -> str:
        """Ask all servers for a sign of life.

        A server that is left out and answers is back at once.

        Returns:
            What the first to answer says.

        Raises:
            BackendError: If none answers.
        """
        return await self._health.of_any()

    async def probe_failing(self) -> str:
        """See `HasServers`. A server that gives no sign of life is left out from then on."""
        return await self._health.of_failing()

    async def aclose(self) -> None:
        """Stop the pool's own tasks, turn away whoever waits, and close every server's backend.

        Streams under way are their readers' to close. Harmless when called twice. If several
        backends fail to close, all are tried, and the first failure is raised.
        """
        self._closed = True
        self._placement.close()
        await self._health.aclose()
        results = await asyncio.gather(
            *(member.server.backend.aclose() for member in self._members), return_exceptions=True
        )
        for result in results:
            if isinstance(result, BaseException):
                raise result

    async def _take(self, model: str, failures: Mapping[Member, BackendError]) -> Place:
        """A place at a server that has not failed the request yet. Raises `BackendError`."""
        place = await self._placement.take(model, failures.keys())
        if place is None and await self._health.knock(model, failures.keys()):
            place = await self._placement.take(model, failures.keys())
        if place is None:
            raise self._nobody(model, list(failures.items()))
        return place

    def _count_failure(self, member: Member, error: BackendError) -> None:
        member.failed += 1
        if VERDICTS[error.kind] is Verdict.BROKEN:
            member.failed_at = self._clock.monotonic()

    def _note(self, member: Member, model: str, error: BackendError) -> None:
        """Remember what a failure says beyond the breaker's matters."""
        if error.kind is ErrorKind.MODEL_NOT_FOUND:
            member.learned_lack(full_name(model))
            self._placement.reconsider()
        elif VERDICTS[error.kind] is Verdict.BUSY or error.kind is ErrorKind.UNAUTHORIZED:
            seconds = BUSY_REST if error.retry_after is None else error.retry_after
            member.rest(min(seconds, LONGEST_REST), error.message)

    def _changed(self, member: Member, change: BreakerChange) -> None:
        self._health.changed(member, change)
        level = logging.INFO if change.after is ServerState.CLOSED else logging.WARNING
        told = {"server": member.status().name, "before": change.before, "state": change.after}
        _log.log(level, "server_state", extra={"told": told, "texts": {"reason": change.reason}})
        if self._listener is not None:
            self._listener(member.status())

    def _nobody(self, model: str, failures: Sequence[tuple[Member, BackendError]]) -> BackendError:
        """Why no server takes a request, in words."""
        if self._closed:
            return closed()
        tried = {member for member, _ in failures}
        out = [
            (member, left_out(member))
            for member in self._placement.having(full_name(model))
            if member not in tried and not member.breaker.closed
        ]
        # Those that answered come last, for the last one speaks for all.
        return together([*out, *failures])


async def _close(pieces: AsyncIterator[ChatChunk] | None) -> None:
    """Close a stream, if it is of the kind that can be."""
    aclose = getattr(pieces, "aclose", None)
    if aclose is not None:
        await aclose()
