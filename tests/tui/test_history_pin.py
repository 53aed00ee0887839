"""A conversation that is pinned moves to the top, and the cursor with it."""

from __future__ import annotations

from pathlib import Path

from tests.sessions.stored import conversation, fill
from tests.tui.history_app import kept_app


async def test_the_cursor_stays_on_what_was_pinned(tmp_path: Path) -> None:
    path = tmp_path / "c.db"
    fill(path, *(conversation(number, turns=(("herring", "r"),)) for number in range(1, 5)))
    app = kept_app(path)
    async with app.run_test() as pilot:
        await app.begun()
        await pilot.press("f12")
        await app.listed(4)
        for typed in ("", "herring"):
            await pilot.press(*typed)
            await app.listed(4)
            await pilot.press("home", "down", "down")
            chosen = app.history.list.selected
            assert chosen is not None
            await pilot.press("f4")
            await app.workers.wait_for_complete()
            await app.listed(4)
            selected = app.history.list.selected
            assert selected is not None
            assert selected.summary.id == chosen.summary.id
            assert selected.summary.pinned != chosen.summary.pinned
