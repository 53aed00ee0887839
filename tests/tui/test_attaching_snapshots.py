"""What one sees of attached files.

After a change that is meant to be seen: `python -m pytest tests/tui/test_attaching_snapshots.py
--snapshot-update`, then look at each picture that differs.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.pilot import Pilot

from ccchat_tui.testing.app import AppUnderTest, until
from tests.sessions.pictures import png
from tests.tui.test_snapshots import Snap, shape, snap

__all__ = ["snap"]


class TestAttached:
    """Files above the message box, and below a question."""

    @pytest.mark.parametrize("size", [(60, 20), (80, 24), (120, 40)], ids=shape)
    def test_above_the_box(self, snap: Snap, size: tuple[int, int], tmp_path: Path) -> None:
        """Some went with a question; others wait, one of them too large, and one is offered."""
        notes, picture = tmp_path / "notes.md", tmp_path / "red dot.png"
        notes.write_text("cod\n" * 5000)
        picture.write_bytes(png(1_200_000))
        more = tmp_path / "\u9c7c [red].oops.txt"
        more.write_text("cod")

        async def story(app: AppUnderTest, pilot: Pilot[None]) -> None:
            app.pane.session.options["num_ctx"] = 4096
            attaching = app.pane.attaching
            await attaching.attach([picture, more])
            app.pane.composer.set_draft("What is this?")
            await pilot.press("enter")
            await app.script.emit(0, "A red dot.")
            await app.script.finish(0)
            await attaching.attach([notes, more])
            attaching.bar.show_offer(
                "Attach it?", "Alt+A does, Esc leaves it as text", "Alt+A · Esc"
            )
            await until(lambda: "of 4,096" in attaching.bar.text)
            await app.settle()
            await pilot.press("shift+tab")

        snap(story, size=size)

    def test_a_path_is_asked_for(self, snap: Snap, tmp_path: Path) -> None:
        """Names are offered as a path is typed."""
        (tmp_path / "pictures").mkdir()
        (tmp_path / "notes.md").touch()
        (tmp_path / "plan.txt").touch()

        async def story(app: AppUnderTest, pilot: Pilot[None]) -> None:
            await pilot.press("alt+a")
            with pytest.MonkeyPatch.context() as patch:
                patch.chdir(tmp_path)
                await pilot.press("p", "down")
                await app.settle()

        snap(story)
