"""What is known of models beyond their names: whether they see, and how much they take in."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from ccchat_tui.backends.base import BackendError, ShowsModels
from ccchat_tui.backends.model_lists import full_name

if TYPE_CHECKING:
    from ccchat_tui.sessions.model import Session
    from ccchat_tui.tui.app import CCChatApp

PATIENCE: Final = 4.0
"""Seconds for which a server is waited for; after that what it would say is not known."""


class ModelFacts:
    """Asks the server about a model when that matters, and remembers what it says.

    Args:
        app: Whose server is asked.
    """

    def __init__(self, app: CCChatApp) -> None:
        self._app = app
        self._sees: dict[str, bool] = {}
        self._windows: dict[str, int] = {}

    def sees(self, model: str) -> bool | None:
        """Whether a model takes pictures; `None` while that is not known."""
        return self._sees.get(full_name(model))

    def window(self, session: Session) -> int | None:
        """Tokens of context that the next request of a session has; `None` where nobody says."""
        wanted = session.options.get("num_ctx")
        if isinstance(wanted, int) and wanted > 0:
            return wanted
        return self._windows.get(full_name(session.model))

    async def learn(self, model: str) -> None:
        """Ask the server about a model. What it does not say stays unknown."""
        try:
            async with asyncio.timeout(PATIENCE):
                await self._learn(model)
        except (BackendError, TimeoutError):
            return

    async def _learn(self, model: str) -> None:
        name = full_name(model)
        there = await self._app.connection.models()
        for each in there:
            # Of the others, too: a question with a picture may go to several at once.
            self._note_sight(each.name, each.capabilities)
        info = next((each for each in there if full_name(each.name) == name), None)
        if info is None:
            return
        managers = self._app.models.managers
        if not info.capabilities:
            # Ollama's list has not always told them; `/api/show` does.
            asked = next(
                (each for each in managers.values() if isinstance(each, ShowsModels)), None
            )
            self._note_sight(name, (await asked.show(model)).capabilities if asked else ())
        if not managers:
            # Served with a context that was chosen when it was started.
            if info.context_length:
                self._windows[name] = info.context_length
            return
        self._windows.pop(name, None)
        for manager in managers.values():
            for loaded in await manager.running():
                if full_name(loaded.name) == name and loaded.context_length:
                    self._windows[name] = loaded.context_length

    def _note_sight(self, model: str, capabilities: Sequence[str]) -> None:
        """Remember whether a model takes pictures, if anything is told of what it can do."""
        if capabilities:
            name, blind = full_name(model), self._app.sessions.sightless
            self._sees[name] = "vision" in capabilities
            blind.discard(name) if self._sees[name] else blind.add(name)
