"""How the servers of a pool are: signs of life, lists of models, and the way back of those that
were left out."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Coroutine
from typing import Any, TypeVar

from ccchat_tui.backends.base import BackendError, ErrorKind, ModelInfo, ServerState
from ccchat_tui.backends.breaker import SILENT, BreakerChange
from ccchat_tui.backends.model_lists import full_name
from ccchat_tui.backends.placement import Member, Placement
from ccchat_tui.backends.pool_errors import closed, left_out, together
from ccchat_tui.clock import Clock

T = TypeVar("T")

KNOCK_REST = 1.0
"""Seconds between two signs of life that requests ask of one server out of turn."""
LIST_GRACE = 1.0
"""Seconds that servers have for their lists once the first has told its own: one that is switched
off would otherwise hold up everybody for as long as a connection may take."""
LATELY = 10.0
"""Seconds for which a failure makes a server one of those that `of_failing` asks."""


class PoolHealth:
    """Asks the servers how they are, each question in a task that `aclose` ends.

    Of several servers, one that gives no sign of life when it is asked for its models is left out
    before a request has to find that out. Of a single one the request, and the person, are told
    best by itself.

    Args:
        placement: The servers, and who waits for them.
        clock: Where the time comes from.
        models_max_age: Seconds after which a server's list of models is fetched again.
        probe_timeout: Seconds that a server has to answer.
    """

    def __init__(
        self, placement: Placement, *, clock: Clock, models_max_age: float, probe_timeout: float
    ) -> None:
        self._placement = placement
        self._members = placement.members
        self._clock = clock
        self._models_max_age = models_max_age
        self._probe_timeout = probe_timeout
        self._tasks: set[asyncio.Task[Any]] = set()
        self._probes: dict[Member, asyncio.Task[str | BackendError]] = {}
        self._recoveries: dict[Member, asyncio.Task[None]] = {}
        self._closed = False

    def changed(self, member: Member, change: BreakerChange) -> None:
        """The breaker of a server has changed its state."""
        if change.before is ServerState.CLOSED and not self._closed:
            self._recoveries[member] = self._own(self._recover(member))
        elif change.after is ServerState.CLOSED:
            # It may sleep through a pause that somebody has cut short.
            if (recovery := self._recoveries.pop(member, None)) is not None:
                recovery.cancel()
            # What it has may have changed while it was away.
            member.models_asked_at = None
            self.refresh_if_old()

    async def aclose(self) -> None:
        """End everything that is under way. Harmless when called twice."""
        self._closed = True
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # Signs of life ------------------------------------------------------------------------

    async def of_any(self) -> str:
        """What the first server to answer says. Raises `BackendError` if none answers."""
        probes = {self._probe(member): member for member in self._members}
        failures: list[tuple[Member, BackendError]] = []
        pending = set(probes)
        while pending:
            done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                answer = _answer(task)
                if isinstance(answer, str):
                    return answer
                failures.append((probes[task], answer))
        raise together(failures)

    async def of_failing(self) -> str:
        """See `HasServers.probe_failing`. One that gives no sign is left out from then on."""
        lately = self._clock.monotonic() - LATELY
        failing = [m for m in self._members if m.failed_at >= lately or not m.breaker.closed]
        probes = {member: self._probe(member) for member in failing or self._members}
        await asyncio.wait(probes.values())
        failures: list[tuple[Member, BackendError]] = []
        said = ""
        for member, task in probes.items():
            answer = _answer(task)
            if isinstance(answer, str):
                said = answer
            elif not self._closed:
                member.breaker.trip(answer)
                failures.append((member, answer))
        if failures or not said:
            raise together(failures)
        return said

    def suspect(self, member: Member, error: BackendError) -> None:
        """A request failed there. Of several servers, one that cannot be reached is left out at
        once, for another may wait as long in vain until it moves on; one whose connection broke is
        asked for a sign of life, also if something had been shown, which its breaker does not
        count."""
        if error.kind is ErrorKind.UNREACHABLE:
            self._judge(member, error)
        elif error.kind in SILENT and len(self._members) > 1 and not self._closed:
            self._probe(member)

    async def knock(self, model: str, tried: Collection[Member]) -> bool:
        """Ask those that are left out, and could take a request, for a sign of life out of turn.

        Returns:
            Whether one of them is back.
        """
        now = self._clock.monotonic()
        probes = {}
        for member in self._placement.having(full_name(model)):
            breaker = member.breaker
            if member in tried or breaker.closed or not breaker.silent or self._closed:
                continue
            under_way = member in self._probes and not self._probes[member].done()
            if under_way or now - member.knocked_at >= KNOCK_REST:
                member.knocked_at = now
                probes[self._probe(member)] = member
        pending = set(probes)
        while pending:
            done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            if any(probes[task].breaker.closed for task in done):
                return True
        return False

    async def _recover(self, member: Member) -> None:
        """Probe a server that was left out, until it is back."""
        while not member.breaker.closed:
            if pause := member.breaker.retry_in:
                # Looked at again after it: a probe out of turn may have begun a new one.
                await asyncio.sleep(pause)
            else:
                await asyncio.wait([self._probe(member)])

    def _probe(self, member: Member) -> asyncio.Task[str | BackendError]:
        """The one probe of this server that is under way, begun now if there is none."""
        task = self._probes.get(member)
        if task is None or task.done():
            task = self._probes[member] = self._own(self._probe_once(member))
        return task

    async def _probe_once(self, member: Member) -> str | BackendError:
        # A sign of life of a server that is not left out says nothing new to its breaker.
        permit = None if member.breaker.closed else member.breaker.admit(at_once=True)
        try:
            answer = await self._ask(member, member.server.backend.probe())
            if permit is None:
                self._judge(member, answer)
            elif isinstance(answer, BackendError):
                permit.failed(answer)
            else:
                permit.succeeded()
            return answer
        finally:
            if permit is not None:
                permit.abandoned()

    # Lists of models ----------------------------------------------------------------------

    async def lists(self) -> dict[Member, list[ModelInfo] | BackendError]:
        """What each server has, or why it does not tell. Those that are left out are not asked,
        unless all are; those that take much longer than the first to answer are not in it."""
        asked = [member for member in self._members if member.breaker.closed] or self._members
        tasks = {member: self._own(self._list_of(member)) for member in asked}
        pending = set(tasks.values())
        told = False
        while pending and not told:
            done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            told = any(not isinstance(_answer(task), BackendError) for task in done)
        if pending:
            await asyncio.wait(pending, timeout=LIST_GRACE)
        return {
            member: _answer(tasks[member]) if member in tasks else left_out(member)
            for member in self._members
            if member not in tasks or tasks[member].done()
        }

    def refresh_if_old(self) -> None:
        """Fetch lists that are old, in the background; a pool of one needs none to choose."""
        if len(self._members) == 1 or self._closed:
            return
        now = self._clock.monotonic()
        for member in self._members:
            asked_at = member.models_asked_at
            if member.breaker.closed and (
                asked_at is None or now - asked_at >= self._models_max_age
            ):
                member.models_asked_at = now
                self._own(self._list_of(member))

    async def _list_of(self, member: Member) -> list[ModelInfo] | BackendError:
        member.models_asked_at = self._clock.monotonic()
        answer = await self._ask(member, member.server.backend.models())
        if isinstance(answer, BackendError):
            member.no_list = answer.message
            self._judge(member, answer)
        else:
            member.learned([model.name for model in answer])
            self._placement.reconsider()
        return answer

    # Asking -------------------------------------------------------------------------------

    def _judge(self, member: Member, answer: object) -> None:
        """Leave a server out that gave no sign of life, if there are others."""
        if isinstance(answer, BackendError) and len(self._members) > 1 and not self._closed:
            member.breaker.trip(answer)

    async def _ask(self, member: Member, question: Coroutine[Any, Any, T]) -> T | BackendError:
        """The answer to a question; a failure is one too, for its task may have no reader."""
        try:
            async with asyncio.timeout(self._probe_timeout):
                return await question
        except BackendError as error:
            return error
        except TimeoutError:
            return BackendError(
                ErrorKind.UNREACHABLE,
                f"{member.server.backend.address} did not answer within {self._probe_timeout:g} s",
            )
        except Exception as fault:
            return BackendError(ErrorKind.INTERNAL, f"asking {member.server.name} failed: {fault}")

    def _own(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Run something as a task that `aclose` ends."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _answer(task: asyncio.Task[T | BackendError]) -> T | BackendError:
    """What a task came to; closing the pool cancels it."""
    return closed() if task.cancelled() else task.result()
