"""`ccchat simulate`: a load of simulated users, without a screen."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import FrameType
from typing import TYPE_CHECKING, Any

from ccchat_tui.backends.demo import DemoBackend
from ccchat_tui.backends.model_lists import full_name
from ccchat_tui.cli_models import list_models, open_backend
from ccchat_tui.cli_output import CommandError, complain, is_terminal, say, terminal_width
from ccchat_tui.cli_progress import Progress
from ccchat_tui.cli_report import report_table
from ccchat_tui.clock import SystemClock
from ccchat_tui.engine.service import ConcurrentChatService
from ccchat_tui.scenarios.report import make_report
from ccchat_tui.scenarios.simulate import Simulation
from ccchat_tui.scenarios.users import make_users

if TYPE_CHECKING:
    from ccchat_tui.backends.base import ChatBackend
    from ccchat_tui.backends.hosts import Host, Server
    from ccchat_tui.config import Loaded
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
    seed: int = 0
    pace: float = 1.0
    """How many times faster than in the app the demo model is."""
    slots: int | None = None
    """Requests that the demo model works on at once; `None` for any number."""
    json: bool = False


def simulate(loaded: Loaded, servers: Sequence[Host | Server], given: Mapping[str, Any]) -> int:
    """Run the load and print what became of it.

    Returns:
        0 if every request completed, 1 if not, 130 if it was interrupted.

    Raises:
        CommandError: If the server does not answer, or does not have the model.
    """
    load = Load(**{name: given[name] for name in Load.__dataclass_fields__ if name in given})
    if not loaded.settings.demo and (load.pace != 1.0 or load.slots is not None):
        raise CommandError("--pace and --slots are for the demo model; add --demo", 2)
    try:
        return asyncio.run(_run(loaded, servers, load))
    except asyncio.CancelledError:
        return INTERRUPTED


async def _run(loaded: Loaded, servers: Sequence[Host | Server], load: Load) -> int:
    task = asyncio.current_task()
    assert task is not None
    backend = _backend(loaded, servers, load)
    interrupt = Interrupt(task.cancel)
    try:
        with interrupt.listening():
            model = await _choose_model(backend, loaded.settings.model)
            return await _simulate(backend, model, loaded, load, interrupt)
    finally:
        await backend.aclose()


async def _simulate(
    backend: ChatBackend, model: str, loaded: Loaded, load: Load, interrupt: Interrupt
) -> int:
    clock = SystemClock()
    service = ConcurrentChatService(backend, limits_for(load, loaded), clock=clock)
    simulation = Simulation(
        service,
        make_users(load.user_count, load.messages, load.seed),
        model=model,
        clock=clock,
        system=loaded.settings.system,
        temperature=loaded.settings.temperature,
    )
    interrupt.answer = simulation.stop
    progress = Progress(
        sys.stderr,
        lambda: service.snapshot(0, users=False),
        simulation,
        redraw=is_terminal(sys.stderr),
        title=f"{load.user_count} users, {load.messages} messages each, to {model} "
        f"({backend.name}, {backend.address})",
    )
    try:
        async with progress:
            await simulation.run()
        snapshot = service.snapshot(0)
    finally:
        await service.aclose()
    report = make_report(snapshot, simulation.wall, simulation.times(), service.servers)
    if load.json:
        say(json.dumps(report, ensure_ascii=False))
    else:
        say(report_table(report, terminal_width()))
    for message, count in simulation.failures().most_common(SHOWN_FAILURES):
        complain(f"{count} failed: {message}")
    if interrupt.came:
        return INTERRUPTED
    return 0 if snapshot.totals.completed == simulation.expected else 1


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


def _backend(loaded: Loaded, servers: Sequence[Host | Server], load: Load) -> ChatBackend:
    if not loaded.settings.demo:
        return open_backend(loaded, servers)
    return DemoBackend(
        seed=load.seed,
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


class Interrupt:
    """Answers Ctrl+C, and SIGTERM where there is one, by an orderly end.

    Args:
        answer: What to do when it comes; may be changed as things go on.

    Attributes:
        came: Whether it has come.
    """

    def __init__(self, answer: Callable[[], object]) -> None:
        self.answer = answer
        self.came = False

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Listen inside; after the first signal the next one ends the program as usual."""
        loop = asyncio.get_running_loop()
        before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

        def restore() -> None:
            for number, handler in before.items():
                signal.signal(number, handler)

        def heard(_number: int, _frame: FrameType | None) -> None:
            restore()
            self.came = True
            # Also wakes a loop that sleeps, on every platform.
            loop.call_soon_threadsafe(self.answer)

        for number in before:
            signal.signal(number, heard)
        try:
            yield
        finally:
            restore()
