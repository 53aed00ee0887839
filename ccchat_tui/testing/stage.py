"""A scenario on the stage of an app: played through conversations, so that what shows these shows
it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual.app import App
from textual.pilot import Pilot

from ccchat_tui.backends.base import Prompt
from ccchat_tui.clock import Clock
from ccchat_tui.config import Settings
from ccchat_tui.engine.handle import RequestHandle
from ccchat_tui.engine.limits import EngineSettings
from ccchat_tui.engine.request import Priority
from ccchat_tui.engine.service import ConcurrentChatService
from ccchat_tui.scenarios.files import load
from ccchat_tui.scenarios.model import Scenario
from ccchat_tui.scenarios.run import ScenarioRun
from ccchat_tui.scenarios.server import ScenarioServer
from ccchat_tui.sessions.ids import counted_ids
from ccchat_tui.sessions.manager import SessionManager
from ccchat_tui.testing.virtual_app import run_app_virtual
from ccchat_tui.testing.virtual_time import LoopClock
from ccchat_tui.tui.app import CCChatApp, Parts
from ccchat_tui.tui.themes import load_themes

if TYPE_CHECKING:
    from ccchat_tui.sessions.model import Session

MakeApp = Callable[[SessionManager, Clock], App[Any]]
"""An app that shows these conversations, by this clock."""
Before = Callable[[Pilot[Any]], Awaitable[None]]
"""What is done in an app before its picture is taken."""

FRAME = 0.15
"""Seconds after the moment at which the picture is taken: whatever watches the queue, or is drawn
by frames, has then had its turn."""


class StageRun(ScenarioRun):
    """A scenario whose users write in conversations.

    Args:
        sessions: Where they write. A user's first conversation goes into one that is open and
            empty, if there is one.
        scenario: What is played.
        seed: Begins every choice.
        clock: The clock of the service.
        begin: Called when it begins.
    """

    def __init__(
        self,
        sessions: SessionManager,
        scenario: Scenario,
        seed: int,
        *,
        clock: Clock,
        begin: Callable[[], None],
    ) -> None:
        super().__init__(
            sessions.service,
            scenario,
            seed,
            model=sessions.default_model,
            clock=clock,
            begin=begin,
        )
        self._sessions = sessions
        self._opened: dict[str, Session] = {}
        sessions.priorities = {each.user: each.priority for each in self._plan}

    def _submit(
        self,
        name: str,
        request_id: str,
        text: str,
        prompt: Callable[[], Prompt],
        *,
        session_id: str,
        priority: Priority,
    ) -> RequestHandle:
        handle = self._sessions.send(self._session(name, session_id), text).handle
        assert handle is not None  # none of these conversations holds a message back
        return handle

    def _session(self, user: str, name: str) -> Session:
        if name not in self._opened:
            taken = set(map(id, self._opened.values()))
            free = (
                session
                for session in self._sessions.sessions
                if session.user == user and not session.turns and id(session) not in taken
            )
            session = next(free, None) or self._sessions.create(user)
            session.options |= self._options
            self._opened[name] = session
        return self._opened[name]


def play(
    scenario: str | Path | Scenario,
    at: float,
    make_app: MakeApp | None = None,
    *,
    seed: int | None = None,
    size: tuple[int, int] = (120, 40),
    press: Sequence[str] = (),
    before: Before | None = None,
) -> str:
    """Play a scenario in an app to a moment, in virtual time.

    Args:
        scenario: The name of one of ours, the path of a file, or the scenario itself.
        at: The moment, in seconds from the beginning.
        make_app: Makes the app; left out, it is ccchat itself.
        seed: Begins every choice; the scenario's own unless given.
        size: Columns and rows.
        press: Keys that are pressed at that moment.
        before: What else is done before the picture is taken.

    Returns:
        The picture, as SVG.

    Raises:
        ScenarioError: There is no such scenario, or it cannot be played.
        AssertionError: It was called where a loop runs already, as in an `async def` test.
    """
    if not isinstance(scenario, Scenario):
        scenario = load(str(scenario), None)
    seed = scenario.seed if seed is None else seed
    return run_app_virtual(_play(scenario, at, make_app, seed, size, press, before))


async def _play(
    scenario: Scenario,
    at: float,
    make_app: MakeApp | None,
    seed: int,
    size: tuple[int, int],
    press: Sequence[str],
    before: Before | None,
) -> str:
    clock = LoopClock()
    server = ScenarioServer(scenario.server, scenario.troubles, seed)
    app: App[Any]
    if make_app is None:
        app = _ccchat(scenario, server, seed, clock)
        sessions = app.sessions
    else:
        sessions = await _conversations(scenario, server, seed, clock)
        app = make_app(sessions, clock)
    app.animation_level = "none"
    try:
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            run = StageRun(sessions, scenario, seed, clock=clock, begin=server.begin)
            playing = asyncio.get_running_loop().create_task(run.run(), name="scenario")
            try:
                await asyncio.sleep(at)
                await pilot.press(*press)
                if before is not None:
                    await before(pilot)
                await asyncio.sleep(FRAME)
                await pilot.pause()
                return app.export_screenshot(title=app.title, simplify=True)
            finally:
                run.stop()
                await playing
    finally:
        await sessions.service.aclose()


async def _conversations(
    scenario: Scenario, server: ScenarioServer, seed: int, clock: Clock
) -> SessionManager:
    """Conversations for an app that is not ours, over an engine with the scenario's limits."""
    service = ConcurrentChatService(
        server, _limits(scenario), clock=clock, rng=random.Random(f"{seed}:engine")
    )
    sessions = SessionManager(service, clock=clock, new_id=counted_ids())
    names = [model.name for model in await server.models()]
    sessions.set_models(names, names[0])
    return sessions


def _ccchat(scenario: Scenario, server: ScenarioServer, seed: int, clock: Clock) -> CCChatApp:
    """Ours, with a chat for each user."""
    limits = scenario.limits
    settings = Settings(
        users=scenario.names,
        max_concurrent_chats=limits.max_concurrent,
        max_concurrent_per_user=limits.max_concurrent_per_user,
        requests_per_minute=limits.requests_per_minute,
        chat_retry_attempts=limits.retry_attempts,
        chat_timeout=round(limits.timeout * 1000),
        max_queue=_limits(scenario).max_queue,
        user_weights=_weights(scenario),
    )
    parts = Parts(
        server=server,
        demo=server,
        demo_asked=True,
        clock=clock,
        new_id=counted_ids(),
        rng=random.Random(f"{seed}:engine"),
        themes=load_themes(),
        zone=UTC,
    )
    return CCChatApp(settings, parts)


def _limits(scenario: Scenario) -> EngineSettings:
    usual = EngineSettings()
    return replace(
        usual,
        **scenario.limits.model_dump(),
        max_queue=max(usual.max_queue, scenario.expected),
        user_weights=_weights(scenario),
    )


def _weights(scenario: Scenario) -> dict[str, int]:
    return {name: user.weight for user in scenario.users for name in user.names}
