"""A state machine that uses the real service in every order, and checks its promises always."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Coroutine
from typing import Any, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from ccchat_tui.backends.base import ErrorKind
from ccchat_tui.engine import announcer
from ccchat_tui.engine.adaptive import AdaptiveSettings
from ccchat_tui.engine.events import EngineEvent
from ccchat_tui.engine.handle import RequestHandle
from ccchat_tui.engine.limits import EngineSettings
from ccchat_tui.engine.request import Priority, Rejected, RequestState
from ccchat_tui.engine.service import ConcurrentChatService
from ccchat_tui.testing.virtual_time import LoopClock, VirtualTimeLoop
from tests.engine.auditor import Auditor
from tests.engine.planned import Plan, PlannedServer, words_of

T = TypeVar("T")

USERS = ("ann", "bob", "cyd")

faults = st.sampled_from(
    [
        ErrorKind.BUSY,
        ErrorKind.BUSY,
        ErrorKind.OUT_OF_MEMORY,
        ErrorKind.DISCONNECTED,
        ErrorKind.SERVER,
        ErrorKind.RATE_LIMITED,
        ErrorKind.MODEL_NOT_FOUND,
    ]
)
good = st.builds(
    Plan,
    first=st.sampled_from([0.0, 0.1, 0.5]),
    tokens=st.integers(1, 3),
    gap=st.sampled_from([0.0, 0.2]),
    closing=st.sampled_from([0.0, 0.0, 0.3]),
)
bad = st.builds(
    Plan,
    first=st.sampled_from([0.0, 0.1, 7.0]),
    tokens=st.sampled_from([0, 0, 2]),
    fault=faults,
    retry_after=st.sampled_from([None, None, 1.5]),
)
odd = st.builds(
    Plan,
    tokens=st.sampled_from([0, 2]),
    done=st.just(value=False),
    hangs=st.booleans(),
    closing=st.sampled_from([0.0, 0.3]),
)
plans = st.lists(st.one_of(good, bad, odd), min_size=1, max_size=4)
QUICK = AdaptiveSettings(start=2, maximum=4, settle=0.3, samples=2, most_samples=3, rest=2.0)
"""A limit that finds itself, and has much to try in the time there is."""
engines = st.builds(
    EngineSettings,
    max_concurrent=st.integers(1, 4),
    adapts=st.sampled_from([False, False, True]),
    adaptive=st.just(QUICK),
    max_concurrent_per_user=st.integers(1, 3),
    requests_per_minute=st.sampled_from([0, 0, 4]),
    timeout=st.just(10.0),
    retry_attempts=st.integers(0, 2),
    concurrent=st.sampled_from([True, True, True, False]),
    max_queue=st.sampled_from([0, 0, 6]),
    queue_timeout=st.sampled_from([None, None, 8.0]),
    first_token_timeout=st.sampled_from([None, 4.0]),
    stall_timeout=st.just(3.0),
    user_weights=st.sampled_from([{}, {"ann": 2}]),
    fallback_quiet=st.just(5.0),
)


def raising(event: EngineEvent) -> None:
    """A listener with a fault."""
    raise ZeroDivisionError(event)


class PromisesMachine(RuleBasedStateMachine):
    """Everything that the app, the API and the simulation may do to a service."""

    @initialize(settings=engines, seed=st.integers(0, 3))
    def open(self, settings: EngineSettings, seed: int) -> None:
        logging.getLogger(
            announcer.__name__
        ).disabled = True  # it would tell of every raising listener
        self.loop = VirtualTimeLoop()
        self.complaints: list[dict[str, Any]] = []
        self.loop.set_exception_handler(lambda _, context: self.complaints.append(context))
        self.servers = [PlannedServer("mem://one"), PlannedServer("mem://two")]
        self.settings = settings
        self.waiters: dict[str, asyncio.Task[RequestState]] = {}
        self.readers: dict[str, asyncio.Task[list[str]]] = {}
        self.plans: dict[str, list[Plan]] = {}
        self.never: set[str] = set()
        self.disturbed: set[str] = set()
        self.refusals: list[tuple[str, str]] = []
        self.count = 0

        async def begin() -> None:
            self.service = ConcurrentChatService(
                self.servers[0], settings, clock=LoopClock(), rng=random.Random(seed)
            )
            self.service.subscribe(raising)
            self.auditor = Auditor(self.service, settings)

        self.do(begin())

    def do(self, what: Coroutine[Any, Any, T]) -> T:
        """Run something in the loop, in virtual time."""
        return self.loop.run_until_complete(what)

    @property
    def handles(self) -> dict[str, RequestHandle]:
        return self.auditor.handles

    # What people do -----------------------------------------------------------------------

    @rule(
        user=st.sampled_from(USERS),
        priority=st.sampled_from(Priority),
        attempts=plans,
        read=st.booleans(),
    )
    def submit(self, user: str, priority: Priority, attempts: list[Plan], read: bool) -> None:
        self.do(self._submit(user, priority, attempts, read))

    @rule(user=st.sampled_from(USERS), many=st.integers(2, 6), attempts=plans)
    def submit_many(self, user: str, many: int, attempts: list[Plan]) -> None:
        async def submit_all() -> None:
            for _ in range(many):
                await self._submit(user, Priority.NORMAL, attempts, read=False)

        self.do(submit_all())

    async def _submit(
        self, user: str, priority: Priority, attempts: list[Plan], read: bool
    ) -> None:
        request_id = f"r{self.count}"
        self.count += 1
        for server in self.servers:
            prompt = server.prompt(request_id, *attempts)
        asked: list[str] = []

        def make() -> Any:
            asked.append(request_id)
            assert len(asked) == 1, "the prompt was asked for twice"
            return prompt

        try:
            handle = self.service.submit(
                user=user,
                session_id=f"{user} 1",
                model="m",
                prompt=make,
                preview="words",
                id=request_id,
                priority=priority,
            )
        except Rejected as refusal:
            self.refusals.append((request_id, refusal.reason))
            return
        self.plans[request_id] = attempts
        self.handles[request_id] = handle
        self.waiters[request_id] = asyncio.ensure_future(handle.wait())
        if read:
            self.readers[request_id] = asyncio.ensure_future(_read(handle))

    @precondition(lambda self: self.handles)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        request_id = data.draw(st.sampled_from(sorted(self.handles)))
        handle = self.handles[request_id]

        async def twice() -> None:
            before = handle.state
            others = {
                other: (each.state, each.cancelling)
                for other, each in self.handles.items()
                if other != request_id
            }
            done = self.service.cancel(request_id)
            if done:
                self._cancelled(request_id)
            assert not self.service.cancel(request_id), "8: cancelled twice"
            if before is RequestState.QUEUED:
                assert handle.state is RequestState.CANCELLED, "8: a queued one ends at once"
            for other, (state, cancelling) in others.items():
                now = self.handles[other]
                may = {state, RequestState.CONNECTING} if state is RequestState.QUEUED else {state}
                assert now.state in may, f"8: cancelling {request_id} did this: {now}"
                assert now.cancelling is cancelling, f"8: cancelling {request_id} hit {now}"

        self.do(twice())

    @rule(user=st.sampled_from(USERS))
    def cancel_user(self, user: str) -> None:
        async def cancel() -> None:
            stopped = self.service.cancel_user(user)
            for request_id in stopped:
                self._cancelled(request_id)
                assert self.handles[request_id].user == user, "8: somebody else's"
            assert not self.service.cancel_user(user)

        self.do(cancel())

    @rule()
    def cancel_all(self) -> None:
        async def cancel() -> None:
            for request_id in self.service.cancel_all():
                self._cancelled(request_id)
            assert not self.service.snapshot(0).queue_length

        self.do(cancel())

    def _cancelled(self, request_id: str) -> None:
        entry = self.auditor.known[request_id]
        assert not entry.cancelled, "8: cancelled twice"
        entry.cancelled = True
        if not any(request_id in server.asked for server in self.servers):
            handle = self.handles[request_id]
            if handle.ended:
                self.never.add(request_id)

    @rule(
        most=st.one_of(st.none(), st.just("auto"), st.integers(1, 5)),
        each=st.one_of(st.none(), st.integers(1, 4)),
    )
    def set_limits(self, most: Any, each: int | None) -> None:
        async def change() -> None:
            before = {h for h in self.handles.values() if h.state.in_flight and not h.cancelling}
            self.service.set_limits(max_concurrent=most, max_concurrent_per_user=each)
            stopped = [h for h in before if h.cancelling or not h.state.in_flight]
            assert not stopped, f"9: a limit stopped {stopped}"

        self.do(change())

    @rule()
    def pause(self) -> None:
        async def pause() -> None:
            self.service.pause()

        self.do(pause())

    @rule()
    def resume(self) -> None:
        async def resume() -> None:
            self.service.resume()

        self.do(resume())

    # What the world does ------------------------------------------------------------------

    @rule(seconds=st.sampled_from([0.0, 0.0, 0.1, 0.35, 1.0, 6.0, 61.0]))
    def time_passes(self, seconds: float) -> None:
        self.do(asyncio.sleep(seconds))

    @rule(up=st.booleans())
    def server_goes(self, up: bool) -> None:
        for server in self.servers:
            server.up = up

    @rule(which=st.integers(0, 1))
    def change_over(self, which: int) -> None:
        async def change() -> None:
            self.service.use_backend(self.servers[which])

        self.do(change())

    # What must hold -----------------------------------------------------------------------

    @invariant()
    def promises_hold(self) -> None:
        if not hasattr(self, "auditor"):
            return

        async def look() -> None:
            self.auditor.check()
            for request_id, reason in self.refusals:
                assert reason in ("rate_limited", "queue_full")
                assert request_id not in self.auditor.known, "refused, but queued"
            for server in self.servers:
                assert not self.never & set(server.asked), "8: reached the server after its cancel"
                doubled = [one for one, times in server.whole.items() if times > 1]
                assert not doubled, f"11: run twice: {doubled}"
            for request_id, entry in self.auditor.known.items():
                cancelled = entry.ended is RequestState.CANCELLED
                assert not cancelled or entry.cancelled, f"8: nobody cancelled {request_id}"
            for request_id, handle in self.handles.items():
                self._text_is_right(request_id, handle)

        self.do(look())

    def _text_is_right(self, request_id: str, handle: RequestHandle) -> None:
        words = words_of(request_id, len(handle.parts))
        assert handle.parts == words, "the text is not what was sent"
        if handle.state is RequestState.COMPLETED:
            assert handle.parts in [
                words_of(request_id, plan.tokens) for plan in self.plans[request_id] if plan.whole
            ], "completed with half a reply"
        if handle.ended and request_id in self.readers and self.readers[request_id].done():
            assert self.readers[request_id].result() == handle.parts

    def teardown(self) -> None:
        logging.getLogger(announcer.__name__).disabled = False
        if not hasattr(self, "loop"):
            return
        try:
            if hasattr(self, "service"):
                self.do(self._end())
        finally:
            left = [task for task in asyncio.all_tasks(self.loop) if not task.done()]
            self.do(_cancel(left))
            self.do(self.loop.shutdown_asyncgens())
            self.loop.close()
        assert not left, f"tasks left behind: {left}"
        assert not self.complaints, self.complaints

    async def _end(self) -> None:
        service = self.service
        service.resume()
        try:
            async with asyncio.timeout(3600.0):
                await service.drain()
        except TimeoutError:
            self.auditor.check()
            raise AssertionError("2: something never ends") from None
        # Whoever waited has been woken; tasks take a turn or two to end.
        await asyncio.sleep(0.5)
        for request_id, waiter in self.waiters.items():
            assert waiter.done(), f"2: whoever waits on {request_id} sleeps on"
            assert waiter.result() is self.handles[request_id].state
        assert all(reader.done() for reader in self.readers.values()), "2: a reader sleeps on"
        await self.promises_at_the_end()
        await service.aclose()
        await service.aclose()

    async def promises_at_the_end(self) -> None:
        """Nothing lives any more."""
        service, life = self.service, self.service._manager.life
        self.auditor.finally_()
        assert not any(server.open.total() for server in self.servers), "a stream is open"
        highest = max(server.peak for server in self.servers)
        assert highest <= self.auditor.highest, "1: more streams than ever were allowed"
        tables = (
            life.living,
            life.in_flight,
            life.waiting,
            life._emptied,
            life.queue._users,
            life.queue._parked,
            *(line.lanes for line in life.queue._lines),
            service._fallback._held,
            life.counters._busy,
            life.announcer._posted,
        )
        assert not any(tables), f"10: a table is not empty: {[t for t in tables if t]}"
        assert life.queue.queued == life.watchdog.size == 0, "10: something is still watched"
        assert service._tuner._timer is None, "10: it still looks, though nothing lives"
        if self.settings.concurrent:
            await asyncio.sleep(5.0 * 8 * 6)
            seen = service.snapshot(0)
            assert seen.mode == "concurrent", "11: it does not come back"
            assert seen.limits.max_concurrent == service._manager.wanted_limit, "11: not wholly"
        else:
            assert service.snapshot(0).mode_reason == "by configuration"


async def _read(handle: RequestHandle) -> list[str]:
    return [piece async for piece in handle]


async def _cancel(tasks: list[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
