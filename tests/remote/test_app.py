"""The app on the engine of another ccchat."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ccchat_tui.clock import SystemClock
from ccchat_tui.config import Settings
from ccchat_tui.sessions.model import TurnState
from ccchat_tui.testing.app import until
from ccchat_tui.tui.app import CCChatApp, Parts
from tests.api.desk import MODEL
from tests.remote.far import Far, far


def app_on(there: Far, **settings: Any) -> CCChatApp:
    """An app that works there."""
    parts = Parts(
        server=there.service.server,
        demo=there.service.server,
        remote=there.service,
        clock=SystemClock(),
    )
    return CCChatApp(Settings(**{"users": ("ada",), **settings}), parts)


async def test_one_chats_sees_others_and_gets_over_a_broken_line(tmp_path: Path) -> None:
    async with far(tmp_path, as_="admin", started=False) as there:
        app = app_on(there)
        async with app.run_test(size=(120, 40)) as pilot:
            await until(lambda: app.sessions.default_model == MODEL)
            app.chats.active.composer.load_text("hello")
            await pilot.press("enter")
            await there.desk.backend.emit("hello", "one ")
            turn = app.sessions.sessions[0].turns[0]
            await until(lambda: turn.reply == "one ")
            assert turn.state is TurnState.STREAMING
            async with there.desk.bob.stream(
                "POST", "/api/ai/requests",
                json={"model": MODEL, "messages": [{"role": "user", "content": "his own"}]},
            ):  # fmt: skip
                await until(lambda: "his own" in app.export_screenshot().replace("&#160;", " "))
            await there.wire.cut()
            await until(lambda: "no connection" in str(app.chats.header.render()))
            app.chats.active.composer.load_text("meanwhile")
            await pilot.press("enter")
            assert app.chats.active.composer.text == "meanwhile"
            await there.desk.backend.emit("hello", "two")
            await there.desk.backend.finish("hello")
            await there.wire.open()
            await until(lambda: turn.state is TurnState.COMPLETED)
            assert turn.reply == "one two"
            await until(lambda: "no connection" not in str(app.chats.header.render()))
            assert app.connection.answer.notice == ""


async def test_who_is_no_admin_is_told_so(tmp_path: Path) -> None:
    async with far(tmp_path, started=False) as there:
        app = app_on(there)
        async with app.run_test(size=(120, 40)):
            await until(lambda: app.sessions.default_model == MODEL)
            app.toggle_pause()
            await until(lambda: len(app._notifications) > 0)
            (notice,) = app._notifications
            assert "Only the admin" in notice.message
            await app.action_use_demo()
            assert app.service.backend is there.service.server
