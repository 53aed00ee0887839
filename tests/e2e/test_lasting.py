"""What was said is there at the next start, however the program ended, and whoever else runs."""

from __future__ import annotations

import signal
import sqlite3
from contextlib import closing
from pathlib import Path

from ccchat_tui.testing.app import until
from ccchat_tui.testing.ollama_server import OllamaServer
from tests.e2e.conftest import Start
from tests.e2e.terminal import Terminal


def file(tmp_path: Path) -> Path:
    [found] = tmp_path.rglob("conversations.db")
    return found


def replies(tmp_path: Path) -> dict[str, str]:
    """What is on the disk of each question's reply, also of those that are not whole."""
    with closing(sqlite3.connect(file(tmp_path))) as database:
        return dict(
            database.execute(
                "SELECT question, reply || coalesce((SELECT group_concat(reply, '') FROM "
                "(SELECT reply FROM pieces WHERE turn = turns.id ORDER BY tokens)), '') FROM turns"
            ).fetchall()
        )


async def ask(terminal: Terminal, *questions: str) -> None:
    """Send messages, one after the other."""
    for question in questions:
        terminal.send(f"{question}\r")
        await terminal.until(f"▌ {question}")


QUESTIONS = [f"Question {number}" for number in range(1, 6)]


async def test_killed_in_the_middle_of_five_streams(start: Start, tmp_path: Path) -> None:
    """Every turn is there, with what had come of it, and can be asked again."""
    async with OllamaServer(manual=True, slots=5) as server:
        async with start(server=server, env={"MAX_CONCURRENT_PER_USER": "5"}, rows=60) as terminal:
            await terminal.until("llama3.2:3b")
            await ask(terminal, *QUESTIONS)
            chats = [await server.chat(question) for question in QUESTIONS]
            for chat in chats:
                await chat.release(3)
            await terminal.until("5/5 in flight")
            await until(lambda: all(replies(tmp_path).get(each) for each in QUESTIONS))
            written = replies(tmp_path)
            terminal.send("a draft")
            await until(lambda: "a draft" in drafts(tmp_path))
            terminal.kill(signal.SIGKILL)
            assert await terminal.exit_code() == -signal.SIGKILL
        server.manual = False
        async with start(server=server, rows=60) as terminal:
            screen = await terminal.until(lambda text: text.count("¦ interrupted:") == 5)
            assert all(f"▌ {question}" in screen for question in QUESTIONS)
            assert screen.count("↻ Retry") == 5
            assert "│ a draft" in screen
            assert replies(tmp_path) == written
            assert all(written.values())
            terminal.click_on("↻ Retry", last=True)
            await terminal.until(lambda text: text.count("¦ interrupted:") == 4 and "✓" in text)
            terminal.send("\x11")
            assert await terminal.exit_code() == 0


def databases(tmp_path: Path) -> list[Path]:
    return list(tmp_path.rglob("*.db"))


def drafts(tmp_path: Path) -> list[str]:
    with closing(sqlite3.connect(file(tmp_path))) as database:
        return [row[0] for row in database.execute("SELECT draft FROM sessions")]


async def test_two_programs_on_one_file(start: Start, tmp_path: Path) -> None:
    """Neither takes anything from the other; the next one has the tabs of both."""
    async with OllamaServer() as server:
        async with start(server=server) as one:
            await one.until("llama3.2:3b")
            await ask(one, "Asked in the first")
            await one.until("✓")
            async with start(server=server) as two:
                await two.until("llama3.2:3b")
                await ask(two, "Asked in the second")
                await two.until("✓")
                assert "Asked in the first" not in two.text
                # The history has both, but does not open what is open elsewhere.
                two.send("\x1bh")
                await two.until("2 conversations")
                two.send("first\r")
                await two.until("open in another ccchat")
                two.kill(signal.SIGKILL)
                assert await two.exit_code() == -signal.SIGKILL
            await ask(one, "And once more")
            await one.until(lambda text: text.count("✓") >= 2)
            one.send("\x11")
            assert await one.exit_code() == 0
        async with start(server=server) as three:
            await three.until(
                lambda _: "Asked in the f" in three.lines[1] and "Asked in the s" in three.lines[1]
            )
            three.send("\x11")
            assert await three.exit_code() == 0
    assert len(replies(tmp_path)) == 3
    assert not list(file(tmp_path).parent.glob("*.lock"))


async def test_nothing_is_kept_when_that_is_wished(start: Start, tmp_path: Path) -> None:
    async with OllamaServer() as server, start("--no-store", server=server) as terminal:
        await terminal.until("llama3.2:3b")
        await ask(terminal, "Just between us")
        await terminal.until("✓")
        terminal.send("\x1bh")
        await terminal.until("in memory only")
        terminal.send("\x11")
        assert await terminal.exit_code() == 0
    assert databases(tmp_path) == []


async def test_a_place_that_cannot_be_written(start: Start, tmp_path: Path) -> None:
    """It is said, everything else goes on, and at the end it is said what was lost by it."""
    (tmp_path / "file").touch()
    named = {"CCCHAT_STORE": str(tmp_path / "file" / "c.db")}
    async with OllamaServer() as server, start(server=server, env=named) as terminal:
        await terminal.until("llama3.2:3b")
        await terminal.until("cannot be saved")
        await ask(terminal, "Does it go on?")
        await terminal.until("✓")
        terminal.send("\x11")
        assert await terminal.exit_code() == 1
        assert terminal.not_given_back() == []
        said = terminal.raw.rpartition(b"\x1b[?1049l")[2].decode()
        assert "not everything that was said could be saved" in " ".join(said.split())
        assert b"Traceback" not in terminal.raw
