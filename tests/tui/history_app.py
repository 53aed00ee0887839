"""The whole app with a store of its own, for the tests of what lasts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC
from pathlib import Path
from typing import Any

from ccchat_tui.sessions.ids import counted_ids
from ccchat_tui.sessions.store import Store
from ccchat_tui.testing.app import AppUnderTest, scripted_app, until
from ccchat_tui.tui.app import Parts
from ccchat_tui.tui.screens.history import HistoryScreen


class KeptApp(AppUnderTest):
    """The app on a file, which it closes when it has ended."""

    @property
    def store(self) -> Store:
        """Where it keeps its conversations."""
        store = self._parts.store
        assert store is not None
        return store

    @property
    def history(self) -> HistoryScreen:
        """The history, which is open."""
        screen = self.screen
        assert isinstance(screen, HistoryScreen)
        return screen

    @property
    def said(self) -> list[str]:
        """What was said in passing."""
        return [notice.message for notice in self._notifications]

    async def _shutdown(self) -> None:
        await super()._shutdown()
        await self.store.aclose()

    async def begun(self) -> None:
        """Wait until the store is open, and the tabs of last time are back."""
        await until(lambda: self.keeping.ready)
        await self.settle()

    async def listed(self, total: int) -> None:
        """Wait until the history lists so many conversations, and they are drawn."""
        rows = self.history.list
        await until(lambda: not self.history.asking and rows.total == total and rows.complete)
        await self.settle()


def kept_app(
    path: Path, *, prefix: str = "a-", tabs_of: frozenset[str] | None = None, **settings: Any
) -> KeptApp:
    """An app over a `ScriptedBackend` that keeps its conversations.

    Args:
        path: The file.
        prefix: Of its identifiers; two apps that share a file must not make the same ones.
        tabs_of: Whose tabs come back; `None` for those of everybody.
        settings: By field, as for `scripted_app`.
    """
    plain = scripted_app(**settings)
    parts: Parts = replace(
        plain._parts,
        store=Store(path, again_after=0.02),
        new_id=counted_ids(prefix),
        tabs_of=tabs_of,
        zone=UTC,
    )
    return KeptApp(plain.settings, parts, plain.time)
