"""One load run twice, one at a time and at once, for whoever looks on meanwhile.

Each run has a service of its own. On the demo model it also has a loop of its own, in virtual time,
which goes on only as far as it is told: so both runs stand at the same moment whenever anybody
looks, their figures do not hang on how fast the machine is or how often the show was stopped, and
they are those of `ccchat simulate --compare` to the last digit.
"""

from __future__ import annotations

import asyncio
import math
import random
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from ccchat_tui.backends.base import BackendError, ChatBackend
from ccchat_tui.backends.demo import DEFAULT_MODEL
from ccchat_tui.clock import Clock
from ccchat_tui.engine.service import ConcurrentChatService
from ccchat_tui.quick import dataclass
from ccchat_tui.runs.lanes import Lanes
from ccchat_tui.scenarios.compare import figures_of
from ccchat_tui.scenarios.report import Report
from ccchat_tui.scenarios.run import ScenarioRun
from ccchat_tui.scenarios.server import ScenarioServer
from ccchat_tui.scenarios.virtual_time import VirtualTimeLoop

if TYPE_CHECKING:
    from ccchat_tui.engine.limits import EngineSettings
    from ccchat_tui.engine.stats import QueueSnapshot
    from ccchat_tui.scenarios.model import Scenario

MOST_COMPARED = 5_000
"""Messages of a scenario that can be looked at in this way."""


@dataclass(frozen=True, slots=True)
class Load:
    """What is run twice."""

    scenario: Scenario
    seed: int
    limits: EngineSettings
    system: str = ""
    temperature: float | None = None
    model: str = DEFAULT_MODEL


@dataclass(frozen=True, slots=True)
class Glimpse:
    """A reply on its way."""

    user: str
    state: str
    text: str
    """The end of what has come of it."""


class World:
    """One of the two runs.

    Args:
        load: What is run.
        concurrent: Whether at once, or one at a time.
    """

    def __init__(self, load: Load, *, concurrent: bool) -> None:
        self.load = load
        self.concurrent = concurrent
        self.lanes = Lanes(kept=None)
        self.over = False
        self.problem = ""
        """Why it could not be run, in words."""
        self._run: ScenarioRun | None = None
        self._service: ConcurrentChatService | None = None
        self._last: QueueSnapshot | None = None

    @property
    def elapsed(self) -> float:
        """Seconds since its beginning; those that it took, once it is over."""
        return self._run.wall if self._run is not None else 0.0

    @property
    def began(self) -> float:
        """The moment of its own clock at which it began."""
        return 0.0 if self._run is None or self._run.began is None else self._run.began

    @property
    def snapshot(self) -> QueueSnapshot | None:
        """How its queue stands, without rows; `None` before it has begun."""
        if self.over or self._service is None:
            return self._last
        return self._service.snapshot(0, users=False)

    @property
    def figures(self) -> Report:
        """Its figures so far; see `compare`."""
        return figures_of(self.lanes.courses, round(self.elapsed * 1000, 3) / 1000)

    def glimpses(self, most: int) -> list[Glimpse]:
        """Some of the replies on their way, those first that began first.

        Args:
            most: How many.
        """
        if self.over or self._service is None:
            return []
        rows = self._service.snapshot(most, users=False).requests
        found = [(row, self._service.find(row.id)) for row in rows if row.state.in_flight]
        return [
            Glimpse(row.user, row.state.value, "".join(handle.parts[-60:])[-300:])
            for row, handle in found
            if handle is not None
        ]

    async def _play(self, backend: ChatBackend, clock: Clock, model: str) -> None:
        """Run the load to its end."""
        load = self.load
        service = self._service = ConcurrentChatService(
            backend,
            replace(load.limits, concurrent=self.concurrent),
            clock=clock,
            rng=random.Random(f"{load.seed}:engine"),
        )
        service.subscribe(self.lanes)
        self._run = ScenarioRun(
            service,
            load.scenario,
            load.seed,
            model=model,
            clock=clock,
            begin=backend.begin if isinstance(backend, ScenarioServer) else None,
            system=load.system,
            temperature=load.temperature,
        )
        try:
            await self._run.run()
            self._last = service.snapshot(0, users=False)
            self.over = True
        finally:
            await service.aclose()


class VirtualWorld(World):
    """On the demo model, in a thread whose time goes as far as it is told and then waits. While it
    waits, everything in it may be looked at from outside."""

    def __init__(self, load: Load, *, concurrent: bool) -> None:
        super().__init__(load, concurrent=concurrent)
        self._until = 0.0
        self._go = threading.Semaphore(0)
        self._waits = threading.Semaphore(0)
        self._closing = False
        self._fault: BaseException | None = None
        self._task: asyncio.Task[None] | None = None
        self._thread: threading.Thread | None = None

    def advance(self, until: float) -> None:
        """Go on until this moment, in seconds from the beginning, and wait there."""
        if self.over or self._closing or until < self._until:
            return
        self._until = until
        if self._thread is None:
            self._thread = threading.Thread(target=self._live, name="compared run", daemon=True)
            self._thread.start()
        else:
            self._go.release()
        self._waits.acquire()
        if self._fault is not None:
            raise self._fault

    def finish(self) -> None:
        """Go on to the end."""
        self.advance(math.inf)

    def close(self) -> None:
        """Stop it where it is, and wait until it has stopped. Harmless when called twice."""
        self._closing = True
        if self._thread is not None:
            self._go.release()
            self._thread.join()
            self._thread = None

    def _live(self) -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: VirtualTimeLoop(self._may_move)) as runner:
                runner.run(self._main())
        except asyncio.CancelledError:
            pass
        except BaseException as fault:
            self._fault = fault
        finally:
            self._waits.release()

    async def _main(self) -> None:
        self._task = asyncio.current_task()
        server = ScenarioServer(
            self.load.scenario.server, self.load.scenario.troubles, self.load.seed
        )
        await self._play(server, _ClockOf(asyncio.get_running_loop()), self.load.model)

    def _may_move(self, moment: float) -> bool:
        """Asked in its own thread: wait here until time may move on so far."""
        while moment > self._until and not (self.over or self._closing):
            self._waits.release()
            self._go.acquire()
        if self._closing and self._task is not None:
            task, self._task = self._task, None
            task.cancel()
            return False
        return True


class _ClockOf:
    """The clock of a loop, also for those who look on from another."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def monotonic(self) -> float:
        """Its seconds."""
        return self._loop.time()

    def now(self) -> datetime:
        """A fixed moment plus its seconds."""
        return datetime(2026, 1, 1, 12, tzinfo=UTC) + timedelta(seconds=self.monotonic())


class LiveWorld(World):
    """On a real server, in real time."""

    async def run(self, backend: ChatBackend, clock: Clock, model: str = "") -> None:
        """Run it to its end.

        Args:
            backend: The server.
            clock: Real time.
            model: What is asked; empty for the first that can chat.
        """
        try:
            there = await backend.models()
        except BackendError as error:
            self.problem = error.message
            return
        chosen = model or next((each.name for each in there if each.can_chat), "")
        if not chosen:
            self.problem = f"{backend.name} at {backend.address} has no model to chat with."
            return
        await self._play(backend, clock, chosen)
