"""Which of several servers takes a request, and who waits for a place at one.

Plain bookkeeping: no task, no timer and no connection. The pool asks for a place, gives it back,
and says when something else has changed; every hand-over happens within that very call.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Collection, Sequence
from functools import partial

from ccchat_tui.backends.base import ChatBackend, ServerStatus
from ccchat_tui.backends.breaker import BreakerChange, CircuitBreaker, Permit
from ccchat_tui.backends.model_lists import full_name
from ccchat_tui.clock import Clock
from ccchat_tui.quick import dataclass


@dataclass(frozen=True, slots=True)
class PoolServer:
    """One server of a pool, as the configuration names it."""

    name: str
    """What people call it; unique within the pool."""
    backend: ChatBackend
    weight: float = 1.0
    """Its share: a server of weight 2 is given twice the requests of one of weight 1."""
    limit: int | None = None
    """How many requests it may have at once; `None` for no limit of its own."""

    def __post_init__(self) -> None:
        if not (math.isfinite(self.weight) and self.weight > 0):
            raise ValueError(f"server {self.name!r}: weight {self.weight} must be over 0")
        if self.limit is not None and self.limit < 1:
            raise ValueError(
                f"server {self.name!r}: limit {self.limit} must be 1 or more, or left out"
            )


class Member:
    """A server, and what the pool knows of it."""

    def __init__(self, server: PoolServer, breaker: CircuitBreaker, clock: Clock) -> None:
        self.server = server
        self.breaker = breaker
        self._clock = clock
        self.in_flight = 0
        self.completed = 0
        self.failed = 0
        self.last_used = 0
        """The number of the placement that last went here; the lowest goes first among equals."""
        self.models: frozenset[str] | None = None
        """Full names of what it has, as far as is known; `None` while its list is unknown."""
        self.models_asked_at: float | None = None
        self.no_list = ""
        """Why its list did not come when it was last asked for; empty if it did."""
        self.failed_at = -math.inf
        """When it last failed a request in a way that speaks of the server."""
        self.knocked_at = -math.inf
        """When it was last asked for a sign of life out of turn."""
        self._lacks: set[str] = set()
        self._rest_until = -math.inf
        self._rest_note = ""

    @property
    def has_room(self) -> bool:
        """Whether one more request fits under its limit."""
        return self.server.limit is None or self.in_flight < self.server.limit

    @property
    def resting(self) -> bool:
        """Whether it said a moment ago that it has too much to do."""
        return self._clock.monotonic() < self._rest_until

    def rest(self, seconds: float, note: str) -> None:
        """Ask it last for so many seconds."""
        self._rest_until = self._clock.monotonic() + seconds
        self._rest_note = note

    def may_have(self, model: str) -> bool:
        """Whether it has the model of this full name, or nobody knows that it has not."""
        return model not in self._lacks and (self.models is None or model in self.models)

    def learned(self, models: Collection[str]) -> None:
        """Its list has come."""
        self.models = frozenset(map(full_name, models))
        self.models_asked_at = self._clock.monotonic()
        self.no_list = ""
        self._lacks.clear()

    def learned_lack(self, model: str) -> None:
        """It said that it has no model of this full name; so its list, if any, is out of date."""
        self._lacks.add(model)
        self.models_asked_at = None

    def rank(self) -> tuple[bool, bool, float, int]:
        """Its place in the order of choice; the lowest goes first.

        A busy one comes after all others, one whose list is unknown after those that have the
        model; among equals, the one that is least busy for its weight with this request on top
        (so that of two idle ones the heavier goes first), then the one used longest ago.
        """
        share = (self.in_flight + 1) / self.server.weight
        return (self.resting, self.models is None, share, self.last_used)

    def status(self) -> ServerStatus:
        """What a panel shows of it."""
        resting = self._rest_note if self.resting else ""
        reason = self.breaker.reason or resting or self.no_list
        return ServerStatus(
            name=self.server.name,
            address=self.server.backend.address,
            state=self.breaker.state,
            in_flight=self.in_flight,
            limit=self.server.limit,
            weight=self.server.weight,
            completed=self.completed,
            failed=self.failed,
            note=self.breaker.describe() or reason,
            retry_at=self.breaker.retry_in,
            reason=reason,
            models=None if self.models is None else len(self.models),
        )


@dataclass(frozen=True, slots=True)
class Place:
    """A place at a server. Whoever has it gives it back by `Placement.release`."""

    member: Member
    permit: Permit


class _Waiter:
    """Somebody who waits for a place."""

    __slots__ = ("future", "model", "tried")

    def __init__(self, model: str, tried: Collection[Member]) -> None:
        self.model = model
        self.tried = tried
        self.future: asyncio.Future[Place | None] = asyncio.get_running_loop().create_future()


class Placement:
    """Gives out the places of the servers, first come first served.

    At every moment no server with room is one that somebody waiting could use: whatever makes
    room (or closes a breaker, or brings a list of models) hands it over in the same step. So
    whoever finds a free place on arrival overtakes nobody by taking it.

    Args:
        servers: In the order of the configuration.
        make_breaker: Makes the breaker of one server from its listener.
        clock: Where the time comes from.
        listener: Told when a server's breaker has changed its state.
    """

    def __init__(
        self,
        servers: Sequence[PoolServer],
        *,
        make_breaker: Callable[[Callable[[BreakerChange], None]], CircuitBreaker],
        clock: Clock,
        listener: Callable[[Member, BreakerChange], None],
    ) -> None:
        self.members: list[Member] = []
        self._listener = listener
        self._waiting: dict[_Waiter, None] = {}
        self._count = 0
        self._closed = False
        for server in servers:
            breaker = make_breaker(partial(self._changed, len(self.members)))
            self.members.append(Member(server, breaker, clock))

    @property
    def waiting(self) -> int:
        """How many wait for a place."""
        return len(self._waiting)

    async def take(self, model: str, tried: Collection[Member]) -> Place | None:
        """Get a place, waiting for one if all that could take the request are full.

        Args:
            model: What the request asks for.
            tried: Servers that are out of the question.

        Returns:
            The place; or `None` if no server is left that could take it, at once or after a wait
            during which the last of them failed.

        On cancel the place is given back, if there was one already, before the cancellation goes
        on.
        """
        model = full_name(model)
        able = self.able(model, tried)
        if not able or self._closed:
            return None
        place = self._choose(able)
        if place is not None:
            return place
        waiter = _Waiter(model, tried)
        self._waiting[waiter] = None
        try:
            return await waiter.future
        except asyncio.CancelledError:
            if waiter.future.done() and not waiter.future.cancelled():
                late = waiter.future.result()
                if late is not None:
                    late.permit.abandoned()
                    self.release(late.member)
            raise
        finally:
            self._waiting.pop(waiter, None)

    def release(self, member: Member) -> None:
        """Give a place back; it is handed on in this very step."""
        member.in_flight -= 1
        for waiter in list(self._waiting):
            if not member.has_room:
                break
            self._serve(waiter)

    def reconsider(self) -> None:
        """Look again at everybody who waits, because something has changed."""
        for waiter in list(self._waiting):
            self._serve(waiter)

    def _serve(self, waiter: _Waiter) -> None:
        if waiter.future.done():
            return
        able = self.able(waiter.model, waiter.tried)
        place = self._choose(able)
        if place is not None or not able or self._closed:
            del self._waiting[waiter]
            waiter.future.set_result(place)

    def close(self) -> None:
        """Give out no more places; whoever waits is told that there is none."""
        self._closed = True
        self.reconsider()

    def able(self, model: str, tried: Collection[Member] = ()) -> list[Member]:
        """The servers that could take a request for a model (by its full name), full or not.

        Where no list has the model, all are asked: a list may be out of date, and a server says
        best itself what it has not got.
        """
        return [m for m in self.having(model) if m.breaker.closed and m not in tried]

    def having(self, model: str) -> list[Member]:
        """The servers, well or not, that have a model or may have it; all where none has."""
        return [m for m in self.members if m.may_have(model)] or self.members

    def _choose(self, able: list[Member]) -> Place | None:
        free = [m for m in able if m.has_room]
        if not free or self._closed:
            return None
        member = free[0] if len(free) == 1 else min(free, key=Member.rank)
        permit = member.breaker.admit()
        if permit is None:  # pragma: no cover - `able` holds closed ones only
            return None
        self._count += 1
        member.last_used = self._count
        member.in_flight += 1
        return Place(member, permit)

    def _changed(self, index: int, change: BreakerChange) -> None:
        self._listener(self.members[index], change)
        self.reconsider()
