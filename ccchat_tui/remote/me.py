"""Who we are for another ccchat."""

from __future__ import annotations

from ccchat_tui.backends.ccchat import CcchatServer
from ccchat_tui.quick import dataclass
from ccchat_tui.remote.picture import LONGEST, LONGEST_NAME
from ccchat_tui.text import one_line


@dataclass(frozen=True, slots=True)
class Me:
    """Who we are there."""

    user: str
    admin: bool
    model: str
    at: float
    """The other engine's clock when this was asked."""


async def who_am_i(server: CcchatServer) -> Me:
    """Ask a ccchat who we are there. Raises `BackendError`."""
    told = await server.me()
    user, model, at = told["user"], told.get("model", ""), told["at"]
    if not (isinstance(user, str) and isinstance(model, str) and type(at) in {int, float}):
        raise server.stranger()
    return Me(one_line(user, LONGEST_NAME), told["admin"] is True, one_line(model, LONGEST), at)
