"""Who is asked about a failed attempt, and what may be answered."""

from __future__ import annotations

from enum import Enum
from typing import Protocol

from ccchat_tui.engine.handle import RequestHandle
from ccchat_tui.engine.request import Failure


class Fate(Enum):
    """What a guard wants done with a request whose attempt has failed."""

    USUAL = "usual"
    """Retried if the policy says so, else ended."""
    FRONT = "front"
    """Queued again before everything else, and the attempt does not count."""
    HOLD = "hold"
    """Kept as it is, until the guard calls `to_front` or `let_go` of the lifecycle."""


class Guard(Protocol):
    """Watches failures for what they say of running at once."""

    def attempt_failed(self, handle: RequestHandle, failure: Failure, *, shown: bool) -> Fate:
        """An attempt failed, after something of the reply was shown or before."""
        ...

    def forget(self, handle: RequestHandle) -> None:
        """A request that was held has ended."""
        ...
