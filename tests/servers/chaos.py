"""Chaos: many users, thousands of requests, a server that does everything wrong that there is.

    python -m tests.servers.chaos --seed 1 --requests 5000 --users 200

The server runs in a process of its own, and is restarted twice. Limits change, the queue is paused,
requests, users and everybody are cancelled. In the end the books on both sides must agree (see
`chaos_books`), and nothing may be left. The exit code is 0 if all of that held.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import ctypes
import gc
import logging
import random
import sys
import time
import warnings
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ccchat_tui.backends.base import ChatMessage, Prompt
from ccchat_tui.backends.hosts import read_host
from ccchat_tui.backends.ollama import OllamaBackend
from ccchat_tui.engine.handle import RequestHandle
from ccchat_tui.engine.limits import EngineSettings
from ccchat_tui.engine.request import Rejected
from ccchat_tui.engine.service import ConcurrentChatService
from ccchat_tui.testing.ollama_server import FAULTS
from ccchat_tui.tui.memory import set_startup_aside
from tests.servers.chaos_books import Books, Entry
from tests.servers.chaos_plan import Wanted, draw
from tests.servers.chaos_server import Hand, elsewhere
from tests.servers.loop_watch import LoopWatch
from tests.servers.stage import leftovers
from tests.support.streams import open_sockets

PARTS = 4
"""The load comes in so many parts; between them everything ends, and the books are compared."""
RESTARTS = (1, 2)
"""In the midst of these parts (from 0) the server is restarted."""
PATIENCE = 120.0
"""Seconds that one part may take beyond what its requests may."""
OBJECTS = 3000
"""So many more objects may be alive at the end than in the middle."""
GROWTH = 12.0
"""So many more MiB of memory may be in use at the end than in the middle."""

SETTINGS = EngineSettings(
    max_concurrent=16,
    max_concurrent_per_user=4,
    requests_per_minute=0,
    timeout=6.0,
    max_queue=400,
    first_token_timeout=0.8,
    stall_timeout=0.4,
    retry_base=0.05,
    retry_cap=0.2,
    fallback_window=0.02,
    fallback_quiet=0.05,
)


@dataclass
class Memory:
    """What is in use while nothing runs."""

    objects: int
    mib: float | None
    """`None` where this system does not say."""

    @classmethod
    def now(cls) -> Memory:
        """At this moment, without what is free and only not given back to the system."""
        with contextlib.suppress(OSError, AttributeError):
            # A line of 9 MiB leaves a hole in the memory of the C library, as glibc has it.
            ctypes.CDLL("libc.so.6").malloc_trim(0)
        statm = Path("/proc/self/statm")
        pages = int(statm.read_text().split()[1]) if statm.exists() else None
        return cls(len(gc.get_objects()), None if pages is None else pages * 4096 / 2**20)


@dataclass
class Chaos:
    """One run.

    Args:
        seed: Of everything that is drawn.
        requests: How many are accepted.
        users: How many ask.
    """

    seed: int
    requests: int
    users: int
    books: Books = field(default_factory=Books)
    watch: LoopWatch = field(default_factory=LoopWatch)
    memory: list[Memory] = field(default_factory=list)
    server: dict[str, int] = field(default_factory=dict)
    """What the server said last."""
    seconds: float = 0.0
    cancels: int = 0
    changes: int = 0
    looks: list[tuple[int, str]] = field(default_factory=list)
    """How many were in flight, and in which mode, at moments of one distance."""

    async def run(self) -> None:
        """Do it all, and note in the books what was wrong."""
        asyncio.get_running_loop().set_exception_handler(self._loop_fault)
        # As the app does it when its first screen stands.
        thresholds = gc.get_threshold()
        set_startup_aside()
        began = time.perf_counter()
        async with elsewhere() as hand:
            self._backend = OllamaBackend(read_host(hand.url))
            # What is made once and kept, such as the TLS context, is not part of any growth.
            await self._backend.probe()
            self._sockets = open_sockets()
            self._tasks = set(asyncio.all_tasks())
            self._service = ConcurrentChatService(
                self._backend, SETTINGS, rng=random.Random(self.seed)
            )
            self._service.subscribe(self.books.hear)
            with self.watch.watching():
                for part in range(PARTS):
                    await self._part(part, hand)
                await self._end()
            await self._nothing_left(hand)
        self.seconds = time.perf_counter() - began
        gc.unfreeze()
        gc.set_threshold(*thresholds)
        self._judge_memory()

    # The load -----------------------------------------------------------------------------

    async def _part(self, part: int, hand: Hand) -> None:
        numbers = range(self.requests * part // PARTS, self.requests * (part + 1) // PARTS)
        plans: dict[str, list[Wanted]] = defaultdict(list)
        for number in numbers:
            wanted = draw(self.seed, number, self.users)
            plans[wanted.user].append(wanted)
        self._half = asyncio.Event()
        self._half_at = self.books.accepted + len(numbers) // 2
        try:
            async with (
                asyncio.timeout(PATIENCE + len(numbers) * 0.1),
                self._disturbed(part, hand),
                asyncio.TaskGroup() as group,
            ):
                for mine in plans.values():
                    group.create_task(self._user(mine, group))
        except TimeoutError:
            self.books.fault(f"part {part} did not come to its end")
            self._service.resume()
            self._service.cancel_all()
        await self._nothing_left(hand)
        self.books.compare(self._service, await hand("books"))
        self.watch.search()
        self.memory.append(Memory.now())

    async def _user(self, plans: list[Wanted], group: asyncio.TaskGroup) -> None:
        for wanted in plans:
            await asyncio.sleep(wanted.pause)
            group.create_task(self._follow(wanted, await self._submit(wanted)))

    async def _submit(self, wanted: Wanted) -> RequestHandle:
        """Ask, again and again while the queue is full."""
        prompt = Prompt(model=wanted.model, messages=(ChatMessage("user", wanted.question),))
        request_id = f"r{wanted.number}"
        while True:
            # The engine tells of it before `submit` returns.
            entry = self.books.open[request_id] = Entry(wanted)
            try:
                entry.handle = self.watch.calling(
                    "service.submit",
                    lambda: self._service.submit(
                        user=wanted.user,
                        session_id=f"of {wanted.user}",
                        model=wanted.model,
                        prompt=lambda: prompt,
                        preview=wanted.question,
                        id=request_id,
                        priority=wanted.priority,
                        timeout=wanted.timeout,
                    ),
                )
            except Rejected as refused:
                del self.books.open[request_id]
                if refused.reason != "queue_full":
                    self.books.fault(f"{request_id} was refused: {refused.message}")
                await asyncio.sleep(0.3)
                continue
            self.books.accepted += 1
            if self.books.accepted >= self._half_at:
                self._half.set()
            return entry.handle

    async def _follow(self, wanted: Wanted, handle: RequestHandle) -> None:
        """See a request to its end, and cancel it on the way if that is planned."""
        match wanted.cancel:
            case "later":
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(wanted.cancel_after):
                        await handle
            case "while it streams":
                async for _ in handle:
                    break
        if wanted.cancel:
            self.cancels += self.watch.calling("handle.cancel", handle.cancel)
            if handle.cancel():
                self.books.fault(f"{handle.id} could be cancelled twice")
        await handle

    # What happens besides -----------------------------------------------------------------

    @asynccontextmanager
    async def _disturbed(self, part: int, hand: Hand) -> AsyncIterator[None]:
        """Everything that happens beside the requests, while in the context."""
        rng = random.Random(f"{self.seed} part {part}")
        tasks = [
            asyncio.create_task(each)
            for each in (
                self._limits(rng),
                self._pauses(rng),
                self._cancel_users(rng, everybody=part == PARTS - 1),
                self._look(),
                self.watch.sample(),
            )
        ]
        restart = asyncio.create_task(self._restart(rng, hand)) if part in RESTARTS else None
        try:
            yield
            if restart is not None:
                await restart
        finally:
            for task in [*tasks, *([restart] if restart else [])]:
                task.cancel()
            for fault in await asyncio.gather(*tasks, return_exceptions=True):
                if not isinstance(fault, asyncio.CancelledError):
                    self.books.fault(f"what happens besides has broken: {fault!r}")
            self._service.resume()

    async def _limits(self, rng: random.Random) -> None:
        while True:
            await asyncio.sleep(rng.uniform(0.05, 0.2))
            many, each = rng.randint(2, 32), rng.randint(1, 6)
            self.watch.calling(
                "service.set_limits",
                lambda many=many, each=each: self._service.set_limits(  # type: ignore[misc]
                    max_concurrent=many, max_concurrent_per_user=each
                ),
            )
            self.changes += 1

    async def _pauses(self, rng: random.Random) -> None:
        while True:
            await asyncio.sleep(rng.uniform(0.3, 1.0))
            self._service.pause()
            await asyncio.sleep(rng.uniform(0.01, 0.08))
            self.watch.calling("service.resume", self._service.resume)

    async def _cancel_users(self, rng: random.Random, *, everybody: bool) -> None:
        if everybody:
            await self._half.wait()
            self.cancels += len(self.watch.calling("cancel_all", self._service.cancel_all))
        while True:
            await asyncio.sleep(rng.uniform(0.3, 1.0))
            user = f"user {rng.randrange(self.users)}"
            stopped = self.watch.calling(
                "service.cancel_user",
                lambda user=user: self._service.cancel_user(user),  # type: ignore[misc]
            )
            self.cancels += len(stopped)

    async def _look(self) -> None:
        """Look at the queue as the panel does; its figures must add up at every moment."""
        while True:
            await asyncio.sleep(0.03)
            seen = self.watch.calling("service.snapshot", lambda: self._service.snapshot(20))
            self.looks.append((seen.in_flight, seen.mode))
            totals = seen.totals
            ended = totals.completed + totals.failed + totals.cancelled + totals.timed_out
            living = seen.queue_length + seen.in_flight + seen.waiting_to_retry
            if totals.submitted != ended + living:
                self.books.fault(f"{totals.submitted} submitted, {ended} ended, {living} live")

    async def _restart(self, rng: random.Random, hand: Hand) -> None:
        await self._half.wait()
        await hand("restart", seconds=rng.uniform(0.1, 0.3))

    # The end ------------------------------------------------------------------------------

    async def _end(self) -> None:
        await self._service.drain()
        try:
            self._service.submit(
                user="late",
                session_id="s",
                model="m",
                prompt=lambda: Prompt("m", ()),
                preview="",
                id="late",
            )
        except Rejected as refused:
            if refused.reason != "draining":
                self.books.fault(f"the end refuses so: {refused.message}")
        else:
            self.books.fault("a request was taken after the end")
        await self._service.aclose()
        await self._backend.aclose()

    async def _nothing_left(self, hand: Hand) -> None:
        """Nothing runs: nothing of ours may be left, and nothing at the server."""
        for _ in range(200):
            # A probe of the fallback may be on its way still.
            if self.books.wrong or not (leftovers(self._service) or self._backend.open):
                break
            await asyncio.sleep(0.01)
        said = await hand("settle")
        self.server = said
        left = leftovers(self._service)
        left += [f"{self._backend.open} requests of the backend"] * bool(self._backend.open)
        tasks = asyncio.all_tasks() - self._tasks - {asyncio.current_task()}
        left += [f"task {task!r}" for task in tasks]
        self.watch.search()
        sockets = open_sockets() - self._sockets
        left += [f"{sockets} sockets"] * bool(sockets)
        left += [
            f"{said[what]} {what} at the server"
            for what in ("open", "generating", "loading", "running")
            if said[what]
        ]
        for each in left:
            self.books.fault(f"left over: {each}")

    def _judge_memory(self) -> None:
        middle, end = self.memory[PARTS // 2 - 1], self.memory[-1]
        if end.objects - middle.objects > OBJECTS:
            self.books.fault(f"objects grew from {middle.objects:,} to {end.objects:,}")
        if end.mib is not None and middle.mib is not None and end.mib - middle.mib > GROWTH:
            self.books.fault(f"memory grew from {middle.mib:.1f} to {end.mib:.1f} MiB")

    def _loop_fault(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        self.books.fault(f"the event loop was told of a fault: {context}")

    # Telling ------------------------------------------------------------------------------

    def report(self) -> list[str]:
        """What happened, in lines for people; the verdict comes last."""
        books = self.books
        sizes = [
            f"{each.objects:,} objects" + ("" if each.mib is None else f", {each.mib:.1f} MiB")
            for each in self.memory
        ]
        looks = self.looks or [(0, "")]
        flown = sum(count for count, _ in looks) / len(looks)
        one_by_one = sum(mode == "sequential" for _, mode in looks) / len(looks)
        said = self.server
        texts = (
            f"seed {self.seed}: {self.requests:,} requests of {self.users} users",
            f"in {self.seconds:.1f} s\n",
            f"ended: {_counts(books.ended)}; refused at the door: {books.rejected:,}\n",
            f"why: {_counts(books.kinds)}\n",
            f"attempts: {books.attempts:,}, of which {books.surely:,} surely and",
            f"{books.perhaps:,} perhaps reached the server; it counted {books.reached:,}\n",
            f"the server: {said.get('met', 0)} of {len(FAULTS)} kinds of fault met,",
            f"{said.get('connections', 0):,} connections, {said.get('peak', 0)} replies at once,",
            f"restarted {len(RESTARTS)} times\n",
            f"in flight on average {flown:.1f}, one at a time for {one_by_one:.0%} of the time;",
            f"limits changed {self.changes} times; cancelled by hand {self.cancels:,}\n",
            f"text compared: {books.characters:,} characters\n",
            f"in use after each quarter: {'; '.join(sizes)}",
        )
        lines = " ".join(texts).replace("\n ", "\n").split("\n")
        lines += self.watch.report()
        return lines + ([f"WRONG: {each}" for each in books.wrong] or ["all of it held"])


def _counts(counter: dict[str, int]) -> str:
    ordered = sorted(counter.items(), key=lambda each: -each[1])
    return ", ".join(f"{count:,} {name}" for name, count in ordered)


def main() -> int:
    """Read the command line, run, and say how it went."""
    parser = argparse.ArgumentParser(prog="python -m tests.servers.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--requests", type=int, default=5000)
    parser.add_argument("--users", type=int, default=200)
    chosen = parser.parse_args()
    sys.stdout.write(f"seed {chosen.seed}\n")
    sys.stdout.flush()
    warnings.simplefilter("error")
    logging.basicConfig(level=logging.WARNING)
    chaos = Chaos(chosen.seed, chosen.requests, chosen.users)
    asyncio.run(chaos.run())
    sys.stdout.write("\n".join(chaos.report()) + "\n")
    return 1 if chaos.books.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
