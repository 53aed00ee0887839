"""Sending for as long as the client stays."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from starlette.types import Receive


async def while_there(sending: Coroutine[Any, Any, None], receive: Receive, name: str) -> None:
    """Send to the end, or until the client has left.

    Args:
        sending: What sends.
        receive: Where its leaving is heard of.
        name: What the task is called.
    """
    sender = asyncio.create_task(sending, name=name)
    leaving = asyncio.create_task(_left(receive), name=f"reader of {name}")
    try:
        await asyncio.wait((sender, leaving), return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (sender, leaving):
            task.cancel()
        await asyncio.wait((sender, leaving))
    if not sender.cancelled():
        sender.result()


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
