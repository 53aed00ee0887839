"""Cancelling with mouse and keys, and asking again."""

from __future__ import annotations

from ccchat_tui.testing.ollama_server import OllamaServer, Phase
from tests.e2e.conftest import Start


async def test_cancel_with_the_mouse_and_retry(start: Start) -> None:
    """The ✕ of a row in the queue closes that connection and no other; Retry asks again."""
    async with (
        OllamaServer(manual=True) as server,
        start(server=server) as terminal,
    ):
        await terminal.until("llama3.2:3b")
        terminal.send("Stay here\rGo away\r")
        stays, goes = await server.chat("Stay here"), await server.chat("Go away")
        await stays.release(3)
        await goes.release(3)
        await terminal.until(lambda screen: screen.count("About:") == 2)
        terminal.send("a draft")
        await terminal.until("│ a draft")
        terminal.click_on("✕", beside="Go away")
        await goes.reached(Phase.LEFT)
        assert [(each.question, each.lines) for each in server.disconnects] == [("Go away", 3)]
        await terminal.until("↻ Retry")
        assert "What had come is kept." in terminal.text
        assert terminal.text.count("About:") == 2
        assert "│ a draft" in terminal.text
        assert stays.phase is Phase.GENERATING
        server.manual = False
        terminal.click_on("↻ Retry")
        await terminal.until(lambda screen: "✓" in screen and "↻ Retry" not in screen)
        again = await server.chat("Go away")
        assert again is not goes
        assert again.phase is Phase.COMPLETED
        await stays.finish()
        await terminal.until("completed        2")
        assert "cancelled        1" in terminal.text
        assert "│ a draft" in terminal.text


async def test_escape_cancels_the_newest(start: Start) -> None:
    """Of two replies the older one goes on to its end."""
    async with (
        OllamaServer(manual=True) as server,
        start(server=server) as terminal,
    ):
        await terminal.until("llama3.2:3b")
        terminal.send("The older one\rThe newer one\r")
        older, newer = await server.chat("The older one"), await server.chat("The newer one")
        await older.release(2)
        await newer.release(2)
        await terminal.until(lambda screen: screen.count("About:") == 2)
        terminal.send("\x1b")
        await newer.reached(Phase.LEFT)
        assert older.phase is Phase.GENERATING
        await older.finish()
        await terminal.until(lambda screen: screen.count("✓") == 1 and "↻ Retry" in screen)
        assert [each.question for each in server.disconnects] == ["The newer one"]


async def test_cancel_what_waits(start: Start) -> None:
    """What waits in the queue is cancelled from the list by keys, and never reaches the server."""
    async with (
        OllamaServer(manual=True) as server,
        start("--max-concurrent", "1", server=server) as terminal,
    ):
        await terminal.until("llama3.2:3b")
        terminal.send("Now\rLater\r")
        now = await server.chat("Now")
        await terminal.until(lambda _: "1 queued" in terminal.lines[0])
        terminal.send("\x1b[17~\x1b[17~\x1b[Bx")
        await terminal.until("Cancelled before anything came.")
        await now.finish()
        await terminal.until("completed        1")
        assert len(server.chats) == 1
