"""A service over a planned server, in virtual time."""

from __future__ import annotations

import random
from typing import Any

from ccchat_tui.engine.events import EngineEvent
from ccchat_tui.engine.handle import RequestHandle
from ccchat_tui.engine.limits import EngineSettings
from ccchat_tui.engine.service import ConcurrentChatService
from ccchat_tui.testing.virtual_time import LoopClock
from tests.engine.planned import Plan, PlannedServer


class ServiceDesk:
    """Asks a service for things.

    Args:
        server: What is asked; one that is made here if none is given.
        settings: The engine's; without a limit of the rate unless they set one.
    """

    def __init__(self, server: PlannedServer | None = None, **settings: Any) -> None:
        self.server = server or PlannedServer()
        self.events: list[EngineEvent] = []
        self.made = 0
        self.service = ConcurrentChatService(
            self.server,
            EngineSettings(**{"requests_per_minute": 0, "max_concurrent_per_user": 9, **settings}),
            clock=LoopClock(),
            rng=random.Random(1),
        )
        self.service.subscribe(self.events.append)

    def ask(self, *plans: Plan, user: str = "a", **options: Any) -> RequestHandle:
        """Ask for something that goes as planned; ids count from `r1`."""
        self.made += 1
        request_id = f"r{self.made}"
        prompt = self.server.prompt(request_id, *plans)
        return self.service.submit(
            user=user,
            session_id="s",
            model="m",
            prompt=lambda: prompt,
            preview="words",
            id=request_id,
            **options,
        )

    def told(self, kind: type[EngineEvent]) -> list[Any]:
        """The events of one kind."""
        return [event for event in self.events if type(event) is kind]

    @property
    def mode(self) -> tuple[str, str, int]:
        """The mode, why, and the limit in force."""
        seen = self.service.snapshot(0)
        return seen.mode, seen.mode_reason, seen.limits.max_concurrent
