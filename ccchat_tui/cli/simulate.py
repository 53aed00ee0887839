"""`ccchat simulate`: a load of simulated users, without a screen."""

from __future__ import annotations

import asyncio
import json
import random
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from ccchat_tui.backends.demo import DemoBackend
from ccchat_tui.backends.model_lists import full_name
from ccchat_tui.cli.models import list_models, open_backend
from ccchat_tui.cli.output import CommandError, complain, is_terminal, say, terminal_width
from ccchat_tui.cli.progress import Progress
from ccchat_tui.cli.report import report_table
from ccchat_tui.cli.report_compare import comparison_table
from ccchat_tui.cli.report_events import open_log, tell_of
from ccchat_tui.cli.scenario import scenario_called
from ccchat_tui.clock import SystemClock
from ccchat_tui.ending import Ending, drain_within
from ccchat_tui.engine.service import ConcurrentChatService
from ccchat_tui.quick import dataclass
from ccchat_tui.runs.course import Courses
from ccchat_tui.scenarios.compare import figures_of
from ccchat_tui.scenarios.limits import limits_of
from ccchat_tui.scenarios.report import Report, make_report
from ccchat_tui.scenarios.run import ScenarioRun
from ccchat_tui.scenarios.server import ScenarioServer
from ccchat_tui.scenarios.simulate import Simulation
from ccchat_tui.scenarios.users import make_users
from ccchat_tui.scenarios.virtual_time import LoopClock, run_fast

if TYPE_CHECKING:
    from ccchat_tui.backends.base import ChatBackend
    from ccchat_tui.backends.hosts import Host, Server
    from ccchat_tui.beside import Beside
    from ccchat_tui.clock import Clock
    from ccchat_tui.config import Loaded
    from ccchat_tui.engine.events import EngineEvent
    from ccchat_tui.engine.limits import EngineSettings

INTERRUPTED = 130
SHOWN_FAILURES = 5
"""Different reasons for failing that are told of."""
DEMO_PACE = 40.0
"""Tokens a second of the demo model in the app."""
DEMO_FIRST_TOKEN = 0.6
"""Seconds to its first token there."""


@dataclass(frozen=True, slots=True)
class Load:
    """What to simulate."""

    user_count: int = 3
    messages: int = 3
    seed: int | None = None
    """`None` for that of the scenario, or 0."""
    pace: float = 1.0
    """How many times faster than in the app the demo model is."""
    slots: int | None = None
    """Requests that the demo model works on at once; `None` for any number."""
    json: bool = False
    scenario: str = ""
    """What is played instead of these users; empty for nothing."""
    virtual: bool = False
    """Whether time is virtual."""
    events: str = ""
    """The file of the event log; empty for none."""
    compare: bool = False
    """Whether the load is run twice, one at a time and at once."""


@dataclass(frozen=True, slots=True)
class Play:
    """What is to be run, and on what."""

    title: str
    seed: int
    users: Sequence[tuple[str, str]]
    """Names and colours."""
    backend: ChatBackend
    limits: EngineSettings
    make: Callable[[ConcurrentChatService, str, Clock], Simulation]
    """The simulation on a service, asking this model, by this clock."""
    messages: int
    """That have to complete for all to be well; 0 where they need not."""
    watch: Callable[[EngineEvent], None] | None = None
    """Is told of every event."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a run."""

    report: Report
    failures: Counter[str]
    code: int
    """What the program exits with."""


def simulate(
    loaded: Loaded,
    servers: Sequence[Host | Server],
    given: Mapping[str, Any],
    beside: Beside | None = None,
) -> int:
    """Run the load and print what became of it.

    Args:
        loaded: The settings.
        servers: Whom to ask.
        given: The command line.
        beside: What runs beside the service meanwhile, such as the API.

    Returns:
        0 if every request completed, 1 if not, 128 and the number of a signal that ended it.

    Raises:
        CommandError: If the server does not answer, or does not have the model.
    """
    load = Load(**{name: given[name] for name in Load.__dataclass_fields__ if name in given})
    demo = loaded.settings.demo or (bool(load.scenario) and "ollama_host" not in given)
    if not demo and (load.pace != 1.0 or load.slots is not None or load.virtual):
        raise CommandError("--pace, --slots and --virtual are for the demo model; add --demo", 2)
    make_play = partial(_scenario if load.scenario else _load, loaded, servers, load, demo=demo)
    run = run_fast if load.virtual else asyncio.run
    try:
        if load.compare:
            return _compare(lambda play: run(_run(loaded, load, play, beside)), make_play, load)
        outcome = run(_run(loaded, load, make_play(), beside))
    except asyncio.CancelledError:
        return INTERRUPTED
    if load.json:
        say(json.dumps(outcome.report, ensure_ascii=False))
    else:
        say(report_table(outcome.report, terminal_width()))
    _tell_failures(outcome)
    return outcome.code


def _compare(run: Callable[[Play], Outcome], make_play: Callable[[], Play], load: Load) -> int:
    """Run the same load one at a time and then at once, and print both."""
    told: dict[str, Any] = {}
    code = 0
    for name, concurrent in (("one_at_a_time", False), ("at_once", True)):
        play = make_play()
        courses = Courses()
        outcome = run(
            replace(
                play,
                title=f"{play.title}, {name.replace('_', ' ')}",
                limits=replace(play.limits, concurrent=concurrent),
                watch=courses,
            )
        )
        told |= {"title": play.title, "seed": play.seed}
        told[name] = figures_of(courses.all, outcome.report["wall_ms"] / 1000)
        _tell_failures(outcome)
        code = max(code, outcome.code)
        if outcome.code > 128:
            # Half a run compares with nothing.
            return outcome.code
    if load.json:
        say(json.dumps(told, ensure_ascii=False))
    else:
        say(comparison_table(told["one_at_a_time"], told["at_once"], terminal_width()))
    return code


def _tell_failures(outcome: Outcome) -> None:
    for message, count in outcome.failures.most_common(SHOWN_FAILURES):
        complain(f"{count} failed: {message}")


class Leaving:
    """What a simulation that is asked to end does: it sends nothing more, and what was sent may
    come to its end, within a time limit.

    Args:
        ending: Who says that it is asked to.
        seconds: The limit.
    """

    def __init__(self, ending: Ending, seconds: float) -> None:
        self._ending = ending
        self._seconds = seconds
        self._task: asyncio.Task[None] | None = None

    @property
    def code(self) -> int:
        """What the program exits with because of it; 0 if it was not asked."""
        return 128 + self._ending.came if self._ending.came else 0

    def take_over(self, service: ConcurrentChatService, simulation: Simulation) -> None:
        """Have it end from now on.

        Args:
            service: The engine; it takes nothing new then, from others either.
            simulation: What runs on it.
        """

        async def drained() -> None:
            await drain_within(service, self._seconds, asyncio.Event())
            simulation.stop()

        def drain() -> None:
            simulation.finish()
            self._task = asyncio.create_task(drained(), name="drain")

        self._ending.drain, self._ending.stop = drain, simulation.stop

    async def aclose(self) -> None:
        """It has ended."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait((self._task,))


async def _run(loaded: Loaded, load: Load, play: Play, beside: Beside | None) -> Outcome:
    task = asyncio.current_task()
    assert task is not None
    ending = Ending(task.cancel, task.cancel)
    try:
        with ending.listening():
            model = await _choose_model(play.backend, loaded.settings.model)
            leaving = Leaving(ending, loaded.settings.drain_timeout)
            return await _simulate(play, model, load, leaving, beside)
    finally:
        await play.backend.aclose()


async def _simulate(
    play: Play, model: str, load: Load, leaving: Leaving, beside: Beside | None
) -> Outcome:
    clock = LoopClock() if load.virtual else SystemClock()
    service = ConcurrentChatService(
        play.backend, play.limits, clock=clock, rng=random.Random(f"{play.seed}:engine")
    )
    simulation = play.make(service, model, clock)
    leaving.take_over(service, simulation)
    if play.watch is not None:
        service.subscribe(play.watch)
    log = None
    if load.events:
        log = open_log(
            load.events,
            service,
            clock,
            patient=True,
            aside=not load.virtual,
            users=play.users,
            title=play.title,
            seed=play.seed,
            model=model,
            server=f"{play.backend.name}, {play.backend.address}",
        )
    progress = Progress(
        sys.stderr,
        lambda: service.snapshot(0, users=False),
        simulation,
        redraw=is_terminal(sys.stderr),
        title=f"{play.title}, to {model} ({play.backend.name}, {play.backend.address})",
        live=not load.virtual,
    )
    try:
        async with beside(service) if beside else nullcontext(), progress:
            await simulation.run()
        snapshot = service.snapshot(0)
    finally:
        await leaving.aclose()
        await service.aclose()
        if log is not None:
            began = log.began if simulation.began is None else simulation.began
            log.close(began + simulation.wall, began)
            tell_of(log, load.events)
    report = make_report(snapshot, simulation.wall, simulation.times(), service.servers)
    code = 0 if simulation.completed >= play.messages else 1
    return Outcome(report, simulation.failures(), leaving.code or code)


def _load(loaded: Loaded, servers: Sequence[Host | Server], load: Load, *, demo: bool) -> Play:
    """So many users with so many messages each."""
    seed = load.seed or 0
    users = make_users(load.user_count, load.messages, seed)
    return Play(
        title=f"{load.user_count} users, {load.messages} messages each",
        seed=seed,
        users=[(user.name, "") for user in users],
        backend=_demo(load, seed) if demo else open_backend(loaded, servers),
        limits=limits_for(load, loaded),
        make=lambda service, model, clock: Simulation(
            service,
            users,
            model=model,
            clock=clock,
            system=loaded.settings.system,
            temperature=loaded.settings.temperature,
        ),
        messages=load.user_count * load.messages,
    )


def _scenario(loaded: Loaded, servers: Sequence[Host | Server], load: Load, *, demo: bool) -> Play:
    """A scenario, of which nobody can say how many messages are to complete."""
    scenario = scenario_called(load.scenario)
    seed = scenario.seed if load.seed is None else load.seed
    limits = limits_of(scenario, loaded)
    server = scenario.server
    if load.slots is not None:
        server = server.model_copy(update={"slots": load.slots})
    played = ScenarioServer(server, scenario.troubles, seed, load.pace) if demo else None
    return Play(
        title=f"{scenario.title}: {len(scenario.names)} users, {scenario.expected} messages",
        seed=seed,
        users=[(name, user.colour) for user in scenario.users for name in user.names],
        backend=played or open_backend(loaded, servers),
        limits=limits,
        make=lambda service, model, clock: ScenarioRun(
            service,
            scenario,
            seed,
            model=model,
            clock=clock,
            begin=None if played is None else played.begin,
            system=loaded.settings.system,
            temperature=loaded.settings.temperature,
        ),
        messages=0,
    )


def limits_for(load: Load, loaded: Loaded) -> EngineSettings:
    """The engine's limits. A limit that nobody set does not stand in the way of a load that
    somebody asked for."""
    limits = loaded.settings.engine()
    if loaded.is_default("requests_per_minute") and load.messages > limits.requests_per_minute:
        limits = replace(limits, requests_per_minute=0)
    total = load.user_count * load.messages
    if loaded.is_default("max_queue") and total > limits.max_queue:
        limits = replace(limits, max_queue=total)
    return limits


def _demo(load: Load, seed: int) -> DemoBackend:
    return DemoBackend(
        seed=seed,
        tokens_per_second=DEMO_PACE * load.pace,
        first_token=DEMO_FIRST_TOKEN / load.pace,
        slots=load.slots,
    )


async def _choose_model(backend: ChatBackend, wanted: str) -> str:
    """The model to ask: the one that is wanted, otherwise the first that can chat.

    Raises:
        CommandError: If the server does not answer or does not have it.
    """
    models = await list_models(backend)
    if not wanted:
        chats = (m.name for m in models if not m.capabilities or "completion" in m.capabilities)
        return next(chats, models[0].name)
    names = [model.name for model in models]
    if full_name(wanted) not in map(full_name, names):
        raise CommandError(
            f"{backend.name} at {backend.address} has no model {wanted[:80]!a}; "
            f"there are {', '.join(names)}"
        )
    return wanted
