"""Small terminals, a store that fails, one server for all panes: what one sees of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.pilot import Pilot

from ccchat_tui.testing.app import NO_SERVER, AppUnderTest, scripted_app, until
from ccchat_tui.testing.scripted import ScriptedBackend
from tests.support.palette import palette_found
from tests.tui.history_app import KeptApp, kept_app
from tests.tui.test_keyboard_snapshots import with_reply
from tests.tui.test_snapshots import Snap, shape, snap

__all__ = ["snap"]


class TestSaving:
    """What is said while nothing can be saved."""

    @pytest.mark.parametrize("size", [(60, 20), (120, 40)], ids=shape)
    def test_not_saved(self, snap: Snap, tmp_path: Path, size: tuple[int, int]) -> None:
        """The sign stays in the first row when the notice has gone."""
        (tmp_path / "folder").touch()

        async def story(app: AppUnderTest, pilot: Pilot[None]) -> None:
            assert isinstance(app, KeptApp)
            await until(lambda: app.store.problem is not None and len(app._notifications) > 0)
            app.clear_notifications()
            await app.settle()

        snap(story, kept_app(tmp_path / "folder" / "c.db"), size)


class TestSmall:
    """Few rows and columns."""

    def test_too_small(self, snap: Snap) -> None:
        """Below what can be shown it says what it needs."""

        async def story(app: AppUnderTest, pilot: Pilot[None]) -> None:
            await with_reply(app)

        snap(story, size=(30, 8))

    @pytest.mark.parametrize("size", [(40, 10), (60, 20)], ids=shape)
    @pytest.mark.parametrize("key", ["f1", "f2", "f3", "f4", "alt+j"])
    def test_every_screen(self, snap: Snap, key: str, size: tuple[int, int]) -> None:
        """Help, name, model, settings, jump mode."""

        async def story(app: AppUnderTest, pilot: Pilot[None]) -> None:
            await with_reply(app)
            await pilot.press(key)
            await app.workers.wait_for_complete()

        snap(story, size=size)

    def test_history(self, snap: Snap, tmp_path: Path) -> None:
        """The history where rows are few."""

        async def story(app: AppUnderTest, pilot: Pilot[None]) -> None:
            assert isinstance(app, KeptApp)
            await app.begun()
            await app.ask("What goes into the soup?")
            await pilot.press("f12")
            await app.listed(1)

        snap(story, kept_app(tmp_path / "c.db"), (40, 10))


class TestOnce:
    """What needs saying once."""

    def test_no_server_in_the_grid(self, snap: Snap) -> None:
        """Of three panes the first says it."""

        async def story(app: AppUnderTest, pilot: Pilot[None]) -> None:
            await pilot.press("ctrl+g")

        server = ScriptedBackend(down=NO_SERVER)
        snap(story, scripted_app(server, users=("Ada", "Bob", "Cleo")))

    def test_themes(self, snap: Snap) -> None:
        """Ours first."""

        async def story(app: AppUnderTest, pilot: Pilot[None]) -> None:
            await pilot.press("ctrl+t", "p")
            await palette_found(app, "p", only_themes=True)

        snap(story, scripted_app(), (80, 24))
