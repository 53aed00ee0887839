"""What runs beside an engine for as long as it is used: the API, an event log, the log."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import field
from typing import TYPE_CHECKING

from ccchat_tui.quick import dataclass

if TYPE_CHECKING:
    from ccchat_tui.engine.service import ConcurrentChatService


@dataclass(slots=True)
class Outside:
    """How others reach the engine, as whoever it runs beside knows it."""

    url: str
    """Where the API listens."""
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when it serves nobody any more."""
    problem: str = ""
    """Why it has ended before its time, in words; empty while it has not."""


Beside = Callable[["ConcurrentChatService"], AbstractAsyncContextManager[Outside | None]]
"""What runs beside a service for as long as the service is used; it says how others reach it then,
if they do."""


def all_beside(*several: Beside | None) -> Beside | None:
    """All of these as one, begun in this order and ended in the opposite one; `None` for none."""
    there = [each for each in several if each is not None]
    if len(there) < 2:
        return there[0] if there else None

    @asynccontextmanager
    async def together(service: ConcurrentChatService) -> AsyncIterator[Outside | None]:
        async with AsyncExitStack() as stack:
            outside = None
            for each in there:
                outside = await stack.enter_async_context(each(service)) or outside
            yield outside

    return together
