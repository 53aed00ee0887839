"""A line of the log for each request."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from starlette.types import Message, Scope, Send

from ccchat_tui.text import one_line

LONGEST_PATH: Final = 120

_log = logging.getLogger(__name__)
_log.addHandler(logging.NullHandler())  # without one it would be written on the screen


class Answered:
    """What was answered.

    Attributes:
        status: The status; `None` while nothing was sent.
        whole: Whether the answer is complete.
    """

    def __init__(self) -> None:
        self.status: int | None = None
        self.whole = False

    def watch(self, send: Send) -> Send:
        """A `send` that is looked at."""

        async def watched(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.status = message["status"]
            elif message["type"] == "http.response.body":
                self.whole = not message.get("more_body", False)
            await send(message)

        return watched


@contextmanager
def logged_request(scope: Scope) -> Iterator[Answered]:
    """Write a line when the request is over: who asked what, and what came of it. The query is left
    out, for anything may stand there."""
    began = time.monotonic()
    answered = Answered()
    try:
        yield answered
    finally:
        failed = answered.status is None or answered.status >= 500
        looked = scope["method"] == "GET" and not failed and (answered.status or 0) < 400
        # Who watches looks several times a second.
        level = logging.DEBUG if looked else logging.WARNING if failed else logging.INFO
        if _log.isEnabledFor(level):
            caller = scope.get("state", {}).get("caller")
            told = {
                "method": one_line(scope["method"], 20),
                "path": one_line(scope["path"], LONGEST_PATH),
                "status": answered.status,
                "ms": round((time.monotonic() - began) * 1000, 1),
                "user": None if caller is None else caller.user,
            }
            _log.log(level, "api_request", extra={"told": told})
